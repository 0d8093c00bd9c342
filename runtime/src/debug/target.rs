//! What gdb may ask of the guest. Every thread is parked while it asks.

use std::os::unix::ffi::OsStrExt;
use std::sync::atomic::Ordering;

use gdbstub::common::{Pid, Signal, Tid};
use gdbstub::target::ext::auxv::{Auxv, AuxvOps};
use gdbstub::target::ext::base::BaseOps;
use gdbstub::target::ext::base::multithread::{
    MultiThreadBase, MultiThreadResume, MultiThreadResumeOps, MultiThreadSchedulerLocking, MultiThreadSchedulerLockingOps,
    MultiThreadSingleStep, MultiThreadSingleStepOps,
};
use gdbstub::target::ext::base::single_register_access::{SingleRegisterAccess, SingleRegisterAccessOps};
use gdbstub::target::ext::breakpoints::{
    Breakpoints, BreakpointsOps, HwBreakpoint, HwBreakpointOps, HwWatchpoint, HwWatchpointOps, SwBreakpoint,
    SwBreakpointOps, WatchKind,
};
use gdbstub::target::ext::catch_syscalls::{CatchSyscalls, CatchSyscallsOps, SyscallNumbers};
use gdbstub::target::ext::exec_file::{ExecFile, ExecFileOps};
use gdbstub::target::ext::target_description_xml_override::{
    TargetDescriptionXmlOverride, TargetDescriptionXmlOverrideOps,
};
use gdbstub::target::ext::thread_extra_info::{ThreadExtraInfo, ThreadExtraInfoOps};
use gdbstub::target::{self, TargetError, TargetResult};
use mynah_frontend::riscv64::state;
use mynah_ir::state::{FLAGS_CELL, FRM_CELL};

use super::arch::{self, Reg, Regs, Riscv64};
use super::{Action, Debugger, Watchpoint, lock};
use crate::memory::GuestAddr;
use crate::process::Process;
use crate::vcpu::Vcpu;

/// The guest, for gdb.
pub(super) struct Target {
    process: &'static Process,
    debugger: &'static Debugger,
    description: String,
}

const EFAULT: u8 = libc::EFAULT as u8;

impl Target {
    pub(super) fn new(process: &'static Process, debugger: &'static Debugger) -> Target {
        Target { process, debugger, description: arch::description() }
    }

    /// Does something with a parked thread.
    fn with<R>(&self, tid: Tid, act: impl FnOnce(&mut Vcpu) -> R) -> TargetResult<R, Target> {
        let state = lock(&self.debugger.state);
        let thread = state.threads.get(&tid.get()).filter(|thread| thread.parked);
        let thread = thread.ok_or(TargetError::Errno(libc::ESRCH as u8))?;
        // SAFETY: a parked thread waits for the debugger's lock, which is held here.
        Ok(act(unsafe { &mut *thread.vcpu }))
    }

    fn set_action(&mut self, tid: Tid, action: Action, signal: Option<Signal>) {
        if let Some(thread) = lock(&self.debugger.state).threads.get_mut(&tid.get()) {
            thread.action = action;
            thread.signal = signal.and_then(arch::from_gdb);
        }
    }
}

/// Copies the part of `data` from `offset` on.
fn copy(data: &[u8], offset: u64, length: usize, buf: &mut [u8]) -> usize {
    let rest = usize::try_from(offset).ok().and_then(|offset| data.get(offset..)).unwrap_or_default();
    let count = rest.len().min(length).min(buf.len());
    buf[..count].copy_from_slice(&rest[..count]);
    count
}

impl target::Target for Target {
    type Arch = Riscv64;
    type Error = &'static str;

    fn base_ops(&mut self) -> BaseOps<'_, Riscv64, Self::Error> {
        BaseOps::MultiThread(self)
    }
    fn support_breakpoints(&mut self) -> Option<BreakpointsOps<'_, Self>> {
        Some(self)
    }
    fn support_target_description_xml_override(&mut self) -> Option<TargetDescriptionXmlOverrideOps<'_, Self>> {
        Some(self)
    }
    fn support_catch_syscalls(&mut self) -> Option<CatchSyscallsOps<'_, Self>> {
        Some(self)
    }
    fn support_exec_file(&mut self) -> Option<ExecFileOps<'_, Self>> {
        Some(self)
    }
    fn support_auxv(&mut self) -> Option<AuxvOps<'_, Self>> {
        Some(self)
    }
}

impl MultiThreadBase for Target {
    fn read_registers(&mut self, regs: &mut Regs, tid: Tid) -> TargetResult<(), Self> {
        self.with(tid, |vcpu| {
            let cells = &vcpu.ctx.state;
            regs.x = std::array::from_fn(|n| vcpu.x(n as u8));
            regs.pc = vcpu.pc();
            regs.f = std::array::from_fn(|n| cells.get(state::F + n as u16));
            regs.fcsr = fcsr(vcpu);
        })
    }

    fn write_registers(&mut self, regs: &Regs, tid: Tid) -> TargetResult<(), Self> {
        self.with(tid, |vcpu| {
            regs.x.iter().enumerate().for_each(|(n, value)| vcpu.set_x(n as u8, *value));
            vcpu.set_pc(regs.pc);
            regs.f.iter().enumerate().for_each(|(n, value)| vcpu.ctx.state.set(state::F + n as u16, *value));
            set_fcsr(vcpu, regs.fcsr);
        })
    }

    fn support_single_register_access(&mut self) -> Option<SingleRegisterAccessOps<'_, Tid, Self>> {
        Some(self)
    }

    fn read_addrs(&mut self, start: u64, data: &mut [u8], _: Tid) -> TargetResult<usize, Self> {
        let memory = &self.process.memory;
        if memory.read_bytes(GuestAddr(start), data).is_ok() {
            return Ok(data.len());
        }
        // As much as there is, up to the page that is not.
        let edge = (4096 - (start & 4095) as usize).min(data.len());
        match memory.read_bytes(GuestAddr(start), &mut data[..edge]) {
            Ok(()) => Ok(edge),
            Err(_) => Err(TargetError::Errno(EFAULT)),
        }
    }

    fn write_addrs(&mut self, start: u64, data: &[u8], _: Tid) -> TargetResult<(), Self> {
        self.process.memory.write_bytes(GuestAddr(start), data).map_err(|_| TargetError::Errno(EFAULT))
    }

    fn list_active_threads(&mut self, report: &mut dyn FnMut(Tid)) -> Result<(), Self::Error> {
        let threads: Vec<usize> = lock(&self.debugger.state).threads.keys().copied().collect();
        threads.into_iter().filter_map(Tid::new).for_each(report);
        Ok(())
    }

    fn support_resume(&mut self) -> Option<MultiThreadResumeOps<'_, Self>> {
        Some(self)
    }

    fn support_thread_extra_info(&mut self) -> Option<ThreadExtraInfoOps<'_, Self>> {
        Some(self)
    }
}

fn fcsr(vcpu: &Vcpu) -> u32 {
    (vcpu.ctx.state.get(FRM_CELL) << 5 | vcpu.ctx.state.get(FLAGS_CELL)) as u32
}

fn set_fcsr(vcpu: &mut Vcpu, value: u32) {
    vcpu.ctx.state.set(FLAGS_CELL, u64::from(value & 31));
    vcpu.ctx.state.set(FRM_CELL, u64::from(value >> 5 & 7));
}

impl SingleRegisterAccess<Tid> for Target {
    fn read_register(&mut self, tid: Tid, reg: Reg, buf: &mut [u8]) -> TargetResult<usize, Self> {
        let value = self.with(tid, |vcpu| match reg {
            Reg::X(n) => vcpu.x(n as u8),
            Reg::Pc => vcpu.pc(),
            Reg::F(n) => vcpu.ctx.state.get(state::F + n as u16),
            Reg::Csr(0) => u64::from(fcsr(vcpu) & 31),
            Reg::Csr(1) => u64::from(fcsr(vcpu) >> 5),
            Reg::Csr(_) => u64::from(fcsr(vcpu)),
        })?;
        let size = if matches!(reg, Reg::Csr(_)) { 4 } else { 8 };
        Ok(copy(&value.to_le_bytes()[..size], 0, size, buf))
    }

    fn write_register(&mut self, tid: Tid, reg: Reg, bytes: &[u8]) -> TargetResult<(), Self> {
        let value = bytes.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte));
        self.with(tid, |vcpu| match reg {
            Reg::X(n) => vcpu.set_x(n as u8, value),
            Reg::Pc => vcpu.set_pc(value),
            Reg::F(n) => vcpu.ctx.state.set(state::F + n as u16, value),
            Reg::Csr(0) => set_fcsr(vcpu, fcsr(vcpu) & !31 | value as u32 & 31),
            Reg::Csr(1) => set_fcsr(vcpu, fcsr(vcpu) & 31 | (value as u32 & 7) << 5),
            Reg::Csr(_) => set_fcsr(vcpu, value as u32),
        })
    }
}

impl MultiThreadResume for Target {
    fn resume(&mut self) -> Result<(), Self::Error> {
        self.debugger.resume_world();
        Ok(())
    }

    fn clear_resume_actions(&mut self) -> Result<(), Self::Error> {
        for thread in lock(&self.debugger.state).threads.values_mut() {
            (thread.action, thread.signal) = (Action::Unnamed, None);
        }
        Ok(())
    }

    fn set_resume_action_continue(&mut self, tid: Tid, signal: Option<Signal>) -> Result<(), Self::Error> {
        self.set_action(tid, Action::Continue, signal);
        Ok(())
    }

    fn support_single_step(&mut self) -> Option<MultiThreadSingleStepOps<'_, Self>> {
        Some(self)
    }

    fn support_scheduler_locking(&mut self) -> Option<MultiThreadSchedulerLockingOps<'_, Self>> {
        Some(self)
    }
}

impl MultiThreadSingleStep for Target {
    fn set_resume_action_step(&mut self, tid: Tid, signal: Option<Signal>) -> Result<(), Self::Error> {
        self.set_action(tid, Action::Step, signal);
        Ok(())
    }
}

impl MultiThreadSchedulerLocking for Target {
    fn set_resume_action_scheduler_lock(&mut self) -> Result<(), Self::Error> {
        let mut state = lock(&self.debugger.state);
        let others = state.threads.values_mut().filter(|thread| thread.action == Action::Unnamed);
        others.for_each(|thread| thread.action = Action::Stay);
        Ok(())
    }
}

impl ThreadExtraInfo for Target {
    fn thread_extra_info(&self, tid: Tid, buf: &mut [u8]) -> Result<usize, Self::Error> {
        let name = std::fs::read(format!("/proc/self/task/{tid}/comm")).unwrap_or_default();
        Ok(copy(name.trim_ascii_end(), 0, name.len(), buf))
    }
}

impl Breakpoints for Target {
    fn support_sw_breakpoint(&mut self) -> Option<SwBreakpointOps<'_, Self>> {
        Some(self)
    }
    fn support_hw_breakpoint(&mut self) -> Option<HwBreakpointOps<'_, Self>> {
        Some(self)
    }
    fn support_hw_watchpoint(&mut self) -> Option<HwWatchpointOps<'_, Self>> {
        Some(self)
    }
}

impl SwBreakpoint for Target {
    fn add_sw_breakpoint(&mut self, addr: u64, _: usize) -> TargetResult<bool, Self> {
        if self.process.memory.fetch16(GuestAddr(addr)).is_none() {
            return Ok(false);
        }
        let mut breakpoints = lock(&self.debugger.breakpoints);
        breakpoints.insert(addr);
        self.debugger.breakpoint_count.store(breakpoints.len(), Ordering::SeqCst);
        drop(breakpoints);
        // What was translated from there knows nothing of it.
        self.process.invalidate(addr, addr + 2);
        Ok(true)
    }

    fn remove_sw_breakpoint(&mut self, addr: u64, _: usize) -> TargetResult<bool, Self> {
        let mut breakpoints = lock(&self.debugger.breakpoints);
        let removed = breakpoints.remove(&addr);
        self.debugger.breakpoint_count.store(breakpoints.len(), Ordering::SeqCst);
        Ok(removed)
    }
}

impl HwBreakpoint for Target {
    fn add_hw_breakpoint(&mut self, addr: u64, kind: usize) -> TargetResult<bool, Self> {
        self.add_sw_breakpoint(addr, kind)
    }
    fn remove_hw_breakpoint(&mut self, addr: u64, kind: usize) -> TargetResult<bool, Self> {
        self.remove_sw_breakpoint(addr, kind)
    }
}

impl HwWatchpoint for Target {
    fn add_hw_watchpoint(&mut self, addr: u64, len: u64, kind: WatchKind) -> TargetResult<bool, Self> {
        let mut watchpoints = lock(&self.debugger.watchpoints);
        watchpoints.push(Watchpoint { addr, len, kind });
        self.debugger.watchpoint_count.store(watchpoints.len(), Ordering::SeqCst);
        Ok(true)
    }

    fn remove_hw_watchpoint(&mut self, addr: u64, len: u64, kind: WatchKind) -> TargetResult<bool, Self> {
        let mut watchpoints = lock(&self.debugger.watchpoints);
        let at = watchpoints.iter().position(|known| *known == Watchpoint { addr, len, kind });
        at.map(|at| watchpoints.remove(at));
        self.debugger.watchpoint_count.store(watchpoints.len(), Ordering::SeqCst);
        Ok(at.is_some())
    }
}

impl CatchSyscalls for Target {
    fn enable_catch_syscalls(&mut self, filter: Option<SyscallNumbers<'_, u64>>) -> TargetResult<(), Self> {
        *lock(&self.debugger.caught) = Some(filter.map(|numbers| numbers.collect()).unwrap_or_default());
        self.debugger.catching.store(true, Ordering::SeqCst);
        Ok(())
    }

    fn disable_catch_syscalls(&mut self) -> TargetResult<(), Self> {
        *lock(&self.debugger.caught) = None;
        self.debugger.catching.store(false, Ordering::SeqCst);
        Ok(())
    }
}

impl ExecFile for Target {
    fn get_exec_file(&self, _: Option<Pid>, offset: u64, length: usize, buf: &mut [u8]) -> TargetResult<usize, Self> {
        let path = self.process.sysroot.resolve_path(self.process.exe());
        Ok(copy(path.as_os_str().as_bytes(), offset, length, buf))
    }
}

impl Auxv for Target {
    fn get_auxv(&self, offset: u64, length: usize, buf: &mut [u8]) -> TargetResult<usize, Self> {
        Ok(copy(&self.process.image.auxv, offset, length, buf))
    }
}

impl TargetDescriptionXmlOverride for Target {
    fn target_description_xml(&self, annex: &[u8], offset: u64, length: usize, buf: &mut [u8]) -> TargetResult<usize, Self> {
        if annex != b"target.xml" {
            return Err(TargetError::NonFatal);
        }
        Ok(copy(self.description.as_bytes(), offset, length, buf))
    }
}

