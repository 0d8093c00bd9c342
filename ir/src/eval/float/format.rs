//! Formats, and the one place where results are rounded.

use crate::types::flags::{NV, NX, OF, UF};
use crate::types::{FpEnv, Rm, Type};

/// A binary interchange format: a sign, `exp` bits of biased exponent, `frac` bits of fraction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Format {
    pub exp: u32,
    pub frac: u32,
}

impl Format {
    /// The format of a float type. `I16` stands for bfloat16 (see [`bfcvt`](super::bfcvt)). No other type reaches a
    /// floating-point op: the verifier rejects it.
    #[inline(always)]
    pub const fn of(ty: Type) -> Format {
        match ty {
            Type::F16 => Format { exp: 5, frac: 10 },
            Type::I16 => Format { exp: 8, frac: 7 },
            Type::F32 => Format { exp: 8, frac: 23 },
            _ => Format { exp: 11, frac: 52 },
        }
    }

    /// The largest exponent of a finite number, which is also the bias.
    #[inline(always)]
    pub const fn bias(self) -> i32 {
        (1 << (self.exp - 1)) - 1
    }

    /// The sign bit.
    #[inline(always)]
    pub const fn sign(self) -> u64 {
        1 << (self.exp + self.frac)
    }

    /// Positive infinity; as a magnitude, the first that is not finite.
    #[inline(always)]
    pub const fn inf(self) -> u64 {
        ((1 << self.exp) - 1) << self.frac
    }

    /// The canonical NaN: positive, quiet, no payload.
    #[inline(always)]
    pub const fn nan(self) -> u64 {
        self.inf() | self.quiet()
    }

    /// The fraction bit that tells a quiet NaN from a signalling one.
    #[inline(always)]
    pub const fn quiet(self) -> u64 {
        1 << (self.frac - 1)
    }

    /// A value from its sign and the bits of its magnitude.
    #[inline(always)]
    pub const fn with_sign(self, sign: bool, magnitude: u64) -> u64 {
        if sign { magnitude | self.sign() } else { magnitude }
    }

    /// The canonical NaN, for an operation that has no answer.
    #[cold]
    pub fn invalid(self, env: &mut FpEnv) -> u64 {
        env.flags |= NV;
        self.nan()
    }

    /// Rounds `sig / 2^63 * 2^exp` into the format and raises flags. The significand is normalised (bit 63 is set); bit
    /// 0 may be a sticky bit, since every format drops at least 11 bits.
    ///
    /// Magnitudes in order are consecutive integers in every IEEE format, so a carry out of the fraction moves on to
    /// the next exponent, from subnormal to normal, and from the largest finite number to infinity, by itself.
    #[inline(always)]
    pub fn round(self, rm: Rm, sign: bool, exp: i32, sig: u64, env: &mut FpEnv) -> u64 {
        debug_assert!(sig >> 63 == 1);
        let drop = 63 - self.frac;
        let biased = exp + self.bias();
        let magnitude = if biased > 0 {
            if exp > self.bias() {
                return self.overflow(rm, sign, env);
            }
            let (kept, inexact) = round_off(sig, drop, sign, rm);
            env.flags |= if inexact { NX } else { 0 };
            // The significand's leading bit adds the one that is missing in the exponent.
            (((biased - 1) as u64) << self.frac) + kept
        } else {
            self.round_tiny(rm, sign, biased, sig, env)
        };
        if magnitude >= self.inf() { self.overflow(rm, sign, env) } else { self.with_sign(sign, magnitude) }
    }

    /// [`round`](Format::round) below the normal range: the magnitude's bits. Underflow means tiny *after* rounding
    /// with an unbounded exponent: just below the smallest normal number the same digits may round up out of the
    /// range there, and so not be tiny, while they are rounded at a higher place here.
    #[cold]
    fn round_tiny(self, rm: Rm, sign: bool, biased: i32, sig: u64, env: &mut FpEnv) -> u64 {
        let drop = 63 - self.frac;
        let (kept, inexact) = round_off(shift_right_sticky(sig, (1 - biased) as u32), drop, sign, rm);
        let becomes_normal = biased == 0 && round_off(sig, drop, sign, rm).0 >> (self.frac + 1) != 0;
        env.flags |= match (inexact, becomes_normal) {
            (false, _) => 0,
            (true, true) => NX,
            (true, false) => NX | UF,
        };
        kept
    }

    /// The result of a finite operation whose magnitude, rounded with an unbounded exponent, is not finite.
    #[cold]
    fn overflow(self, rm: Rm, sign: bool, env: &mut FpEnv) -> u64 {
        env.flags |= OF | NX;
        let to_inf = match rm {
            Rm::Rtz => false,
            Rm::Rdn => sign,
            Rm::Rup => !sign,
            _ => true,
        };
        self.with_sign(sign, self.inf() - !to_inf as u64)
    }
}

/// The canonical NaN of a float type, and of bfloat16 for `I16`.
#[inline(always)]
pub const fn canonical_nan(ty: Type) -> u64 {
    Format::of(ty).nan()
}

/// The mode in effect. A dynamic mode that is reserved rounds to nearest: the instruction was illegal and does not
/// come here.
#[inline(always)]
pub(super) fn resolve(rm: Rm, env: &FpEnv) -> Rm {
    match rm {
        Rm::Dyn => match Rm::from_bits(env.frm) {
            None | Some(Rm::Dyn) => Rm::Rne,
            Some(rm) => rm,
        },
        rm => rm,
    }
}

/// Drops the low `drop` bits (1 to 63) of `sig` and rounds what is left; also whether the dropped bits were not zero.
#[inline(always)]
pub(super) fn round_off(sig: u64, drop: u32, sign: bool, rm: Rm) -> (u64, bool) {
    let half = 1u64 << (drop - 1);
    let rest = sig & (half + (half - 1));
    let kept = sig >> drop;
    let up = match rm {
        Rm::Rtz => false,
        Rm::Rdn => sign && rest != 0,
        Rm::Rup => !sign && rest != 0,
        Rm::Rmm => rest >= half,
        Rm::Rne | Rm::Dyn => rest > half || (rest == half && kept & 1 != 0),
    };
    (kept + up as u64, rest != 0)
}

/// Shifts right by any amount; bit 0 of the result is also set if a bit that was shifted out was.
#[inline(always)]
pub(super) fn shift_right_sticky(sig: u64, n: u32) -> u64 {
    match n {
        0 => sig,
        1..64 => sig >> n | (sig << (64 - n) != 0) as u64,
        _ => (sig != 0) as u64,
    }
}
