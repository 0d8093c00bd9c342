//! What a row of the table is, and the checks that it passes at compile time.

use super::extension::ExtensionSet;
use super::format::Format;

/// Which extensions bring an instruction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Needs {
    /// Any one of them is enough.
    Any(ExtensionSet),
    /// All of them together.
    All(ExtensionSet),
}

impl Needs {
    /// Whether a CPU with these extensions has the instruction.
    pub const fn met_by(self, enabled: ExtensionSet) -> bool {
        match self {
            Needs::Any(set) => enabled.contains_any(set),
            Needs::All(set) => enabled.contains_all(set),
        }
    }

    /// Every extension that is named.
    pub const fn extensions(self) -> ExtensionSet {
        match self {
            Needs::Any(set) | Needs::All(set) => set,
        }
    }
}

/// How a row takes part in translation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Class {
    /// Control goes on to the next instruction.
    Plain,
    /// The body calls a terminal: a block ends with it.
    EndsBlock,
    /// Executed only by tier 0, because it reads or writes state that translated code keeps elsewhere.
    Tier0,
    /// Plain or Tier0, depending on the CSR and what is done with it; see [`super::csr::is_tier0`].
    Csr,
    /// A hint or pseudo-instruction in the code space of the named row, which decodes and executes it. Here for the
    /// coverage page and so that the table spells the manual's whole list.
    Within(&'static str),
    /// Not implemented, and why. It does not decode, and no CPU announces its extension.
    NotYet(&'static str),
}

impl Class {
    /// Whether words of the row decode to it.
    pub const fn decodes(self) -> bool {
        !matches!(self, Class::Within(_) | Class::NotYet(_))
    }
}

/// Bits of a word that must not all have a value, such as a register field that must not be 0.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Except {
    /// The bits.
    pub mask: u32,
    /// The value that makes the word belong to another row, or to none.
    pub value: u32,
}

/// One row of the table: one instruction.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Mnemonic as the manual spells it.
    pub name: &'static str,
    /// Bits from the most significant: 0, 1, field letters (see [`Format`]), and spaces to be skipped.
    pub bits: &'static str,
    /// Fixed bits.
    pub mask: u32,
    /// Their values.
    pub value: u32,
    /// Length in bytes: 2 or 4.
    pub len: u8,
    /// Words that match but are not of this row.
    pub except: &'static [Except],
    /// Where the fields stand.
    pub format: Format,
    /// How it takes part in translation.
    pub class: Class,
    /// Title of the table's section.
    pub section: &'static str,
    /// The extensions that bring it.
    pub needs: Needs,
}

impl Row {
    /// A row, checked: it does not build unless its width is 16 or 32 bits, bits 1 and 0 agree with the width, and
    /// its letters stand where its format has them.
    pub const fn new(
        name: &'static str,
        bits: &'static str,
        except: &'static [Except],
        format: Format,
        class: Class,
        section: &'static str,
        needs: Needs,
    ) -> Row {
        let width = width(bits);
        assert!(width == 16 || width == 32, "a row has 16 or 32 bits");
        check_letters(bits, format.layout());
        let (mask, value) = (bits_of(bits, b'0') | bits_of(bits, b'1'), bits_of(bits, b'1'));
        assert!(mask & 3 == 3, "bits 1 and 0 are fixed");
        assert!((value & 3 == 3) == (width == 32), "bits 1 and 0 are 11 in 32-bit instructions only");
        Row { name, bits, mask, value, len: (width / 8) as u8, except, format, class, section, needs }
    }

    /// Whether the word is this instruction.
    #[inline]
    pub const fn matches(&self, word: u32) -> bool {
        word & self.mask == self.value && !self.excepts(word)
    }

    /// Whether the word, whose fixed bits match, belongs elsewhere all the same.
    #[inline]
    pub(super) const fn excepts(&self, word: u32) -> bool {
        let mut i = 0;
        while i < self.except.len() {
            if word & self.except[i].mask == self.except[i].value {
                return true;
            }
            i += 1;
        }
        false
    }

    /// Whether some word might match both rows. Sound, and exact enough: a pair counts as disjoint if fixed bits
    /// differ or one row fixes the very bits that the other excepts.
    pub(super) const fn overlaps(&self, other: &Row) -> bool {
        let common = self.mask & other.mask;
        self.value & common == other.value & common && !self.excepts_all_of(other) && !other.excepts_all_of(self)
    }

    const fn excepts_all_of(&self, other: &Row) -> bool {
        let mut i = 0;
        while i < self.except.len() {
            let Except { mask, value } = self.except[i];
            if other.mask & mask == mask && other.value & mask == value {
                return true;
            }
            i += 1;
        }
        false
    }
}

/// Number of bits in a bit string.
const fn width(bits: &str) -> u32 {
    let bytes = bits.as_bytes();
    let (mut i, mut n) = (0, 0);
    while i < bytes.len() {
        n += (bytes[i] != b' ') as u32;
        i += 1;
    }
    n
}

/// The places of `letter` in a bit string, as a mask.
const fn bits_of(bits: &str, letter: u8) -> u32 {
    let bytes = bits.as_bytes();
    let (mut i, mut mask) = (0, 0u32);
    while i < bytes.len() {
        if bytes[i] != b' ' {
            mask = mask << 1 | (bytes[i] == letter) as u32;
        }
        i += 1;
    }
    mask
}

/// Fails to build if a letter of `bits` stands where `layout` has another one or none.
const fn check_letters(bits: &str, layout: &str) {
    assert!(width(bits) == width(layout), "row and format have one width");
    let letters = b"dstumqin";
    let (mut i, mut known) = (0, bits_of(bits, b'0') | bits_of(bits, b'1'));
    while i < letters.len() {
        let places = bits_of(bits, letters[i]);
        assert!(places & !bits_of(layout, letters[i]) == 0, "a field letter stands where the format has none");
        known |= places;
        i += 1;
    }
    assert!(known == u32::MAX >> (32 - width(bits)), "unknown field letter");
}

/// The words in which field `letter` holds `value`; the field's bits count from the lowest place upwards.
pub(super) const fn except(bits: &str, letter: &str, value: u32) -> Except {
    let mask = bits_of(bits, letter.as_bytes()[0]);
    assert!(mask != 0, "an exception names a field of the row");
    let (mut places, mut rest, mut spread) = (mask, value, 0);
    while places != 0 {
        let lowest = places & places.wrapping_neg();
        spread |= if rest & 1 != 0 { lowest } else { 0 };
        places &= places - 1;
        rest >>= 1;
    }
    assert!(rest == 0, "the excepted value fits into the field");
    Except { mask, value: spread }
}

/// Makes the table: [`ROWS`](super::table::ROWS) and the bodies in the same order.
///
/// A section is `"title" [Extension | Extension] { rows }` (any one suffices) or `[Extension & Extension]` (all are
/// needed); a row is `"name" "bits" Format Class body [field != value, ...];`. Rows of class `Within` and `NotYet`
/// have no body.
macro_rules! rows {
    ($(
        $section:literal $needs:tt {
            $(
                $name:literal $bits:literal $format:ident $class:ident $(($why:literal))?
                $($body:ident)::* $([$($letter:ident != $value:literal),*])?;
            )*
        }
    )*) => {
        /// Every row, section by section.
        pub static ROWS: &[Row] = &ROWS_CONST;

        /// Number of rows.
        pub const LEN: usize = [$($($name,)*)*].len();

        pub(super) const ROWS_CONST: [Row; LEN] = [
            $($(
                Row::new(
                    $name,
                    $bits,
                    &[$($(except($bits, stringify!($letter), $value),)*)?],
                    Format::$format,
                    Class::$class $(($why))?,
                    $section,
                    rows!(@needs $needs),
                ),
            )*)*
        ];

        /// The bodies of the rows, for one builder.
        struct Bodies<B>(core::marker::PhantomData<B>);

        impl<B: Build> Bodies<B> {
            const ALL: [Body<B>; LEN] = [$($(rows!(@body $($body)::*),)*)*];
        }

        /// The body of row `op`. One load; a number that is no row's gives a body that traps.
        #[inline(always)]
        pub fn body<B: Build>(op: u16) -> Body<B> {
            let bodies: &[Body<B>; LEN] = &Bodies::<B>::ALL;
            bodies.get(op as usize).copied().unwrap_or(semantics::system::illegal)
        }

        struct Wrapped<B, W>(core::marker::PhantomData<(B, W)>);

        impl<B: Build + 'static, W: WrapBody<B>> Wrapped<B, W> {
            const ALL: [fn() -> W::Out; LEN] = [$($(|| W::wrap(rows!(@body $($body)::*)),)*)*];
        }

        /// What `W` makes of the body of row `op`.
        #[inline]
        pub fn wrap_body<B: Build + 'static, W: WrapBody<B>>(op: u16) -> W::Out {
            let all: &[fn() -> W::Out; LEN] = &Wrapped::<B, W>::ALL;
            match all.get(op as usize) {
                Some(wrap) => wrap(),
                None => W::wrap(semantics::system::illegal::<B>),
            }
        }
    };
    (@needs [$first:ident $(| $more:ident)*]) => {
        Needs::Any(ExtensionSet::EMPTY.with(Extension::$first)$(.with(Extension::$more))*)
    };
    (@needs [$first:ident $(& $more:ident)*]) => {
        Needs::All(ExtensionSet::EMPTY.with(Extension::$first)$(.with(Extension::$more))*)
    };
    (@body) => { semantics::system::illegal::<B> };
    (@body $($body:ident)::+) => { semantics::$($body)::+::<B> };
}
pub(super) use rows;
