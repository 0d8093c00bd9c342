//! The dispatcher: finds what to run at the guest's pc, runs it, and handles the reason why it came back.
//!
//! ```text
//! pc ─► pre-decoded block ─► translated? ─ yes ─► enter translated code ─► Exit ─┐
//!  ▲                            no: count; hot? translate; run in tier 0 ─► Stop ─┤
//!  └───────────── signals, changes of code ◄───────────── system call, fault, trap ◄─┘
//! ```

use std::sync::atomic::Ordering;
use std::time::Instant;

use mynah_backend::enter::{self, Exit};
use mynah_frontend::riscv64::{self, FetchError};
use mynah_ir::state::FRM_CELL;
use mynah_ir::{Flow, Region, Stop, TrapKind};

use crate::linux::signal::{self, SigInfo};
use crate::linux::{self, Outcome};
use crate::memory::{GuestAddr, Memory, PAGE_SIZE};
use crate::observe;
use crate::options::{Options, Summary, Tiers};
use crate::process::Change;
use crate::tier0::{self, Block, Blocks, NEVER};
use crate::translate;
use crate::vcpu::Vcpu;

/// Host stack that nested guest calls may use.
const CALL_STACK: u64 = 384 << 10;
/// Executions of a hot block between two looks whether its translation is there.
const ASK_AGAIN: u64 = 64;
/// Blocks that a thread must have executed in tier 0 for its profile to be worth a look, beside so many runs of each:
/// blocks that run a few times only are best run there.
const WORTH_NOTING: u64 = 5000;
const TIER0_RUNS: u64 = 4;
/// Length of an `ecall`.
const ECALL: u64 = 4;

/// Why a run of guest code came back to the dispatcher.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    /// The instruction at pc stopped (for a system call: the one before).
    Stop(Stop),
    /// There is no instruction at pc, or none that can be fetched.
    NoInstruction,
}

impl Vcpu {
    /// Runs until the thread exits; gives its exit status.
    pub fn run(&mut self) -> i32 {
        self.bound_stack();
        self.process.register(&self.ctx, &self.in_code);
        self.started = Instant::now();
        observe::thread_begins(self);
        self.debug = self.debugger();
        if let Some(debugger) = self.debug {
            debugger.thread_begins(self);
        }
        let status = loop {
            while self.process.is_stopped() {
                // Another thread empties the code cache, or writes a core file: then for ever.
                std::thread::yield_now();
            }
            if let Some(debugger) = self.debug {
                self.debug_checkpoint(debugger);
            }
            self.take_note();
            if self.ctx.exit_requested() {
                self.take_sample();
                signal::deliver_pending(self);
                continue;
            }
            let event = match self.debug {
                Some(debugger) if debugger.is_attached() => self.advance_debugged(debugger),
                _ if self.watch.is_some() => self.advance_observed(),
                _ => self.advance(),
            };
            if let Some(status) = event.and_then(|event| self.handle(event)) {
                break status;
            }
        };
        self.note_profile();
        observe::thread_ends(self);
        if let Some(debugger) = self.debug.take() {
            debugger.thread_ends(self);
        }
        self.settle_counts();
        self.process.unregister(&self.ctx);
        status
    }

    /// Bounds how deep guest calls nest on the host stack, from here on.
    pub(crate) fn bound_stack(&mut self) {
        let marker = 0u8;
        self.ctx.set_stack_limit((&raw const marker as u64).saturating_sub(CALL_STACK));
    }

    /// Hands the counts of this thread's blocks to the cache on disk, if it ran enough in tier 0 since they were its own:
    /// the child of a fork has its parent's too.
    pub(crate) fn note_profile(&mut self) {
        let ran = self.counts.tier0_blocks.saturating_sub(self.inherited_blocks);
        let decoded = self.counts.decoded_blocks;
        if ran >= WORTH_NOTING + TIER0_RUNS * decoded && self.borrowed.is_none() {
            self.process.disk.note(&self.process.memory, &self.blocks);
            self.inherited_blocks = self.counts.tier0_blocks;
        }
    }

    /// Hands this thread's counts to the process.
    pub(crate) fn settle_counts(&mut self) {
        self.counts.total_ns += self.started.elapsed().as_nanos() as u64;
        self.started = Instant::now();
        if self.process.options.stats != Summary::No || self.process.observers.is_some() {
            self.counts.tier0_insns += self.blocks.take_insns();
        }
        self.process.stats.add(&std::mem::take(&mut self.counts));
        self.inherited_blocks = 0;
    }

    /// Takes note of changes of code that this or other threads made.
    pub(crate) fn take_note(&mut self) {
        if self.process.version() == self.seen {
            return;
        }
        let (changes, version) = self.process.changes_since(self.seen);
        self.seen = version;
        self.code_page = 1;
        let Some(changes) = changes else {
            self.blocks.invalidate(0, u64::MAX);
            return self.forget_jumps();
        };
        for change in changes {
            match change {
                Change::Code { start, end, entries } => {
                    self.blocks.invalidate(start, end);
                    for pc in entries.iter() {
                        self.blocks.forget_entry(*pc);
                        self.forget_jump(*pc);
                    }
                }
                Change::Flush => {
                    self.blocks.forget_entries();
                    self.forget_jumps();
                }
            }
        }
    }

    /// Runs from the current pc until there is an event, or until somebody may want the dispatcher's attention.
    pub(crate) fn advance(&mut self) -> Option<Event> {
        let mut last: *mut Block = std::ptr::null_mut();
        loop {
            let block = Blocks::next(last, self.pc()).unwrap_or_else(|| self.block(last));
            // SAFETY: blocks live until `Blocks::get` is called with null, which only the start of this function does.
            let block = unsafe { &mut *block };
            if block.runs >= block.look_at
                && let Some(event) = self.look_at(block)
            {
                return event;
            }
            block.runs += 1;
            self.counts.tier0_blocks += 1;
            if let Err(stop) = block.run(&mut self.ctx) {
                return Some(Event::Stop(stop));
            }
            if self.ctx.exit_requested() {
                return None;
            }
            last = block;
        }
    }

    /// Whether translated code can be entered: it knows the rounding modes that x86 has.
    #[inline(always)]
    pub(crate) fn can_enter(&self) -> bool {
        self.ctx.state.get(FRM_CELL) <= 3
    }

    /// The pre-decoded block at the current pc.
    #[inline(never)]
    pub(crate) fn block(&mut self, last: *mut Block) -> *mut Block {
        let (pc, process) = (self.pc(), self.process);
        let (page, counts) = (&mut self.code_page, &mut self.counts);
        self.blocks.get(last, pc, || {
            if let Some(entry) = process.disk.find(process, pc) {
                return Block::translated(pc, entry);
            }
            let mut block = tier0::decode_block(pc, &mut |addr| fetch(&process.memory, page, addr), &process.options.cpu);
            block.look_at = Self::first_look(&process.options, &block);
            counts.decoded_blocks += 1;
            counts.decoded_insns += block.len() as u64;
            block
        })
    }

    /// Decodes a block that was known by its translation only, which cannot be used now.
    #[cold]
    pub(crate) fn decode_late(&mut self, block: &mut Block) {
        let (process, page) = (self.process, &mut self.code_page);
        let decoded = tier0::decode_block(block.pc, &mut |addr| fetch(&process.memory, page, addr), &process.options.cpu);
        self.blocks.complete(block, decoded);
        if block.entry == 0 {
            block.look_at = Self::first_look(&process.options, block);
        }
        self.counts.decoded_blocks += 1;
        self.counts.decoded_insns += block.len() as u64;
    }

    /// What there is to do at a block's pc instead of running it in tier 0, if anything: enter its translation, or report
    /// that there is no instruction. A hot block gets a translation.
    #[inline(never)]
    fn look_at(&mut self, block: &mut Block) -> Option<Option<Event>> {
        if let Some(entry) = self.translation_of(block) {
            return Some(self.enter(entry));
        }
        block.is_empty().then_some(Some(Event::NoInstruction))
    }

    /// The translation of a block that may be hot, if it has one that can be entered; otherwise the block is decoded.
    #[inline(always)]
    pub(crate) fn translation_of(&mut self, block: &mut Block) -> Option<u64> {
        if block.entry == 0 && !block.is_empty() {
            self.promote(block);
        }
        if block.entry != 0 && self.can_enter() {
            return Some(block.entry);
        }
        if !block.is_decoded() {
            self.decode_late(block);
        }
        None
    }

    /// The number of runs from which on a new block is to be looked at.
    fn first_look(options: &Options, block: &Block) -> u64 {
        match options.tiers {
            _ if block.is_empty() => 0,
            Tiers::Both if block.is_translatable() => u64::from(options.threshold),
            Tiers::Only1 if block.is_translatable() => 0,
            _ => NEVER,
        }
    }

    /// Finds the translation of a hot block, or has one made: in place, or in the background where there is a core for
    /// that. Until it is there, the block asks again every now and then.
    #[cold]
    pub(crate) fn promote(&mut self, block: &mut Block) {
        let process = self.process;
        let known = process.code.lookup(block.pc).or_else(|| process.disk.find(process, block.pc));
        block.entry = known.unwrap_or(0);
        if block.entry != 0 {
            block.look_at = 0;
            return;
        }
        block.look_at = if process.options.tiers == Tiers::Only1 { 0 } else { block.runs + ASK_AGAIN };
        // The child of a `vfork` must not leave a thread in its parent's memory.
        let in_background = process.options.background && self.borrowed.is_none() && process.options.tiers == Tiers::Both;
        if !in_background {
            let begin = Instant::now();
            let (mut region, version) = self.form_region(block.pc);
            let whole = self.keep_breakpoints_out(&mut region);
            block.entry = whole.then(|| process.translate(region, version)).flatten().unwrap_or(0);
            if block.entry != 0 {
                block.look_at = 0;
            }
            self.counts.waited_ns += begin.elapsed().as_nanos() as u64;
        } else if process.background.accepts(block.pc) {
            let (mut region, version) = self.form_region(block.pc);
            if self.keep_breakpoints_out(&mut region) {
                process.background.submit(process, region, version);
            }
        }
    }

    /// The region at `pc`, and the number of changes of code before its bytes were read.
    fn form_region(&mut self, pc: u64) -> (Region, u64) {
        let (process, blocks, page) = (self.process, &self.blocks, &mut self.code_page);
        let version = process.version();
        let everything = process.options.tiers == Tiers::Only1;
        let mut region = translate::form_region(
            pc,
            &mut |addr| fetch(&process.memory, page, addr),
            &process.options.cpu,
            &|pc| (everything || blocks.has_run(pc)) && process.code.lookup(pc).is_none(),
            &|pc| blocks.followers(pc),
        );
        let guest = region.blocks.iter().map(|block| (block.pc, block.end));
        region.image_base = process.disk.image_base(&process.memory, pc, guest);
        self.number_region(&mut region);
        (region, version)
    }

    /// Enters translated code and handles the way it was left.
    fn enter(&mut self, entry: u64) -> Option<Event> {
        self.run_code(entry).and_then(|exit| self.left(exit))
    }

    /// Runs translated code until it is left; `None` if it must not be entered now.
    #[inline]
    pub(crate) fn run_code(&mut self, entry: u64) -> Option<Exit> {
        self.ctx.guest_mxcsr = enter::mxcsr_for(self.ctx.state.get(FRM_CELL) as u8);
        self.ctx.exit_link = 0;
        self.in_code.store(true, Ordering::SeqCst);
        if self.process.is_stopped() || self.process.version() != self.seen {
            self.in_code.store(false, Ordering::SeqCst);
            return None;
        }
        self.counts.entries += 1;
        // SAFETY: the entry came from the code cache, nothing was flushed since, and the context is this thread's.
        let exit = unsafe { enter::enter(&mut self.ctx, entry) };
        self.in_code.store(false, Ordering::SeqCst);
        Some(exit)
    }

    /// Does what an exit from translated code calls for.
    #[inline]
    pub(crate) fn left(&mut self, exit: Exit) -> Option<Event> {
        match exit {
            Exit::Syscall => {
                let pc = self.pc();
                self.set_pc(pc.wrapping_add(ECALL));
                Some(Event::Stop(Stop::Syscall))
            }
            Exit::Indirect => {
                self.found(self.ctx.exit_link);
                None
            }
            Exit::NotTranslated => {
                // A flush may have emptied the link since; then the pc is lost with it, but the stub is only ever
                // reached by this thread's own code, which ran before any flush.
                if let Some(target) = self.process.code.link_target(self.ctx.exit_link) {
                    self.set_pc(target);
                }
                None
            }
            Exit::Interrupted => None,
            Exit::Fault => {
                if let Some(pc) = self.process.code.find_fault(self.ctx.fault_host_pc) {
                    self.set_pc(pc);
                }
                Some(Event::Stop(Stop::Fault))
            }
            Exit::Trap(_) | Exit::Interpret => self.step(),
        }
    }

    /// After an indirect exit: tells generated code where the target is, if it has a translation.
    fn found(&mut self, cache: u64) {
        let pc = self.pc();
        let block = self.block(std::ptr::null_mut());
        // SAFETY: just looked up.
        let entry = unsafe { (*block).entry };
        if entry != 0 {
            self.remember_jump(pc, entry);
            if cache != 0 {
                self.process.code.fill_cache(cache, pc);
            }
        }
    }

    /// Executes the one instruction at pc in tier 0.
    fn step(&mut self) -> Option<Event> {
        let (pc, process) = (self.pc(), self.process);
        let page = &mut self.code_page;
        let insn = riscv64::fetch_insn(pc, &mut |addr| fetch(&process.memory, page, addr), &process.options.cpu);
        match insn {
            Ok(insn) => {
                let result: Flow = tier0::step(&mut self.ctx, &insn);
                result.err().map(Event::Stop)
            }
            Err(_) => Some(Event::NoInstruction),
        }
    }

    /// Does what an event calls for; gives the exit status if the thread ends.
    fn handle(&mut self, event: Event) -> Option<i32> {
        match event {
            Event::Stop(Stop::Syscall) => return self.system_call(),
            Event::Stop(Stop::Fault) => self.faulted(),
            Event::Stop(Stop::Trap(kind)) => self.trapped(kind),
            Event::NoInstruction => self.no_instruction(),
        }
        None
    }

    /// There is no instruction at pc: the guest gets the signal that says why.
    fn no_instruction(&mut self) {
        let (pc, process) = (self.pc(), self.process);
        let page = &mut self.code_page;
        match riscv64::fetch_insn(pc, &mut |addr| fetch(&process.memory, page, addr), &process.options.cpu) {
            Err(FetchError::Unmapped(addr)) => {
                let mapped = process.memory.is_mapped(GuestAddr(addr), 1);
                let code = if mapped { signal::SEGV_ACCERR } else { signal::SEGV_MAPERR };
                signal::force(self, SigInfo::fault(libc::SIGSEGV, code, GuestAddr(addr)));
            }
            Err(FetchError::Illegal { .. }) => self.trapped(TrapKind::Illegal),
            // Another thread has just put an instruction there.
            Ok(_) => self.blocks.invalidate(pc, pc.wrapping_add(2)),
        }
    }

    fn system_call(&mut self) -> Option<i32> {
        let ecall = self.pc().wrapping_sub(ECALL);
        let a0 = self.x(10);
        if self.process.image.vdso_functions.contains(&ecall) {
            let outcome = linux::vdso::dispatch(self);
            signal::finish_syscall(self, ecall, a0, outcome);
            return None;
        }
        self.counts.syscalls += 1;
        let begin = (self.process.options.stats != Summary::No).then(Instant::now);
        let outcome = match (&self.debug, &self.watch) {
            (None, None) => linux::dispatch(self),
            (None, Some(_)) => self.call_observed(),
            (Some(_), None) => self.call_debugged(linux::dispatch),
            (Some(_), Some(_)) => self.call_debugged(Vcpu::call_observed),
        };
        if let Some(begin) = begin {
            self.counts.syscall_ns += begin.elapsed().as_nanos() as u64;
        }
        if let Outcome::Exit(status) = outcome {
            return Some(status);
        }
        signal::finish_syscall(self, ecall, a0, outcome);
        None
    }

    fn faulted(&mut self) {
        let info = signal::take_fault(self);
        // A write to a page that is protected because code was translated from it: drop the code, then write again.
        if info.signo == libc::SIGSEGV && self.process.memory.write_fault(GuestAddr(info.addr())) {
            return self.write_again();
        }
        if info.signo == libc::SIGSEGV && info.code == signal::SEGV_MAPERR && self.process.memory.grow_down(GuestAddr(info.addr())) {
            return;
        }
        signal::force(self, info);
    }

    /// Executes the one instruction at pc, which wrote to a watched page, without watching the page that it lies in: that may
    /// be the same page, and watching it would make the write fault again, for ever.
    fn write_again(&mut self) {
        let (pc, process) = (self.pc(), self.process);
        let mut unwatched = |addr| process.memory.fetch16(GuestAddr(addr));
        let Ok(insn) = riscv64::fetch_insn(pc, &mut unwatched, &process.options.cpu) else { return };
        // A write may reach into a second watched page.
        for _ in 0..2 {
            match tier0::step(&mut self.ctx, &insn) {
                Ok(()) => return,
                Err(Stop::Fault) => {
                    let info = signal::take_fault(self);
                    if info.signo != libc::SIGSEGV || !process.memory.write_fault(GuestAddr(info.addr())) {
                        return signal::force(self, info);
                    }
                }
                Err(Stop::Trap(kind)) => return self.trapped(kind),
                // No instruction that writes memory stops otherwise.
                Err(_) => return,
            }
        }
    }

    fn trapped(&mut self, kind: TrapKind) {
        let pc = self.pc();
        let info = match kind {
            // The Linux kernel's arch/riscv/kernel/traps.c names the codes.
            TrapKind::Illegal => SigInfo::fault(libc::SIGILL, ILL_ILLOPC, GuestAddr(pc)),
            TrapKind::Breakpoint => SigInfo::fault(libc::SIGTRAP, TRAP_BRKPT, GuestAddr(pc)),
            TrapKind::Misaligned => SigInfo::fault(libc::SIGBUS, BUS_ADRALN, GuestAddr(pc)),
            // Changed code was noticed when it was written; all that is left is to go on behind the fence.
            TrapKind::CodeChanged => return self.set_pc(pc.wrapping_add(4)),
        };
        signal::force(self, info);
    }
}

const ILL_ILLOPC: i32 = 1;
const TRAP_BRKPT: i32 = 1;
const BUS_ADRALN: i32 = 1;

/// Reads a halfword of guest code. `page` is the page last fetched from: its execute permission has been checked and
/// it is watched, so that a later write to it is noticed.
#[inline]
pub(crate) fn fetch(memory: &Memory, page: &mut u64, addr: u64) -> Option<u16> {
    let this = addr & !(PAGE_SIZE - 1);
    if *page != this {
        memory.exec_range(GuestAddr(addr))?;
        memory.watch_code(GuestAddr(this)..GuestAddr(this + PAGE_SIZE));
        *page = this;
    }
    memory.read::<u16>(GuestAddr(addr)).ok()
}
