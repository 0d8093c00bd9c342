//! A guest thread.

use std::sync::atomic::AtomicBool;
use std::time::Instant;

use mynah_backend::Context;
use mynah_backend::context::{EMPTY_JUMP, JumpEntry, JumpTable};

use crate::linux::signal::ThreadSignals;
use crate::memory::GuestAddr;
use crate::process::Process;
use crate::stats::Counts;
use crate::tier0::Blocks;

/// A guest thread and all that belongs to it alone. Lives in a box whose address never changes: translated code and
/// host signal handlers hold it.
#[repr(C)]
pub struct Vcpu {
    /// What translated code sees. First, so that a `*mut Context` is a `*mut Vcpu`.
    pub ctx: Context,
    /// The process it belongs to.
    pub process: &'static Process,
    /// Host thread id, which is the guest's too.
    pub tid: i32,
    /// Mask, alternate stack, and what arrived.
    pub signals: ThreadSignals,
    /// `set_tid_address`: zeroed and woken when the thread ends; 0 if none.
    pub clear_child_tid: GuestAddr,
    /// `set_robust_list`: the guest's list of locks to release when the thread dies; 0 if none.
    pub robust_list: GuestAddr,
    /// A child of `vfork`: runs on the memory and the host thread's state of a parent that waits.
    pub borrowed: Option<Box<crate::linux::clone::Borrowed>>,
    /// Where the vDSO's random numbers come from.
    pub random: crate::host::vdso::Random,
    /// Pre-decoded blocks.
    pub(crate) blocks: Blocks,
    /// Counts since the thread began.
    pub counts: Counts,
    /// How many of the blocks executed so far are not news for the cache on disk: noted before, or the parent's.
    pub(crate) inherited_blocks: u64,
    /// When it began to run.
    pub(crate) started: Instant,
    /// How many of the process's changes this vCPU has taken note of.
    pub(crate) seen: u64,
    /// Whether it is in translated code, for whoever wants everybody out.
    pub(crate) in_code: AtomicBool,
    /// The guest page that code was last fetched from, already watched; odd if none.
    pub(crate) code_page: u64,
    /// What is kept for observers; `None` without any.
    pub(crate) watch: Option<Box<crate::observe::Watch>>,
    /// The debugger that it is under; `None` without one.
    pub(crate) debug: Option<&'static crate::debug::Debugger>,
    /// Whether the debugger wants one instruction executed, and whether that was done.
    pub(crate) stepping: bool,
    pub(crate) stepped: bool,
    /// Where the sampling timer found the thread.
    pub(crate) tick: crate::observe::sample::Tick,
    jump_table: Box<JumpTable>,
}

const _: () = assert!(std::mem::offset_of!(Vcpu, ctx) == 0);

impl Vcpu {
    /// A vCPU with zeroed registers.
    pub fn new(process: &'static Process) -> Box<Vcpu> {
        let mut jump_table = mynah_backend::context::empty_jump_table();
        let mut ctx = Context::new(jump_table.as_mut_ptr(), process.memory.guest_base());
        ctx.state.set(mynah_frontend::riscv64::state::RES_ADDR.cell, mynah_frontend::riscv64::state::NO_RESERVATION);
        Box::new(Vcpu {
            ctx,
            process,
            // SAFETY: no memory is involved.
            tid: unsafe { libc::gettid() },
            signals: ThreadSignals::new(),
            clear_child_tid: GuestAddr(0),
            robust_list: GuestAddr(0),
            borrowed: None,
            random: Default::default(),
            blocks: Blocks::default(),
            counts: Counts::default(),
            inherited_blocks: 0,
            started: Instant::now(),
            seen: process.version(),
            in_code: AtomicBool::new(false),
            code_page: 1,
            watch: None,
            debug: None,
            stepping: false,
            stepped: false,
            tick: Default::default(),
            jump_table,
        })
    }

    /// A vCPU for a new guest thread or child: the same registers, nothing else.
    pub fn fork_copy(&self) -> Box<Vcpu> {
        let mut copy = Vcpu::new(self.process);
        copy.ctx.state = self.ctx.state.clone();
        copy
    }

    /// Reads `x<n>`.
    pub fn x(&self, n: u8) -> u64 {
        self.ctx.state.get(n as u16 & 31)
    }

    /// Writes `x<n>`; `x0` stays 0.
    pub fn set_x(&mut self, n: u8, value: u64) {
        if n & 31 != 0 {
            self.ctx.state.set(n as u16 & 31, value);
        }
    }

    /// The guest's program counter.
    pub fn pc(&self) -> u64 {
        self.ctx.state.pc()
    }

    /// Sets the guest's program counter.
    pub fn set_pc(&mut self, pc: u64) {
        self.ctx.state.set_pc(pc);
    }

    /// Notes where the translation of a guest pc is, for generated code to find.
    pub(crate) fn remember_jump(&mut self, pc: u64, entry: u64) {
        self.jump_table[mynah_backend::context::jump_index(pc)] = JumpEntry { pc, entry };
    }

    /// Forgets where the translation of a guest pc is.
    pub(crate) fn forget_jump(&mut self, pc: u64) {
        let entry = &mut self.jump_table[mynah_backend::context::jump_index(pc)];
        if entry.pc == pc {
            *entry = EMPTY_JUMP;
        }
    }

    /// Forgets where translations are.
    pub(crate) fn forget_jumps(&mut self) {
        self.jump_table.fill(EMPTY_JUMP);
    }
}
