//! Numbers taken apart.

use super::format::Format;
use crate::types::FpEnv;
use crate::types::flags::NV;

/// What kind of datum the bits are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// Zero or finite.
    Finite,
    Inf,
    /// Quiet or signalling.
    Nan,
}

/// An operand taken apart: if finite, its magnitude is `sig / 2^63 * 2^exp`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Num {
    pub kind: Kind,
    pub sign: bool,
    /// The exponent of the leading digit, of subnormal numbers too; [`ZERO_EXP`] for zero.
    pub exp: i32,
    /// Bit 63 is set, except for zero.
    pub sig: u64,
}

/// The exponent of zero: so far below all others that aligning a zero to another number shifts by more than any width.
pub(super) const ZERO_EXP: i32 = -0x10000;

impl Num {
    /// Takes the bits of a `f` apart.
    #[inline(always)]
    pub fn unpack(f: Format, bits: u64) -> Num {
        let sign = bits & f.sign() != 0;
        let magnitude = bits & (f.sign() - 1);
        let biased = (magnitude >> f.frac) as i32;
        let fraction = magnitude << (63 - f.frac);
        if magnitude >= f.inf() {
            let kind = if magnitude == f.inf() { Kind::Inf } else { Kind::Nan };
            return Num { kind, sign, exp: 0, sig: 0 };
        }
        if biased != 0 {
            return Num { kind: Kind::Finite, sign, exp: biased - f.bias(), sig: fraction | 1 << 63 };
        }
        Num::unpack_tiny(f, sign, magnitude)
    }

    /// [`unpack`](Num::unpack) for zeros and subnormal numbers.
    #[cold]
    fn unpack_tiny(f: Format, sign: bool, magnitude: u64) -> Num {
        let zeros = magnitude.leading_zeros();
        match magnitude {
            0 => Num { kind: Kind::Finite, sign, exp: ZERO_EXP, sig: 0 },
            // The last digit of the fraction has the weight 2^(1 - bias - frac).
            m => {
                let exp = 64 - zeros as i32 - f.bias() - f.frac as i32;
                Num { kind: Kind::Finite, sign, exp, sig: m << zeros }
            }
        }
    }

    #[inline(always)]
    pub fn is_nan(self) -> bool {
        self.kind == Kind::Nan
    }

    #[inline(always)]
    pub fn is_inf(self) -> bool {
        self.kind == Kind::Inf
    }

    #[inline(always)]
    pub fn is_zero(self) -> bool {
        self.kind == Kind::Finite && self.sig == 0
    }
}

/// Whether the bits are a NaN.
#[inline(always)]
pub(super) fn is_nan(f: Format, bits: u64) -> bool {
    bits & (f.sign() - 1) > f.inf()
}

/// Whether the bits are a signalling NaN.
#[inline(always)]
pub(super) fn is_signaling(f: Format, bits: u64) -> bool {
    is_nan(f, bits) && bits & f.quiet() == 0
}

/// The result of arithmetic with a NaN operand: canonical, and invalid if any operand is a signalling NaN.
#[cold]
pub(super) fn propagate(f: Format, operands: &[u64], env: &mut FpEnv) -> u64 {
    if operands.iter().any(|&bits| is_signaling(f, bits)) {
        env.flags |= NV;
    }
    f.nan()
}
