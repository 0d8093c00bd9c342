//! The table of IR ops: one row for each. Enum, names, shapes, the [`Build`](crate::Build) trait, the block builder,
//! tier 0's executor and the dispatch of [`crate::eval`] are all made from it by passing a macro to
//! [`for_each_op!`](crate::for_each_op).
//!
//! A row is `shape Variant name`; the shape fixes arguments, result, immediate and the signature of the meaning:
//!
//! | shape | builder method | result | meaning in `eval` |
//! |---|---|---|---|
//! | `unary` | `f(ty, a)` | `ty` | `f(ty, a) -> u64` |
//! | `binary` | `f(ty, a, b)` | `ty` | `f(ty, a, b) -> u64` |
//! | `compare` | `f(ty, a, b)` | `I8` (0 or 1) | `f(ty, a, b) -> u64` |
//! | `convert` | `f(to, from, a)` | `to` | `f(to, from, a) -> u64` |
//! | `crypto` | `f(a, b, imm)` | `I64` | `f(a, b, imm) -> u64` |
//! | `fp1` | `f(ty, rm, a)` | `ty` | `f(ty, rm, a, env) -> u64` |
//! | `fp2` | `f(ty, rm, a, b)` | `ty` | `f(ty, rm, a, b, env) -> u64` |
//! | `fp3` | `f(ty, rm, a, b, c)` | `ty` | `f(ty, rm, a, b, c, env) -> u64` |
//! | `fpcmp` | `f(ty, a, b)` | `I8` (0 or 1) | `f(ty, a, b, env) -> u64` |
//! | `fpcvt` | `f(to, from, rm, a)` | `to` | `f(to, from, rm, a, env) -> u64` |
//!
//! Ops with effects or shapes of their own (constants, state, memory, select) are rows of shape `special`; their
//! builder methods are written out in [`crate::build`].

/// Calls `$m!{ rows }` with every row of the ops table.
#[macro_export]
macro_rules! for_each_op {
    ($m:ident) => {
        $m! {
            // ---- special: constants, state, memory, choice ----
            /// A constant; the immediate is the value, zero-extended.
            special Iconst iconst;
            /// A guest address known at translation time. Kept apart from `iconst` so that code can be relocated.
            special Gaddr gaddr;
            /// Reads a state slot; the immediate is the cell.
            special Get get;
            /// Writes a state slot; the immediate is the cell.
            special Set set;
            /// Loads from guest memory at argument + immediate (wrapping). May fault.
            special Load load;
            /// Stores argument 1 to guest memory at argument 0 + immediate (wrapping). May fault.
            special Store store;
            /// Atomic read-modify-write (immediate: [`AtomicKind`](crate::AtomicKind)); gives the old value. May fault.
            special AtomicRmw atomic_rmw;
            /// Atomic compare-and-swap of (address, expected, new); gives the old value. May fault.
            special AtomicCas atomic_cas;
            /// Loads from guest memory for a later store-conditional. The address must be a multiple of the size: traps as
            /// misaligned otherwise. May fault.
            special LoadReserved load_reserved;
            /// Store-conditional of (address, reserved address, reserved value, new): if both addresses are equal and
            /// memory holds the reserved value, stores. Gives 0 for success and 1 for failure as `I64`. May fault.
            special StoreCond store_cond;
            /// Memory fence (immediate: [`Order`](crate::Order)).
            special Fence fence;
            /// Reads a counter (immediate: [`Counter`](crate::Counter)).
            special ReadCounter read_counter;
            /// `a != 0 ? b : c`, where a is `I8`.
            special Select select;

            // ---- integer arithmetic ----
            /// Wrapping addition.
            binary Add add;
            /// Wrapping subtraction.
            binary Sub sub;
            /// Wrapping multiplication, low half.
            binary Mul mul;
            /// High half of the unsigned product.
            binary Umulh umulh;
            /// High half of the signed product.
            binary Smulh smulh;
            /// Unsigned quotient; all ones when b is 0.
            binary Udiv udiv;
            /// Signed quotient rounded to zero; all ones when b is 0, a when it overflows.
            binary Sdiv sdiv;
            /// Unsigned remainder; a when b is 0.
            binary Urem urem;
            /// Signed remainder with the sign of a; a when b is 0, 0 when the quotient overflows.
            binary Srem srem;
            /// Bitwise and.
            binary And and;
            /// Bitwise or.
            binary Or or;
            /// Bitwise exclusive or.
            binary Xor xor;
            /// Shift left; the amount is taken modulo the width.
            binary Shl shl;
            /// Logical shift right; the amount is taken modulo the width.
            binary Ushr ushr;
            /// Arithmetic shift right; the amount is taken modulo the width.
            binary Sshr sshr;
            /// Rotate left; the amount is taken modulo the width.
            binary Rotl rotl;
            /// Rotate right; the amount is taken modulo the width.
            binary Rotr rotr;
            /// Signed minimum.
            binary Smin smin;
            /// Signed maximum.
            binary Smax smax;
            /// Unsigned minimum.
            binary Umin umin;
            /// Unsigned maximum.
            binary Umax umax;
            /// Low half of the carry-less product.
            binary Clmul clmul;
            /// High half of the carry-less product.
            binary Clmulh clmulh;
            /// Byte lookup: each byte of the result is the byte of a that the same byte of b indexes, or 0 if out of range.
            binary Perm8 perm8;
            /// Nibble lookup, likewise with 4-bit elements.
            binary Perm4 perm4;
            /// Leading zeros; the width for 0.
            unary Clz clz;
            /// Trailing zeros; the width for 0.
            unary Ctz ctz;
            /// Number of ones.
            unary Popcnt popcnt;
            /// Reverses the bytes.
            unary Bswap bswap;
            /// Reverses all bits.
            unary Bitrev bitrev;
            /// Each byte becomes all ones if any of its bits is set.
            unary Orcb orcb;
            /// Spreads the low half's bits to even places and the high half's to odd ones (32-bit `zip`).
            unary Zip zip;
            /// Undoes `zip`.
            unary Unzip unzip;

            // ---- comparisons ----
            /// Equal.
            compare Eq eq;
            /// Not equal.
            compare Ne ne;
            /// Signed less than.
            compare Slt slt;
            /// Signed greater or equal.
            compare Sge sge;
            /// Unsigned less than.
            compare Ult ult;
            /// Unsigned greater or equal.
            compare Uge uge;

            // ---- conversions without floating-point semantics ----
            /// Zero extension between integers.
            convert Zext zext;
            /// Sign extension between integers.
            convert Sext sext;
            /// Truncation between integers.
            convert Trunc trunc;
            /// Reinterprets the bits of a type as another type of the same width.
            convert Bitcast bitcast;
            /// Puts a narrower float into a 64-bit register with all upper bits one (RISC-V unprivileged, "NaN boxing").
            convert Nanbox nanbox;
            /// Takes a narrower float out of a 64-bit register; the canonical NaN if it was not boxed.
            convert Unbox unbox;

            // ---- cryptography: imm selects a constant, a byte or a rotation ----
            /// AES decryption, final round (RISC-V `aes64ds`).
            crypto Aes64ds aes64ds;
            /// AES decryption, middle round (`aes64dsm`).
            crypto Aes64dsm aes64dsm;
            /// AES encryption, final round (`aes64es`).
            crypto Aes64es aes64es;
            /// AES encryption, middle round (`aes64esm`).
            crypto Aes64esm aes64esm;
            /// AES inverse MixColumns (`aes64im`); b is unused.
            crypto Aes64im aes64im;
            /// AES key schedule, S-box part (`aes64ks1i`); imm is the round number; b is unused.
            crypto Aes64ks1i aes64ks1i;
            /// AES key schedule, exclusive-or part (`aes64ks2`).
            crypto Aes64ks2 aes64ks2;
            /// SM4 key schedule (`sm4ks`); imm is the byte select.
            crypto Sm4ks sm4ks;
            /// SM4 encryption and decryption (`sm4ed`); imm is the byte select.
            crypto Sm4ed sm4ed;

            // ---- floating point ----
            /// Square root.
            fp1 Fsqrt fsqrt;
            /// Rounds to an integer in the same format; imm mode; never inexact (Zfa `fround`).
            fp1 Fround fround;
            /// Rounds to an integer in the same format and raises inexact (Zfa `froundnx`).
            fp1 Froundnx froundnx;
            /// Addition.
            fp2 Fadd fadd;
            /// Subtraction.
            fp2 Fsub fsub;
            /// Multiplication.
            fp2 Fmul fmul;
            /// Division.
            fp2 Fdiv fdiv;
            /// minimumNumber with -0 < +0 (RISC-V `fmin`); the mode is unused.
            fp2 Fmin fmin;
            /// maximumNumber with -0 < +0 (RISC-V `fmax`); the mode is unused.
            fp2 Fmax fmax;
            /// IEEE 754-2019 minimum: NaN if either is NaN (Zfa `fminm`); the mode is unused.
            fp2 Fminm fminm;
            /// IEEE 754-2019 maximum: NaN if either is NaN (Zfa `fmaxm`); the mode is unused.
            fp2 Fmaxm fmaxm;
            /// a * b + c with one rounding.
            fp3 Fma fma;
            /// Quiet equality.
            fpcmp Feq feq;
            /// Signalling less than.
            fpcmp Flt flt;
            /// Signalling less or equal.
            fpcmp Fle fle;
            /// Quiet less than.
            fpcmp Fltq fltq;
            /// Quiet less or equal.
            fpcmp Fleq fleq;
            /// Float to signed integer of `to`'s width, saturating; NaN gives the largest value.
            fpcvt Ftosi ftosi;
            /// Float to unsigned integer, saturating; NaN gives the largest value.
            fpcvt Ftoui ftoui;
            /// Signed integer to float.
            fpcvt Sitof sitof;
            /// Unsigned integer to float.
            fpcvt Uitof uitof;
            /// Float to float of another width.
            fpcvt Ftof ftof;
            /// Bfloat16 bits (an `I16`) from a float, or a float from them (Zfbfmin): `to` or `from` is `I16`.
            fpcvt Bfcvt bfcvt;
            /// Modular conversion to a signed 32-bit integer (Zfa `fcvtmod.w.d`); rounds to zero.
            fpcvt Fcvtmod fcvtmod;
            /// Classifies a float into one of ten bits (RISC-V `fclass`); the result is an integer, the mode is unused.
            fpcvt Fclass fclass;
        }
    };
}

/// The shape of an op: which arguments, result and immediate it has. See the module's table.
#[allow(non_camel_case_types)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shape {
    special,
    unary,
    binary,
    compare,
    convert,
    crypto,
    fp1,
    fp2,
    fp3,
    fpcmp,
    fpcvt,
}

impl Shape {
    /// Whether ops of this shape read the rounding mode or raise floating-point flags.
    #[inline]
    pub const fn is_fp(self) -> bool {
        matches!(self, Shape::fp1 | Shape::fp2 | Shape::fp3 | Shape::fpcmp | Shape::fpcvt)
    }
}

macro_rules! define_op {
    ($($(#[$doc:meta])* $shape:ident $variant:ident $name:ident;)*) => {
        /// An IR op. See [`for_each_op!`](crate::for_each_op) for the table.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        #[repr(u8)]
        pub enum Op { $($(#[$doc])* $variant,)* }

        impl Op {
            /// Every op, in table order; an op's index here is its discriminant.
            pub const ALL: &'static [Op] = &[$(Op::$variant,)*];

            /// The name in IR text.
            pub const fn name(self) -> &'static str {
                match self { $(Op::$variant => stringify!($name),)* }
            }

            /// The shape of the op's row.
            #[inline]
            pub const fn shape(self) -> Shape {
                match self { $(Op::$variant => Shape::$shape,)* }
            }

            /// The op with this name.
            pub fn from_name(name: &str) -> Option<Op> {
                Op::ALL.iter().copied().find(|op| op.name() == name)
            }

            /// The op with this discriminant.
            #[inline]
            pub fn from_bits(bits: u8) -> Option<Op> {
                Op::ALL.get(bits as usize).copied()
            }
        }
    };
}
for_each_op!(define_op);

impl Op {
    /// Number of value arguments.
    #[inline]
    pub const fn arity(self) -> usize {
        match self.shape() {
            Shape::special => match self {
                Op::Iconst | Op::Gaddr | Op::Get | Op::Fence | Op::ReadCounter => 0,
                Op::Set | Op::Load | Op::LoadReserved => 1,
                Op::Store | Op::AtomicRmw => 2,
                Op::AtomicCas | Op::Select => 3,
                _ => 4,
            },
            Shape::unary | Shape::convert | Shape::fp1 | Shape::fpcvt => 1,
            Shape::binary | Shape::compare | Shape::crypto | Shape::fp2 | Shape::fpcmp => 2,
            Shape::fp3 => 3,
        }
    }

    /// Whether the op can raise a guest memory fault (or a misalignment trap).
    #[inline]
    pub const fn may_fault(self) -> bool {
        matches!(self, Op::Load | Op::Store | Op::LoadReserved | Op::AtomicRmw | Op::AtomicCas | Op::StoreCond)
    }

    /// Whether the op must stay even if its result is unused: it writes state or memory, may fault, orders memory, or
    /// raises floating-point flags.
    #[inline]
    pub const fn has_effect(self) -> bool {
        self.may_fault() || matches!(self, Op::Set | Op::Fence) || (self.shape().is_fp() && !matches!(self, Op::Fclass))
    }
}
