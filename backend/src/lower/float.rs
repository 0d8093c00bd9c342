//! Floating-point ops on SSE.
//!
//! MXCSR holds the guest's dynamic rounding mode and its sticky flags while translated code runs, so an SSE operation
//! with the dynamic mode is the guest's operation, but for these points:
//!
//! - Results that are NaN get the canonical NaN, unless only arithmetic uses them, which cannot tell NaNs apart.
//! - A result that is not used is kept alive, since its flags count.
//! - What x86 does otherwise (NaN operands of ordered comparisons, saturation, minimum and maximum, infinity times
//!   zero plus NaN) is sent to the helper that evaluates the op exactly, on a cold path where possible.
//! - Constants are hidden from Cranelift's folding ([`Lowering::opaque`]), which knows no modes and no flags.
//! - Static rounding modes and bfloat16 are the helper's, and so is what the host lacks ([`crate::features`]).
//! - Half precision is a helper's too, which computes on F16C where that is exact ([`crate::half`]).
//! - Operations stay where they are (`vary.rs`).

use cranelift_codegen::ir::{
    self as cl, ConstantData, InstBuilder, MemFlagsData,
    condcodes::{FloatCC, IntCC},
    types,
};
use mynah_ir::{Inst, Op, Rm, Type, eval};

use super::{Lowering, Use, cl_type};
use crate::context::{Context, Helper};
use crate::half;

/// Whether an instruction gives the same whatever quiet NaN its operands are.
pub(super) fn ignores_nan_payload(inst: &Inst) -> bool {
    inst.op.shape().is_fp() && !inst.op.name().starts_with("fmin") && !inst.op.name().starts_with("fmax")
}

impl Lowering<'_, '_> {
    pub(super) fn lower_float(&mut self, inst: &Inst, index: usize) -> Option<cl::Value> {
        let value = match self.native(inst, index) {
            Some(value) => value,
            None => {
                let args: Vec<cl::Value> = inst.args().iter().map(|v| self.v(*v)).collect();
                let half = self.options.host.f16c && half::knows(inst);
                return Some(self.call_op(if half { Helper::Half } else { Helper::Eval }, inst, &args));
            }
        };
        if self.unused(index) {
            self.ctx_store(value, std::mem::offset_of!(Context, scratch));
            self.part();
        }
        Some(value)
    }

    /// The op as host instructions; `None` if it is the helper's.
    fn native(&mut self, inst: &Inst, index: usize) -> Option<cl::Value> {
        if inst.ty == Type::F16 || inst.from == Type::F16 {
            return None;
        }
        self.fix(inst);
        let dynamic = inst.imm as u8 == Rm::Dyn as u8;
        let a = self.arg(inst, 0);
        Some(match inst.op {
            Op::Fadd | Op::Fsub | Op::Fmul | Op::Fdiv if dynamic => {
                let b = self.arg(inst, 1);
                let v = match inst.op {
                    Op::Fadd => self.b.ins().fadd(a, b),
                    Op::Fsub => self.b.ins().fsub(a, b),
                    Op::Fmul => self.b.ins().fmul(a, b),
                    _ => self.b.ins().fdiv(a, b),
                };
                self.canonical(inst.ty, v, index)
            }
            Op::Fsqrt if dynamic => {
                let v = self.b.ins().sqrt(a);
                self.canonical(inst.ty, v, index)
            }
            Op::Fma if dynamic && self.options.host.fma => self.fma(inst),
            Op::Fmin | Op::Fmax => self.min_max(inst),
            Op::Feq => self.b.ins().fcmp(FloatCC::Equal, a, self.values[inst.args[1].index()]?),
            Op::Fltq => self.b.ins().fcmp(FloatCC::LessThan, a, self.values[inst.args[1].index()]?),
            Op::Fleq => self.b.ins().fcmp(FloatCC::LessThanOrEqual, a, self.values[inst.args[1].index()]?),
            Op::Flt => self.ordered(inst, FloatCC::LessThan),
            Op::Fle => self.ordered(inst, FloatCC::LessThanOrEqual),
            Op::Ftosi => self.to_int(inst)?,
            Op::Ftoui => self.to_int(inst)?,
            // Cranelift would fold the conversion of a constant, which may be inexact.
            Op::Sitof | Op::Uitof if self.is_exact(inst) || (dynamic && !self.is_constant(a)) => self.from_int(inst),
            Op::Ftof if inst.from == Type::F32 && inst.ty == Type::F64 => {
                let v = self.b.ins().fpromote(types::F64, a);
                self.canonical(inst.ty, v, index)
            }
            Op::Ftof if inst.from == Type::F64 && inst.ty == Type::F32 && dynamic => {
                let v = self.b.ins().fdemote(types::F32, a);
                self.canonical(inst.ty, v, index)
            }
            _ => return None,
        })
    }

    /// Sees to it that the operation stays where it is (see `vary.rs`): if no operand varies, the first one is made to, by
    /// way of memory, which Cranelift does not look through.
    fn fix(&mut self, inst: &Inst) {
        if !super::vary::raises(inst) || inst.args().iter().any(|v| self.varies[v.index()]) {
            return;
        }
        let (index, value) = (inst.args[0].index(), self.arg(inst, 0));
        let scratch = std::mem::offset_of!(Context, scratch);
        self.ctx_store(value, scratch);
        self.part();
        let ty = self.b.func.dfg.value_type(value);
        self.values[index] = Some(self.ctx_load(ty, scratch));
        self.varies[index] = true;
    }

    /// Replaces a NaN by the canonical one if anybody can see the difference.
    fn canonical(&mut self, ty: Type, v: cl::Value, index: usize) -> cl::Value {
        if self.seen[index] != Use::Seen {
            return v;
        }
        let is_nan = self.b.ins().fcmp(FloatCC::Unordered, v, v);
        self.unless(is_nan, v, |l| {
            let bits = l.iconst(eval::canonical_nan(ty));
            l.from_bits(ty, bits)
        })
    }

    /// x86 raises no invalid flag for infinity times zero plus a quiet NaN, RISC-V does: whenever the result is NaN,
    /// the helper does it again.
    fn fma(&mut self, inst: &Inst) -> cl::Value {
        let args = [self.arg(inst, 0), self.arg(inst, 1), self.arg(inst, 2)];
        let v = self.b.ins().fma(args[0], args[1], args[2]);
        let is_nan = self.b.ins().fcmp(FloatCC::Unordered, v, v);
        let inst = *inst;
        self.unless(is_nan, v, |l| l.call_eval(&inst, &args))
    }

    /// minimumNumber and maximumNumber: the host's comparison decides between what is ordered and different. Cranelift
    /// may make this choice with `minss`, which raises the invalid flag even for a quiet NaN, so it is reached only after
    /// the unordered case has left.
    fn min_max(&mut self, inst: &Inst) -> cl::Value {
        let (a, b) = (self.arg(inst, 0), self.arg(inst, 1));
        let unclear = self.b.ins().fcmp(FloatCC::UnorderedOrEqual, a, b);
        let (side, clear, join) = (self.cold_block(), self.b.create_block(), self.b.create_block());
        let result = self.b.append_block_param(join, cl_type(inst.ty));
        self.b.ins().brif(unclear, side, &[], clear, &[]);
        self.b.seal_block(side);
        self.b.seal_block(clear);
        self.b.switch_to_block(side);
        let exact = self.call_eval(inst, &[a, b]);
        self.b.ins().jump(join, &[cl::BlockArg::Value(exact)]);
        self.b.switch_to_block(clear);
        let cc = if inst.op == Op::Fmin { FloatCC::LessThan } else { FloatCC::GreaterThan };
        let first = self.b.ins().fcmp(cc, a, b);
        let chosen = self.b.ins().select(first, a, b);
        self.b.ins().jump(join, &[cl::BlockArg::Value(chosen)]);
        self.b.seal_block(join);
        self.b.switch_to_block(join);
        result
    }

    /// A signalling comparison: Cranelift's are quiet, so unordered operands go to the helper.
    fn ordered(&mut self, inst: &Inst, cc: FloatCC) -> cl::Value {
        let (a, b) = (self.arg(inst, 0), self.arg(inst, 1));
        let v = self.b.ins().fcmp(cc, a, b);
        let unordered = self.b.ins().fcmp(FloatCC::Unordered, a, b);
        let inst = *inst;
        self.unless(unordered, v, |l| l.call_eval(&inst, &[a, b]))
    }

    /// Conversion to an integer: inline where the rounded value surely fits, else the helper, which saturates and
    /// raises the right flag.
    fn to_int(&mut self, inst: &Inst) -> Option<cl::Value> {
        let a = self.arg(inst, 0);
        let signed = inst.op == Op::Ftosi;
        let mode = Rm::from_bits(inst.imm as u8)?;
        // Below the limit every rounding fits. For the dynamic mode, adding and subtracting 2^52 (2^23) rounds
        // numbers below half of that.
        let limit: f64 = match (inst.ty, mode) {
            (_, Rm::Dyn) if inst.from == Type::F32 => 4194304.0,
            (Type::I64, Rm::Dyn) => 2251799813685248.0,
            (Type::I32, _) => 2147483520.0,
            _ => 9223371487098961920.0,
        };
        let limit = self.float(inst.from, limit);
        let magnitude = if signed { self.b.ins().fabs(a) } else { a };
        let mut fits = self.b.ins().fcmp(FloatCC::LessThan, magnitude, limit);
        if !signed {
            // Zero and above: negative numbers saturate to zero, with flags that depend on the rounding.
            let zero = self.float(inst.from, 0.0);
            let positive = self.b.ins().fcmp(FloatCC::GreaterThanOrEqual, a, zero);
            fits = self.b.ins().band(fits, positive);
        }
        let (fast, side, join) = (self.b.create_block(), self.cold_block(), self.b.create_block());
        let result = self.b.append_block_param(join, cl_type(inst.ty));
        self.b.ins().brif(fits, fast, &[], side, &[]);
        self.b.seal_block(fast);
        self.b.seal_block(side);

        self.b.switch_to_block(side);
        let exact = self.call_eval(inst, &[a]);
        self.b.ins().jump(join, &[cl::BlockArg::Value(exact)]);

        self.b.switch_to_block(fast);
        let rounded = match mode {
            Rm::Rtz => a,
            Rm::Rmm => return self.exact_to_int(inst, a, join, result),
            Rm::Rne | Rm::Rdn | Rm::Rup if !self.options.host.sse41 => {
                return self.exact_to_int(inst, a, join, result);
            }
            Rm::Rne => self.b.ins().nearest(a),
            Rm::Rdn => self.b.ins().floor(a),
            Rm::Rup => self.b.ins().ceil(a),
            Rm::Dyn => self.round_dynamic(inst.from, a),
        };
        let wide = self.b.ins().fcvt_to_sint_sat(types::I64, rounded);
        let value = if inst.ty == Type::I32 { self.b.ins().ireduce(types::I32, wide) } else { wide };
        self.b.ins().jump(join, &[cl::BlockArg::Value(value)]);
        self.b.seal_block(join);
        self.b.switch_to_block(join);
        Some(result)
    }

    /// For what the host has no instruction: rounding to nearest with ties to the larger magnitude, and without SSE4.1
    /// rounding to an integer at all.
    fn exact_to_int(&mut self, inst: &Inst, a: cl::Value, join: cl::Block, result: cl::Value) -> Option<cl::Value> {
        let exact = self.call_eval(inst, &[a]);
        self.b.ins().jump(join, &[cl::BlockArg::Value(exact)]);
        self.b.seal_block(join);
        self.b.switch_to_block(join);
        Some(result)
    }

    /// Rounds to an integral value in the dynamic mode: (a + m) - m with m as large as the significand, of a's sign.
    fn round_dynamic(&mut self, ty: Type, a: cl::Value) -> cl::Value {
        let m = self.float(ty, if ty == Type::F32 { 8388608.0 } else { 4503599627370496.0 });
        let m = self.b.ins().fcopysign(m, a);
        let sum = self.b.ins().fadd(a, m);
        self.b.ins().fsub(sum, m)
    }

    /// Whether a conversion from an integer is exact whatever its value.
    fn is_exact(&self, inst: &Inst) -> bool {
        inst.from == Type::I32 && inst.ty == Type::F64
    }

    fn from_int(&mut self, inst: &Inst) -> cl::Value {
        let a = self.arg(inst, 0);
        let to = cl_type(inst.ty);
        let v = match (inst.op, inst.from) {
            (Op::Sitof, _) => self.b.ins().fcvt_from_sint(to, a),
            (_, Type::I32) => {
                let wide = self.b.ins().uextend(types::I64, a);
                self.b.ins().fcvt_from_sint(to, wide)
            }
            _ => self.b.ins().fcvt_from_uint(to, a),
        };
        self.opaque(v)
    }

    /// Reinterpretations and NaN boxing.
    pub(super) fn convert_bits(&mut self, inst: &Inst) -> cl::Value {
        let a = self.arg(inst, 0);
        match inst.op {
            Op::Nanbox if inst.from == Type::F32 => self.nanbox(a),
            Op::Unbox if inst.ty == Type::F32 => self.unbox(a),
            Op::Nanbox => {
                let wide = self.b.ins().uextend(types::I64, a);
                let boxed = self.b.ins().bor_imm_s(wide, (u64::MAX << 16) as i64);
                self.b.ins().bitcast(types::F64, MemFlagsData::new(), boxed)
            }
            Op::Unbox => self.call_eval(inst, &[a]),
            _ => {
                let (from, to) = (self.b.func.dfg.value_type(a), cl_type(inst.ty));
                if from == to {
                    return a;
                }
                let v = self.b.ins().bitcast(to, MemFlagsData::new(), a);
                if inst.ty.is_float() { self.opaque(v) } else { v }
            }
        }
    }

    /// All ones above a single: one `or` with a constant in an SSE register.
    fn nanbox(&mut self, a: cl::Value) -> cl::Value {
        let v = self.b.ins().scalar_to_vector(types::F32X4, a);
        let v = self.lanes(types::I32X4, v);
        let mut bytes = [0xff; 16];
        bytes[..4].fill(0);
        let ones = self.b.func.dfg.constants.insert(ConstantData::from(&bytes[..]));
        let ones = self.b.ins().vconst(types::I32X4, ones);
        let v = self.b.ins().bor(v, ones);
        let v = self.lanes(types::F64X2, v);
        self.b.ins().extractlane(v, 0)
    }

    /// The low single; the canonical NaN on a cold path if the upper half is not all ones.
    fn unbox(&mut self, a: cl::Value) -> cl::Value {
        let v = self.b.ins().scalar_to_vector(types::F64X2, a);
        let v = self.lanes(types::F32X4, v);
        let single = self.b.ins().extractlane(v, 0);
        let bits = self.b.ins().bitcast(types::I64, MemFlagsData::new(), a);
        let upper = self.b.ins().ushr_imm_u(bits, 32);
        let unboxed = self.b.ins().icmp_imm_u(IntCC::NotEqual, upper, 0xffff_ffff);
        self.unless(unboxed, single, |l| {
            let bits = l.iconst(eval::canonical_nan(Type::F32));
            l.from_bits(Type::F32, bits)
        })
    }

    fn lanes(&mut self, ty: cl::Type, v: cl::Value) -> cl::Value {
        self.b.ins().bitcast(ty, MemFlagsData::new().with_endianness(cl::Endianness::Little), v)
    }

    /// A constant of the lowering's own (never guest data).
    fn float(&mut self, ty: Type, value: f64) -> cl::Value {
        if ty == Type::F32 { self.b.ins().f32const(value as f32) } else { self.b.ins().f64const(value) }
    }

    /// The same value, of which Cranelift cannot see that it is a constant. No instruction results from it.
    pub(super) fn opaque(&mut self, v: cl::Value) -> cl::Value {
        let ty = self.b.func.dfg.value_type(v);
        let vector = if ty == types::F32 { types::F32X4 } else { types::F64X2 };
        let lanes = self.b.ins().scalar_to_vector(vector, v);
        self.b.ins().extractlane(lanes, 0)
    }
}
