//! Zalrsc, Zaamo, Zacas, Zabha.
//!
//! The IR's atomics are sequentially consistent, so that aq and rl ask for nothing more. They also check alignment.

use mynah_ir::Type::{I8, I16, I32, I64};
use mynah_ir::{AtomicKind, Build, Flow, Type};

use super::{Insn, Registers, state};
use crate::riscv64::state::NO_RESERVATION;

/// rd = memory, which is remembered as reserved with the value it had.
#[inline(always)]
fn load_reserved<B: Build>(b: &mut B, i: &Insn, ty: Type) -> Flow {
    let addr = b.x(i.rs1);
    let old = b.load_reserved(ty, addr)?;
    let remembered = if ty == I64 { old } else { b.zext(I64, ty, old) };
    b.set(state::RES_ADDR, addr);
    b.set(state::RES_VALUE, remembered);
    let v = b.widen(ty, old);
    b.set_x(i.rd, v);
    Ok(())
}

/// Stores if the reservation still holds; rd = 0 if it did. The reservation is gone either way.
#[inline(always)]
fn store_conditional<B: Build>(b: &mut B, i: &Insn, ty: Type) -> Flow {
    let addr = b.x(i.rs1);
    let new = b.narrow(ty, i.rs2);
    let reserved = b.get(state::RES_ADDR);
    let remembered = b.get(state::RES_VALUE);
    let expected = if ty == I64 { remembered } else { b.trunc(ty, I64, remembered) };
    let failed = b.store_cond(ty, addr, reserved, expected, new)?;
    let none = b.iconst(I64, NO_RESERVATION);
    b.set(state::RES_ADDR, none);
    b.set_x(i.rd, failed);
    Ok(())
}

/// rd = memory; memory = f(memory, rs2).
#[inline(always)]
fn modify<B: Build>(b: &mut B, i: &Insn, ty: Type, kind: AtomicKind) -> Flow {
    let addr = b.x(i.rs1);
    let value = b.narrow(ty, i.rs2);
    let old = b.atomic_rmw(kind, ty, addr, value)?;
    let v = b.widen(ty, old);
    b.set_x(i.rd, v);
    Ok(())
}

/// rd = memory; memory = rs2 if it was rd.
#[inline(always)]
fn compare_and_swap<B: Build>(b: &mut B, i: &Insn, ty: Type) -> Flow {
    let addr = b.x(i.rs1);
    let expected = b.narrow(ty, i.rd);
    let new = b.narrow(ty, i.rs2);
    let old = b.atomic_cas(ty, addr, expected, new)?;
    let v = b.widen(ty, old);
    b.set_x(i.rd, v);
    Ok(())
}

macro_rules! atomics {
    ($($name:ident = $f:ident($ty:ident $(, $kind:ident)?);)*) => {
        $(
            #[doc = concat!("`", stringify!($name), "`")]
            pub fn $name<B: Build>(b: &mut B, i: &Insn) -> Flow {
                $f(b, i, $ty $(, AtomicKind::$kind)?)
            }
        )*
    };
}

atomics! {
    lr_w = load_reserved(I32);
    lr_d = load_reserved(I64);
    sc_w = store_conditional(I32);
    sc_d = store_conditional(I64);

    amoswap_b = modify(I8, Swap);
    amoadd_b = modify(I8, Add);
    amoxor_b = modify(I8, Xor);
    amoand_b = modify(I8, And);
    amoor_b = modify(I8, Or);
    amomin_b = modify(I8, Smin);
    amomax_b = modify(I8, Smax);
    amominu_b = modify(I8, Umin);
    amomaxu_b = modify(I8, Umax);

    amoswap_h = modify(I16, Swap);
    amoadd_h = modify(I16, Add);
    amoxor_h = modify(I16, Xor);
    amoand_h = modify(I16, And);
    amoor_h = modify(I16, Or);
    amomin_h = modify(I16, Smin);
    amomax_h = modify(I16, Smax);
    amominu_h = modify(I16, Umin);
    amomaxu_h = modify(I16, Umax);

    amoswap_w = modify(I32, Swap);
    amoadd_w = modify(I32, Add);
    amoxor_w = modify(I32, Xor);
    amoand_w = modify(I32, And);
    amoor_w = modify(I32, Or);
    amomin_w = modify(I32, Smin);
    amomax_w = modify(I32, Smax);
    amominu_w = modify(I32, Umin);
    amomaxu_w = modify(I32, Umax);

    amoswap_d = modify(I64, Swap);
    amoadd_d = modify(I64, Add);
    amoxor_d = modify(I64, Xor);
    amoand_d = modify(I64, And);
    amoor_d = modify(I64, Or);
    amomin_d = modify(I64, Smin);
    amomax_d = modify(I64, Smax);
    amominu_d = modify(I64, Umin);
    amomaxu_d = modify(I64, Umax);

    amocas_b = compare_and_swap(I8);
    amocas_h = compare_and_swap(I16);
    amocas_w = compare_and_swap(I32);
    amocas_d = compare_and_swap(I64);
}

/// `amocas.q`: the operands are pairs of registers; a pair that begins with x0 is 0 and is not written.
pub fn amocas_q<B: Build>(b: &mut B, i: &Insn) -> Flow {
    let second = |n: u8| if n == 0 { 0 } else { n | 1 };
    let addr = b.x(i.rs1);
    let expected = [b.x(i.rd), b.x(second(i.rd))];
    let new = [b.x(i.rs2), b.x(second(i.rs2))];
    let [low, high] = b.atomic_cas128(addr, expected, new)?;
    b.set_x(i.rd, low);
    b.set_x(second(i.rd), high);
    Ok(())
}
