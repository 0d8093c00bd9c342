//! Names, files and lines for guest code: of programs and libraries, of their debug files, and of what guest JITs write.
//!
//! Symbols may lie: overlap, have no size, point nowhere. Of several that hold an address the innermost counts, and one
//! without a size ends where the next begins. What has no symbol is named by its unwind information, else by its page.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use addr2line::Loader;
use mynah_runtime::loader::symbols::demangle;
use mynah_runtime::unwind;
use object::read::elf::ElfFile64;
use object::{Endianness, Object, ObjectSection, ObjectSegment, ObjectSymbol, SymbolKind};

/// A function as reports name it.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Function {
    /// Its name, demangled.
    pub name: String,
    /// The file that it is in, empty for code that a guest made itself.
    pub module: String,
    /// Its address, as the file counts.
    pub start: u64,
}

/// A line of source, innermost first where calls were inlined.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Line {
    /// The function, if the debug information names it.
    pub function: Option<String>,
    /// The file.
    pub file: String,
    /// The line; 0 if unknown.
    pub line: u32,
}

struct Range {
    start: u64,
    end: u64,
    name: String,
}

struct Module {
    /// Offset, size in the file and address of each segment.
    segments: Vec<(u64, u64, u64)>,
    /// By start; they do not overlap.
    functions: Vec<Range>,
    lines: Option<Loader>,
}

/// Everything that names code.
pub struct Symbols {
    sysroot: Option<PathBuf>,
    modules: HashMap<String, Module>,
    /// Symbols that a process's JIT wrote, by process.
    jit: HashMap<u32, Vec<Range>>,
}

impl Symbols {
    /// Looks debug files up under `sysroot` too.
    pub fn new(sysroot: Option<PathBuf>) -> Symbols {
        Symbols { sysroot, modules: HashMap::new(), jit: HashMap::new() }
    }

    /// The function that holds a place of a file, and the place's address as the file counts. `module` is a host path, or
    /// a name in brackets, or empty for anonymous memory, where `offset` is the guest address in process `pid`.
    pub fn function(&mut self, module: &str, offset: u64, pid: u32) -> (Function, u64) {
        if !module.starts_with('/') {
            return (self.unnamed(module, offset, pid), offset);
        }
        let known = self.module(module);
        let address = known.address(offset).unwrap_or(offset);
        let function = match find(&known.functions, address) {
            Some(range) => Function { name: range.name.clone(), module: module.to_owned(), start: range.start },
            None => {
                let (file, page) = (module.rsplit('/').next().unwrap_or(module), address & !0xfff);
                Function { name: format!("{file}+{page:#x}"), module: module.to_owned(), start: page }
            }
        };
        (function, address)
    }

    /// Code in no file: a JIT's, the vDSO's, or nobody knows whose.
    fn unnamed(&mut self, module: &str, address: u64, pid: u32) -> Function {
        let jit = self.jit.entry(pid).or_insert_with(|| perf_map(&PathBuf::from(format!("/tmp/perf-{pid}.map"))));
        if let Some(range) = find(jit, address) {
            return Function { name: range.name.clone(), module: "[jit]".to_owned(), start: range.start };
        }
        let module = if module.is_empty() { "[anonymous]" } else { module };
        let start = address & !0xfff;
        Function { name: format!("{module}+{start:#x}"), module: module.to_owned(), start }
    }

    /// The lines of an address of a file, innermost first.
    pub fn lines(&mut self, module: &str, address: u64) -> Vec<Line> {
        if !module.starts_with('/') {
            return Vec::new();
        }
        let Some(loader) = &self.module(module).lines else { return Vec::new() };
        let mut lines = Vec::new();
        let Ok(mut frames) = loader.find_frames(address) else { return lines };
        while let Ok(Some(frame)) = frames.next() {
            let function = frame.function.as_ref().and_then(|f| f.raw_name().ok().map(|name| demangle(&name)));
            let location = frame.location;
            let file = location.as_ref().and_then(|l| l.file).unwrap_or("").to_owned();
            if !file.is_empty() {
                lines.push(Line { function, file, line: location.and_then(|l| l.line).unwrap_or(0) });
            }
        }
        lines
    }

    fn module(&mut self, path: &str) -> &Module {
        let sysroot = self.sysroot.clone();
        self.modules.entry(path.to_owned()).or_insert_with(|| Module::open(Path::new(path), sysroot.as_deref()))
    }
}

impl Module {
    fn open(path: &Path, sysroot: Option<&Path>) -> Module {
        let nothing = Module { segments: Vec::new(), functions: Vec::new(), lines: None };
        let Ok(bytes) = fs::read(path) else { return nothing };
        let Ok(elf) = ElfFile64::<Endianness>::parse(&*bytes) else { return nothing };
        let segments = elf.segments().map(|s| (s.file_range().0, s.file_range().1, s.address())).collect();
        let debug = debug_file(path, &elf, sysroot);
        let mut found = debug.as_ref().and_then(|path| fs::read(path).ok()).map(|b| symbols(&b)).unwrap_or_default();
        if found.is_empty() {
            found = symbols(&bytes);
        }
        let unwound = unwind::function_ranges(&bytes).into_iter().map(|range| Range {
            start: range.start,
            end: range.end,
            name: format!("sub_{:x}", range.start),
        });
        let lines = Loader::new(debug.as_deref().unwrap_or(path)).ok();
        Module { segments, functions: resolve(found, unwound.collect(), text_end(&elf)), lines }
    }

    fn address(&self, offset: u64) -> Option<u64> {
        let within = |(start, size, address): &(u64, u64, u64)| {
            offset.checked_sub(*start).filter(|distance| distance < size).map(|distance| address.wrapping_add(distance))
        };
        self.segments.iter().find_map(within)
    }
}

fn find(ranges: &[Range], address: u64) -> Option<&Range> {
    let after = ranges.partition_point(|range| range.start <= address);
    ranges.get(after.checked_sub(1)?).filter(|range| address < range.end)
}

/// Where the last section with code ends.
fn text_end(elf: &ElfFile64<'_>) -> u64 {
    let code = elf.sections().filter(|section| section.kind() == object::SectionKind::Text);
    code.map(|section| section.address().saturating_add(section.size())).max().unwrap_or(u64::MAX)
}

/// Functions of a file's symbol tables: (start, size, name).
fn symbols(bytes: &[u8]) -> Vec<(u64, u64, String)> {
    let Ok(elf) = ElfFile64::<Endianness>::parse(bytes) else { return Vec::new() };
    let wanted = |kind| matches!(kind, SymbolKind::Text | SymbolKind::Unknown);
    let list = |symbols: &mut dyn Iterator<Item = object::read::elf::ElfSymbol64<'_, '_, Endianness>>| {
        let named = symbols.filter(|symbol| symbol.is_definition() && wanted(symbol.kind()));
        let named = named.filter_map(|symbol| Some((symbol.address(), symbol.size(), symbol.name().ok()?.to_owned())));
        named.filter(|(_, _, name)| !name.is_empty() && !name.starts_with('$') && !name.starts_with(".L")).collect()
    };
    let full: Vec<_> = list(&mut elf.symbols());
    if full.is_empty() { list(&mut elf.dynamic_symbols()) } else { full }
}

/// Makes of what symbols and unwind information claim a list without overlaps.
fn resolve(mut symbols: Vec<(u64, u64, String)>, unwound: Vec<Range>, text_end: u64) -> Vec<Range> {
    // Of several names for one start the first with a size counts, then the shortest.
    symbols.sort_by(|a, b| (a.0, a.1 == 0, a.2.len(), &a.2).cmp(&(b.0, b.1 == 0, b.2.len(), &b.2)));
    symbols.dedup_by_key(|symbol| symbol.0);
    let mut ranges = Vec::new();
    for (at, (start, size, name)) in symbols.iter().enumerate() {
        let next = symbols.get(at + 1).map_or(text_end.max(*start), |symbol| symbol.0);
        let end = if *size == 0 { next } else { start.saturating_add(*size).min(next) };
        ranges.push(Range { start: *start, end, name: demangle(name) });
    }
    for range in unwound {
        let after = ranges.partition_point(|known| known.start <= range.start);
        let covered = after.checked_sub(1).is_some_and(|before| range.start < ranges[before].end);
        let free = ranges.get(after).is_none_or(|next| next.start >= range.end);
        if !covered && free {
            ranges.insert(after, range);
        }
    }
    ranges
}

/// The file with the debug information of another, by build-id, then by name, under the sysroot and on the host.
fn debug_file(path: &Path, elf: &ElfFile64<'_>, sysroot: Option<&Path>) -> Option<PathBuf> {
    let roots: Vec<PathBuf> =
        sysroot.iter().map(|root| root.join("usr/lib/debug")).chain([PathBuf::from("/usr/lib/debug")]).collect();
    if let Ok(Some(id)) = elf.build_id()
        && id.len() > 2
    {
        let digits: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
        let name = format!(".build-id/{}/{}.debug", &digits[..2], &digits[2..]);
        if let Some(found) = roots.iter().map(|root| root.join(&name)).find(|path| path.exists()) {
            return Some(found);
        }
    }
    let (name, _) = elf.gnu_debuglink().ok()??;
    let name = Path::new(std::str::from_utf8(name).ok()?).file_name()?.to_owned();
    let folder = path.parent()?;
    let inside = folder.strip_prefix(sysroot.unwrap_or(Path::new("/"))).unwrap_or(folder);
    let mut places = vec![folder.join(&name), folder.join(".debug").join(&name)];
    places.extend(roots.iter().map(|root| root.join(inside.strip_prefix("/").unwrap_or(inside)).join(&name)));
    places.into_iter().find(|place| place != path && place.exists())
}

/// A map that a JIT writes for `perf`: lines of start, size and name, the first two in hexadecimal.
fn perf_map(path: &Path) -> Vec<Range> {
    let text = fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let mut ranges: Vec<(u64, u64, String)> = text.lines().filter_map(perf_line).collect();
    // A later line for the same code counts.
    ranges.reverse();
    resolve(ranges, Vec::new(), u64::MAX)
}

fn perf_line(line: &str) -> Option<(u64, u64, String)> {
    let mut words = line.splitn(3, ' ');
    let mut number = || u64::from_str_radix(words.next()?.trim_start_matches("0x"), 16).ok();
    let (start, size) = (number()?, number()?);
    Some((start, size, words.next()?.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(ranges: &[Range]) -> Vec<(u64, u64, &str)> {
        ranges.iter().map(|range| (range.start, range.end, range.name.as_str())).collect()
    }

    #[test]
    fn symbols_that_lie_make_no_overlaps() {
        let symbols = [(0x10, 0, "zero"), (0x20, 0x1000, "long"), (0x28, 8, "inside"), (0x28, 0, "alias"), (0x30, u64::MAX, "huge")];
        let symbols = symbols.map(|(start, size, name)| (start, size, name.to_owned())).to_vec();
        let unwound = vec![
            Range { start: 0, end: 8, name: "sub_0".into() },
            Range { start: 0x22, end: 0x24, name: "sub_22".into() },
        ];
        let ranges = resolve(symbols, unwound, 0x80);
        assert_eq!(
            names(&ranges),
            [(0, 8, "sub_0"), (0x10, 0x20, "zero"), (0x20, 0x28, "long"), (0x28, 0x30, "inside"), (0x30, 0x80, "huge")]
        );
        assert_eq!(find(&ranges, 0x2f).map(|range| &*range.name), Some("inside"));
        assert!(find(&ranges, 0x9).is_none());
    }

    #[test]
    fn lines_of_a_jit() {
        assert_eq!(perf_line("7f00 20 LazyCompile:*f a.js:1"), Some((0x7f00, 0x20, "LazyCompile:*f a.js:1".into())));
        assert_eq!(perf_line("0x10 0x8 g"), Some((16, 8, "g".into())));
        assert!(perf_line("nonsense").is_none() && perf_line("10 zz f").is_none() && perf_line("").is_none());
    }
}
