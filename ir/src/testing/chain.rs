//! Random chains of integer ops: each op works on what the ones before it gave, so that rules about pairs of ops meet
//! every pair, and all values can be seen at the end.

use crate::block::{Block, Value};
use crate::build::{BlockBuilder, Build};
use crate::ops::Op;
use crate::state::Slot;
use crate::types::Type;

use super::Rng;

/// Cells that a chain reads.
const INPUTS: u16 = 2;

/// A legal block without memory accesses of one guest instruction: a chain of integer ops on cells 0 and 1, every value
/// of which is written to a cell from 2 on.
pub fn random_chain(seed: u64) -> Block {
    let mut chain = Chain { rng: Rng::new(seed), b: BlockBuilder::new(0x1000), values: Vec::new() };
    chain.b.mark(0x1000, 4);
    for cell in 0..INPUTS {
        let value = chain.b.get(Slot::int(cell));
        chain.values.push((value, Type::I64));
    }
    for _ in 0..2 + chain.rng.below(6) {
        chain.link();
    }
    chain.show();
    let (last, ty) = chain.values[chain.values.len() - 1];
    if ty == Type::I8 {
        // The builder's terminals never stop.
        let _ = chain.b.branch(last, 0x2000, 0x1004);
    }
    chain.b.finish()
}

struct Chain {
    rng: Rng,
    b: BlockBuilder,
    values: Vec<(Value, Type)>,
}

impl Chain {
    fn push(&mut self, op: Op, ty: Type, from: Type, args: &[Value]) {
        let value = self.b.push(op, ty, from, args, 0);
        let compares = matches!(op, Op::Eq | Op::Ne | Op::Slt | Op::Sge | Op::Ult | Op::Uge);
        self.values.push((value, if compares { Type::I8 } else { ty }));
    }

    /// One of the two last values, most of the time the last.
    fn recent(&mut self) -> (Value, Type) {
        let back = if self.rng.one_in(4) { 2 } else { 1 };
        self.values[self.values.len() - back]
    }

    /// Another value of the type or a constant.
    fn other(&mut self, ty: Type) -> Value {
        let known: Vec<Value> = self.values.iter().filter(|(_, of)| *of == ty).map(|(value, _)| *value).collect();
        if self.rng.one_in(4) {
            return self.rng.pick(&known);
        }
        let constant = self.rng.interesting();
        self.b.iconst(ty, constant)
    }

    /// Appends one op on a recent value.
    fn link(&mut self) {
        use Op::*;
        let (a, ty) = self.recent();
        match self.rng.below(8) {
            0 | 1 => self.conversion(a, ty),
            2 | 3 => {
                let op = self.rng.pick(&[Shl, Ushr, Sshr, Rotl]);
                let amount = self.rng.pick(&[1, 2, 7, 8, 16, 24, 30, 31, 32, 33, 48, 56, 63]);
                let amount = self.b.iconst(ty, amount);
                self.push(op, ty, ty, &[a, amount]);
            }
            4 | 5 => {
                let op = self.rng.pick(&[
                    Add, Add, Sub, And, And, Or, Xor, Mul, Umulh, Smulh, Udiv, Sdiv, Urem, Srem, Smin, Smax, Umin,
                    Umax, Clmul, Clmulh,
                ]);
                let b = self.other(ty);
                let args = if self.rng.one_in(4) { [b, a] } else { [a, b] };
                self.push(op, ty, ty, &args);
            }
            6 => {
                let op = self.rng.pick(&[Eq, Ne, Slt, Sge, Ult, Uge]);
                let b = self.other(ty);
                let args = if self.rng.one_in(4) { [b, a] } else { [a, b] };
                self.push(op, ty, ty, &args);
            }
            _ => self.choice(a, ty),
        }
    }

    fn conversion(&mut self, a: Value, ty: Type) {
        let to = self.rng.pick(&[Type::I8, Type::I16, Type::I32, Type::I64]);
        let op = if to.bits() < ty.bits() { Op::Trunc } else { self.rng.pick(&[Op::Zext, Op::Sext]) };
        if to != ty {
            self.push(op, to, ty, &[a]);
        }
    }

    fn choice(&mut self, a: Value, ty: Type) {
        if self.rng.one_in(2) {
            let op = self.rng.pick(&[Op::Clz, Op::Ctz, Op::Popcnt, Op::Orcb, Op::Bswap]);
            return self.push(op, ty, ty, &[a]);
        }
        let b = self.other(ty);
        let cond = self.values.iter().rfind(|(_, of)| *of == Type::I8).map(|(value, _)| *value);
        if let Some(cond) = cond {
            self.push(Op::Select, ty, ty, &[cond, a, b]);
        }
    }

    /// Writes every value to a cell of its own.
    fn show(&mut self) {
        for (cell, (value, ty)) in self.values.clone().into_iter().enumerate() {
            let wide = if ty == Type::I64 { value } else { self.b.zext(Type::I64, ty, value) };
            self.b.set(Slot::int(INPUTS + cell as u16), wide);
        }
    }
}
