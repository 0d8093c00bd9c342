//! Ahead-of-time translation: from a guest file and its profile to an entry of the cache.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::path::Path;

use mynah_backend::entry::Piece;
use mynah_frontend::riscv64::{self, Cpu};
use mynah_ir::{Block, Hint, Op, Terminal};
use object::read::elf::ElfFile64;
use object::{Endianness, Object, ObjectSegment, ObjectSymbol, SymbolKind};
use rustc_hash::FxHashSet;

use super::key;
use super::profile::Profile;
use crate::memory::PAGE_SIZE;
use crate::tier0::MAX_BLOCK;
use crate::translate::{Translator, form_region};

/// A block that ran less often in a process is not worth being where translated code is entered. (From 12 down to 3 the
/// second runs of bash, perl and sqlite3 became 5 to 10 % faster and the cache 30 % larger; at 1 python3 became slower again.)
pub(super) const WORTH_ENTERING: u32 = 3;
/// A block that ran less often is not worth being compiled with others.
const WORTH_INCLUDING: u32 = 2;
/// A target of an indirect jump that came less often than once in so many times is not expected.
const RARE: u32 = 12;
/// Targets that an indirect jump compares with.
const PREDICTED: usize = 8;

/// A guest file that is to be translated. Addresses are offsets in the file.
#[derive(Debug)]
pub struct GuestFile {
    /// What identifies it.
    pub key: u128,
    bytes: Vec<u8>,
    code: Vec<Range<u64>>,
}

impl GuestFile {
    /// Reads a file; `None` if it is no ELF file.
    pub fn open(path: &Path) -> io::Result<Option<GuestFile>> {
        let file = File::open(path)?;
        let meta = file.metadata()?;
        if !meta.is_file() {
            return Ok(None);
        }
        let Some(key) = key::of_file(file.as_raw_fd(), meta.len()) else { return Ok(None) };
        let mut bytes = vec![0; meta.len() as usize];
        file.read_exact_at(&mut bytes, 0)?;
        let page = |addr: u64| addr & !(PAGE_SIZE - 1);
        let len = bytes.len() as u64;
        let code = key::executable(&bytes).map(|(offset, size)| {
            // Whole pages are mapped, as far as the file goes.
            page(offset)..page(offset.saturating_add(size).saturating_add(PAGE_SIZE - 1)).min(len)
        });
        Ok(Some(GuestFile { key, code: code.collect(), bytes }))
    }

    fn fetch(&self, addr: u64) -> Option<u16> {
        self.code.iter().find(|range| range.contains(&addr) && range.contains(&(addr + 1)))?;
        let at = addr as usize;
        self.bytes.get(at..at + 2).map(|half| u16::from_le_bytes([half[0], half[1]]))
    }

    fn read(&self, start: u64, end: u64) -> Option<Vec<u8>> {
        self.bytes.get(start as usize..end as usize).map(<[u8]>::to_vec)
    }

    /// Whether a region was made from this file's bytes.
    pub fn fits(&self, piece: &Piece) -> bool {
        let mut rest = &piece.guest_bytes[..];
        piece.guest.iter().all(|(start, end)| {
            let here = self.bytes.get(*start as usize..*end as usize);
            let there = rest.split_at_checked((end - start) as usize);
            there.is_some_and(|(these, after)| {
                rest = after;
                here == Some(these)
            })
        })
    }

    /// Offsets of its functions: its entry and what its symbols and relocations name, in ascending order.
    fn functions(&self) -> Vec<u64> {
        let Ok(elf) = ElfFile64::<Endianness>::parse(&self.bytes[..]) else { return Vec::new() };
        let symbols = elf.symbols().chain(elf.dynamic_symbols());
        let functions = symbols.filter(|symbol| symbol.is_definition() && symbol.kind() == SymbolKind::Text);
        // Tables of functions hold pointers, which the dynamic linker fills in.
        let pointers = elf.dynamic_relocations().into_iter().flatten().map(|(_, relocation)| relocation.addend() as u64);
        let mut list: Vec<u64> = std::iter::once(elf.entry())
            .chain(functions.map(|symbol| symbol.address()))
            .chain(pointers)
            .filter_map(|address| self.offset_of(&elf, address))
            .collect();
        list.sort_unstable();
        list.dedup();
        list
    }

    /// The offset in the file of an address as the file counts.
    fn offset_of(&self, elf: &ElfFile64<Endianness>, address: u64) -> Option<u64> {
        elf.segments().find_map(|segment| {
            let (offset, size) = segment.file_range();
            let within = address.checked_sub(segment.address())?;
            (within < size).then(|| offset.wrapping_add(within))
        })
    }

    fn lift(&self, pc: u64, cpu: &Cpu) -> Block {
        riscv64::lift(pc, &mut |addr| self.fetch(addr), cpu, MAX_BLOCK)
    }
}

/// Regions that a profile asks for, in the order in which they should be compiled, beside those that are there.
#[derive(Debug)]
pub struct Plan<'a> {
    file: &'a GuestFile,
    profile: &'a Profile,
    cpu: &'a Cpu,
    /// Where translated code is or will be entered.
    entries: FxHashSet<u64>,
    seeds: Vec<u64>,
    /// Blocks of regions that were formed.
    covered: FxHashSet<u64>,
    next: usize,
    functions: usize,
    /// Whether what the profile does not know is wanted too.
    everything: bool,
}

impl<'a> Plan<'a> {
    /// What is to be done, when regions at the addresses `there` exist.
    pub fn new(file: &'a GuestFile, profile: &'a Profile, cpu: &'a Cpu, there: impl Iterator<Item = u64>) -> Plan<'a> {
        let there: FxHashSet<u64> = there.collect();
        let functions = entered(file, profile, cpu);
        let hot = |pc: &u64| profile.blocks.get(pc).map_or(0, |counts| counts.since);
        let by_heat = |list: &mut Vec<u64>| list.sort_by_key(|pc| (std::cmp::Reverse(hot(pc)), *pc));
        let is_seed = |pc: &u64| hot(pc) >= WORTH_ENTERING && !there.contains(pc);
        let mut seeds: Vec<u64> = functions.iter().copied().filter(is_seed).collect();
        by_heat(&mut seeds);
        let mut others: Vec<u64> = profile.blocks.keys().copied().filter(is_seed).collect();
        others.retain(|pc| !functions.contains(pc));
        by_heat(&mut others);
        let count = seeds.len();
        let entries = there.into_iter().chain(seeds.iter().copied()).collect();
        seeds.extend(others);
        Plan { file, profile, cpu, entries, seeds, covered: FxHashSet::default(), next: 0, functions: count, everything: false }
    }

    /// All of a file: what the profile knows first, then what can be reached from its entry, its symbols, and the calls in
    /// what was reached.
    pub fn everything(
        file: &'a GuestFile,
        profile: &'a Profile,
        cpu: &'a Cpu,
        there: impl Iterator<Item = u64>,
    ) -> Plan<'a> {
        let mut plan = Plan::new(file, profile, cpu, there);
        plan.everything = true;
        for start in file.functions() {
            plan.add(start);
        }
        plan.functions = usize::MAX;
        plan
    }

    /// Adds a function's address unless it is known.
    fn add(&mut self, pc: u64) {
        if pc.is_multiple_of(2) && self.file.fetch(pc).is_some() && self.entries.insert(pc) {
            self.seeds.push(pc);
        }
    }

    /// Regions at most that are still to come.
    pub fn remaining(&self) -> usize {
        self.seeds.len() - self.next
    }

    /// Compiles the next region; `None` when there is no more. A region that cannot be compiled is left out.
    pub fn step(&mut self, translator: &mut Translator) -> Option<Option<Piece>> {
        let pc = loop {
            let pc = *self.seeds.get(self.next)?;
            self.next += 1;
            // Functions are called wherever else their code was compiled too.
            if self.next <= self.functions || !self.covered.contains(&pc) {
                break pc;
            }
        };
        self.entries.insert(pc);
        let (file, profile, entries, everything) = (self.file, self.profile, &self.entries, self.everything);
        let wanted = |pc: u64| {
            let ran = || profile.blocks.get(&pc).is_some_and(|counts| counts.total >= WORTH_INCLUDING);
            !entries.contains(&pc) && (everything || ran())
        };
        let targets = |pc: u64| profile.blocks.get(&pc).map_or(Vec::new(), |counts| predicted(&counts.followers));
        let mut region = form_region(pc, &mut |addr| file.fetch(addr), self.cpu, &wanted, &targets);
        self.covered.extend(region.blocks.iter().map(|block| block.pc));
        if everything {
            // Whatever is called, and where translated code goes on after it was left.
            let further: Vec<u64> = region.blocks.iter().filter_map(|block| continues_at(block, file, self.cpu)).collect();
            further.into_iter().for_each(|pc| self.add(pc));
        }
        region.image_base = Some(0);
        let compiled = translator.translate(&mut region).map_err(|error| tracing::debug!("{error} at {pc:#x}")).ok();
        if everything {
            // Addresses of code that end up in registers are mostly those of functions.
            let taken: Vec<u64> = region.blocks.iter().flat_map(addresses_taken).collect();
            taken.into_iter().for_each(|pc| self.add(pc));
        }
        Some(compiled.and_then(|compiled| Piece::new(&compiled, |start, end| file.read(start, end))))
    }
}

/// Most frequent targets of an indirect jump.
fn predicted(followers: &[(u64, u32)]) -> Vec<u64> {
    let total: u32 = followers.iter().fold(0, |sum, f| sum.saturating_add(f.1));
    let mut list: Vec<(u64, u32)> = followers.iter().copied().filter(|f| f.1 >= total / RARE).collect();
    list.sort_by_key(|f| std::cmp::Reverse(f.1));
    list.into_iter().take(PREDICTED).map(|f| f.0).collect()
}

/// Where code is entered from elsewhere: functions that are called, targets of indirect jumps, and the instructions after
/// those that translated code leaves for.
fn entered(file: &GuestFile, profile: &Profile, cpu: &Cpu) -> FxHashSet<u64> {
    let mut found = FxHashSet::default();
    for (pc, counts) in &profile.blocks {
        let block = file.lift(*pc, cpu);
        match block.terminal {
            Terminal::Indirect { hint: Hint::Return, .. } => {}
            Terminal::Indirect { .. } => found.extend(counts.followers.iter().map(|f| f.0)),
            _ => found.extend(continues_at(&block, file, cpu)),
        }
    }
    found
}

/// The address outside of a region where code is entered after this block: the function that it calls, or the instruction
/// after the one that translated code leaves for.
fn continues_at(block: &Block, file: &GuestFile, cpu: &Cpu) -> Option<u64> {
    match block.terminal {
        Terminal::Call { target, .. } => Some(target),
        Terminal::Syscall { next, .. } => Some(next),
        Terminal::Interpret { pc } => {
            riscv64::fetch_insn(pc, &mut |addr| file.fetch(addr), cpu).ok().map(|insn| insn.next())
        }
        _ => None,
    }
}

/// Guest addresses that a block puts into registers, but for its link register.
fn addresses_taken(block: &Block) -> impl Iterator<Item = u64> + '_ {
    const RA: i64 = 1;
    let sets = block.insts.iter().filter(|inst| inst.op == Op::Set && inst.imm != RA);
    let values = sets.filter_map(|inst| block.insts.get(inst.args[0].index()));
    values.filter(|value| value.op == Op::Gaddr).map(|value| value.imm as u64)
}
