//! Code watching: noticing every write to guest memory that was decoded or translated.
//!
//! A page from which code was taken is a *code page*. Where the guest may write it, the host page is made read-only
//! (*protected*): the first write faults, [`Memory::write_fault`] drops the page's translations, gives the write
//! permission back, and the write is tried again. The same holds for *aliases*: writable shared mappings of the same file
//! page elsewhere, as .NET and V8 use for W^X. Aliases that appear later are protected when they are mapped.
//!
//! Invariant: a code page that the guest may write, and every writable alias of a code page, is protected. So whoever
//! takes code must call [`Memory::watch_code`] *before* reading the bytes: a write after the call is noticed, a write
//! before it is seen.
//!
//! A protected page may have lost its code page meanwhile (the code was unmapped): its fault then drops nothing.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::access::page_span;
use super::{GuestAddr, MappedFile, Memory, PAGE_SIZE, Prot, Space, Vma, page_ceil};
use crate::host::usercopy;

/// Which pages hold code and which are protected because of it.
#[derive(Default, Debug)]
pub(super) struct Watched {
    /// Pages from which code was taken.
    code: BTreeSet<u64>,
    /// Pages that the guest may write and the host may not.
    protected: BTreeSet<u64>,
    /// Code pages whose writes may go unnoticed, because the host refused to protect them or an alias.
    unnoticed: BTreeSet<u64>,
}

/// Code of a mapped file.
#[derive(Clone, Debug)]
pub struct CodeFile {
    /// The file; its key is known.
    pub file: Arc<MappedFile>,
    /// Where the file's first byte would be; a multiple of the page size, and perhaps not the file's own place.
    pub base: u64,
    /// The area.
    pub range: Range<u64>,
}

impl Memory {
    /// Notes that code is going to be read from `range`, and watches it. Call it before reading the bytes.
    pub fn watch_code(&self, range: Range<GuestAddr>) {
        let Some(span) = page_span(range.start.0, range.end - range.start) else { return };
        let mut space = self.lock();
        for piece in space.vmas.pieces(span).iter().filter(|vma| vma.prot.exec()) {
            for page in pages(&piece.range()) {
                if space.watched.code.insert(page) {
                    self.protect_code_page(&mut space, piece, page);
                }
            }
        }
        self.count_protected(&space);
    }

    /// Handles a write that the host refused at `addr`. True if the guest may write there: translations from the page are
    /// dropped, it is writable again, and the access should be tried again. False if the fault is the guest's.
    pub fn write_fault(&self, addr: GuestAddr) -> bool {
        let page = addr.page().0;
        let mut space = self.lock();
        let Some(vma) = space.vmas.find(page).filter(|vma| vma.prot.write()).cloned() else { return false };
        // Not protected any more: another thread came first, and the access succeeds now.
        let stale = self.unprotect(&mut space, &vma, page);
        let restored = self.host_protect(&(page..page + PAGE_SIZE), vma.prot).is_ok();
        self.count_protected(&space);
        drop(space);
        self.invalidate(&stale);
        restored
    }

    /// Makes `addr..addr + len` writable for the host kernel, which would answer EFAULT for a protected page. Costs one load
    /// when nothing is protected.
    #[inline]
    pub fn prepare_write(&self, addr: GuestAddr, len: u64) {
        if self.protected.load(Ordering::Relaxed) != 0 {
            self.prepare_protected(addr, len);
        }
    }

    #[cold]
    fn prepare_protected(&self, addr: GuestAddr, len: u64) {
        let Some(span) = page_span(addr.0, len) else { return };
        let hit: Vec<u64> = self.lock().watched.protected.range(span).copied().collect();
        for page in hit {
            self.write_fault(GuestAddr(page));
        }
    }

    /// The guest says that it wrote code in `range` (`riscv_flush_icache`, `fence.i`). Writes that can be noticed were: what
    /// is left are pages that could not be protected, and shared files, which others may write.
    pub fn flush_code(&self, range: Range<GuestAddr>) {
        let end = page_ceil(range.end.0).unwrap_or(range.end.0).max(range.start.0);
        let span = range.start.page().0..end;
        let space = self.lock();
        let code = space.watched.code.range(span).copied();
        let shared = |page| space.vmas.find(page).is_some_and(|vma| vma.shared);
        let stale: Vec<Range<u64>> = code
            .filter(|&page| space.watched.unnoticed.contains(&page) || shared(page))
            .map(|page| page.max(range.start.0)..(page + PAGE_SIZE).min(range.end.0))
            .collect();
        drop(space);
        self.invalidate(&stale);
    }

    /// Reads two bytes of code; `None` where the guest may not execute, or where the file ends before the page does.
    pub fn fetch16(&self, addr: GuestAddr) -> Option<u16> {
        let range = self.exec_range(addr)?;
        if range.end - addr < 2 {
            return None;
        }
        // SAFETY: the two bytes lie in an area of the guest's.
        unsafe { usercopy::load_u16(self.g2h(addr)) }.ok().map(|half| half as u16)
    }

    /// The addresses around `addr` from which the guest may fetch, as far as nothing else lies between; `None` if it may
    /// not fetch at `addr`. The bytes are read with [`read_bytes`](Memory::read_bytes), after
    /// [`watch_code`](Memory::watch_code).
    pub fn exec_range(&self, addr: GuestAddr) -> Option<Range<GuestAddr>> {
        let space = self.lock();
        let vma = space.vmas.find(addr.0).filter(|vma| vma.prot.exec())?;
        let mut end = vma.end;
        while let Some(next) = space.vmas.find(end).filter(|vma| vma.prot.exec()) {
            end = next.end;
        }
        Some(GuestAddr(vma.start)..GuestAddr(end))
    }

    /// The file that the code at `addr` comes from, if it is mapped privately, with its content identified, and not
    /// writable.
    pub fn code_file(&self, addr: GuestAddr) -> Option<CodeFile> {
        let space = self.lock();
        let vma = space.vmas.find(addr.0).filter(|vma| vma.prot.exec() && !vma.prot.write() && !vma.shared)?;
        let file = vma.file.as_ref().filter(|file| file.key != 0)?;
        let base = vma.start.wrapping_sub(vma.offset);
        Some(CodeFile { file: file.clone(), base, range: vma.range() })
    }

    /// All code of mapped files, by address.
    pub fn code_files(&self) -> Vec<CodeFile> {
        let starts: Vec<u64> = self.lock().vmas.iter().filter(|vma| vma.prot.exec()).map(|vma| vma.start).collect();
        starts.into_iter().filter_map(|start| self.code_file(GuestAddr(start))).collect()
    }

    /// Forgets everything about pages that were mapped anew, unmapped, or given other rights.
    pub(super) fn forget_watched(&self, space: &mut Space, range: &Range<u64>) {
        let Watched { code, protected, unnoticed } = &mut space.watched;
        for set in [code, protected, unnoticed] {
            let gone: Vec<u64> = set.range(range.clone()).copied().collect();
            for page in gone {
                set.remove(&page);
            }
        }
        self.count_protected(space);
    }

    /// Protects what became a writable alias of code pages when `range` was mapped or got write permission.
    pub(super) fn protect_aliases(&self, space: &mut Space, range: &Range<u64>) {
        if space.watched.code.is_empty() {
            return;
        }
        for alias in space.vmas.pieces(range.clone()).iter().filter(|vma| is_writable_alias(vma)) {
            let sources: Vec<Vma> = space.vmas.iter().filter(|vma| same_file(vma, alias)).cloned().collect();
            for source in sources {
                let code: Vec<u64> = space.watched.code.range(source.range()).copied().collect();
                for page in code {
                    if let Some(shown) = page_at(alias, source.offset_at(page)) {
                        self.protect(space, shown, page);
                    }
                }
            }
        }
        self.count_protected(space);
    }

    /// Protects a new code page and its aliases.
    fn protect_code_page(&self, space: &mut Space, vma: &Vma, page: u64) {
        if vma.prot.write() {
            self.protect(space, page, page);
        }
        for alias in alias_pages(space, vma, page, is_writable_alias) {
            self.protect(space, alias, page);
        }
    }

    /// Takes the host's write permission from one page that shows the code page `code`.
    fn protect(&self, space: &mut Space, page: u64, code: u64) {
        // Should the host refuse (it has too many areas), writes are not seen until the guest says that there were some.
        match self.host_protect(&(page..page + PAGE_SIZE), Prot(libc::PROT_READ)) {
            Ok(()) => space.watched.protected.insert(page),
            Err(_) => space.watched.unnoticed.insert(code),
        };
    }

    /// Forgets that a page is protected; gives the code pages whose translations a write to it makes stale.
    fn unprotect(&self, space: &mut Space, vma: &Vma, page: u64) -> Vec<Range<u64>> {
        if !space.watched.protected.remove(&page) {
            return Vec::new();
        }
        let mut stale = alias_pages(space, vma, page, |_| true);
        stale.push(page);
        stale.retain(|page| space.watched.code.remove(page));
        stale.into_iter().map(|page| page..page + PAGE_SIZE).collect()
    }

    /// Publishes whether [`prepare_write`](Memory::prepare_write) has anything to do.
    fn count_protected(&self, space: &Space) {
        self.protected.store(space.watched.protected.len(), Ordering::Relaxed);
    }
}

/// The pages of a page-aligned range.
fn pages(range: &Range<u64>) -> impl Iterator<Item = u64> + use<> {
    range.clone().step_by(PAGE_SIZE as usize)
}

/// Whether writes through this area can change what other areas show.
fn is_writable_alias(vma: &Vma) -> bool {
    vma.shared && vma.prot.write()
}

/// Whether two areas map the same file.
fn same_file(a: &Vma, b: &Vma) -> bool {
    matches!((&a.file, &b.file), (Some(a), Some(b)) if (a.dev, a.ino) == (b.dev, b.ino))
}

/// Where an area shows the file's page at `offset`.
fn page_at(vma: &Vma, offset: u64) -> Option<u64> {
    let addr = vma.start.checked_add(offset.checked_sub(vma.offset)?)?;
    (addr < vma.end).then_some(addr)
}

/// Pages other than `page`, in areas that satisfy `which`, that show the same page of the same file.
fn alias_pages(space: &Space, vma: &Vma, page: u64, which: impl Fn(&Vma) -> bool) -> Vec<u64> {
    if vma.file.is_none() {
        return Vec::new();
    }
    let offset = vma.offset_at(page);
    let others = space.vmas.iter().filter(|other| same_file(other, vma) && which(other));
    others.filter_map(|other| page_at(other, offset)).filter(|&other| other != page).collect()
}
