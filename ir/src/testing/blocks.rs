//! Random blocks of everything that blocks can hold.

use crate::block::{Block, Terminal, Value};
use crate::build::{BlockBuilder, Build, Hint, TrapKind};
use crate::ops::{Op, Shape};
use crate::state::{FLAGS_CELL, PC_CELL, Slot};
use crate::types::{AtomicKind, Counter, Order, Rm, Type};
use crate::verify::types_ok;

use super::{Rng, TestMemory};

/// Which ops [`random_block`] uses.
#[derive(Clone, Copy, Debug)]
pub struct Kinds {
    /// Floating-point ops.
    pub float: bool,
    /// Crypto ops.
    pub crypto: bool,
    /// Accesses to guest memory, most of them to [`TestMemory`]'s range.
    pub memory: bool,
}

impl Kinds {
    /// Everything.
    pub const ALL: Kinds = Kinds { float: true, crypto: true, memory: true };
    /// Integers and memory.
    pub const INTEGER: Kinds = Kinds { float: false, crypto: false, memory: true };
}

/// Cells that random blocks use: few, so that they are read and overwritten often.
const INTS: u16 = 8;
/// First cell that random blocks use as a float; the one before is used as both.
const FLOATS: u16 = 32;

/// A random legal block of up to `guest_insns` guest instructions at a fixed address.
pub fn random_block(seed: u64, guest_insns: usize, kinds: Kinds) -> Block {
    let mut random = Random { rng: Rng::new(seed), b: BlockBuilder::new(0x1_0000), values: Vec::new(), kinds };
    let mut pc = 0x1_0000;
    for _ in 0..1 + random.rng.below(guest_insns.max(1)) {
        let len = random.rng.pick(&[2, 4]);
        random.b.mark(pc, len);
        random.guest_insn();
        pc += len as u64;
    }
    random.terminal(pc);
    random.b.finish()
}

struct Random {
    rng: Rng,
    b: BlockBuilder,
    /// Every value so far and its type.
    values: Vec<(Value, Type)>,
    kinds: Kinds,
}

const INT_TYPES: [Type; 4] = [Type::I8, Type::I16, Type::I32, Type::I64];

impl Random {
    /// Computes, then accesses memory, then writes state: the order that keeps the state precise.
    fn guest_insn(&mut self) {
        for _ in 0..self.rng.below(5) {
            self.compute();
        }
        if self.kinds.memory && self.rng.one_in(3) {
            self.access();
        }
        for _ in 0..self.rng.below(3) {
            self.write();
        }
    }

    fn push(&mut self, op: Op, ty: Type, from: Type, args: &[Value], imm: i64) -> Value {
        let value = self.b.push(op, ty, from, args, imm);
        let result = crate::passes::rewrite::inst(op, ty, from, args, imm).result();
        if result != Type::Void {
            self.values.push((value, result));
        }
        value
    }

    fn int_type(&mut self) -> Type {
        self.rng.pick(&[Type::I64, Type::I64, Type::I64, Type::I32, Type::I32, Type::I16, Type::I8])
    }

    fn float_type(&mut self) -> Type {
        self.rng.pick(&[Type::F64, Type::F64, Type::F32, Type::F16])
    }

    fn cell(&mut self) -> Slot {
        match self.rng.below(8) {
            0 => Slot::float(FLOATS + self.rng.below(4) as u16),
            1 => Slot::int(FLOATS),
            2 => Slot::float(FLOATS),
            _ => Slot::int(self.rng.below(INTS as usize) as u16),
        }
    }

    /// A value of a type: a recent one, any one, or a fresh one.
    fn value(&mut self, ty: Type) -> Value {
        let known: Vec<Value> = self.values.iter().filter(|(_, of)| *of == ty).map(|(value, _)| *value).collect();
        match self.rng.below(8) {
            0..=3 if !known.is_empty() => known[known.len() - 1 - self.rng.below(known.len().min(4))],
            4 if !known.is_empty() => self.rng.pick(&known),
            _ => self.fresh(ty),
        }
    }

    fn fresh(&mut self, ty: Type) -> Value {
        if self.rng.one_in(2) || ty == Type::I8 {
            let imm = self.rng.interesting() & ty.mask();
            return self.push(Op::Iconst, ty, ty, &[], imm as i64);
        }
        let register = match ty.is_float() {
            false => self.push(Op::Get, Type::I64, Type::I64, &[], self.b.guest_insns() as i64 % INTS as i64),
            true => self.push(Op::Get, Type::F64, Type::F64, &[], FLOATS as i64 + self.b.guest_insns() as i64 % 4),
        };
        match ty {
            Type::I64 | Type::F64 => register,
            Type::F16 | Type::F32 => self.push(Op::Unbox, ty, Type::F64, &[register], 0),
            _ => self.push(Op::Trunc, ty, Type::I64, &[register], 0),
        }
    }

    /// Appends an op without effect on memory, or a read of state.
    fn compute(&mut self) {
        match self.rng.below(16) {
            0 => {
                let slot = self.cell();
                self.push(Op::Get, slot.ty, slot.ty, &[], slot.cell as i64);
            }
            1 => {
                let addr = self.rng.bits() as i64 & 0xff_ffff;
                self.push(Op::Gaddr, Type::I64, Type::I64, &[], addr);
            }
            2 => {
                let ty = self.rng.pick(&Type::ALL);
                let args = [self.value(Type::I8), self.value(ty), self.value(ty)];
                self.push(Op::Select, ty, ty, &args, 0);
            }
            3 | 4 => self.idiom(),
            _ => self.table_op(),
        }
    }

    /// A random row of the table of ops.
    fn table_op(&mut self) {
        let op = self.rng.pick(Op::ALL);
        let wanted = match op.shape() {
            Shape::special => false,
            Shape::crypto => self.kinds.crypto,
            shape => !shape.is_fp() || self.kinds.float,
        };
        if !wanted {
            return;
        }
        let (ty, from) = match op.shape() {
            Shape::crypto => (Type::I64, Type::I64),
            Shape::convert | Shape::fpcvt => (self.rng.pick(&Type::ALL), self.rng.pick(&Type::ALL)),
            shape if shape.is_fp() => (self.float_type(), Type::Void),
            _ => (self.int_type(), Type::Void),
        };
        let from = if from == Type::Void { ty } else { from };
        if !types_ok(op, ty, from) {
            return;
        }
        let imm = match op.shape() {
            Shape::crypto if matches!(op, Op::Sm4ed | Op::Sm4ks | Op::Aes64ks1i) => self.rng.below(4) as i64,
            Shape::fp1 | Shape::fp2 | Shape::fp3 | Shape::fpcvt => self.rng.pick(&Rm::ALL) as i64,
            _ => 0,
        };
        let mut args = [Value::NONE; 4];
        for place in &mut args[..op.arity()] {
            *place = self.value(if matches!(op.shape(), Shape::convert | Shape::fpcvt) { from } else { ty });
        }
        self.push(op, ty, from, &args[..op.arity()], imm);
    }

    /// What compilers for guests emit again and again and passes look for.
    fn idiom(&mut self) {
        use Type::{I8, I32, I64};
        match self.rng.below(5) {
            // A 32-bit addition in a 64-bit register.
            0 => {
                let x = self.value(I64);
                let low = self.push(Op::Trunc, I32, I64, &[x], 0);
                let other = self.value(I32);
                let sum = self.push(Op::Add, I32, I32, &[low, other], 0);
                self.push(Op::Sext, I64, I32, &[sum], 0);
            }
            // Shifts left and right by constants.
            1 => {
                let (x, left) = (self.value(I64), self.rng.pick(&[8, 32, 48, 56]));
                let left = self.push(Op::Iconst, I64, I64, &[], left);
                let shifted = self.push(Op::Shl, I64, I64, &[x, left], 0);
                let right = self.rng.pick(&[8, 30, 32, 48, 56]);
                let right = self.push(Op::Iconst, I64, I64, &[], right);
                let op = self.rng.pick(&[Op::Ushr, Op::Sshr]);
                self.push(op, I64, I64, &[shifted, right], 0);
            }
            // A truth value that is tested again.
            2 => {
                let args = [self.value(I64), self.value(I64)];
                let op = self.rng.pick(&[Op::Eq, Op::Ne, Op::Slt, Op::Sge, Op::Ult, Op::Uge]);
                let truth = self.push(op, I64, I64, &args, 0);
                let wide = self.push(Op::Zext, I64, I8, &[truth], 0);
                let imm = self.rng.below(2) as i64;
                let constant = self.push(Op::Iconst, I64, I64, &[], imm);
                let op = self.rng.pick(&[Op::Eq, Op::Ne, Op::Ult, Op::Xor]);
                self.push(op, I64, I64, &[wide, constant], 0);
            }
            // Sums and masks of constants.
            3 => {
                let op = self.rng.pick(&[Op::Add, Op::Sub, Op::And, Op::Or, Op::Xor]);
                let mut x = self.value(I64);
                for _ in 0..2 {
                    let imm = self.rng.interesting() as i64;
                    let constant = self.push(Op::Iconst, I64, I64, &[], imm);
                    x = self.push(op, I64, I64, &[x, constant], 0);
                }
            }
            // A load that extends, or a mask of a byte.
            _ => {
                let x = self.value(I8);
                let op = self.rng.pick(&[Op::Zext, Op::Sext]);
                let wide = self.push(op, I64, I8, &[x], 0);
                let mask = self.rng.pick(&[0xff, 0x7f, 0xfff]);
                let mask = self.push(Op::Iconst, I64, I64, &[], mask);
                self.push(Op::And, I64, I64, &[wide, mask], 0);
            }
        }
    }

    /// An address that mostly lies in [`TestMemory`].
    fn address(&mut self) -> Value {
        let x = self.value(Type::I64);
        if self.rng.one_in(24) {
            return x;
        }
        let mask = self.rng.pick(&[0xff8, 0xff0, 0xf03]);
        let mask = self.push(Op::Iconst, Type::I64, Type::I64, &[], mask);
        let low = self.push(Op::And, Type::I64, Type::I64, &[x, mask], 0);
        let base = self.push(Op::Iconst, Type::I64, Type::I64, &[], TestMemory::BASE as i64);
        self.push(Op::Add, Type::I64, Type::I64, &[low, base], 0)
    }

    fn access(&mut self) {
        let addr = self.address();
        let offset = self.rng.pick(&[0, 0, 0, 8, 1, 64, -8, i64::MAX]);
        let any = self.rng.pick(&Type::ALL);
        let int = self.rng.pick(&INT_TYPES);
        match self.rng.below(9) {
            0..=2 => {
                self.push(Op::Load, any, any, &[addr], offset);
            }
            3..=5 => {
                let value = self.value(any);
                self.push(Op::Store, any, any, &[addr, value], offset);
            }
            6 => {
                let (kind, value) = (self.rng.pick(&AtomicKind::ALL), self.value(int));
                self.push(Op::AtomicRmw, int, int, &[addr, value], kind as i64);
            }
            7 => {
                let old = self.push(Op::Load, int, int, &[addr], 0);
                let expected = if self.rng.one_in(2) { old } else { self.value(int) };
                let new = self.value(int);
                self.push(Op::AtomicCas, int, int, &[addr, expected, new], 0);
            }
            _ => {
                let old = self.push(Op::LoadReserved, int, int, &[addr], 0);
                let reserved = if self.rng.one_in(2) { addr } else { self.value(Type::I64) };
                let new = self.value(int);
                self.push(Op::StoreCond, int, int, &[addr, reserved, old, new], 0);
            }
        }
    }

    /// A write to the state, a fence or a read of a counter.
    fn write(&mut self) {
        match self.rng.below(12) {
            0 => {
                let order = self.rng.pick(&Order::ALL);
                self.push(Op::Fence, Type::Void, Type::Void, &[], order as i64);
            }
            1 => {
                let counter = self.rng.pick(&Counter::ALL);
                self.push(Op::ReadCounter, Type::I64, Type::I64, &[], counter as i64);
            }
            2 if self.kinds.float => {
                let flags = self.push(Op::Get, Type::I64, Type::I64, &[], FLAGS_CELL as i64);
                let cell = self.rng.below(INTS as usize) as i64;
                self.push(Op::Set, Type::I64, Type::I64, &[flags], cell);
                let cleared = self.push(Op::Iconst, Type::I64, Type::I64, &[], 0);
                self.push(Op::Set, Type::I64, Type::I64, &[cleared], FLAGS_CELL as i64);
            }
            _ => {
                let slot = self.cell();
                let value = self.value(slot.ty);
                self.push(Op::Set, slot.ty, slot.ty, &[value], slot.cell as i64);
            }
        }
    }

    fn terminal(&mut self, end: u64) {
        let (taken, not_taken) = (0x1_2000, end);
        let hint = self.rng.pick(&[Hint::Call { ret: end }, Hint::Return, Hint::Other]);
        // The builder's terminals never stop.
        let _ = match self.rng.below(12) {
            0 => self.b.jump(taken),
            1 => self.b.call(taken, end),
            2 | 3 => {
                let target = self.value(Type::I64);
                self.b.indirect(target, hint)
            }
            4 => self.b.syscall(end),
            5 => {
                let kind = self.rng.pick(&TrapKind::ALL);
                self.b.trap(kind)
            }
            6 => {
                self.b.end_with(Terminal::Interpret { pc: end });
                Ok(())
            }
            _ => {
                let cond = self.value(Type::I8);
                self.b.branch(cond, taken, not_taken)
            }
        };
    }
}

const _: () = assert!(FLOATS + 4 <= PC_CELL);
