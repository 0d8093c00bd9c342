//! How a thread runs while a debugger is connected: as in [`crate::dispatcher`], with a look before what may stop it.

use gdbstub::stub::MultiThreadStopReason as Reason;
use gdbstub::target::ext::breakpoints::WatchKind;
use gdbstub::target::ext::catch_syscalls::CatchSyscallPosition;
use mynah_frontend::riscv64;
use mynah_ir::Region;

use super::{Debugger, tid};
use crate::dispatcher::{Event, fetch};
use crate::linux::Outcome;
use crate::observe::AccessKind;
use crate::observe::precise;
use crate::tier0::Block;
use crate::vcpu::Vcpu;

impl Vcpu {
    /// [`Vcpu::advance`] under a debugger: until there is an event, somebody asks, or a step is done.
    pub(crate) fn advance_debugged(&mut self, debugger: &'static Debugger) -> Option<Event> {
        let mut last: *mut Block = std::ptr::null_mut();
        loop {
            if self.stepping {
                self.stepping = false;
                self.stepped = true;
                return self.step_watched(debugger);
            }
            if debugger.has_breakpoint(self.pc()) {
                self.report_stop(debugger, Reason::SwBreak);
                return None;
            }
            let block = self.block(last);
            // SAFETY: as in `advance`.
            let block = unsafe { &mut *block };
            if debugger.is_watching() || debugger.has_breakpoint_in(block.pc, block.end) {
                let event = self.step_watched(debugger);
                if event.is_some() || self.ctx.exit_requested() {
                    return event;
                }
                last = std::ptr::null_mut();
                continue;
            }
            if block.runs >= block.look_at
                && let Some(entry) = self.translation_of(block)
            {
                return self.run_code(entry).and_then(|exit| self.left(exit));
            }
            if block.is_empty() {
                return Some(Event::NoInstruction);
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

    fn report_stop(&mut self, debugger: &Debugger, reason: fn(gdbstub::common::Tid) -> super::Stop) {
        if let Some(tid) = tid(self) {
            debugger.report(self, reason(tid));
        }
    }

    /// Executes the instruction at pc and reports a watchpoint that it hits.
    fn step_watched(&mut self, debugger: &Debugger) -> Option<Event> {
        let (pc, process) = (self.pc(), self.process);
        let page = &mut self.code_page;
        let Ok(insn) = riscv64::fetch_insn(pc, &mut |addr| fetch(&process.memory, page, addr), &process.options.cpu)
        else {
            return Some(Event::NoInstruction);
        };
        let (result, accesses) = precise::step(&mut self.ctx, &insn);
        let hit = accesses.iter().find_map(|access| {
            let writes = access.kind != AccessKind::Load;
            let found = debugger.watched(access.addr.0, u64::from(access.size), writes);
            let also = access.kind == AccessKind::Atomic;
            found.or_else(|| also.then(|| debugger.watched(access.addr.0, u64::from(access.size), false)).flatten())
        });
        if let (Some(watch), Some(tid)) = (hit, tid(self)) {
            self.stepped = false;
            let kind: WatchKind = watch.kind;
            debugger.report(self, Reason::Watch { tid, kind, addr: watch.addr });
        }
        result.err().map(Event::Stop)
    }

    /// At the top of the dispatcher's loop: a step that is done is told, and a stop of the world is obeyed.
    pub(crate) fn debug_checkpoint(&mut self, debugger: &'static Debugger) {
        if std::mem::take(&mut self.stepped) && debugger.is_attached() {
            let number = gdbstub::common::Signal::SIGTRAP;
            if let Some(tid) = tid(self) {
                debugger.report(self, Reason::SignalWithThread { tid, signal: number });
            }
        }
        debugger.checkpoint(self);
    }

    /// The system call in the registers, told to the debugger before and after if it is caught.
    pub(crate) fn call_debugged(&mut self, call: impl FnOnce(&mut Vcpu) -> Outcome) -> Outcome {
        let number = self.x(17);
        let tell = |vcpu: &mut Vcpu, position| {
            if let Some(debugger) = vcpu.debugger().filter(|debugger| debugger.is_attached() && debugger.catches(number)) {
                debugger.report(vcpu, Reason::CatchSyscall { tid: tid(vcpu), number, position });
            }
        };
        tell(self, CatchSyscallPosition::Entry);
        let outcome = call(self);
        if let Outcome::Return(_) | Outcome::Errno(_) = outcome {
            let before = self.x(10);
            self.set_x(10, match outcome {
                Outcome::Return(value) => value,
                Outcome::Errno(errno) => i64::from(-errno.0) as u64,
                _ => before,
            });
            tell(self, CatchSyscallPosition::Return);
            self.set_x(10, before);
        }
        outcome
    }

    /// Takes blocks with breakpoints out of a region that is about to be translated; false if it then has no entry.
    pub(crate) fn keep_breakpoints_out(&self, region: &mut Region) -> bool {
        let Some(debugger) = self.process.debugger.get() else { return true };
        let entry = region.pc();
        region.blocks.retain(|block| !debugger.has_breakpoint_in(block.pc, block.end));
        let left: Vec<u64> = region.blocks.iter().map(|block| block.pc).collect();
        region.predicted.retain(|(_, target)| left.contains(target));
        left.first() == Some(&entry)
    }
}
