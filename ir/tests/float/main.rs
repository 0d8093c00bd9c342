//! The meaning of floating-point ops against Berkeley SoftFloat: results and flags of every op in every format and mode,
//! on edges and on random operands. `MYNAH_TEST_SCALE` multiplies the number of random ones, `MYNAH_TEST_SEED` changes
//! them.

mod cases;
mod oracle;

use cases::{Random, edges, scaled};
use mynah_ir::eval;
use mynah_ir::flags::{NV, NX, OF, UF};
use mynah_ir::{FpEnv, Rm, Type};
use oracle::{MODES, Oracle, Outcome, actual, expected};
use softfloat_wrapper::{F16, F32, F64, Float, RoundingMode};

/// Calls `$check::<T>()` for every format.
macro_rules! each_format {
    ($check:ident) => {{
        $check::<F16>();
        $check::<F32>();
        $check::<F64>();
    }};
}

/// Every edge and `random` random data of a format; all data of binary16.
fn singles(ty: Type, random: usize) -> Vec<u64> {
    if ty == Type::F16 {
        return (0..=0xffff).collect();
    }
    let mut rng = Random::new();
    let mut all = edges(ty);
    all.extend((0..scaled(random)).map(|_| rng.float(ty)));
    all
}

/// Every pair of edges and `random` random pairs, a quarter of them close together.
fn pairs(ty: Type, random: usize) -> Vec<(u64, u64)> {
    let mut rng = Random::new();
    let edges = edges(ty);
    let mut all: Vec<(u64, u64)> = edges.iter().flat_map(|&a| edges.iter().map(move |&b| (a, b))).collect();
    all.extend((0..scaled(random)).map(|_| {
        let a = rng.float(ty);
        let near = a.wrapping_add(rng.below(9)).wrapping_sub(4) ^ (rng.next() << (ty.bits() - 1));
        let b = if rng.below(4) == 0 { near & ty.mask() } else { rng.float(ty) };
        (a, b)
    }));
    all
}

#[test]
fn add_sub_mul_div() {
    fn check<T: Oracle>() {
        for (a, b) in pairs(T::TY, 200_000) {
            let (x, y) = (T::of(a), T::of(b));
            for (rm, mode) in MODES {
                let both = |name: &str, theirs: Outcome, ours: Outcome| {
                    assert_eq!(ours, theirs, "{name} {:?} {rm:?} {a:#x} {b:#x}", T::TY);
                };
                let ty = T::TY;
                both("fadd", expected(|| x.add(&y, mode).raw()), actual(rm, |rm, env| eval::fadd(ty, rm, a, b, env)));
                both("fsub", expected(|| x.sub(&y, mode).raw()), actual(rm, |rm, env| eval::fsub(ty, rm, a, b, env)));
                both("fmul", expected(|| x.mul(&y, mode).raw()), actual(rm, |rm, env| eval::fmul(ty, rm, a, b, env)));
                both("fdiv", expected(|| x.div(&y, mode).raw()), actual(rm, |rm, env| eval::fdiv(ty, rm, a, b, env)));
            }
        }
    }
    each_format!(check);
}

#[test]
fn fused_multiply_add() {
    fn check<T: Oracle>() {
        let one = |a, b, c| {
            let (x, y, z) = (T::of(a), T::of(b), T::of(c));
            for (rm, mode) in MODES {
                let theirs = expected(|| x.fused_mul_add(&y, &z, mode).raw());
                let ours = actual(rm, |rm, env| eval::fma(T::TY, rm, a, b, c, env));
                assert_eq!(ours, theirs, "fma {:?} {rm:?} {a:#x} {b:#x} {c:#x}", T::TY);
            }
        };
        let edges = edges(T::TY);
        for (i, &a) in edges.iter().enumerate() {
            for (k, &b) in edges.iter().enumerate() {
                // With each pair a fifth of the edges, another fifth with its neighbours.
                edges.iter().skip((i + k) % 5).step_by(5).for_each(|&c| one(a, b, c));
            }
        }
        let mut rng = Random::new();
        for (a, b) in pairs(T::TY, 200_000) {
            // An addend at random, and one that cancels the product up to some last places.
            let product = T::of(a).mul(T::of(b), RoundingMode::TiesToEven).raw();
            let cancels = product.wrapping_add(rng.below(5)).wrapping_sub(2) ^ 1 << (T::TY.bits() - 1);
            one(a, b, rng.float(T::TY));
            one(a, b, cancels & T::TY.mask());
        }
    }
    each_format!(check);
}

#[test]
fn square_root() {
    fn check<T: Oracle>() {
        for a in singles(T::TY, 300_000) {
            for (rm, mode) in MODES {
                let theirs = expected(|| T::of(a).sqrt(mode).raw());
                let ours = actual(rm, |rm, env| eval::fsqrt(T::TY, rm, a, env));
                assert_eq!(ours, theirs, "fsqrt {:?} {rm:?} {a:#x}", T::TY);
            }
        }
    }
    each_format!(check);
}

#[test]
fn round_to_integer() {
    fn check<T: Oracle>() {
        for a in singles(T::TY, 300_000) {
            for (rm, mode) in MODES {
                let theirs = expected(|| T::of(a).round_to_integral(mode).raw());
                let ours = actual(rm, |rm, env| eval::fround(T::TY, rm, a, env));
                assert_eq!(ours, theirs, "fround {:?} {rm:?} {a:#x}", T::TY);

                // The oracle's wrapper has no inexact variant: inexact is what changes a number.
                let inexact = if !T::of(a).is_nan() && theirs.bits != a { NX } else { 0 };
                let ours = actual(rm, |rm, env| eval::froundnx(T::TY, rm, a, env));
                assert_eq!(
                    ours,
                    Outcome { flags: theirs.flags | inexact, ..theirs },
                    "froundnx {:?} {rm:?} {a:#x}",
                    T::TY
                );
            }
        }
    }
    each_format!(check);
}

#[test]
fn float_to_integer() {
    fn check<T: Oracle>() {
        for a in singles(T::TY, 200_000) {
            let x = T::of(a);
            for (rm, mode) in MODES {
                let both = |to: &str, theirs: Outcome, ours: Outcome| {
                    assert_eq!(ours, theirs, "{:?} to {to} {rm:?} {a:#x}", T::TY);
                };
                let signed = |to| actual(rm, |rm, env| eval::ftosi(to, T::TY, rm, a, env));
                let unsigned = |to| actual(rm, |rm, env| eval::ftoui(to, T::TY, rm, a, env));
                both("i32", expected(|| x.to_i32(mode, true) as u32 as u64), signed(Type::I32));
                both("i64", expected(|| x.to_i64(mode, true) as u64), signed(Type::I64));
                both("u32", expected(|| x.to_u32(mode, true) as u64), unsigned(Type::I32));
                both("u64", expected(|| x.to_u64(mode, true)), unsigned(Type::I64));
            }
        }
    }
    each_format!(check);
}

#[test]
fn integer_to_float() {
    fn check<T: Oracle>() {
        let mut rng = Random::new();
        for i in 0..scaled(200_000) {
            let v = if i < 64 { 1 << i } else { rng.integer(64) };
            let w = v as u32 as u64;
            for (rm, mode) in MODES {
                let both = |from: &str, theirs: Outcome, ours: Outcome| {
                    assert_eq!(ours, theirs, "{from} to {:?} {rm:?} {v:#x}", T::TY);
                };
                let signed = |from, v| actual(rm, |rm, env| eval::sitof(T::TY, from, rm, v, env));
                let unsigned = |from, v| actual(rm, |rm, env| eval::uitof(T::TY, from, rm, v, env));
                both("i32", expected(|| T::from_i32(w as i32, mode).raw()), signed(Type::I32, w));
                both("i64", expected(|| T::from_i64(v as i64, mode).raw()), signed(Type::I64, v));
                both("u32", expected(|| T::from_u32(w as u32, mode).raw()), unsigned(Type::I32, w));
                both("u64", expected(|| T::from_u64(v, mode).raw()), unsigned(Type::I64, v));
            }
        }
        assert_eq!(eval::sitof(T::TY, Type::I64, Rm::Rdn, 0, &mut FpEnv::default()), 0);
    }
    each_format!(check);
}

#[test]
fn float_to_float() {
    fn check<T: Oracle>() {
        for a in singles(T::TY, 300_000) {
            let x = T::of(a);
            for (rm, mode) in MODES {
                let both = |to: Type, theirs: Outcome| {
                    let ours = actual(rm, |rm, env| eval::ftof(to, T::TY, rm, a, env));
                    assert_eq!(ours, theirs, "{:?} to {to:?} {rm:?} {a:#x}", T::TY);
                };
                if T::TY != Type::F16 {
                    both(Type::F16, expected(|| x.to_f16(mode).raw()));
                }
                if T::TY != Type::F32 {
                    both(Type::F32, expected(|| x.to_f32(mode).raw()));
                }
                if T::TY != Type::F64 {
                    both(Type::F64, expected(|| x.to_f64(mode).raw()));
                }
            }
        }
    }
    each_format!(check);
}

/// The oracle's wrapper truncates to bfloat16, so the definition stands here: a bfloat16 is the upper half of a binary32.
#[test]
fn bfloat16() {
    /// Whether the digits of `magnitude` above the lowest `drop` (1 to 16) are to be incremented.
    fn increments(rm: Rm, negative: bool, magnitude: u32, drop: u32) -> bool {
        let (rest, half) = (magnitude & ((1 << drop) - 1), 1 << (drop - 1));
        match rm {
            Rm::Rne => rest > half || (rest == half && magnitude >> drop & 1 != 0),
            Rm::Rmm => rest >= half,
            Rm::Rdn => rest != 0 && negative,
            Rm::Rup => rest != 0 && !negative,
            _ => false,
        }
    }
    fn narrowed(rm: Rm, a: u32) -> Outcome {
        let (x, magnitude) = (f32::from_bits(a), a & 0x7fff_ffff);
        if x.is_nan() {
            return Outcome { bits: 0x7fc0, flags: if a & 0x40_0000 == 0 { NV } else { 0 } };
        }
        let negative = a >> 31 != 0;
        let bits = (a >> 16) as u64 + increments(rm, negative, magnitude, 16) as u64;
        let inexact = a & 0xffff != 0;
        let overflows = bits & 0x7fff == 0x7f80 && x.is_finite();
        // With an unbounded exponent, the eight digits of a number just below 2^-126 end one place lower.
        let reaches_normal = magnitude >> 15 == 0xff && increments(rm, negative, magnitude, 15);
        let tiny = magnitude < 0x80_0000 && !reaches_normal;
        let flags = [(inexact, NX), (overflows, OF), (tiny && inexact, UF)];
        Outcome { bits, flags: flags.iter().filter(|f| f.0).fold(0, |all, f| all | f.1) }
    }
    for a in singles(Type::F32, 500_000) {
        for (rm, _) in MODES {
            let ours = actual(rm, |rm, env| eval::bfcvt(Type::I16, Type::F32, rm, a, env));
            assert_eq!(ours, narrowed(rm, a as u32), "f32 to bf16 {rm:?} {a:#x}");
        }
    }
    for a in 0..=0xffff_u64 {
        let x = f32::from_bits((a as u32) << 16);
        let ours = actual(Rm::Rne, |rm, env| eval::bfcvt(Type::F32, Type::I16, rm, a, env));
        let signaling = x.is_nan() && a & 0x40 == 0;
        let bits = if x.is_nan() { 0x7fc0_0000 } else { a << 16 };
        assert_eq!(ours, Outcome { bits, flags: if signaling { NV } else { 0 } }, "bf16 to f32 {a:#x}");
    }
}

#[test]
fn comparisons() {
    fn check<T: Oracle>() {
        for (a, b) in pairs(T::TY, 300_000) {
            let (x, y) = (T::of(a), T::of(b));
            let both = |name: &str, theirs: Outcome, op: fn(Type, u64, u64, &mut FpEnv) -> u64| {
                let ours = actual(Rm::Rne, |_, env| op(T::TY, a, b, env));
                assert_eq!(ours, theirs, "{name} {:?} {a:#x} {b:#x}", T::TY);
            };
            both("feq", expected(|| x.eq(&y) as u64), eval::feq);
            both("flt", expected(|| x.lt(&y) as u64), eval::flt);
            both("fle", expected(|| x.le(&y) as u64), eval::fle);
            both("fltq", expected(|| x.lt_quiet(&y) as u64), eval::fltq);
            both("fleq", expected(|| x.le_quiet(&y) as u64), eval::fleq);
        }
    }
    each_format!(check);
}

/// By the definitions in IEEE 754-2019, 9.6, with the oracle's quiet comparison.
#[test]
fn minimum_and_maximum() {
    fn check<T: Oracle>() {
        for (a, b) in pairs(T::TY, 300_000) {
            let (x, y) = (T::of(a), T::of(b));
            let flags = if x.is_signaling_nan() || y.is_signaling_nan() { NV } else { 0 };
            let less = x.lt_quiet(&y) || (x.eq(&y) && x.is_negative());
            let nan = eval::canonical_nan(T::TY);
            let (min, max) = if less { (a, b) } else { (b, a) };
            let number = |both| match (x.is_nan(), y.is_nan()) {
                (true, true) => nan,
                (true, false) => b,
                (false, true) => a,
                (false, false) => both,
            };
            let strict = |both| if x.is_nan() || y.is_nan() { nan } else { both };
            let same = |name: &str, bits: u64, op: fn(Type, Rm, u64, u64, &mut FpEnv) -> u64| {
                let ours = actual(Rm::Rne, |rm, env| op(T::TY, rm, a, b, env));
                assert_eq!(ours, Outcome { bits, flags }, "{name} {:?} {a:#x} {b:#x}", T::TY);
            };
            same("fmin", number(min), eval::fmin);
            same("fmax", number(max), eval::fmax);
            same("fminm", strict(min), eval::fminm);
            same("fmaxm", strict(max), eval::fmaxm);
        }
    }
    each_format!(check);
}

#[test]
fn classes() {
    fn check<T: Oracle>() {
        for a in singles(T::TY, 100_000) {
            let x = T::of(a);
            let negative =
                [x.is_negative_infinity(), x.is_negative_normal(), x.is_negative_subnormal(), x.is_negative_zero()];
            let positive =
                [x.is_positive_zero(), x.is_positive_subnormal(), x.is_positive_normal(), x.is_positive_infinity()];
            let nan = [x.is_signaling_nan(), x.is_nan() && !x.is_signaling_nan()];
            let classes = negative.iter().chain(&positive).chain(&nan);
            let bits = classes.enumerate().fold(0, |all, (i, &is)| all | (is as u64) << i);
            let ours = actual(Rm::Rne, |rm, env| eval::fclass(Type::I64, T::TY, rm, a, env));
            assert_eq!(ours, Outcome { bits, flags: 0 }, "fclass {:?} {a:#x}", T::TY);
            assert_eq!(bits.count_ones(), 1, "the oracle classifies {a:#x} as {bits:#b}");
        }
    }
    each_format!(check);
}

#[test]
fn modular_conversion() {
    for a in singles(Type::F64, 500_000) {
        let x = f64::from_bits(a);
        // Exact: truncation and remainder never round.
        let bits = if x.is_finite() { (x.trunc() % 4294967296.0) as i64 as u32 as u64 } else { 0 };
        let flags = expected(|| F64::of(a).to_i32(RoundingMode::TowardZero, true) as u64).flags;
        let ours = actual(Rm::Rtz, |rm, env| eval::fcvtmod(Type::I32, Type::F64, rm, a, env));
        assert_eq!(ours, Outcome { bits, flags }, "fcvtmod {a:#x}");
    }
}

#[test]
fn flags_stick_and_a_reserved_mode_does_no_harm() {
    let one = 1f64.to_bits();
    let mut env = FpEnv { frm: 6, flags: NV };
    assert_eq!(eval::fadd(Type::F64, Rm::Dyn, one, 1, &mut env), one);
    assert_eq!(env, FpEnv { frm: 6, flags: NV | NX });
}
