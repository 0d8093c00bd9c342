//! Names for guest addresses, for messages about crashes and profiles.

use std::fmt;
use std::fs::File;

use object::read::elf::ElfFile64;
use object::{Endianness, Object, ObjectSegment, ObjectSymbol, SymbolKind};

use crate::host::filemap::FileMap;
use crate::memory::{GuestAddr, Memory};

/// A symbol and a distance from its start. Displays as `name+0x10`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Symbol {
    /// As in the symbol table, not demangled.
    pub name: String,
    /// Bytes from the symbol's start.
    pub offset: u64,
}

impl fmt::Display for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+{:#x}", self.name, self.offset)
    }
}

/// The symbol that holds `pc`, read from the ELF file that is mapped there. `None` if no file is mapped there, the file is
/// gone or is no ELF, or no symbol is near.
pub fn lookup(memory: &Memory, pc: GuestAddr) -> Option<Symbol> {
    let area = memory.area(pc)?;
    let file = area.file.as_ref()?;
    let bytes = FileMap::new(&File::open(&file.path).ok()?).ok()?;
    let address = address_of_offset(&bytes, area.offset_at(pc.0))?;
    find(&bytes, address)
}

/// The address, as the file counts, of a byte that a segment maps from the file's `offset`.
fn address_of_offset(bytes: &[u8], offset: u64) -> Option<u64> {
    let elf = ElfFile64::<Endianness>::parse(bytes).ok()?;
    elf.segments().find_map(|segment| {
        let (start, size) = segment.file_range();
        let within = offset.checked_sub(start)?;
        (within < size).then(|| segment.address().wrapping_add(within))
    })
}

/// The symbol that holds `address`, from `.symtab`, else from `.dynsym`: the last one that starts at or below it, if its
/// size covers the address or is unknown. Any bytes may be given.
pub fn find(bytes: &[u8], address: u64) -> Option<Symbol> {
    let elf = ElfFile64::<Endianness>::parse(bytes).ok()?;
    let nearest = |symbols: &mut dyn Iterator<Item = object::read::elf::ElfSymbol64<'_, '_, Endianness>>| {
        let holds = |size: u64, distance: u64| size == 0 || distance < size;
        symbols
            .filter(|symbol| symbol.is_definition() && matches!(symbol.kind(), SymbolKind::Text | SymbolKind::Unknown))
            .filter_map(|symbol| {
                Some((address.checked_sub(symbol.address())?, symbol.size(), symbol.name().ok()?.to_owned()))
            })
            .filter(|(distance, size, name)| holds(*size, *distance) && !name.is_empty() && !name.starts_with('$'))
            .min_by_key(|(distance, ..)| *distance)
            .map(|(offset, _, name)| Symbol { name, offset })
    };
    nearest(&mut elf.symbols()).or_else(|| nearest(&mut elf.dynamic_symbols()))
}

/// A function's name as its source has it: C++ and Rust names are demangled, others stay as they are.
pub fn demangle(name: &str) -> String {
    if let Ok(rust) = rustc_demangle::try_demangle(name) {
        return format!("{rust:#}");
    }
    if name.starts_with("_Z") || name.starts_with("__Z") {
        let cpp = cpp_demangle::Symbol::new(name).ok().and_then(|symbol| symbol.demangle().ok());
        return cpp.unwrap_or_else(|| name.to_owned());
    }
    name.to_owned()
}
