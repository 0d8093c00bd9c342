//! Integer, memory and state ops.

use cranelift_codegen::ir::{self as cl, AtomicRmwOp, InstBuilder, MemFlagsData, condcodes::IntCC, types};
use mynah_ir::state::FLAGS_CELL;
use mynah_ir::{AtomicKind, Inst, Op, Order, Slot, Type};

use super::flow::PROMOTED;
use super::{Lowering, cl_type};
use crate::context::{Context, Helper};
use crate::enter::code;

impl Lowering<'_, '_> {
    /// Lowers one instruction; `index` is its place in the block. Gives its value if it has one.
    pub(super) fn lower_inst(&mut self, inst: &Inst, index: usize) -> Option<cl::Value> {
        if inst.op.may_fault() {
            self.flush();
        }
        Some(match inst.op {
            Op::Iconst => self.constant(inst),
            Op::Gaddr => self.guest_addr(inst.imm as u64),
            Op::Get if inst.imm as u16 == FLAGS_CELL => {
                self.flush();
                self.call_helper(Helper::ReadFlags, &[])
            }
            Op::Set if inst.imm as u16 == FLAGS_CELL => {
                self.flush();
                let flags = self.arg(inst, 0);
                self.call_helper(Helper::WriteFlags, &[flags]);
                return None;
            }
            Op::Get => self.get(Slot { cell: inst.imm as u16, ty: inst.ty }),
            Op::Set => {
                let value = self.arg(inst, 0);
                self.set(Slot { cell: inst.imm as u16, ty: inst.ty }, value);
                if (inst.imm as u16) < PROMOTED {
                    let bit = u64::from(self.derived[inst.args[0].index()]) << inst.imm;
                    self.raised = self.raised & !(1 << inst.imm) | bit;
                }
                return None;
            }
            Op::Load => {
                let (addr, offset) = self.address(inst);
                self.b.ins().load(cl_type(inst.ty), guest(), addr, offset)
            }
            Op::Store => {
                let (addr, offset) = self.address(inst);
                let value = self.stored(inst.args[1]);
                self.b.ins().store(guest(), value, addr, offset);
                return None;
            }
            Op::AtomicRmw => self.atomic_rmw(inst),
            Op::AtomicCas => {
                let addr = self.atomic_address(inst);
                let (expected, new) = (self.arg(inst, 1), self.arg(inst, 2));
                self.b.ins().atomic_cas(guest(), addr, expected, new)
            }
            Op::LoadReserved => {
                let addr = self.atomic_address(inst);
                self.b.ins().load(cl_type(inst.ty), guest(), addr, 0)
            }
            Op::StoreCond => self.store_cond(inst),
            Op::Fence => {
                if inst.imm == Order::Full as i64 {
                    self.b.ins().fence();
                }
                return None;
            }
            Op::ReadCounter => {
                let which = self.iconst(inst.imm as u64);
                self.call_helper(Helper::ReadCounter, &[which])
            }
            Op::Select => {
                let (c, a, b) = (self.arg(inst, 0), self.arg(inst, 1), self.arg(inst, 2));
                self.b.ins().select(c, a, b)
            }
            Op::Udiv | Op::Sdiv | Op::Urem | Op::Srem => self.divide(inst),
            Op::Umulh | Op::Smulh => self.multiply_high(inst),
            Op::Shl | Op::Ushr | Op::Sshr | Op::Rotl | Op::Rotr => self.shift(inst),
            Op::Eq => self.compare(IntCC::Equal, inst),
            Op::Ne => self.compare(IntCC::NotEqual, inst),
            Op::Slt => self.compare(IntCC::SignedLessThan, inst),
            Op::Sge => self.compare(IntCC::SignedGreaterThanOrEqual, inst),
            Op::Ult => self.compare(IntCC::UnsignedLessThan, inst),
            Op::Uge => self.compare(IntCC::UnsignedGreaterThanOrEqual, inst),
            _ if inst.op.shape().is_fp() => return self.lower_float(inst, index),
            Op::Nanbox | Op::Unbox | Op::Bitcast => self.convert_bits(inst),
            _ => self.simple(inst),
        })
    }

    fn constant(&mut self, inst: &Inst) -> cl::Value {
        match inst.ty {
            Type::F32 | Type::F64 => {
                let bits = self.iconst(inst.imm as u64 & inst.ty.mask());
                let raw = self.from_bits(inst.ty, bits);
                self.opaque(raw)
            }
            ty => self.b.ins().iconst(cl_type(ty), narrow(ty, inst.imm)),
        }
    }

    /// The value to store for `value`: the bits of a double are stored from where it is.
    fn stored(&self, value: mynah_ir::Value) -> cl::Value {
        let inst = &self.region.blocks[self.block].insts[value.index()];
        let double = inst.op == Op::Bitcast && inst.from == Type::F64;
        self.v(if double { inst.args[0] } else { value })
    }

    /// Host address and displacement of a guest access.
    fn address(&mut self, inst: &Inst) -> (cl::Value, i32) {
        let addr = self.arg(inst, 0);
        let (addr, offset) = match i32::try_from(inst.imm) {
            Ok(offset) => (addr, offset),
            Err(_) => (self.b.ins().iadd_imm_s(addr, inst.imm), 0),
        };
        (self.host_address(addr), offset)
    }

    fn host_address(&mut self, addr: cl::Value) -> cl::Value {
        if !self.options.add_guest_base {
            return addr;
        }
        let base = self.ctx_load(types::I64, std::mem::offset_of!(Context, guest_base));
        self.b.ins().iadd(base, addr)
    }

    /// Host address of an atomic access. What is not aligned is left to tier 0, which knows which misaligned accesses
    /// are atomic (Zama16b) and which trap.
    fn atomic_address(&mut self, inst: &Inst) -> cl::Value {
        let addr = self.arg(inst, 0);
        if inst.ty.bytes() > 1 {
            let misaligned = self.b.ins().band_imm_u(addr, inst.ty.bytes() as i64 - 1);
            self.leave_if(misaligned, self.pc, code::INTERPRET);
        }
        self.host_address(addr)
    }

    fn atomic_rmw(&mut self, inst: &Inst) -> cl::Value {
        let addr = self.atomic_address(inst);
        let value = self.arg(inst, 1);
        let op = match AtomicKind::from_bits(inst.imm as u8).unwrap_or(AtomicKind::Swap) {
            AtomicKind::Swap => AtomicRmwOp::Xchg,
            AtomicKind::Add => AtomicRmwOp::Add,
            AtomicKind::And => AtomicRmwOp::And,
            AtomicKind::Or => AtomicRmwOp::Or,
            AtomicKind::Xor => AtomicRmwOp::Xor,
            AtomicKind::Smin => AtomicRmwOp::Smin,
            AtomicKind::Smax => AtomicRmwOp::Smax,
            AtomicKind::Umin => AtomicRmwOp::Umin,
            AtomicKind::Umax => AtomicRmwOp::Umax,
        };
        self.b.ins().atomic_rmw(cl_type(inst.ty), guest(), op, addr, value)
    }

    /// Fails without an access if the addresses differ; otherwise a compare-and-swap decides.
    fn store_cond(&mut self, inst: &Inst) -> cl::Value {
        let host = self.atomic_address(inst);
        let (addr, reserved) = (self.arg(inst, 0), self.arg(inst, 1));
        let (expected, new) = (self.arg(inst, 2), self.arg(inst, 3));
        let differs = self.b.ins().icmp(IntCC::NotEqual, addr, reserved);
        let (attempt, join) = (self.b.create_block(), self.b.create_block());
        let result = self.b.append_block_param(join, types::I64);
        let failed = self.iconst(1);
        self.b.ins().brif(differs, join, &[cl::BlockArg::Value(failed)], attempt, &[]);
        self.b.seal_block(attempt);
        self.b.switch_to_block(attempt);
        let old = self.b.ins().atomic_cas(guest(), host, expected, new);
        let lost = self.b.ins().icmp(IntCC::NotEqual, old, expected);
        let lost = self.b.ins().uextend(types::I64, lost);
        self.b.ins().jump(join, &[cl::BlockArg::Value(lost)]);
        self.b.seal_block(join);
        self.b.switch_to_block(join);
        result
    }

    fn compare(&mut self, cc: IntCC, inst: &Inst) -> cl::Value {
        let (a, b) = (self.arg(inst, 0), self.arg(inst, 1));
        self.b.ins().icmp(cc, a, b)
    }

    /// The IR's division is total, the host's traps on zero and on overflow: both go to a cold path.
    fn divide(&mut self, inst: &Inst) -> cl::Value {
        let (a, b) = (self.arg(inst, 0), self.arg(inst, 1));
        let ty = cl_type(inst.ty);
        let (side, main, join) = (self.cold_block(), self.b.create_block(), self.b.create_block());
        let result = self.b.append_block_param(join, ty);
        let signed = matches!(inst.op, Op::Sdiv | Op::Srem);
        let special = if signed {
            // b is 0 or -1.
            let plus = self.b.ins().iadd_imm_s(b, 1);
            self.b.ins().icmp_imm_u(IntCC::UnsignedLessThanOrEqual, plus, 1)
        } else {
            self.is_zero(b)
        };
        self.b.ins().brif(special, side, &[], main, &[]);
        self.b.seal_block(side);
        self.b.seal_block(main);

        self.b.switch_to_block(side);
        let zero = self.is_zero(b);
        let none = self.b.ins().iconst(ty, 0);
        let ones = self.b.ins().bnot(none);
        let negated = self.b.ins().ineg(a);
        let value = match inst.op {
            Op::Udiv => ones,
            Op::Urem => a,
            Op::Sdiv => self.b.ins().select(zero, ones, negated),
            _ => self.b.ins().select(zero, a, none),
        };
        self.b.ins().jump(join, &[cl::BlockArg::Value(value)]);

        self.b.switch_to_block(main);
        let value = match inst.op {
            Op::Udiv => self.b.ins().udiv(a, b),
            Op::Urem => self.b.ins().urem(a, b),
            Op::Sdiv => self.b.ins().sdiv(a, b),
            _ => self.b.ins().srem(a, b),
        };
        self.b.ins().jump(join, &[cl::BlockArg::Value(value)]);
        self.b.seal_block(join);
        self.b.switch_to_block(join);
        result
    }

    fn multiply_high(&mut self, inst: &Inst) -> cl::Value {
        let (a, b) = (self.arg(inst, 0), self.arg(inst, 1));
        match inst.op {
            Op::Umulh => self.b.ins().umulhi(a, b),
            _ => self.b.ins().smulhi(a, b),
        }
    }

    /// Cranelift masks shift amounts to the width, as the IR does.
    fn shift(&mut self, inst: &Inst) -> cl::Value {
        let (a, b) = (self.arg(inst, 0), self.arg(inst, 1));
        let ins = self.b.ins();
        match inst.op {
            Op::Shl => ins.ishl(a, b),
            Op::Ushr => ins.ushr(a, b),
            Op::Sshr => ins.sshr(a, b),
            Op::Rotl => ins.rotl(a, b),
            _ => ins.rotr(a, b),
        }
    }

    fn simple(&mut self, inst: &Inst) -> cl::Value {
        let a = self.arg(inst, 0);
        let b = if inst.op.arity() > 1 { self.arg(inst, 1) } else { a };
        let to = cl_type(inst.ty);
        let ins = self.b.ins();
        match inst.op {
            Op::Add => ins.iadd(a, b),
            Op::Sub => ins.isub(a, b),
            Op::Mul => ins.imul(a, b),
            Op::And => ins.band(a, b),
            Op::Or => ins.bor(a, b),
            Op::Xor => ins.bxor(a, b),
            Op::Smin => ins.smin(a, b),
            Op::Smax => ins.smax(a, b),
            Op::Umin => ins.umin(a, b),
            Op::Umax => ins.umax(a, b),
            Op::Clz => ins.clz(a),
            Op::Ctz => ins.ctz(a),
            Op::Popcnt => ins.popcnt(a),
            Op::Bitrev => ins.bitrev(a),
            Op::Bswap if inst.ty != Type::I8 => ins.bswap(a),
            Op::Zext if inst.ty != inst.from => ins.uextend(to, a),
            Op::Sext if inst.ty != inst.from => ins.sextend(to, a),
            Op::Trunc if inst.ty != inst.from => ins.ireduce(to, a),
            Op::Zext | Op::Sext | Op::Trunc | Op::Bswap => a,
            _ => {
                let args: Vec<cl::Value> = inst.args().iter().map(|v| self.v(*v)).collect();
                self.call_eval(inst, &args)
            }
        }
    }
}

/// Flags of guest accesses: they may trap, may be misaligned, and must not be removed, merged or moved.
fn guest() -> MemFlagsData {
    MemFlagsData::new()
}

/// An integer constant as Cranelift wants it: without bits above its width.
fn narrow(ty: Type, imm: i64) -> i64 {
    (imm as u64 & ty.mask()) as i64
}
