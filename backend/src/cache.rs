//! The code cache: which guest pc has which host entry, and how translations are linked with each other.
//!
//! Every exit of a translation goes through a link slot. A link is linked when its target's translation is published,
//! whichever of the two comes first, and goes back to the stub that leaves translated code when the target is
//! invalidated. Slots are written with release stores and read by running code, so linking needs no thread to stop.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use rustc_hash::FxHashMap;

use crate::arena::Arena;
use crate::compiler::Compiled;
use crate::enter;
use crate::entry::{Entry, View};
use crate::fault::FaultMap;
use crate::lower::LinkTarget;

/// A published translation.
#[derive(Clone, Debug)]
pub struct TranslationBlock {
    /// Guest address of the entry.
    pub pc: u64,
    /// Host code.
    pub host: Range<u64>,
    /// Guest code, `(start, end)` of each block.
    pub guest: Vec<(u64, u64)>,
    /// Number of guest instructions.
    pub guest_insns: u32,
    /// Host pcs to guest pcs; of a region from disk, its entry knows that.
    pub faults: Option<FaultMap>,
    /// Numbers of its links.
    pub links: Range<usize>,
    /// Whether it may still be entered.
    pub valid: bool,
}

/// An entry from disk, mapped for one place of its guest file.
#[derive(Debug)]
struct Image {
    entry: Arc<Entry>,
    /// Guest address of the file's beginning.
    base: u64,
    /// Host address of the code.
    code: u64,
    /// Number of the first link.
    links: usize,
    /// Regions that were activated before, whose links are known.
    known: Vec<bool>,
}

impl Image {
    fn holds(&self, host_pc: u64) -> bool {
        (self.code..self.code + self.entry.code().len() as u64).contains(&host_pc)
    }

    /// The guest pc of an instruction's host pc in the image.
    fn find_fault(&self, host_pc: u64) -> Option<u64> {
        let offset = host_pc - self.code;
        let region = self.entry.find_code(offset)?;
        let view = self.entry.view(region).ok()?;
        let pc = self.base.wrapping_add(view.pc);
        FaultMap::from_pairs(pc, view.faults()?).guest_pc((offset - view.code.start) as u32)
    }
}

/// Names an attached entry; good until the cache is flushed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ImageId {
    index: usize,
    flushes: u64,
}

/// What happened when a translation was to be published.
#[derive(Debug)]
pub enum Published {
    /// It is in the cache; this is its host entry.
    Entry(u64),
    /// The cache is full: flush it, then translate again.
    Full,
}

/// Counts for the summary.
#[derive(Clone, Copy, Debug, Default)]
pub struct CacheStats {
    /// Translations published.
    pub published: u64,
    /// Bytes of host code published.
    pub host_bytes: u64,
    /// Guest instructions in them.
    pub guest_insns: u64,
    /// Translations of earlier processes that were taken from disk.
    pub activated: u64,
    /// Translations invalidated.
    pub invalidated: u64,
    /// Times the whole cache was dropped.
    pub flushes: u64,
}

#[derive(Debug)]
struct Inner {
    arena: Option<Arena>,
    blocks: Vec<TranslationBlock>,
    by_pc: FxHashMap<u64, usize>,
    /// Translations of this process, in the order of their host code.
    compiled: Vec<usize>,
    images: Vec<Image>,
    /// Translations by guest page, for invalidation.
    by_page: FxHashMap<u64, Vec<usize>>,
    /// Links by the guest pc they lead to, linked or not.
    incoming: FxHashMap<u64, Vec<usize>>,
    used: usize,
    stats: CacheStats,
}

/// The code cache of a process. All threads share it.
#[derive(Debug)]
pub struct CodeCache {
    inner: Mutex<Inner>,
    limit: usize,
    /// How many translations were ever published; lets dispatchers skip a look-up that cannot succeed.
    count: AtomicUsize,
}

const PAGE: u64 = 4096;

impl CodeCache {
    /// An empty cache that holds at most `limit` bytes of host code. Nothing is mapped before the first translation.
    pub fn new(limit: usize) -> CodeCache {
        let inner = Inner {
            arena: None,
            blocks: Vec::new(),
            by_pc: FxHashMap::default(),
            compiled: Vec::new(),
            images: Vec::new(),
            by_page: FxHashMap::default(),
            incoming: FxHashMap::default(),
            used: 0,
            stats: CacheStats::default(),
        };
        CodeCache {
            inner: Mutex::new(inner),
            limit,
            count: AtomicUsize::new(0),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic while the lock is held aborts the process, so the lock is never poisoned.
        self.inner.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// Holds the cache still while the process forks.
    pub fn fork_guard(&self) -> impl Drop + '_ {
        self.lock()
    }

    /// Whether nothing was ever published.
    pub fn is_empty(&self) -> bool {
        self.count.load(Ordering::Acquire) == 0
    }

    /// The host entry of the translation of a guest pc.
    pub fn lookup(&self, pc: u64) -> Option<u64> {
        if self.is_empty() {
            return None;
        }
        let inner = self.lock();
        inner.by_pc.get(&pc).map(|i| inner.blocks[*i].host.start)
    }

    /// The translation that a host pc belongs to, and the guest pc of its instruction.
    pub fn find_fault(&self, host_pc: u64) -> Option<u64> {
        let inner = self.lock();
        if let Some(image) = inner.images.iter().find(|image| image.holds(host_pc)) {
            return image.find_fault(host_pc);
        }
        // This process publishes at ascending addresses.
        let i = inner.compiled.partition_point(|i| inner.blocks[*i].host.end <= host_pc);
        let block = &inner.blocks[*inner.compiled.get(i)?];
        let faults = block.faults.as_ref().filter(|_| block.host.contains(&host_pc))?;
        faults.guest_pc((host_pc - block.host.start) as u32)
    }

    /// Publishes a translation and links it with its neighbours.
    pub fn publish(&self, compiled: &Compiled) -> io::Result<Published> {
        let mut inner = self.lock();
        let inner = &mut *inner;
        let arena = open(&mut inner.arena)?;
        if inner.used + compiled.code.len() > self.limit && inner.used != 0 {
            return Ok(Published::Full);
        }
        let Some(entry) = arena.reserve_code(compiled.code.len())? else { return Ok(Published::Full) };
        let Some(first) = arena.alloc_links(compiled.links.len()) else { return Ok(Published::Full) };
        let mut code = compiled.code.clone();
        for reloc in &compiled.relocs {
            let place = entry + reloc.offset as u64;
            let distance = (arena.link_addr(first + reloc.link as usize) as i64 + reloc.addend).wrapping_sub(place as i64);
            code[reloc.offset as usize..][..4].copy_from_slice(&(distance as i32).to_le_bytes());
        }
        arena.commit_code(&code);
        arena.start_links(first, &compiled.links, compiled.image_base.unwrap_or(0));
        inner.used += code.len();
        inner.stats.published += 1;
        inner.stats.host_bytes += code.len() as u64;
        inner.stats.guest_insns += compiled.guest_insns as u64;
        let block = TranslationBlock {
            pc: compiled.pc,
            host: entry..entry + code.len() as u64,
            guest: compiled.guest.clone(),
            guest_insns: compiled.guest_insns,
            faults: Some(compiled.faults.clone()),
            links: first..first + compiled.links.len(),
            valid: true,
        };
        inner.compiled.push(inner.blocks.len());
        inner.add(block, &compiled.links, true);
        self.count.fetch_add(1, Ordering::Release);
        Ok(Published::Entry(entry))
    }

    /// Maps an entry from disk for a guest file that begins at `base`. None of its regions is used before it is activated.
    /// `None` if there is no room.
    pub fn attach(&self, entry: Arc<Entry>, file: &File, base: u64) -> io::Result<Option<ImageId>> {
        let mut inner = self.lock();
        let inner = &mut *inner;
        let Some((links, code)) = open(&mut inner.arena)?.map_entry(&entry, file)? else { return Ok(None) };
        let known = vec![false; entry.len()];
        inner.images.push(Image { entry, base, code, links, known });
        Ok(Some(ImageId { index: inner.images.len() - 1, flushes: inner.stats.flushes }))
    }

    /// Whether an attached entry is still there.
    pub fn is_attached(&self, image: ImageId) -> bool {
        image.flushes == self.lock().stats.flushes
    }

    /// Makes region number `region` of an attached entry one that is found and linked, and gives its host entry. `view` is
    /// what the entry says of it. The caller has compared the guest's bytes, and nothing has changed since.
    pub fn activate(&self, image: ImageId, region: usize, view: &View) -> Option<u64> {
        let mut inner = self.lock();
        let inner = &mut *inner;
        if image.flushes != inner.stats.flushes {
            return None;
        }
        let this = inner.images.get_mut(image.index)?;
        let base = this.base;
        let pc = base.wrapping_add(view.pc);
        if let Some(block) = inner.by_pc.get(&pc) {
            return Some(inner.blocks[*block].host.start);
        }
        let first = this.links + view.first_link;
        let absolute = |target: &u64| if target & 1 == 1 { *target } else { base.wrapping_add(*target) };
        let targets: Vec<u64> = view.links.iter().map(absolute).collect();
        let is_new = !std::mem::replace(&mut this.known[region], true);
        let entry = this.code + view.code.start;
        if is_new {
            // Later the links hold what linking made of them, and threads may still run through them.
            inner.arena.as_ref()?.start_links(first, &targets, base);
        }
        let block = TranslationBlock {
            pc,
            host: entry..this.code + view.code.end,
            guest: view.guest.iter().map(|(s, e)| (base.wrapping_add(*s), base.wrapping_add(*e))).collect(),
            guest_insns: view.guest_insns,
            faults: None,
            links: first..first + targets.len(),
            valid: true,
        };
        inner.stats.activated += 1;
        inner.add(block, &targets, is_new);
        self.count.fetch_add(1, Ordering::Release);
        Some(entry)
    }

    /// The guest pc that the link at a host address leads to.
    pub fn link_target(&self, link: u64) -> Option<u64> {
        let inner = self.lock();
        let arena = inner.arena.as_ref()?;
        Some(arena.link(arena.link_index(link)).pc.load(Ordering::Acquire))
    }

    /// Fills the inline cache at a host address with a target that has a translation. A cache is filled once: code
    /// that runs reads its two words one after the other.
    pub fn fill_cache(&self, link: u64, pc: u64) {
        let mut inner = self.lock();
        let inner = &mut *inner;
        let (Some(arena), Some(block)) = (inner.arena.as_ref(), inner.by_pc.get(&pc)) else { return };
        let index = arena.link_index(link);
        let slot = arena.link(index);
        if slot.pc.load(Ordering::Relaxed) & 1 == 0 {
            return;
        }
        slot.entry.store(inner.blocks[*block].host.start, Ordering::Release);
        slot.pc.store(pc, Ordering::Release);
        inner.incoming.entry(pc).or_default().push(index);
    }

    /// Drops every translation that came from a guest range, and gives the guest pcs of their entries. Threads that run
    /// one of them go on until their next exit; the caller makes all threads forget these entries.
    pub fn invalidate(&self, start: u64, end: u64) -> Vec<u64> {
        if self.is_empty() {
            return Vec::new();
        }
        let mut inner = self.lock();
        let inner = &mut *inner;
        let mut hit: Vec<usize> = Vec::new();
        let (first, last) = (start / PAGE, end.saturating_sub(1) / PAGE);
        if last.saturating_sub(first) as usize > inner.by_page.len() {
            hit.extend(inner.by_page.iter().filter(|(p, _)| (first..=last).contains(p)).flat_map(|(_, v)| v));
        } else {
            hit.extend((first..=last).filter_map(|p| inner.by_page.get(&p)).flatten());
        }
        let mut gone = Vec::new();
        for index in hit {
            let block = &inner.blocks[index];
            if block.valid && block.guest.iter().any(|(s, e)| *s < end && start < *e) {
                gone.push(block.pc);
                inner.unlink(index);
            }
        }
        gone
    }

    /// Drops everything.
    ///
    /// # Safety
    /// No thread may be executing translated code, and every jump table must be emptied before any thread enters it.
    pub unsafe fn flush(&self) -> io::Result<()> {
        let mut inner = self.lock();
        let inner = &mut *inner;
        inner.blocks.clear();
        inner.by_pc.clear();
        inner.compiled.clear();
        inner.images.clear();
        inner.by_page.clear();
        inner.incoming.clear();
        inner.used = 0;
        inner.stats.flushes += 1;
        match inner.arena.as_mut() {
            Some(arena) => arena.reset(),
            None => Ok(()),
        }
    }

    /// In a forked child, before anything is published.
    pub fn after_fork(&self) {
        if let Some(arena) = self.lock().arena.as_mut() {
            arena.after_fork();
        }
    }

    /// Counts so far.
    pub fn stats(&self) -> CacheStats {
        self.lock().stats
    }
}

/// The arena, made when it is first needed.
fn open(arena: &mut Option<Arena>) -> io::Result<&mut Arena> {
    match arena {
        Some(arena) => Ok(arena),
        None => {
            let new = Arena::new()?;
            enter::set_code_range(new.code_range());
            Ok(arena.insert(new))
        }
    }
}

impl Inner {
    /// Makes a translation one that is found, and links it with its neighbours. `targets` are those of its links;
    /// `is_new` says that its links were never added before.
    fn add(&mut self, block: TranslationBlock, targets: &[LinkTarget], is_new: bool) {
        let (index, pc, first) = (self.blocks.len(), block.pc, block.links.start);
        self.blocks.push(block);
        self.index_pages(index);
        self.by_pc.insert(pc, index);
        for (i, target) in targets.iter().enumerate().filter(|(_, target)| **target & 1 == 0) {
            if is_new {
                self.incoming.entry(*target).or_default().push(first + i);
            }
            self.link(first + i, *target);
        }
        if let Some(incoming) = self.incoming.get(&pc) {
            for link in incoming {
                self.link(*link, pc);
            }
        }
    }

    fn index_pages(&mut self, index: usize) {
        let mut pages: Vec<u64> =
            self.blocks[index].guest.iter().flat_map(|(s, e)| s / PAGE..=e.saturating_sub(1).max(*s) / PAGE).collect();
        pages.sort_unstable();
        pages.dedup();
        for page in pages {
            self.by_page.entry(page).or_default().push(index);
        }
    }

    /// Points a link at its target's translation if there is one.
    fn link(&self, link: usize, pc: u64) {
        if let (Some(arena), Some(block)) = (&self.arena, self.by_pc.get(&pc)) {
            arena.link(link).entry.store(self.blocks[*block].host.start, Ordering::Release);
        }
    }

    /// Takes a translation out: nothing finds or links to it any more.
    fn unlink(&mut self, index: usize) {
        let block = &mut self.blocks[index];
        block.valid = false;
        let pc = block.pc;
        self.stats.invalidated += 1;
        if self.by_pc.get(&pc) == Some(&index) {
            self.by_pc.remove(&pc);
            if let (Some(arena), Some(links)) = (&self.arena, self.incoming.get(&pc)) {
                for link in links {
                    arena.link(*link).entry.store(enter::unlinked_stub(), Ordering::Release);
                }
            }
        }
    }
}
