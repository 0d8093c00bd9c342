//! Redundant extensions and masks.
//!
//! Guests with registers of one width extend and mask all the time what is extended already. One sweep tracks which
//! bits of each value are known to be zero and how many of its top bits are copies of the sign, and drops what does
//! nothing.

use crate::block::{Block, Inst, Value};
use crate::ops::Op;

use super::rewrite::{Out, Scratch, inst};

/// What is known of a value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Facts {
    /// Bits that are zero, among those of the type.
    zero: u64,
    /// Number of top bits that are equal to the sign bit, itself included: 1 if nothing is known, at most the width.
    signs: u32,
}

pub(super) fn run(block: &mut Block, scratch: &mut Scratch) {
    let Scratch { sweep, facts, .. } = scratch;
    facts.clear();
    sweep.run(block, |out, _, inst| {
        let value = simplify(out, inst, facts);
        if facts.len() < out.len() {
            facts.push(learn(out, out.inst(value), facts));
        }
        value
    });
}

/// Gives an older value that is equal to an extension or mask, or appends one instruction.
fn simplify(out: &mut Out, outer: Inst, facts: &[Facts]) -> Value {
    let Inst { op, ty, from, .. } = outer;
    if !matches!(op, Op::Zext | Op::Sext | Op::Trunc | Op::And) {
        return out.push(outer);
    }
    let a = outer.args[0];
    let inner = *out.inst(a);
    let source = inner.args[0];
    // What an extension adds to the source of the truncation that it undoes.
    let added = ty.mask() & !from.mask();
    match (op, inner.op) {
        (Op::Zext, Op::Trunc) if inner.from == ty && facts[source.index()].zero & added == added => source,
        (Op::Sext, Op::Trunc) if inner.from == ty && facts[source.index()].signs > ty.bits() - from.bits() => source,
        (Op::Trunc, Op::And) => match out.constant(inner.args[1]) {
            Some(mask) if mask & ty.mask() == ty.mask() => out.push(inst(Op::Trunc, ty, from, &[source], 0)),
            _ => out.push(outer),
        },
        (Op::And, _) => match out.constant(outer.args[1]) {
            Some(mask) if (mask | facts[a.index()].zero) & ty.mask() == ty.mask() => a,
            _ => out.push(outer),
        },
        _ => out.push(outer),
    }
}

/// What is known of the value of an instruction.
fn learn(out: &Out, inst: &Inst, facts: &[Facts]) -> Facts {
    let ty = inst.result();
    if !ty.is_int() {
        return Facts { zero: 0, signs: 1 };
    }
    let (zero, signs) = bits(out, inst, facts);
    let zero = zero & ty.mask();
    // Leading zeros are copies of a sign bit that is zero.
    let leading = (zero << (64 - ty.bits())).leading_ones();
    Facts { zero, signs: signs.max(leading).clamp(1, ty.bits()) }
}

/// Known zero bits (those above the type do not count) and copies of the sign (1 or less if unknown) of an integer.
fn bits(out: &Out, inst: &Inst, facts: &[Facts]) -> (u64, u32) {
    let Inst { op, ty, from, imm, .. } = *inst;
    let arg = |i: usize| facts[inst.args[i].index()];
    let width = ty.bits();
    let shift = || out.constant(inst.args[1]).map(|c| c as u32 & (width - 1));
    match op {
        Op::Iconst => (!imm as u64, ((imm << (64 - width)).leading_ones()).min(width)),
        Op::Eq | Op::Ne | Op::Slt | Op::Sge | Op::Ult | Op::Uge => (!1, 1),
        Op::Feq | Op::Flt | Op::Fle | Op::Fltq | Op::Fleq | Op::StoreCond => (!1, 1),
        Op::Zext => (arg(0).zero | !from.mask(), 1),
        Op::Sext => {
            let sign = if arg(0).zero >> (from.bits() - 1) & 1 != 0 { !from.mask() } else { 0 };
            (arg(0).zero | sign, arg(0).signs + width - from.bits())
        }
        Op::Trunc => (arg(0).zero, arg(0).signs.saturating_sub(from.bits() - width)),
        Op::And => (arg(0).zero | arg(1).zero, arg(0).signs.min(arg(1).signs)),
        Op::Or | Op::Xor => (arg(0).zero & arg(1).zero, arg(0).signs.min(arg(1).signs)),
        Op::Select => (arg(1).zero & arg(2).zero, arg(1).signs.min(arg(2).signs)),
        Op::Smin | Op::Smax | Op::Umin | Op::Umax => (arg(0).zero & arg(1).zero, arg(0).signs.min(arg(1).signs)),
        // A carry needs one bit more.
        Op::Add => {
            let both = arg(0).zero & arg(1).zero;
            (trailing(both) | leading(both, width) << 1, arg(0).signs.min(arg(1).signs) - 1)
        }
        Op::Sub => (trailing(arg(0).zero & arg(1).zero), arg(0).signs.min(arg(1).signs) - 1),
        Op::Shl => {
            shift().map_or((0, 1), |by| (arg(0).zero << by | !(u64::MAX << by), arg(0).signs.saturating_sub(by)))
        }
        Op::Ushr => shift().map_or((0, 1), |by| (arg(0).zero >> by | !(ty.mask() >> by), 1)),
        Op::Sshr => shift().map_or((0, 1), |by| {
            let copies = !(ty.mask() >> by);
            let sign = if arg(0).zero >> (width - 1) & 1 != 0 { copies } else { 0 };
            ((arg(0).zero >> by & !copies) | sign, arg(0).signs + by)
        }),
        // At most the width.
        Op::Clz | Op::Ctz | Op::Popcnt => (!(2 * width as u64 - 1), 1),
        _ => (0, 1),
    }
}

/// The run of ones at the bottom.
fn trailing(bits: u64) -> u64 {
    !(u64::MAX.checked_shl(bits.trailing_ones()).unwrap_or(0))
}

/// The run of ones at the top of a type's bits.
fn leading(bits: u64, width: u32) -> u64 {
    let run = (bits << (64 - width)).leading_ones();
    !(u64::MAX.checked_shr(run).unwrap_or(0)) >> (64 - width)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::{eval_inst, signed};
    use crate::state::State;
    use crate::testing::{random_chain, random_state};
    use crate::types::FpEnv;

    /// The value of an instruction of a chain, given those before.
    fn value(inst: &Inst, values: &[u64], state: &State) -> u64 {
        let arg = |i: usize| values.get(inst.args[i].index()).copied().unwrap_or(0);
        match inst.op {
            Op::Iconst => inst.imm as u64,
            Op::Get => state.get(inst.imm as u16),
            Op::Select => arg(if arg(0) != 0 { 1 } else { 2 }),
            _ => eval_inst(inst, [arg(0), arg(1), arg(2)], &mut FpEnv::default()).unwrap_or(0),
        }
    }

    /// What the pass believes of a value is true of what the value is, whatever the inputs are.
    #[test]
    fn facts_hold_for_concrete_values() {
        let (mut zeros, mut copies) = (0, 0);
        for seed in 0..40_000 {
            let mut block = random_chain(seed);
            let insts = block.insts.clone();
            let out = Out::after(&mut block);
            let mut facts = Vec::new();
            insts.iter().for_each(|inst| facts.push(learn(&out, inst, &facts)));
            for state in (0..4).map(|run| random_state(seed * 4 + run)) {
                let mut values = Vec::new();
                insts.iter().for_each(|inst| values.push(value(inst, &values, &state)));
                for ((inst, fact), value) in insts.iter().zip(&facts).zip(&values) {
                    let ty = inst.result();
                    if !ty.is_int() {
                        continue;
                    }
                    let wide = signed(ty, *value);
                    let signs = wide.leading_ones().max(wide.leading_zeros()) - (64 - ty.bits());
                    let text =
                        || format!("seed {seed}: {value:#x} of {inst:?} is not {fact:x?}\n{}", random_chain(seed));
                    assert!(value & fact.zero == 0 && signs >= fact.signs, "{}", text());
                    zeros += (fact.zero != 0) as u32;
                    copies += (fact.signs > 1) as u32;
                }
            }
        }
        assert!(zeros > 100_000 && copies > 100_000, "there was little to check: {zeros}, {copies}");
    }
}
