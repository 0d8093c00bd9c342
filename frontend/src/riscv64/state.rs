//! Which cell of [`mynah_ir::State`] holds what for a riscv64 guest.

use mynah_ir::Slot;
use mynah_ir::state::{FLAGS_CELL, FRM_CELL, PC_CELL};

/// `x0` to `x31`. `x0`'s cell stays 0: nothing writes it.
pub const X: u16 = 0;
/// `f0` to `f31`.
pub const F: u16 = 32;
/// The program counter.
pub const PC: Slot = Slot::int(PC_CELL);
/// `fflags`, the accrued exceptions.
pub const FFLAGS: Slot = Slot::int(FLAGS_CELL);
/// `frm`, the dynamic rounding mode.
pub const FRM: Slot = Slot::int(FRM_CELL);
/// Address of the reservation that `lr` made; [`NO_RESERVATION`] when there is none.
pub const RES_ADDR: Slot = Slot::int(67);
/// Value that `lr` read, as loaded (zero-extended).
pub const RES_VALUE: Slot = Slot::int(68);

/// No address: `sc` on it always fails.
pub const NO_RESERVATION: u64 = u64::MAX;

/// The slot of `x<n>`.
#[inline(always)]
pub const fn x(n: u8) -> Slot {
    Slot::int(X + n as u16)
}

/// The slot of `f<n>`.
#[inline(always)]
pub const fn f(n: u8) -> Slot {
    Slot::float(F + n as u16)
}
