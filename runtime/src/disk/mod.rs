//! The cache on disk: what one process translated, the next one maps.
//!
//! When a guest pc is reached for which nothing is known, [`Disk::find`] looks whether the file that is mapped there has
//! an entry with a region that begins there. The bytes that the region came from are compared with the guest's before it is
//! used, and its pages are watched from then on, as for every translation.
//!
//! | file | topic |
//! |---|---|
//! | `key` | what identifies a guest file, and what made a translation |
//! | `store` | the directory: opening and publishing files safely |
//! | `limit` | its size |
//! | `profile` | how often blocks ran |
//! | `translate` | ahead-of-time translation by a profile |
//! | `worker` | the process that does it |
//! | `warm` | ahead-of-time translation of whole files |
//! | `admin` | listing, checking, emptying, exporting |

pub mod admin;
pub mod key;
pub mod limit;
pub mod profile;
pub mod store;
pub mod translate;
pub mod warm;
pub mod worker;

use std::fs::File;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use mynah_backend::Compiled;
use mynah_backend::cache::ImageId;
use mynah_backend::entry::{Entry, Name, Piece, View};
use rustc_hash::FxHashMap;

use crate::memory::{CodeFile, GuestAddr, Memory};
use crate::options::{Options, Tiers};
use crate::process::Process;
use crate::tier0::Blocks;
use profile::Profile;
use store::{Doubt, Store};

/// Executions of blocks in tier 0 that translating them would have saved, from which on that is asked for.
const WORTH_PUBLISHING: u64 = 4000;

/// A process's side of the cache on disk.
#[derive(Debug)]
pub struct Disk {
    /// Nothing is looked up or kept.
    off: bool,
    variant: u128,
    state: Mutex<State>,
    /// Whether something was wrong and has been reported.
    reported: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    /// Entries by file and place; `None` where there is none to use.
    attached: FxHashMap<(u128, u64), Option<Attached>>,
    /// What this process translated, by file.
    fresh: FxHashMap<u128, Vec<Piece>>,
    /// What this process counted, by file.
    profiles: FxHashMap<u128, Profile>,
}

#[derive(Clone, Debug)]
struct Attached {
    entry: Arc<Entry>,
    image: ImageId,
}

impl Disk {
    /// The cache as the options want it.
    pub fn new(options: &Options, memory: &Memory) -> Disk {
        // The tiers alone are for those who want to see them at work.
        let off = options.cache.is_none() || options.tiers != Tiers::Both;
        let variant = if off { 0 } else { key::variant(options, memory.guest_base() != 0) };
        Disk { off, variant, state: Mutex::default(), reported: AtomicBool::new(false) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic aborts the process, so the lock is never poisoned.
        self.state.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// Holds the cache still while the process forks.
    pub fn fork_guard(&self) -> impl Drop + '_ {
        self.lock()
    }

    /// The image base for code at `pc`, whose blocks cover `guest`: `None` if the code is not to be kept.
    pub fn image_base(&self, memory: &Memory, pc: u64, guest: impl Iterator<Item = (u64, u64)>) -> Option<u64> {
        if self.off {
            return None;
        }
        let file = memory.code_file(GuestAddr(pc))?;
        let mut guest = guest;
        guest.all(|(start, end)| file.range.start <= start && end <= file.range.end).then_some(file.base)
    }

    /// The translation of `pc` that an earlier process left, ready to be entered.
    pub fn find(&self, process: &Process, pc: u64) -> Option<u64> {
        if self.off {
            return None;
        }
        let file = process.memory.code_file(GuestAddr(pc))?;
        let Attached { entry, image } = self.attached(process, &file)?;
        let region = entry.find(pc.wrapping_sub(file.base))?;
        let version = process.version();
        let view = match entry.view(region) {
            Ok(view) => view,
            Err(error) => {
                self.report(process, &Doubt::Entry(error));
                self.lock().attached.insert((file.file.key, file.base), None);
                return None;
            }
        };
        if !same_bytes(&process.memory, &file, &view) {
            return None;
        }
        process.activate(image, region, &view, file.base, version)
    }

    /// The entry of the file at its place, attached at the first question.
    fn attached(&self, process: &Process, file: &CodeFile) -> Option<Attached> {
        let mut state = self.lock();
        let place = (file.file.key, file.base);
        match state.attached.get(&place) {
            Some(Some(attached)) if !process.code.is_attached(attached.image) => {}
            Some(known) => return known.clone(),
            None => {}
        }
        let name = Name { variant: self.variant, file: file.file.key };
        let attached = match self.open(process, name) {
            Ok((opened, entry)) => attach(process, opened, entry, file.base),
            Err(doubt) => {
                self.report(process, &doubt);
                None
            }
        };
        state.attached.insert(place, attached.clone());
        attached
    }

    fn open(&self, process: &Process, name: Name) -> Result<(File, Entry), Doubt> {
        let root = process.options.cache.as_deref().ok_or(Doubt::Absent)?;
        let store = Store::open(root, self.variant)?;
        let (file, entry) = store.entry(name)?;
        store.touch(&file);
        Ok((file, entry))
    }

    /// Says once in a process why the cache is not used.
    fn report(&self, process: &Process, doubt: &Doubt) {
        if !matches!(doubt, Doubt::Absent) && !self.reported.swap(true, Ordering::Relaxed) {
            let root = process.options.cache.as_deref().unwrap_or("".as_ref());
            tracing::info!("cache on disk {}: {doubt}; going on without", root.display());
        }
    }

    /// What is to be kept of a translation, before it is published: the guest's bytes are read now.
    pub fn piece(&self, memory: &Memory, compiled: &Compiled) -> Option<(u128, Piece)> {
        let base = compiled.image_base?;
        let file = memory.code_file(GuestAddr(compiled.pc)).filter(|file| file.base == base)?;
        let piece = Piece::new(compiled, |start, end| {
            let mut bytes = vec![0; (end - start) as usize];
            memory.read_bytes(GuestAddr(start), &mut bytes).ok().map(|()| bytes)
        });
        Some((file.file.key, piece?))
    }

    /// Keeps a translation that was published.
    pub fn keep(&self, (file, piece): (u128, Piece)) {
        self.lock().fresh.entry(file).or_default().push(piece);
    }

    /// Takes note of how often a thread's blocks ran; called when it ends.
    pub fn note(&self, memory: &Memory, blocks: &Blocks) {
        if self.off {
            return;
        }
        let files = memory.code_files();
        let mut state = self.lock();
        for block in blocks.iter_run() {
            let after = files.partition_point(|file| file.range.start <= block.pc);
            let file = files[..after].last().filter(|file| file.range.contains(&block.pc));
            if let Some(file) = file {
                let profile = state.profiles.entry(file.file.key).or_insert_with(|| Profile::new(file));
                profile.note(block, file.base);
            }
        }
    }

    /// Writes what this process translated and counted; when it `ends`, or before it executes another program. Then somebody
    /// is asked to translate what is worth it.
    pub fn publish(&self, process: &Process, ends: bool) {
        let (fresh, profiles) = {
            let mut state = self.lock();
            (std::mem::take(&mut state.fresh), std::mem::take(&mut state.profiles))
        };
        let profiles: Vec<_> = profiles.into_iter().filter(|(_, profile)| profile.heat() >= WORTH_PUBLISHING).collect();
        let Some(root) = process.options.cache.as_deref() else { return };
        if fresh.is_empty() && profiles.is_empty() {
            return;
        }
        let done = Store::create(root, self.variant).and_then(|store| {
            let wanted = !profiles.is_empty();
            profiles.into_iter().try_for_each(|(file, profile)| publish_profile(&store, file, profile))?;
            self.publish_fresh(&store, fresh, root, process.options.cache_limit)?;
            if wanted && ends {
                worker::start(process, &store);
            }
            Ok(())
        });
        if let Err(doubt) = done {
            self.report(process, &doubt);
        }
    }

    /// Those of this process come first: they fit the bytes that it ran. If somebody else replaces an entry just now, they
    /// are not kept.
    fn publish_fresh(&self, store: &Store, fresh: FxHashMap<u128, Vec<Piece>>, root: &Path, limit: u64) -> Result<(), Doubt> {
        if fresh.is_empty() {
            return Ok(());
        }
        let Some(_lock) = store.try_lock(worker::REPLACING) else { return Ok(()) };
        let variant = self.variant;
        fresh.into_iter().try_for_each(|(file, new)| worker::merge(store, Name { variant, file }, new, |_| true))?;
        limit::enforce(root, limit)
    }
}

/// Merges a profile into the one that is there, and asks for translations.
fn publish_profile(store: &Store, file: u128, mut profile: Profile) -> Result<(), Doubt> {
    let name = profile::name(file);
    if let Some(old) = store.read(&name).ok().and_then(|bytes| Profile::read(&bytes)) {
        profile.merge(old);
    }
    store.publish(&name, &profile.write())?;
    worker::want(store, file)
}

fn attach(process: &Process, file: File, entry: Entry, base: u64) -> Option<Attached> {
    let entry = Arc::new(entry);
    match process.code.attach(entry.clone(), &file, base) {
        Ok(Some(image)) => Some(Attached { entry, image }),
        Ok(None) => None,
        Err(error) => {
            tracing::info!("cache on disk: an entry cannot be mapped: {error}");
            None
        }
    }
}

/// Whether the guest has the bytes that a region came from. Its pages are watched before they are read.
fn same_bytes(memory: &Memory, file: &CodeFile, view: &View) -> bool {
    let mut expected = view.guest_bytes;
    let mut buffer = [0u8; 4096];
    for (start, end) in &view.guest {
        let (mut start, end) = (file.base.wrapping_add(*start), file.base.wrapping_add(*end));
        if start < file.range.start || end > file.range.end || start > end {
            return false;
        }
        memory.watch_code(GuestAddr(start)..GuestAddr(end));
        while start < end {
            let n = ((end - start) as usize).min(buffer.len());
            let Some((these, rest)) = expected.split_at_checked(n) else { return false };
            if memory.read_bytes(GuestAddr(start), &mut buffer[..n]).is_err() || buffer[..n] != *these {
                return false;
            }
            expected = rest;
            start += n as u64;
        }
    }
    expected.is_empty()
}
