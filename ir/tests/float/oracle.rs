//! Berkeley SoftFloat, built as for RISC-V, seen through one trait.

use mynah_ir::{FpEnv, Rm, Type};
use softfloat_wrapper::{ExceptionFlags, F16, F32, F64, Float, RoundingMode};

/// The modes that both sides know.
pub const MODES: [(Rm, RoundingMode); 5] = [
    (Rm::Rne, RoundingMode::TiesToEven),
    (Rm::Rtz, RoundingMode::TowardZero),
    (Rm::Rdn, RoundingMode::TowardNegative),
    (Rm::Rup, RoundingMode::TowardPositive),
    (Rm::Rmm, RoundingMode::TiesToAway),
];

/// A format of the oracle, with operands and results as our ops have them.
pub trait Oracle: Float {
    const TY: Type;
    fn of(bits: u64) -> Self;
    fn raw(self) -> u64;
}

macro_rules! oracle {
    ($($float:ident $bits:ident;)*) => {
        $(impl Oracle for $float {
            const TY: Type = Type::$float;
            fn of(bits: u64) -> Self {
                $float::from_bits(bits as $bits)
            }
            fn raw(self) -> u64 {
                self.to_bits() as u64
            }
        })*
    };
}

oracle! {
    F16 u16;
    F32 u32;
    F64 u64;
}

/// A result and the flags that it raised.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    pub bits: u64,
    pub flags: u8,
}

impl std::fmt::Debug for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(f, "{:#x} with flags {:#07b}", self.bits, self.flags)
    }
}

/// What the oracle says.
pub fn expected(op: impl FnOnce() -> u64) -> Outcome {
    let mut flags = ExceptionFlags::default();
    flags.set();
    let bits = op();
    flags.get();
    Outcome { bits, flags: flags.to_bits() }
}

/// What our op says with mode `rm`: once encoded in the op and once dynamic, which must not differ.
pub fn actual(rm: Rm, op: impl Fn(Rm, &mut FpEnv) -> u64) -> Outcome {
    let outcome = |rm, frm| {
        let mut env = FpEnv { frm, flags: 0 };
        Outcome { bits: op(rm, &mut env), flags: env.flags }
    };
    let (encoded, dynamic) = (outcome(rm, Rm::Rtz as u8), outcome(Rm::Dyn, rm as u8));
    assert_eq!(encoded, dynamic, "{rm:?}");
    encoded
}
