//! Constants and algebra of integers.
//!
//! [`simplify`] gives a value equal to an instruction whose arguments are simplified already: one that exists, a
//! constant, or a cheaper instruction. Each rule either ends or goes on with a shorter chain, so it terminates.
//!
//! Floating-point ops are never folded. A [`Op::Gaddr`] never becomes a constant, because code that is kept on disk
//! is relocated when it is used again: by a multiple of the page size, so sums with constants and masks of low bits
//! are addresses again.

use crate::block::{Block, Inst, Terminal, Value};
use crate::build::Hint;
use crate::eval;
use crate::ops::{Op, Shape};
use crate::types::{FpEnv, Type};

use super::rewrite::{Out, Scratch, inst};

/// Relocation keeps the bits of a guest address below this alignment: a page.
const RELOCATION_ALIGN: u64 = 4096;

pub(super) fn run(block: &mut Block, scratch: &mut Scratch) {
    scratch.sweep.run(block, |out, _, inst| simplify(out, inst));
    block.terminal = fold_terminal(&block.insts, block.terminal);
}

/// A terminal of which more is known: a branch that always or never branches, a computed address that is known.
fn fold_terminal(insts: &[Inst], terminal: Terminal) -> Terminal {
    match terminal {
        Terminal::Branch { taken, not_taken, .. } if taken == not_taken => Terminal::Jump { target: taken },
        Terminal::Branch { cond, taken, not_taken } => match insts[cond.index()] {
            Inst { op: Op::Iconst, imm, .. } => Terminal::Jump { target: if imm != 0 { taken } else { not_taken } },
            _ => terminal,
        },
        // A return keeps its hint: the backend returns from a host call there.
        Terminal::Indirect { target, hint } => match (insts[target.index()], hint) {
            (Inst { op: Op::Gaddr, imm, .. }, Hint::Call { ret }) => Terminal::Call { target: imm as u64, ret },
            (Inst { op: Op::Gaddr, imm, .. }, Hint::Other) => Terminal::Jump { target: imm as u64 },
            _ => terminal,
        },
        _ => terminal,
    }
}

fn simplify(out: &mut Out, inst: Inst) -> Value {
    match inst.op.shape() {
        Shape::unary | Shape::crypto => constant(out, &inst).unwrap_or_else(|| out.push(inst)),
        Shape::convert => constant(out, &inst).unwrap_or_else(|| convert(out, inst)),
        Shape::binary => constant(out, &inst).unwrap_or_else(|| binary(out, inst)),
        Shape::compare => constant(out, &inst).unwrap_or_else(|| compare(out, inst)),
        Shape::special => match inst.op {
            Op::Load | Op::Store => access(out, inst),
            Op::Select => select(out, inst),
            _ => out.push(inst),
        },
        Shape::fp1 | Shape::fp2 | Shape::fp3 | Shape::fpcmp | Shape::fpcvt => out.push(inst),
    }
}

/// Computes an integer instruction whose arguments are all constants.
fn constant(out: &mut Out, inst: &Inst) -> Option<Value> {
    let mut args = [0; 3];
    for (place, arg) in args.iter_mut().zip(inst.args()) {
        *place = out.constant(*arg)?;
    }
    let result = inst.result();
    let value = eval::eval_inst(inst, args, &mut FpEnv::default()).filter(|_| result.is_int())?;
    Some(out.iconst(result, value))
}

/// Moves a constant added to the address into the offset, as far as a host's addressing modes can hold it.
fn access(out: &mut Out, mut inst: Inst) -> Value {
    let sum = *out.inst(inst.args[0]);
    if sum.op == Op::Add
        && let Some(offset) = out.constant(sum.args[1])
        && let Ok(offset) = i32::try_from(inst.imm.wrapping_add(offset as i64))
    {
        inst.args[0] = sum.args[0];
        inst.imm = offset as i64;
    }
    out.push(inst)
}

fn select(out: &mut Out, inst: Inst) -> Value {
    let [cond, a, b, _] = inst.args;
    match out.constant(cond) {
        Some(cond) => {
            if cond != 0 {
                a
            } else {
                b
            }
        }
        None if a == b => a,
        None => out.push(inst),
    }
}

/// Conversions of conversions.
fn convert(out: &mut Out, outer: Inst) -> Value {
    let Inst { op, ty, from, .. } = outer;
    let a = outer.args[0];
    let inner = *out.inst(a);
    let source = inner.args[0];
    let again = |op, out: &mut Out| simplify(out, inst(op, ty, inner.from, &[source], 0));
    match (op, inner.op) {
        (Op::Bitcast, _) if ty == from => a,
        (Op::Bitcast, Op::Bitcast) => again(Op::Bitcast, out),
        (Op::Unbox, Op::Nanbox) if inner.from == ty => source,
        (Op::Trunc, Op::Bitcast) => match *out.inst(source) {
            // The low half of a boxed float is the float.
            Inst { op: Op::Nanbox, from, args, .. } if from.bits() == ty.bits() => {
                out.push(inst(Op::Bitcast, ty, from, &args[..1], 0))
            }
            _ => out.push(outer),
        },
        (Op::Trunc, Op::Zext | Op::Sext) if inner.from == ty => source,
        (Op::Trunc, Op::Zext | Op::Sext) if inner.from.bits() < ty.bits() => again(inner.op, out),
        (Op::Trunc, Op::Zext | Op::Sext | Op::Trunc) => again(Op::Trunc, out),
        (Op::Zext, Op::Zext) | (Op::Sext, Op::Sext) => again(op, out),
        // A zero-extended value is not negative.
        (Op::Sext, Op::Zext) => again(Op::Zext, out),
        _ => out.push(outer),
    }
}

const fn commutes(op: Op) -> bool {
    use Op::*;
    matches!(op, Add | Mul | Umulh | Smulh | And | Or | Xor | Smin | Smax | Umin | Umax | Clmul | Clmulh | Eq | Ne)
}

/// Puts a constant on the right where the op allows it, so that other rules need look there only.
fn constant_right(out: &Out, inst: &mut Inst) {
    if commutes(inst.op) && out.constant(inst.args[0]).is_some() {
        inst.args.swap(0, 1);
    }
}

fn binary(out: &mut Out, mut inst: Inst) -> Value {
    constant_right(out, &mut inst);
    let [a, b, ..] = inst.args;
    match (out.constant(b), inst.op) {
        (Some(c), _) => with_constant(out, inst, c),
        (None, Op::Sub | Op::Xor) if a == b => out.iconst(inst.ty, 0),
        (None, Op::And | Op::Or | Op::Smin | Op::Smax | Op::Umin | Op::Umax) if a == b => a,
        _ => out.push(inst),
    }
}

/// A binary op whose right argument is the constant `c`.
fn with_constant(out: &mut Out, outer: Inst, c: u64) -> Value {
    let Inst { op, ty, .. } = outer;
    let [a, b, ..] = outer.args;
    let ones = ty.mask();
    match (op, c) {
        (Op::Add | Op::Sub | Op::Or | Op::Xor | Op::Umax, 0) | (Op::Mul | Op::Udiv | Op::Sdiv, 1) => a,
        (Op::And | Op::Mul | Op::Umulh | Op::Smulh | Op::Clmul | Op::Clmulh | Op::Umin, 0) => b,
        (Op::And | Op::Umin, _) if c == ones => a,
        (Op::Or | Op::Umax, _) if c == ones => b,
        (Op::Sub, _) => {
            let negated = out.iconst(ty, c.wrapping_neg());
            simplify(out, inst(Op::Add, ty, ty, &[a, negated], 0))
        }
        (Op::Add | Op::And | Op::Or | Op::Xor, _) => associate(out, outer, c),
        (Op::Shl | Op::Ushr | Op::Sshr, _) => shift(out, outer, c as u32 & (ty.bits() - 1)),
        (Op::Rotl | Op::Rotr, _) if c & (ty.bits() as u64 - 1) == 0 => a,
        _ => out.push(outer),
    }
}

/// `(x op c1) op c2` is `x op (c1 op c2)`; addresses take constants in; not of a truth value is the opposite one.
fn associate(out: &mut Out, outer: Inst, c: u64) -> Value {
    let Inst { op, ty, .. } = outer;
    let inner = *out.inst(outer.args[0]);
    match inner.op {
        Op::Gaddr if op == Op::Add => out.push(Inst { imm: inner.imm.wrapping_add(c as i64), ..inner }),
        Op::Gaddr if op == Op::And && c >= !(RELOCATION_ALIGN - 1) => {
            out.push(Inst { imm: inner.imm & c as i64, ..inner })
        }
        Op::Zext if op == Op::Xor && c == 1 => match opposite(out.inst(inner.args[0])) {
            Some(not) => {
                let not = out.push(not);
                out.push(inst(Op::Zext, ty, Type::I8, &[not], 0))
            }
            None => out.push(outer),
        },
        _ if inner.op == op => match out.constant(inner.args[1]) {
            Some(first) => {
                let both = eval::eval(op, ty, ty, 0, [first, c, 0], &mut FpEnv::default()).unwrap_or(0);
                let both = out.iconst(ty, both);
                simplify(out, inst(op, ty, ty, &[inner.args[0], both], 0))
            }
            None => out.push(outer),
        },
        _ => match opposite(&inner).filter(|_| op == Op::Xor && c == 1) {
            Some(not) => out.push(not),
            None => out.push(outer),
        },
    }
}

/// A shift by `amount`, below the width, of something that may be a shift by a constant itself.
fn shift(out: &mut Out, outer: Inst, amount: u32) -> Value {
    let Inst { op, ty, .. } = outer;
    let a = outer.args[0];
    if amount == 0 {
        return a;
    }
    let inner = *out.inst(a);
    let first = match inner.op {
        Op::Shl | Op::Ushr | Op::Sshr => out.constant(inner.args[1]).map(|c| c as u32 & (ty.bits() - 1)),
        _ => None,
    };
    let Some(first) = first else { return out.push(outer) };
    match (inner.op, op) {
        (Op::Sshr, Op::Sshr) => shift_by(out, op, ty, inner.args[0], (first + amount).min(ty.bits() - 1)),
        (Op::Shl, Op::Shl) | (Op::Ushr, Op::Ushr) if first + amount < ty.bits() => {
            shift_by(out, op, ty, inner.args[0], first + amount)
        }
        (Op::Shl, Op::Shl) | (Op::Ushr, Op::Ushr) => out.iconst(ty, 0),
        (Op::Shl, Op::Ushr | Op::Sshr) if first >= amount => match narrower(ty, first) {
            Some(narrow) => {
                let extend = if op == Op::Ushr { Op::Zext } else { Op::Sext };
                let low = simplify(out, inst(Op::Trunc, narrow, ty, &[inner.args[0]], 0));
                let wide = simplify(out, inst(extend, ty, narrow, &[low], 0));
                shift_by(out, Op::Shl, ty, wide, first - amount)
            }
            None => out.push(outer),
        },
        _ => out.push(outer),
    }
}

fn shift_by(out: &mut Out, op: Op, ty: Type, a: Value, amount: u32) -> Value {
    if amount == 0 {
        return a;
    }
    let amount = out.iconst(ty, amount as u64);
    out.push(inst(op, ty, ty, &[a, amount], 0))
}

/// The type that is `less` bits narrower than `ty`: a shift left and right by that much extends from it.
fn narrower(ty: Type, less: u32) -> Option<Type> {
    [Type::I8, Type::I16, Type::I32].into_iter().find(|narrow| narrow.bits() + less == ty.bits())
}

fn compare(out: &mut Out, mut outer: Inst) -> Value {
    constant_right(out, &mut outer);
    let Inst { op, ty, .. } = outer;
    let [a, b, ..] = outer.args;
    if a == b {
        return out.iconst(Type::I8, matches!(op, Op::Eq | Op::Sge | Op::Uge) as u64);
    }
    let with_zero = |op, x: Value, out: &mut Out| {
        let zero = out.iconst(ty, 0);
        equals_zero(out, inst(op, ty, ty, &[x, zero], 0))
    };
    match (op, out.constant(a), out.constant(b)) {
        (Op::Eq | Op::Ne, _, Some(0)) => equals_zero(out, outer),
        (Op::Ult, _, Some(0)) => out.iconst(Type::I8, 0),
        (Op::Uge, _, Some(0)) => out.iconst(Type::I8, 1),
        (Op::Ult, _, Some(1)) => with_zero(Op::Eq, a, out),
        (Op::Uge, _, Some(1)) => with_zero(Op::Ne, a, out),
        (Op::Ult, Some(0), _) => with_zero(Op::Ne, b, out),
        (Op::Uge, Some(0), _) => with_zero(Op::Eq, b, out),
        _ => out.push(outer),
    }
}

/// `x == 0` or `x != 0`: of a truth value it is itself or the opposite, of a difference it compares the two.
fn equals_zero(out: &mut Out, outer: Inst) -> Value {
    let a = outer.args[0];
    let inner = *out.inst(a);
    match inner.op {
        Op::Zext | Op::Sext => {
            let zero = out.iconst(inner.from, 0);
            equals_zero(out, inst(outer.op, inner.from, inner.from, &[inner.args[0], zero], 0))
        }
        Op::Sub | Op::Xor => compare(out, Inst { args: inner.args, ..outer }),
        _ if outer.op == Op::Ne && matches!(inner.op.shape(), Shape::compare | Shape::fpcmp) => a,
        _ => match opposite(&inner) {
            Some(not) => out.push(not),
            None => out.push(outer),
        },
    }
}

/// The comparison that is true where `inst` is false. Floating-point comparisons have none, because of NaN.
fn opposite(inst: &Inst) -> Option<Inst> {
    let op = match inst.op {
        Op::Eq => Op::Ne,
        Op::Ne => Op::Eq,
        Op::Slt => Op::Sge,
        Op::Sge => Op::Slt,
        Op::Ult => Op::Uge,
        Op::Uge => Op::Ult,
        _ => return None,
    };
    Some(Inst { op, ..*inst })
}
