//! Which CPU the guest sees: a set of extensions, and every name under which the guest may ask for it.

use super::extension::{Extension, ExtensionSet, GROUPS};
use super::row::Class;
use super::table::{LEN, ROWS};

/// A CPU: its extensions, and the rows of the table that they enable.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Cpu {
    extensions: ExtensionSet,
    rows: [u64; LEN.div_ceil(64)],
}

impl Default for Cpu {
    /// Everything that is implemented.
    fn default() -> Cpu {
        Cpu::new(implemented())
    }
}

/// Every extension all of whose rows are implemented.
fn implemented() -> ExtensionSet {
    let missing = |e| ROWS.iter().any(|r| matches!(r.class, Class::NotYet(_)) && r.needs.extensions().contains(e));
    let has_rows = |e| ROWS.iter().any(|r| r.needs.extensions().contains(e));
    let mut set = ExtensionSet::EMPTY;
    for &e in Extension::ALL {
        if has_rows(e) && !missing(e) {
            set = set.with(e);
        }
    }
    set
}

/// Named CPUs: what each has beyond what is implied. A profile's extensions that are not implemented are left out, so
/// that the guest is never told of something that it does not have.
const MODELS: &[(&str, &str, &[&str])] = &[
    ("rv64", "RV64GC with counters", &["g", "c", "zicntr"]),
    (
        "rva22u64",
        "the profile RVA22U64, mandatory extensions",
        &["g", "c", "b", "zicntr", "zihpm", "zihintpause", "zicbom", "zicbop", "zicboz", "zfhmin"],
    ),
    (
        "rva23u64",
        "the profile RVA23U64, mandatory extensions",
        &[
            "g",
            "c",
            "b",
            "zicntr",
            "zihpm",
            "zihintpause",
            "zihintntl",
            "zicbom",
            "zicbop",
            "zicboz",
            "zfhmin",
            "v",
            "zvbb",
            "zicond",
            "zimop",
            "zcmop",
            "zcb",
            "zfa",
            "zawrs",
        ],
    ),
];

impl Cpu {
    /// A CPU with these extensions, as far as they are implemented.
    pub fn new(extensions: ExtensionSet) -> Cpu {
        let extensions = extensions.intersection(implemented());
        let mut rows = [0; LEN.div_ceil(64)];
        for (op, row) in ROWS.iter().enumerate() {
            if row.needs.met_by(extensions) && row.class.decodes() {
                rows[op / 64] |= 1 << (op % 64);
            }
        }
        Cpu { extensions, rows }
    }

    /// Parses a CPU's description: a model, then changes, separated by commas: `max,zba=off` or `rv64,v,zbb=on`. Models
    /// are `max` and those that the error for an unknown one names.
    pub fn parse(text: &str) -> Result<Cpu, String> {
        let mut parts = text.split(',').map(str::trim);
        let mut set = model(parts.next().unwrap_or_default())?;
        for part in parts {
            let (name, on) = match part.split_once('=') {
                None => (part, true),
                Some((name, "on" | "true" | "1")) => (name, true),
                Some((name, "off" | "false" | "0")) => (name, false),
                Some((name, value)) => return Err(format!("cpu option {name}: '{value}' is neither on nor off")),
            };
            for e in extensions_named(name)? {
                set = if on { set.enable(e) } else { set.disable(e) };
                if on && !implemented().contains(e) {
                    return Err(format!("extension {} is not implemented", e.name()));
                }
            }
        }
        Ok(Cpu::new(set))
    }

    /// The names of all models, each with what it is.
    pub fn models() -> impl Iterator<Item = (&'static str, &'static str)> {
        MODELS.iter().map(|&(name, help, _)| (name, help)).chain([("max", "everything that is implemented")])
    }

    /// What [`Cpu::parse`] takes, for people.
    pub fn help() -> String {
        let models: String = Cpu::models().map(|(name, help)| format!("  {name:<10} {help}\n")).collect();
        let names = GROUPS.iter().map(|g| g.0).chain(implemented().iter().map(Extension::name));
        let names: Vec<&str> = names.collect();
        format!("models:\n{models}extensions, to be switched as NAME or NAME=off:\n  {}\n", names.join(" "))
    }

    /// Whether it has the extension.
    pub fn has(&self, extension: Extension) -> bool {
        self.extensions.contains(extension)
    }

    /// Its extensions.
    pub fn extensions(&self) -> ExtensionSet {
        self.extensions
    }

    /// Whether the row `op` is an instruction of this CPU.
    #[inline(always)]
    pub fn has_row(&self, op: u16) -> bool {
        self.rows[op as usize / 64] >> (op % 64) & 1 != 0
    }

    /// The ISA string of `/proc/cpuinfo`: `rv64imafdc_zicbom_...`.
    pub fn isa_string(&self) -> String {
        let group = |name| extensions_named(name).is_ok_and(|all| all.iter().all(|&e| self.has(e)));
        let letters = ["i", "m", "a", "f", "d", "c", "v"].into_iter().filter(|&letter| group(letter));
        let long = self.extensions.iter().map(Extension::name).filter(|name| name.len() > 1);
        let mut isa: String = std::iter::once("rv64").chain(letters).collect();
        for name in long {
            isa.push('_');
            isa.push_str(name);
        }
        isa
    }

    /// `AT_HWCAP`: bit n for the single letter `'a' + n` (Linux, `Documentation/arch/riscv/uabi.rst`).
    pub fn hwcap(&self) -> u64 {
        let bit = |letter: char| 1 << (letter as u32 - 'a' as u32);
        let has = |letter: char| {
            extensions_named(letter.encode_utf8(&mut [0; 4])).is_ok_and(|all| all.iter().all(|&e| self.has(e)))
        };
        ['i', 'm', 'a', 'f', 'd', 'c', 'v'].into_iter().filter(|&l| has(l)).map(bit).sum()
    }
}

/// The extensions of a model.
fn model(name: &str) -> Result<ExtensionSet, String> {
    if name == "max" {
        return Ok(implemented());
    }
    let Some((.., parts)) = MODELS.iter().find(|m| m.0 == name) else {
        let names: Vec<&str> = Cpu::models().map(|m| m.0).collect();
        return Err(format!("no cpu model '{name}'; there are {}", names.join(", ")));
    };
    let mut set = ExtensionSet::EMPTY;
    for part in *parts {
        set = extensions_named(part)?.into_iter().fold(set, ExtensionSet::enable);
    }
    Ok(set)
}

/// The extensions that a name stands for.
fn extensions_named(name: &str) -> Result<Vec<Extension>, String> {
    if let Some((_, members)) = GROUPS.iter().find(|g| g.0 == name) {
        return Ok(members.to_vec());
    }
    match Extension::ALL.iter().find(|e| e.name() == name) {
        Some(&e) => Ok(vec![e]),
        None => Err(format!("no extension '{name}'")),
    }
}
