//! What translated code sees of a vCPU. Translated code keeps the address of its [`Context`] in a host register and
//! addresses every field by a fixed offset, so the layout is pinned here.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use mynah_ir::State;

/// Entries of a vCPU's jump table; a power of two.
pub const JUMP_TABLE_ENTRIES: usize = 4096;

/// One entry of the direct-mapped table that generated code probes on indirect jumps.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct JumpEntry {
    /// Guest pc; odd when the entry is empty.
    pub pc: u64,
    /// Host entry of its translation.
    pub entry: u64,
}

/// An empty entry: no guest pc is odd.
pub const EMPTY_JUMP: JumpEntry = JumpEntry { pc: 1, entry: 0 };

/// The table that generated code probes on indirect jumps.
pub type JumpTable = [JumpEntry; JUMP_TABLE_ENTRIES];

/// A table without entries. Nearly all of it is zeros that nobody has written, so it costs memory only where it is used:
/// pc 0 belongs into its first entry, and in all others 0 is as odd as 1.
pub fn empty_jump_table() -> Box<JumpTable> {
    // SAFETY: an entry is two numbers, for which zeros are fine.
    let mut table: Box<JumpTable> = unsafe { Box::new_zeroed().assume_init() };
    table[0] = EMPTY_JUMP;
    table
}

/// The index of a guest pc in the jump table.
#[inline(always)]
pub fn jump_index(pc: u64) -> usize {
    (pc >> 1) as usize & (JUMP_TABLE_ENTRIES - 1)
}

/// Helpers that translated code calls through the context, so that code embeds no host address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(usize)]
pub enum Helper {
    /// `fn(ctx, op | ty << 8 | from << 16 | imm << 24, a, b, c) -> u64`: [`mynah_ir::eval`] of any op.
    Eval = 0,
    /// `fn(ctx, counter) -> u64`.
    ReadCounter = 1,
    /// `fn(ctx) -> u64`: the accrued flags, those in MXCSR included.
    ReadFlags = 2,
    /// `fn(ctx, flags) -> u64`: replaces the accrued flags, those in MXCSR included. The result means nothing.
    WriteFlags = 3,
    /// Like `Eval`, for half-precision ops that [`crate::half`] knows.
    Half = 4,
}

/// Number of helpers.
pub const HELPERS: usize = 8;

/// The part of a vCPU that translated code reads and writes.
#[derive(Debug)]
#[repr(C, align(64))]
pub struct Context {
    /// Architectural state. At offset 0.
    pub state: StateCell,
    /// Not 0 when somebody wants this vCPU to leave translated code: polled on back edges and indirect exits.
    pub exit_request: AtomicU32,
    /// Host MXCSR to restore when translated code is left.
    pub host_mxcsr: u32,
    /// MXCSR while translated code runs; holds the guest's rounding mode.
    pub guest_mxcsr: u32,
    /// MXCSR as translated code left it, with the flags that were raised.
    pub left_mxcsr: u32,
    /// The link through which translated code was left with `NotTranslated`; 0 if none.
    pub exit_link: u64,
    /// Host stack pointer below which guest calls no longer nest on the host stack.
    pub stack_limit: AtomicU64,
    /// The stack limit while nobody asks to leave.
    pub calm_stack_limit: u64,
    /// What is added to a guest address to get a host address.
    pub guest_base: u64,
    /// The vCPU's jump table.
    pub jump_table: *mut JumpEntry,
    /// Host stack pointer to go back to when a fault abandons translated code.
    pub host_sp: u64,
    /// Host pc of the access that faulted.
    pub fault_host_pc: u64,
    /// Keeps floating-point results alive whose flags count.
    pub scratch: [u64; 2],
    /// Where translated code counts executions of blocks, two cells for each number: null if nobody counts.
    pub counters: *mut u64,
    /// Number of the last counted block that began and can be left in its middle.
    pub current_block: u64,
    /// Helper addresses, by [`Helper`].
    pub helpers: [usize; HELPERS],
}

/// The state inside a context.
pub type StateCell = State;

impl Context {
    /// Asks this vCPU to leave translated code soon: the next poll or guest call sees it. Async-signal-safe, and callable
    /// from other threads.
    pub fn request_exit(&self) {
        self.exit_request.store(1, Ordering::SeqCst);
        self.stack_limit.store(u64::MAX, Ordering::SeqCst);
    }

    /// Takes the request back, on the vCPU's own thread, before looking for what it was about.
    pub fn clear_exit_request(&self) {
        self.stack_limit.store(self.calm_stack_limit, Ordering::SeqCst);
        self.exit_request.store(0, Ordering::SeqCst);
    }

    /// Whether somebody asked.
    #[inline(always)]
    pub fn exit_requested(&self) -> bool {
        self.exit_request.load(Ordering::Relaxed) != 0
    }

    /// A context with zeroed state that uses the given jump table.
    pub fn new(jump_table: *mut JumpEntry, guest_base: u64) -> Context {
        Context {
            state: State::default(),
            exit_request: AtomicU32::new(0),
            host_mxcsr: 0x1f80,
            guest_mxcsr: crate::enter::mxcsr_for(0),
            left_mxcsr: 0,
            exit_link: 0,
            stack_limit: AtomicU64::new(0),
            calm_stack_limit: 0,
            guest_base,
            jump_table,
            host_sp: 0,
            fault_host_pc: 0,
            scratch: [0; 2],
            counters: std::ptr::null_mut(),
            current_block: 0,
            helpers: crate::helpers::table(),
        }
    }

    /// Bounds how deep guest calls nest on the host stack: not below `limit`.
    pub fn set_stack_limit(&mut self, limit: u64) {
        self.calm_stack_limit = limit;
        self.stack_limit.store(limit, Ordering::SeqCst);
    }
}

const _: () = assert!(std::mem::offset_of!(Context, state) == 0);
