//! Functions that translated code calls through its context.

use std::time::{SystemTime, UNIX_EPOCH};

use mynah_ir::{Counter, FpEnv, Inst, Op, Type, eval};

use mynah_ir::state::FLAGS_CELL;

use crate::{enter, half};
use crate::context::{Context, HELPERS, Helper};

/// Packs what [`Helper::Eval`] needs to know of an instruction.
pub fn pack(inst: &Inst) -> u64 {
    inst.op as u64 | (inst.ty as u64) << 8 | (inst.from as u64) << 16 | ((inst.imm as u64) & 0xff) << 24
}

fn unpack_type(bits: u64) -> Type {
    Type::ALL.get((bits as u8 as usize).wrapping_sub(1)).copied().unwrap_or(Type::Void)
}

/// Evaluates any op that only computes. Flags are accrued in the state: the sticky flags of MXCSR are added to them when
/// translated code is left.
unsafe extern "C" fn eval_helper(ctx: *mut Context, meta: u64, a: u64, b: u64, c: u64) -> u64 {
    // SAFETY: translated code passes its own context, which nothing else uses meanwhile.
    let state = unsafe { &mut (*ctx).state };
    let Some(op) = Op::from_bits(meta as u8) else { return 0 };
    let mut env = FpEnv { frm: state.fp_env().frm, flags: 0 };
    let value = eval::eval(op, unpack_type(meta >> 8), unpack_type(meta >> 16), (meta >> 24) as u8 as i64, [a, b, c], &mut env);
    state.accrue(env);
    value.unwrap_or(0)
}

unsafe extern "C" fn half_helper(_ctx: *mut Context, meta: u64, a: u64, b: u64, _c: u64) -> u64 {
    let Some(op) = Op::from_bits(meta as u8) else { return 0 };
    half::evaluate(op, unpack_type(meta >> 8), unpack_type(meta >> 16), a, b)
}

/// Nanoseconds since boot; the guest is told a frequency of 1 GHz.
pub fn read_counter(which: Counter) -> u64 {
    match which {
        Counter::Time => SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_nanos() as u64),
        // SAFETY: rdtsc has no effect but its result.
        Counter::Cycle | Counter::Instret => unsafe { std::arch::x86_64::_rdtsc() },
    }
}

unsafe extern "C" fn counter_helper(_ctx: *mut Context, which: u64) -> u64 {
    read_counter(match which {
        0 => Counter::Time,
        1 => Counter::Cycle,
        _ => Counter::Instret,
    })
}

fn mxcsr() -> u32 {
    let mut value = 0u32;
    // SAFETY: stores MXCSR to the variable.
    unsafe { std::arch::asm!("stmxcsr [{}]", in(reg) &mut value, options(nostack, preserves_flags)) };
    value
}

unsafe extern "C" fn read_flags(ctx: *mut Context) -> u64 {
    // SAFETY: translated code passes its own context, which nothing else uses meanwhile.
    let state = unsafe { &(*ctx).state };
    state.get(FLAGS_CELL) | enter::guest_flags(mxcsr())
}

unsafe extern "C" fn write_flags(ctx: *mut Context, flags: u64) -> u64 {
    let clear = mxcsr() & !0x3f;
    // SAFETY: only the sticky bits change, which belong to the guest while translated code runs.
    unsafe { std::arch::asm!("ldmxcsr [{}]", in(reg) &clear, options(nostack, preserves_flags)) };
    // SAFETY: as in `read_flags`.
    unsafe { (*ctx).state.set(FLAGS_CELL, flags) };
    0
}

/// The table that goes into every context.
pub fn table() -> [usize; HELPERS] {
    let mut table = [eval_helper as *const () as usize; HELPERS];
    table[Helper::ReadCounter as usize] = counter_helper as *const () as usize;
    table[Helper::ReadFlags as usize] = read_flags as *const () as usize;
    table[Helper::Half as usize] = half_helper as *const () as usize;
    table[Helper::WriteFlags as usize] = write_flags as *const () as usize;
    table
}
