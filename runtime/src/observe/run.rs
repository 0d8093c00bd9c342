//! The dispatcher's loop for a thread that is observed: the same steps as in [`crate::dispatcher`], each noted.

use std::sync::atomic::Ordering;
use std::time::Instant;

use mynah_backend::enter::Exit;
use mynah_ir::{Region, Stop, Terminal};

use super::{BlockInfo, Doing, ExitKind, SystemCall, lock, precise};
use crate::dispatcher::Event;
use crate::linux::{self, Outcome};
use crate::memory::GuestAddr;
use crate::tier0::Block;
use crate::vcpu::Vcpu;

/// A block's number before anybody asked for one.
pub const NO_NUMBER: u32 = 0;
/// A block for which there was none left.
const UNNUMBERED: u32 = u32::MAX;

impl Vcpu {
    /// [`Vcpu::advance`] under observation.
    pub(crate) fn advance_observed(&mut self) -> Option<Event> {
        let wants = self.process.observers.as_ref()?.wants;
        let mut last: *mut Block = std::ptr::null_mut();
        loop {
            let block = self.block(last);
            // SAFETY: as in `advance`.
            let block = unsafe { &mut *block };
            if !wants.precise() && block.runs >= block.look_at {
                self.tick.doing(Doing::Translating);
                let entry = self.translation_of(block);
                self.tick.doing(Doing::Tier0);
                if let Some(entry) = entry {
                    return self.enter_observed(entry);
                }
            }
            if !block.is_decoded() {
                self.decode_late(block);
            }
            if block.is_empty() {
                return Some(Event::NoInstruction);
            }
            if wants.counts && block.number == NO_NUMBER {
                block.number = self.number(block.pc, block.end).unwrap_or(UNNUMBERED);
            }
            block.runs += 1;
            self.counts.tier0_blocks += 1;
            self.tick.pc.store(block.pc, Ordering::Relaxed);
            let result = if wants.precise() { precise::run(self, block) } else { block.run(&mut self.ctx) };
            if wants.counts && block.number != UNNUMBERED {
                self.count_tier0(block, result);
            }
            if let Err(stop) = result {
                return Some(Event::Stop(stop));
            }
            if self.ctx.exit_requested() {
                return None;
            }
            last = block;
        }
    }

    fn count_tier0(&mut self, block: &Block, result: Result<(), Stop>) {
        let (pc, Some(watch)) = (self.pc(), self.watch.as_ref()) else { return };
        match result {
            Ok(()) => watch.thread.counters.add(block.number, pc != block.end),
            Err(Stop::Syscall) => watch.thread.counters.add(block.number, false),
            Err(_) => *lock(&watch.thread.rare).aborted.entry((block.number, pc)).or_default() += 1,
        }
    }

    /// The number of the block that consists of a range of guest code.
    fn number(&mut self, pc: u64, end: u64) -> Option<u32> {
        let observers = self.process.observers.as_ref()?;
        let mut bytes = vec![0; end.wrapping_sub(pc) as usize];
        self.process.memory.read_bytes(GuestAddr(pc), &mut bytes).ok()?;
        observers.number(self.process, BlockInfo { pc, end, bytes: bytes.into() })
    }

    /// Numbers the blocks of a region that is about to be translated, if executions are counted.
    pub(crate) fn number_region(&mut self, region: &mut Region) {
        if self.process.observers.as_ref().is_none_or(|observers| !observers.wants.counts) {
            return;
        }
        let numbers = region.blocks.iter().map(|block| {
            let end = match block.terminal {
                // In tier 0 this instruction belongs to the block.
                Terminal::Interpret { pc } => pc.wrapping_add(self.length_at(pc)),
                _ => block.end,
            };
            self.number(block.pc, end)
        });
        // All or none: a region of which a part is not counted would look exact.
        region.counted = numbers.collect::<Option<Vec<u32>>>().unwrap_or_default();
    }

    /// Length of the instruction at `pc` in bytes.
    fn length_at(&self, pc: u64) -> u64 {
        match self.process.memory.read::<u16>(GuestAddr(pc)) {
            Ok(low) if low & 3 == 3 => 4,
            _ => 2,
        }
    }

    /// [`Vcpu::enter`] under observation.
    fn enter_observed(&mut self, entry: u64) -> Option<Event> {
        self.ctx.current_block = u64::from(NO_NUMBER);
        self.tick.doing(Doing::Tier1);
        let exit = self.run_code(entry);
        self.tick.doing(Doing::Tier0);
        let exit = exit?;
        let event = match exit {
            Exit::Trap(_) | Exit::Interpret => {
                let (pc, length) = (self.pc(), self.length_at(self.pc()));
                let event = self.left(exit);
                self.count_step(pc, length, event.is_none());
                self.note_exit(exit, pc);
                return event;
            }
            _ => self.left(exit),
        };
        let pc = if exit == Exit::Syscall { self.pc().wrapping_sub(4) } else { self.pc() };
        if exit == Exit::Fault {
            self.count_aborted(pc);
        }
        self.note_exit(exit, pc);
        event
    }

    fn note_exit(&self, exit: Exit, pc: u64) {
        let kind = match exit {
            Exit::NotTranslated => ExitKind::NotTranslated,
            Exit::Indirect => ExitKind::Indirect,
            Exit::Syscall => ExitKind::SystemCall,
            Exit::Fault => ExitKind::Fault,
            Exit::Interrupted => ExitKind::Interrupted,
            Exit::Trap(_) => ExitKind::Trap,
            Exit::Interpret => ExitKind::Interpret,
        };
        if let Some(watch) = &self.watch {
            *lock(&watch.thread.rare).exits.entry((pc, kind)).or_default() += 1;
        }
    }

    /// The counted block that translated code was left in, with its end.
    fn current_block(&self) -> Option<(u32, u64)> {
        let number = self.ctx.current_block as u32;
        let (_, end) = self.process.observers.as_ref()?.range(number)?;
        Some((number, end))
    }

    /// Translated code left the instruction at `pc` to tier 0, which executed it or not.
    fn count_step(&self, pc: u64, length: u64, executed: bool) {
        let (Some(watch), Some((number, end))) = (&self.watch, self.current_block()) else { return };
        if executed && pc.wrapping_add(length) == end || pc == end {
            watch.thread.counters.add(number, false);
            return;
        }
        self.count_aborted(pc);
        if executed {
            *lock(&watch.thread.rare).single.entry(pc).or_default() += 1;
        }
    }

    /// The current block ended before its instruction at `pc` was complete.
    fn count_aborted(&self, pc: u64) {
        if let (Some(watch), Some((number, _))) = (&self.watch, self.current_block()) {
            *lock(&watch.thread.rare).aborted.entry((number, pc)).or_default() += 1;
        }
    }

    /// The system call whose number and arguments are in the registers, under observation.
    pub(crate) fn call_observed(&mut self) -> Outcome {
        let number = self.x(17);
        let args = std::array::from_fn(|n| self.x(10 + n as u8));
        if let Some(watch) = self.watch.as_mut() {
            watch.calling = Some((number, args));
        }
        self.tick.doing(Doing::SystemCall(number));
        let begin = Instant::now();
        let outcome = linux::dispatch(self);
        let ns = begin.elapsed().as_nanos() as u64;
        self.tick.doing(Doing::Tier0);
        let result = match outcome {
            Outcome::Return(value) => Some(value as i64),
            Outcome::Errno(errno) => Some(-i64::from(errno.0)),
            _ => None,
        };
        if let Some(watch) = self.watch.as_mut() {
            watch.calling = None;
        }
        if let Some(observers) = &self.process.observers {
            observers.tell(|observer| observer.system_call(self, &SystemCall { number, args, result, ns }));
        }
        outcome
    }

    /// Takes the sample that the timer asked for, between two guest instructions.
    pub(crate) fn take_sample(&mut self) {
        let Some((doing, host_pc, pc)) = self.tick.take() else { return };
        let Some(observers) = &self.process.observers else { return };
        let translated = (host_pc != 0).then(|| self.process.code.find_fault(host_pc)).flatten();
        let pc = translated.unwrap_or(if doing == Doing::Tier0 && pc != 0 { pc } else { self.pc() });
        let stack = crate::unwind::backtrace(self);
        let sample = super::Sample { doing, pc, stack };
        observers.tell(|observer| observer.sample(self, &sample));
    }
}
