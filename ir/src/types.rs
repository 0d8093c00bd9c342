//! The types of IR values and the small enumerations that ops carry in their immediate field.
//!
//! On concrete bits ([`crate::eval`], tier 0, the IR interpreter) every value is a `u64` whose bits above the width
//! of its type are zero. `F32` is its 32-bit pattern, `F64` its 64-bit pattern, `F16` its 16-bit pattern.

/// Type of an IR value.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum Type {
    /// No value: the op works by its effect.
    Void,
    /// 8-bit integer; also the 0/1 result of comparisons.
    I8,
    /// 16-bit integer.
    I16,
    /// 32-bit integer.
    I32,
    /// 64-bit integer; also guest addresses.
    I64,
    /// IEEE 754 binary16.
    F16,
    /// IEEE 754 binary32.
    F32,
    /// IEEE 754 binary64; also a guest floating-point register as a whole.
    F64,
}

impl Type {
    /// Every type that a value can have, in the order of the discriminants.
    pub const ALL: [Type; 7] = [Type::I8, Type::I16, Type::I32, Type::I64, Type::F16, Type::F32, Type::F64];

    /// Width in bits; 0 for `Void`.
    #[inline(always)]
    pub const fn bits(self) -> u32 {
        match self {
            Type::Void => 0,
            Type::I8 => 8,
            Type::I16 | Type::F16 => 16,
            Type::I32 | Type::F32 => 32,
            Type::I64 | Type::F64 => 64,
        }
    }

    /// Width in bytes.
    #[inline(always)]
    pub const fn bytes(self) -> u32 {
        self.bits() / 8
    }

    /// A mask of the value's bits inside a `u64`.
    #[inline(always)]
    pub const fn mask(self) -> u64 {
        match self.bits() {
            0 => 0,
            n => u64::MAX >> (64 - n),
        }
    }

    /// Whether this is one of the integer types.
    #[inline(always)]
    pub const fn is_int(self) -> bool {
        matches!(self, Type::I8 | Type::I16 | Type::I32 | Type::I64)
    }

    /// Whether this is one of the floating-point types.
    #[inline(always)]
    pub const fn is_float(self) -> bool {
        matches!(self, Type::F16 | Type::F32 | Type::F64)
    }

    /// The name in IR text.
    pub const fn name(self) -> &'static str {
        match self {
            Type::Void => "void",
            Type::I8 => "i8",
            Type::I16 => "i16",
            Type::I32 => "i32",
            Type::I64 => "i64",
            Type::F16 => "f16",
            Type::F32 => "f32",
            Type::F64 => "f64",
        }
    }
}

/// Rounding mode of a floating-point op. The numbers are those of the immediate field.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum Rm {
    /// To nearest, ties to even.
    Rne = 0,
    /// Towards zero.
    Rtz = 1,
    /// Down.
    Rdn = 2,
    /// Up.
    Rup = 3,
    /// To nearest, ties to the larger magnitude. x86 has no such mode.
    Rmm = 4,
    /// What [`FpEnv::frm`] says when the op executes.
    Dyn = 7,
}

impl Rm {
    /// Every mode, in the order of the discriminants.
    pub const ALL: [Rm; 6] = [Rm::Rne, Rm::Rtz, Rm::Rdn, Rm::Rup, Rm::Rmm, Rm::Dyn];

    /// Decodes the immediate field; numbers that name no mode give `None`.
    #[inline(always)]
    pub const fn from_bits(bits: u8) -> Option<Rm> {
        Some(match bits {
            0 => Rm::Rne,
            1 => Rm::Rtz,
            2 => Rm::Rdn,
            3 => Rm::Rup,
            4 => Rm::Rmm,
            7 => Rm::Dyn,
            _ => return None,
        })
    }

    /// The name in IR text.
    pub const fn name(self) -> &'static str {
        match self {
            Rm::Rne => "rne",
            Rm::Rtz => "rtz",
            Rm::Rdn => "rdn",
            Rm::Rup => "rup",
            Rm::Rmm => "rmm",
            Rm::Dyn => "dyn",
        }
    }
}

/// Accrued floating-point exception flags, in the layout that [`FpEnv::flags`] uses.
pub mod flags {
    /// Inexact.
    pub const NX: u8 = 1;
    /// Underflow.
    pub const UF: u8 = 2;
    /// Overflow.
    pub const OF: u8 = 4;
    /// Divide by zero.
    pub const DZ: u8 = 8;
    /// Invalid operation.
    pub const NV: u8 = 16;
}

/// The floating-point environment that floating-point ops read (rounding mode) and write (sticky flags).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct FpEnv {
    /// Dynamic rounding mode, 0 to 4. Values above mean that dynamically rounded ops are illegal; the frontend's
    /// bodies check that before they build such an op.
    pub frm: u8,
    /// Sticky exception flags ([`flags`]).
    pub flags: u8,
}

/// What an atomic read-modify-write does.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum AtomicKind {
    Swap = 0,
    Add = 1,
    And = 2,
    Or = 3,
    Xor = 4,
    Smin = 5,
    Smax = 6,
    Umin = 7,
    Umax = 8,
}

impl AtomicKind {
    /// Every kind, in the order of the discriminants.
    pub const ALL: [AtomicKind; 9] = {
        use AtomicKind::*;
        [Swap, Add, And, Or, Xor, Smin, Smax, Umin, Umax]
    };

    /// Decodes the immediate field.
    pub fn from_bits(bits: u8) -> Option<AtomicKind> {
        Self::ALL.get(bits as usize).copied()
    }

    /// The name in IR text.
    pub const fn name(self) -> &'static str {
        match self {
            AtomicKind::Swap => "swap",
            AtomicKind::Add => "add",
            AtomicKind::And => "and",
            AtomicKind::Or => "or",
            AtomicKind::Xor => "xor",
            AtomicKind::Smin => "smin",
            AtomicKind::Smax => "smax",
            AtomicKind::Umin => "umin",
            AtomicKind::Umax => "umax",
        }
    }
}

/// What a fence orders.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum Order {
    /// Everything but earlier stores before later loads: free on a host with total store order.
    Light = 0,
    /// Earlier stores before later loads too.
    Full = 1,
}

impl Order {
    /// Every order, in the order of the discriminants.
    pub const ALL: [Order; 2] = [Order::Light, Order::Full];

    /// Decodes the immediate field.
    pub fn from_bits(bits: u8) -> Option<Order> {
        Self::ALL.get(bits as usize).copied()
    }

    /// The name in IR text.
    pub const fn name(self) -> &'static str {
        match self {
            Order::Light => "light",
            Order::Full => "full",
        }
    }
}

/// A running counter that a guest can read.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum Counter {
    /// Wall-clock ticks at the frequency that the guest is told.
    Time = 0,
    /// Processor cycles.
    Cycle = 1,
    /// Retired instructions.
    Instret = 2,
}

impl Counter {
    /// Every counter, in the order of the discriminants.
    pub const ALL: [Counter; 3] = [Counter::Time, Counter::Cycle, Counter::Instret];

    /// Decodes the immediate field.
    pub fn from_bits(bits: u8) -> Option<Counter> {
        Self::ALL.get(bits as usize).copied()
    }

    /// The name in IR text.
    pub const fn name(self) -> &'static str {
        match self {
            Counter::Time => "time",
            Counter::Cycle => "cycle",
            Counter::Instret => "instret",
        }
    }
}
