//! Instruction formats: where the fields stand in the word, how they become operands, and how text shows them.

use super::insn::Insn;

/// Declares [`Format`] from rows of `Name "layout" "operands"`.
///
/// The layout has the places where a row of the table may have field letters; the table's rows are checked against it
/// at compile time. Letters: `d` rd, `s` rs1, `t` rs2, `u` rs3, `m` rounding mode, `q` aq and rl, `i` immediate,
/// `n` ignored.
///
/// The operands are text in which letters stand for: `d s t` integer registers, `D S T U` floating-point registers,
/// `i` immediate, `x` upper immediate, `c` CSR, `z` rs1 as a number, `m` rounding mode with its comma unless dynamic,
/// `e` the same unless to nearest, `f` the sets that a fence orders, `l` a constant of `fli`.
macro_rules! formats {
    ($($name:ident $layout:literal $operands:literal;)*) => {
        /// An instruction format.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        #[repr(u8)]
        pub enum Format {
            $(#[doc = concat!("`", $layout, "`: `", $operands, "`")] $name,)*
        }

        impl Format {
            /// Where fields stand: letters from the most significant bit, spaces to be skipped.
            pub const fn layout(self) -> &'static str {
                match self { $(Format::$name => $layout,)* }
            }

            /// How operands are shown.
            pub const fn operands(self) -> &'static str {
                match self { $(Format::$name => $operands,)* }
            }
        }
    };
}

formats! {
    // ---- 32 bits: integer ----
    Bare      "............ ..... ... ..... ......." "";
    R         "....... ttttt sssss ... ddddd ......." "d, s, t";
    Unary     "............ sssss ... ddddd ......." "d, s";
    I         "iiiiiiiiiiii sssss ... ddddd ......." "d, s, i";
    Shift     "...... iiiiii sssss ... ddddd ......." "d, s, i";
    Load      "iiiiiiiiiiii sssss ... ddddd ......." "d, i(s)";
    Store     "iiiiiii ttttt sssss ... iiiii ......." "t, i(s)";
    B         "iiiiiii ttttt sssss ... iiiii ......." "s, t, i";
    U         "iiiiiiiiiiiiiiiiiiii ddddd ......." "d, x";
    J         "iiiiiiiiiiiiiiiiiiii ddddd ......." "d, i";
    Jalr      "iiiiiiiiiiii sssss ... ddddd ......." "d, s, i";
    Fence     "iiiiiiiiiiii nnnnn ... nnnnn ......." "f";
    FenceI    "nnnnnnnnnnnn nnnnn ... nnnnn ......." "";
    Csr       "iiiiiiiiiiii sssss ... ddddd ......." "d, c, s";
    CsrImm    "iiiiiiiiiiii sssss ... ddddd ......." "d, c, z";
    CsrRead   "............ ..... ... ddddd ......." "d";
    Select    "ii..... ttttt sssss ... ddddd ......." "d, s, t, i";
    Round     "........iiii sssss ... ddddd ......." "d, s, i";
    Prefetch  "iiiiiii ..... sssss ... ..... ......." "i(s)";
    Cbo       "............ sssss ... ..... ......." "(s)";
    Lr        ".....qq ..... sssss ... ddddd ......." "d, (s)";
    Amo       ".....qq ttttt sssss ... ddddd ......." "d, t, (s)";
    // Shown with the number of the may-be-operation in the name.
    Mop       ".i..ii..  ..ii sssss ... ddddd ......." "d, s";
    MopRR     ".i..ii. ttttt sssss ... ddddd ......." "d, s, t";
    // ---- 32 bits: floating point ----
    FLoad     "iiiiiiiiiiii sssss ... ddddd ......." "D, i(s)";
    FStore    "iiiiiii ttttt sssss ... iiiii ......." "T, i(s)";
    F4        "uuuuu.. ttttt sssss mmm ddddd ......." "D, S, T, Um";
    F3        "....... ttttt sssss mmm ddddd ......." "D, S, Tm";
    F3NoRm    "....... ttttt sssss ... ddddd ......." "D, S, T";
    F2        "............ sssss mmm ddddd ......." "D, Sm";
    FCompare  "....... ttttt sssss ... ddddd ......." "d, S, T";
    FToX      "............ sssss mmm ddddd ......." "d, Sm";
    FToXNoRm  "............ sssss ... ddddd ......." "d, S";
    XToF      "............ sssss mmm ddddd ......." "D, sm";
    // Conversions that are always exact: any mode gives the same.
    F2Exact   "............ sssss mmm ddddd ......." "D, Se";
    XToFExact "............ sssss mmm ddddd ......." "D, se";
    XToFNoRm  "............ sssss ... ddddd ......." "D, s";
    Fli       "............ sssss ... ddddd ......." "D, l";
    // ---- 32 bits: groups without operands of their own ----
    Group     "nnnnnnnnnnnnnnnnn ... nnnnn ......." "";
    // ---- 16 bits ----
    CBare     "... . ..... ..... .." "";
    CNop      "... i ..... iiiii .." "";
    CIW       "... iiiiiiii ddd .." "d, s, i";
    CLBU      "... ... sss ii ddd .." "d, i(s)";
    CLH       "... ... sss .i ddd .." "d, i(s)";
    CLW       "... iii sss ii ddd .." "d, i(s)";
    CLD       "... iii sss ii ddd .." "d, i(s)";
    CFLD      "... iii sss ii ddd .." "D, i(s)";
    CSB       "... ... sss ii ttt .." "t, i(s)";
    CSH       "... ... sss .i ttt .." "t, i(s)";
    CSW       "... iii sss ii ttt .." "t, i(s)";
    CSD       "... iii sss ii ttt .." "t, i(s)";
    CFSD      "... iii sss ii ttt .." "T, i(s)";
    CI        "... i ddddd iiiii .." "d, i";
    CLui      "... i ddddd iiiii .." "d, x";
    C16SP     "... i ..... iiiii .." "d, i";
    CSlli     "... i ddddd iiiii .." "d, i";
    CLWSP     "... i ddddd iiiii .." "d, i(s)";
    CLDSP     "... i ddddd iiiii .." "d, i(s)";
    CFLDSP    "... i ddddd iiiii .." "D, i(s)";
    CSWSP     "... iiiiii ttttt .." "t, i(s)";
    CSDSP     "... iiiiii ttttt .." "t, i(s)";
    CFSDSP    "... iiiiii ttttt .." "T, i(s)";
    CJR       "... . sssss ..... .." "s";
    CMV       "... . ddddd ttttt .." "d, t";
    CAdd      "... . ddddd ttttt .." "d, t";
    CA        "... ... ddd .. ttt .." "d, t";
    CU        "... ... ddd .. ... .." "d";
    CAndi     "... i .. ddd iiiii .." "d, i";
    CShift    "... i .. ddd iiiii .." "d, i";
    CB        "... iii sss iiiii .." "s, i";
    CJ        "... iiiiiiiiiii .." "i";
    CMop      "... . . iii . ..... .." "";
}

/// Bits `low` to `low + width - 1` of the word, moved to begin at bit `to`.
#[inline(always)]
const fn field(word: u32, low: u32, width: u32, to: u32) -> u32 {
    (word >> low & ((1 << width) - 1)) << to
}

/// Sign-extends a value of `width` bits.
#[inline(always)]
const fn signed(value: u32, width: u32) -> i32 {
    ((value << (32 - width)) as i32) >> (32 - width)
}

impl Format {
    /// Takes the operands out of a word of this format. Fields that the format does not have hold anything, as no
    /// body of such a row reads them.
    #[inline]
    pub fn unpack(self, word: u32, pc: u64, op: u16) -> Insn {
        if word & 3 == 3 { self.unpack32(word, pc, op) } else { self.unpack16(word, pc, op) }
    }

    /// 32-bit formats have registers at the same places throughout.
    #[inline]
    fn unpack32(self, word: u32, pc: u64, op: u16) -> Insn {
        let register = |low| field(word, low, 5, 0) as u8;
        let rm = match self {
            Format::Lr | Format::Amo => field(word, 25, 2, 0) as u8,
            _ => field(word, 12, 3, 0) as u8,
        };
        Insn {
            pc,
            imm: self.immediate32(word),
            op,
            rd: register(7),
            rs1: register(15),
            rs2: register(20),
            rs3: register(27),
            rm,
            len: 4,
        }
    }

    #[inline]
    fn immediate32(self, w: u32) -> i32 {
        match self {
            Format::I | Format::Load | Format::FLoad | Format::Jalr => w as i32 >> 20,
            Format::Store | Format::FStore | Format::Prefetch => signed(field(w, 25, 7, 5) | field(w, 7, 5, 0), 12),
            Format::B => signed(field(w, 31, 1, 12) | field(w, 7, 1, 11) | field(w, 25, 6, 5) | field(w, 8, 4, 1), 13),
            Format::U => (w & 0xffff_f000) as i32,
            Format::J => {
                signed(field(w, 31, 1, 20) | field(w, 12, 8, 12) | field(w, 20, 1, 11) | field(w, 21, 10, 1), 21)
            }
            Format::Shift => field(w, 20, 6, 0) as i32,
            Format::Csr | Format::CsrImm | Format::CsrRead | Format::Fence => field(w, 20, 12, 0) as i32,
            Format::Select => field(w, 30, 2, 0) as i32,
            Format::Round => field(w, 20, 4, 0) as i32,
            Format::Mop => (field(w, 30, 1, 4) | field(w, 26, 2, 2) | field(w, 20, 2, 0)) as i32,
            Format::MopRR => (field(w, 30, 1, 2) | field(w, 26, 2, 0)) as i32,
            _ => 0,
        }
    }

    /// 16-bit formats are unpacked into the operands of the 32-bit instruction that they abbreviate.
    #[inline]
    fn unpack16(self, w: u32, pc: u64, op: u16) -> Insn {
        const SP: u8 = 2;
        let full = |low| field(w, low, 5, 0) as u8;
        let short = |low| field(w, low, 3, 0) as u8 + 8;
        let (rd, rs1, rs2) = match self {
            Format::CIW => (short(2), SP, 0),
            Format::CLBU | Format::CLH | Format::CLW | Format::CLD | Format::CFLD => (short(2), short(7), 0),
            Format::CSB | Format::CSH | Format::CSW | Format::CSD | Format::CFSD => (0, short(7), short(2)),
            Format::CI | Format::CLui | Format::CSlli => (full(7), full(7), 0),
            Format::C16SP => (SP, SP, 0),
            Format::CLWSP | Format::CLDSP | Format::CFLDSP => (full(7), SP, 0),
            Format::CSWSP | Format::CSDSP | Format::CFSDSP => (0, SP, full(2)),
            // `c.jalr` links to x1 and `c.jr` to x0: bit 12 tells them apart.
            Format::CJR => (field(w, 12, 1, 0) as u8, full(7), 0),
            Format::CMV | Format::CAdd => (full(7), full(7), full(2)),
            Format::CA => (short(7), short(7), short(2)),
            Format::CU | Format::CAndi | Format::CShift => (short(7), short(7), 0),
            Format::CB => (0, short(7), 0),
            _ => (0, 0, 0),
        };
        Insn { pc, imm: self.immediate16(w), op, rd, rs1, rs2, rs3: 0, rm: 0, len: 2 }
    }

    #[inline]
    fn immediate16(self, w: u32) -> i32 {
        let six = field(w, 12, 1, 5) | field(w, 2, 5, 0);
        match self {
            Format::CIW => (field(w, 11, 2, 4) | field(w, 7, 4, 6) | field(w, 6, 1, 2) | field(w, 5, 1, 3)) as i32,
            Format::CLBU | Format::CSB => (field(w, 6, 1, 0) | field(w, 5, 1, 1)) as i32,
            Format::CLH | Format::CSH => field(w, 5, 1, 1) as i32,
            Format::CLW | Format::CSW => (field(w, 10, 3, 3) | field(w, 6, 1, 2) | field(w, 5, 1, 6)) as i32,
            Format::CLD | Format::CSD | Format::CFLD | Format::CFSD => (field(w, 10, 3, 3) | field(w, 5, 2, 6)) as i32,
            Format::CI | Format::CAndi | Format::CNop => signed(six, 6),
            Format::CLui => signed(six, 6) << 12,
            Format::C16SP => signed(
                field(w, 12, 1, 9) | field(w, 6, 1, 4) | field(w, 5, 1, 6) | field(w, 3, 2, 7) | field(w, 2, 1, 5),
                10,
            ),
            Format::CSlli | Format::CShift => six as i32,
            Format::CLWSP => (field(w, 12, 1, 5) | field(w, 4, 3, 2) | field(w, 2, 2, 6)) as i32,
            Format::CLDSP | Format::CFLDSP => (field(w, 12, 1, 5) | field(w, 5, 2, 3) | field(w, 2, 3, 6)) as i32,
            Format::CSWSP => (field(w, 9, 4, 2) | field(w, 7, 2, 6)) as i32,
            Format::CSDSP | Format::CFSDSP => (field(w, 10, 3, 3) | field(w, 7, 3, 6)) as i32,
            Format::CB => signed(
                field(w, 12, 1, 8) | field(w, 10, 2, 3) | field(w, 5, 2, 6) | field(w, 3, 2, 1) | field(w, 2, 1, 5),
                9,
            ),
            Format::CJ => signed(
                field(w, 12, 1, 11)
                    | field(w, 11, 1, 4)
                    | field(w, 9, 2, 8)
                    | field(w, 8, 1, 10)
                    | field(w, 7, 1, 6)
                    | field(w, 6, 1, 7)
                    | field(w, 3, 3, 1)
                    | field(w, 2, 1, 5),
                12,
            ),
            Format::CMop => (field(w, 8, 3, 1) | 1) as i32,
            _ => 0,
        }
    }
}
