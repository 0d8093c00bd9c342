//! The extensions that the table knows, what each implies, and sets of them.

/// Declares [`Extension`] from rows of `Variant "name" [implied extensions]`, in the order in which
/// Linux prints them in `/proc/cpuinfo`.
macro_rules! extensions {
    ($($variant:ident $name:literal [$($implied:ident)*];)*) => {
        /// An extension of the RISC-V ISA that has rows in the table.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        #[repr(u8)]
        pub enum Extension {
            $(#[doc = concat!("`", $name, "`")] $variant,)*
        }

        impl Extension {
            /// Every extension, in the order of Linux's ISA string; an extension's index here is its discriminant.
            pub const ALL: &'static [Extension] = &[$(Extension::$variant,)*];

            /// The name in ISA strings, lower case.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Extension::$variant => $name,)*
                }
            }

            /// The extensions that this one directly depends on or contains.
            const fn implied(self) -> ExtensionSet {
                match self {
                    $(Extension::$variant => ExtensionSet::EMPTY$(.with(Extension::$implied))*,)*
                }
            }
        }
    };
}

extensions! {
    // Single letters.
    I "i" [];
    M "m" [];
    F "f" [Zicsr];
    D "d" [F];
    V "v" [D];
    // Caches, counters, hints and control.
    Zicbom "zicbom" [];
    Zicbop "zicbop" [];
    Zicboz "zicboz" [];
    Zicntr "zicntr" [Zicsr];
    Zicond "zicond" [];
    Zicsr "zicsr" [];
    Zifencei "zifencei" [];
    Zihintntl "zihintntl" [];
    Zihintpause "zihintpause" [];
    Zihpm "zihpm" [Zicsr];
    Zimop "zimop" [];
    // Atomics.
    Zaamo "zaamo" [];
    Zabha "zabha" [Zaamo];
    Zacas "zacas" [Zaamo];
    Zalrsc "zalrsc" [];
    Zawrs "zawrs" [Zalrsc];
    // Floating point.
    Zfa "zfa" [F];
    Zfbfmin "zfbfmin" [F];
    Zfh "zfh" [Zfhmin];
    Zfhmin "zfhmin" [F];
    // Compressed.
    Zca "zca" [];
    Zcb "zcb" [Zca];
    Zcd "zcd" [Zca D];
    Zcmop "zcmop" [Zca];
    // Bit manipulation and scalar cryptography.
    Zba "zba" [];
    Zbb "zbb" [];
    Zbc "zbc" [];
    Zbkb "zbkb" [];
    Zbkc "zbkc" [];
    Zbkx "zbkx" [];
    Zbs "zbs" [];
    Zknd "zknd" [];
    Zkne "zkne" [];
    Zknh "zknh" [];
    Zksed "zksed" [];
    Zksh "zksh" [];
    // Vector cryptography and bit manipulation.
    Zvbb "zvbb" [V];
    Zvkned "zvkned" [V];
}

/// Names that stand for several extensions.
pub const GROUPS: &[(&str, &[Extension])] = {
    use Extension::*;
    &[
        ("a", &[Zaamo, Zalrsc]),
        ("b", &[Zba, Zbb, Zbs]),
        ("c", &[Zca, Zcd]),
        ("g", &[I, M, Zaamo, Zalrsc, F, D, Zicsr, Zifencei]),
        ("zkn", &[Zbkb, Zbkc, Zbkx, Zkne, Zknd, Zknh]),
        ("zks", &[Zbkb, Zbkc, Zbkx, Zksed, Zksh]),
    ]
};

/// A set of extensions.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct ExtensionSet(u64);

const _: () = assert!(Extension::ALL.len() <= 64, "an ExtensionSet holds one bit for each extension");

impl ExtensionSet {
    /// No extension.
    pub const EMPTY: ExtensionSet = ExtensionSet(0);

    /// This set and `extension`, without what it implies.
    pub const fn with(self, extension: Extension) -> ExtensionSet {
        ExtensionSet(self.0 | 1 << extension as u8)
    }

    /// The union of both.
    pub const fn union(self, other: ExtensionSet) -> ExtensionSet {
        ExtensionSet(self.0 | other.0)
    }

    /// What is in both.
    pub const fn intersection(self, other: ExtensionSet) -> ExtensionSet {
        ExtensionSet(self.0 & other.0)
    }

    /// Whether `extension` is in the set.
    pub const fn contains(self, extension: Extension) -> bool {
        self.0 >> extension as u8 & 1 != 0
    }

    /// Whether all of `other` is in the set.
    pub const fn contains_all(self, other: ExtensionSet) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether any of `other` is in the set.
    pub const fn contains_any(self, other: ExtensionSet) -> bool {
        self.0 & other.0 != 0
    }

    /// The members, in table order.
    pub fn iter(self) -> impl Iterator<Item = Extension> {
        Extension::ALL.iter().copied().filter(move |&e| self.contains(e))
    }

    /// This set and `extension`, and all that it implies.
    pub fn enable(self, extension: Extension) -> ExtensionSet {
        let implied = extension.implied().iter().filter(|&e| !self.contains(e));
        implied.fold(self.with(extension), ExtensionSet::enable)
    }

    /// This set without `extension` and without all that implies it.
    pub fn disable(self, extension: Extension) -> ExtensionSet {
        let without = ExtensionSet(self.0 & !(1 << extension as u8));
        let orphans = without.iter().filter(|e| e.implied().contains(extension));
        orphans.fold(without, ExtensionSet::disable)
    }
}

impl FromIterator<Extension> for ExtensionSet {
    fn from_iter<T: IntoIterator<Item = Extension>>(extensions: T) -> ExtensionSet {
        extensions.into_iter().fold(ExtensionSet::EMPTY, ExtensionSet::enable)
    }
}
