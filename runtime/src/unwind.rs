//! Guest stacks: who called whom, from a thread's registers and memory.
//!
//! A frame is unwound by its file's `.eh_frame` or `.debug_frame`, else by the frame pointer, else, innermost, by the return address register.
//! A signal frame gives the registers that were interrupted. Guest memory and files may hold anything: what makes no sense
//! ends the walk.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use gimli::{
    BaseAddresses, CfaRule, DebugFrame, EhFrame, EhFrameHdr, EndianSlice, FrameDescriptionEntry, LittleEndian, Register,
    RegisterRule, UnwindContext, UnwindSection,
};
use object::read::elf::ElfFile64;
use object::{Endianness, Object, ObjectSection, ObjectSegment};

use crate::host::filemap::FileMap;
use crate::linux::sigframe;
use crate::memory::{GuestAddr, Memory};
use crate::vcpu::Vcpu;

/// Frames of a stack that are walked at most.
pub const MOST_FRAMES: usize = 256;

const RA: usize = 1;
const SP: usize = 2;
const FP: usize = 8;

/// Integer registers; `None` where a caller's value is not known.
type Registers = [Option<u64>; 32];

/// The addresses at which a thread's functions will go on, innermost first; the first is the state's pc itself.
pub fn backtrace(vcpu: &Vcpu) -> Vec<u64> {
    let mut registers: Registers = std::array::from_fn(|n| Some(vcpu.x(n as u8)));
    let mut pcs = vec![vcpu.pc()];
    let mut pc = vcpu.pc();
    // Whether pc is where something was interrupted, not behind a call.
    let mut exact = true;
    while pcs.len() < MOST_FRAMES {
        let next = if pc == vcpu.process.image.sigreturn.0 {
            let interrupted = registers[SP].and_then(|sp| sigframe::interrupted(&vcpu.process.memory, GuestAddr(sp)));
            let Some((at, saved)) = interrupted else { break };
            registers = saved.map(Some);
            exact = true;
            at
        } else {
            let Some(at) = caller(&vcpu.process.memory, pc, exact, pcs.len() == 1, &mut registers) else { break };
            exact = false;
            at
        };
        if next < 2 || next & 1 != 0 || vcpu.process.memory.area(GuestAddr(next)).is_none() {
            break;
        }
        pcs.push(next);
        pc = next;
    }
    pcs
}

/// Frames that are shown of a crash.
const SHOWN: usize = 32;

/// Registers and calls of a thread, a line each, for the report of a crash.
pub fn report(vcpu: &Vcpu) -> String {
    let names = mynah_frontend::riscv64::X_NAMES;
    let mut text = String::new();
    for row in (1..32).collect::<Vec<u8>>().chunks(4) {
        let cell = |n: &u8| format!("{:>4} {:016x}", names[usize::from(*n)], vcpu.x(*n));
        text += &format!("mynah: {}\n", row.iter().map(cell).collect::<Vec<_>>().join("  "));
    }
    let stack = backtrace(vcpu);
    for (n, pc) in stack.iter().take(SHOWN).enumerate() {
        // Behind a call: the call itself is what there is to name, even where it is a function's last instruction.
        let place = if n == 0 { *pc } else { pc - 1 };
        let symbol = vcpu.process.image.symbol(&vcpu.process.memory, place).map(|mut symbol| {
            symbol.name = crate::loader::symbols::demangle(&symbol.name);
            symbol.offset += pc - place;
            symbol
        });
        let area = vcpu.process.memory.area(GuestAddr(place));
        let file = area.as_ref().and_then(|area| area.file.as_ref()).and_then(|file| file.path.file_name());
        let file = file.map_or(String::new(), |name| format!(" in {}", name.display()));
        let symbol = symbol.map_or("?".to_owned(), |symbol| symbol.to_string());
        text += &format!("mynah: #{n:<2} {pc:#x} {symbol}{file}\n");
    }
    if stack.len() > SHOWN {
        text += &format!("mynah: and {} more frames\n", stack.len() - SHOWN);
    }
    text
}

/// Where the function at `pc` returns to; makes the registers its caller's.
fn caller(memory: &Memory, pc: u64, exact: bool, innermost: bool, registers: &mut Registers) -> Option<u64> {
    let sp = registers[SP]?;
    let place = if exact { pc } else { pc - 1 };
    let found = module_at(memory, place).and_then(|(module, address)| module.unwind(memory, address, registers));
    let next = match found {
        Some(next) => next?,
        None => by_frame_pointer(memory, innermost, registers)?,
    };
    // A stack grows downwards; only a leaf leaves it as it was.
    let above = registers[SP]?;
    (above > sp || above == sp && innermost).then_some(next)
}

/// RISC-V ELF psABI, "Frame Pointer Convention": the return address is at fp - 8, the caller's fp at fp - 16.
fn by_frame_pointer(memory: &Memory, innermost: bool, registers: &mut Registers) -> Option<u64> {
    let (sp, fp) = (registers[SP]?, registers[FP]?);
    let word = |at: u64| memory.read::<u64>(GuestAddr(at)).ok();
    let framed = fp > sp && fp - sp < 1 << 24 && fp % 8 == 0;
    let saved = framed.then(|| Some((word(fp - 8)?, word(fp - 16)?))).flatten();
    match saved.filter(|(ra, _)| memory.area(GuestAddr(*ra)).is_some_and(|area| area.prot.0 & libc::PROT_EXEC != 0)) {
        Some((ra, caller)) => {
            *registers = [None; 32];
            registers[SP] = Some(fp);
            registers[FP] = Some(caller);
            Some(ra)
        }
        // A function that calls nobody keeps its return address in the register, and in its frame only its caller's fp.
        None if innermost => {
            let outer = if framed { word(fp - 8).filter(|outer| *outer > fp && outer - fp < 1 << 24) } else { None };
            if let Some(outer) = outer {
                registers[SP] = Some(fp);
                registers[FP] = Some(outer);
            }
            registers[RA].take()
        }
        None => None,
    }
}

/// A mapped ELF file, as far as unwinding needs it.
struct Module {
    file: FileMap,
    /// Offset, size in the file and address of each segment.
    segments: Vec<(u64, u64, u64)>,
    frames: Option<(Range<usize>, u64)>,
    /// `.debug_frame`, for code that is only described there.
    debug: Option<(Range<usize>, u64)>,
    header: Option<(Range<usize>, u64)>,
}

thread_local! {
    // A thread's own, so that no fork finds it locked.
    static MODULES: RefCell<HashMap<PathBuf, Option<Rc<Module>>>> = RefCell::default();
    static CONTEXT: RefCell<UnwindContext<usize>> = RefCell::new(UnwindContext::new());
}

/// The module that is mapped at a guest address, and the address as its file counts.
fn module_at(memory: &Memory, pc: u64) -> Option<(Rc<Module>, u64)> {
    let area = memory.area(GuestAddr(pc))?;
    let path = &area.file.as_ref()?.path;
    let module = MODULES.with_borrow_mut(|modules| match modules.get(path) {
        Some(known) => known.clone(),
        None => {
            let module = Module::open(path).map(Rc::new);
            modules.insert(path.clone(), module.clone());
            module
        }
    })?;
    let address = module.address(area.offset_at(pc))?;
    Some((module, address))
}

impl Module {
    fn open(path: &Path) -> Option<Module> {
        let file = FileMap::new(&File::open(path).ok()?).ok()?;
        let elf = ElfFile64::<Endianness>::parse(&*file).ok()?;
        let section = |name: &str| {
            let section = elf.section_by_name(name)?;
            let (offset, size) = section.file_range()?;
            let range = usize::try_from(offset).ok()?..usize::try_from(offset.checked_add(size)?).ok()?;
            (range.end <= file.len()).then(|| (range, section.address()))
        };
        let (frames, header) = (section(".eh_frame"), section(".eh_frame_hdr"));
        let debug = section(".debug_frame");
        let segments = elf.segments().map(|s| (s.file_range().0, s.file_range().1, s.address())).collect();
        Some(Module { segments, frames, debug, header, file })
    }

    fn address(&self, offset: u64) -> Option<u64> {
        let within = |(start, size, address): &(u64, u64, u64)| {
            offset.checked_sub(*start).filter(|distance| distance < size).map(|distance| address.wrapping_add(distance))
        };
        self.segments.iter().find_map(within)
    }

    /// Unwinds the frame of the code at `address`: `None` without a description of it, `Some(None)` where the stack ends.
    fn unwind(&self, memory: &Memory, address: u64, registers: &mut Registers) -> Option<Option<u64>> {
        self.by_eh_frame(memory, address, registers).or_else(|| self.by_debug_frame(memory, address, registers))
    }

    fn by_eh_frame(&self, memory: &Memory, address: u64, registers: &mut Registers) -> Option<Option<u64>> {
        let (range, at) = self.frames.as_ref()?;
        let frames = EhFrame::new(self.file.get(range.clone())?, LittleEndian);
        let mut bases = BaseAddresses::default().set_eh_frame(*at);
        let header = self.header.as_ref().and_then(|(range, at)| {
            bases = bases.clone().set_eh_frame_hdr(*at);
            EhFrameHdr::new(self.file.get(range.clone())?, LittleEndian).parse(&bases, 8).ok()
        });
        let entry = match header.as_ref().and_then(|header| header.table()) {
            Some(table) => table.fde_for_address(&frames, &bases, address, EhFrame::cie_from_offset),
            None => frames.fde_for_address(&bases, address, EhFrame::cie_from_offset),
        };
        step(&frames, &entry.ok()?, &bases, memory, address, registers)
    }

    fn by_debug_frame(&self, memory: &Memory, address: u64, registers: &mut Registers) -> Option<Option<u64>> {
        let (range, _) = self.debug.as_ref()?;
        let mut frames = DebugFrame::new(self.file.get(range.clone())?, LittleEndian);
        frames.set_address_size(8);
        let bases = BaseAddresses::default();
        let entry = frames.fde_for_address(&bases, address, DebugFrame::cie_from_offset);
        step(&frames, &entry.ok()?, &bases, memory, address, registers)
    }
}

/// Unwinds one frame by its description.
fn step<'a, S>(
    section: &S,
    entry: &FrameDescriptionEntry<Slice<'a>>,
    bases: &BaseAddresses,
    memory: &Memory,
    address: u64,
    registers: &mut Registers,
) -> Option<Option<u64>>
where
    S: UnwindSection<Slice<'a>>,
{
    CONTEXT.with_borrow_mut(|context| {
        let row = entry.unwind_info_for_address(section, bases, context, address).ok()?;
        let return_register = entry.cie().return_address_register().0;
        let CfaRule::RegisterAndOffset { register, offset } = *row.cfa() else { return None };
        let cfa = (*registers.get(register.0 as usize)?)?.wrapping_add(offset as u64);
        let old = *registers;
        for number in 1..32u16 {
            registers[number as usize] = restore(memory, row.register(Register(number)), number, cfa, &old);
        }
        registers[SP] = Some(cfa);
        let undefined = row.register(Register(return_register)) == Some(RegisterRule::Undefined);
        Some(if undefined { None } else { registers.get(return_register as usize).copied().flatten() })
    })
}

type Slice<'a> = EndianSlice<'a, LittleEndian>;

/// A caller's register. A rule that the description does not give leaves it as it is.
fn restore(memory: &Memory, rule: Option<RegisterRule<usize>>, number: u16, cfa: u64, old: &Registers) -> Option<u64> {
    match rule {
        None | Some(RegisterRule::Undefined | RegisterRule::SameValue) => old[number as usize],
        Some(RegisterRule::Offset(offset)) => memory.read(GuestAddr(cfa.wrapping_add(offset as u64))).ok(),
        Some(RegisterRule::ValOffset(offset)) => Some(cfa.wrapping_add(offset as u64)),
        Some(RegisterRule::Register(Register(other))) => old.get(other as usize).copied().flatten(),
        _ => None,
    }
}


/// The functions of an ELF file as its `.eh_frame` lists them: start and end, as the file counts. Any bytes may be given.
pub fn function_ranges(bytes: &[u8]) -> Vec<Range<u64>> {
    use gimli::CieOrFde;
    let Ok(elf) = ElfFile64::<Endianness>::parse(bytes) else { return Vec::new() };
    let Some(section) = elf.section_by_name(".eh_frame") else { return Vec::new() };
    let Ok(data) = section.data() else { return Vec::new() };
    let frames = EhFrame::new(data, LittleEndian);
    let bases = BaseAddresses::default().set_eh_frame(section.address());
    let mut entries = frames.entries(&bases);
    let mut ranges = Vec::new();
    while let Ok(Some(entry)) = entries.next() {
        if let CieOrFde::Fde(partial) = entry
            && let Ok(fde) = partial.parse(EhFrame::cie_from_offset)
        {
            ranges.push(fde.initial_address()..fde.initial_address().wrapping_add(fde.len()));
        }
    }
    ranges
}
