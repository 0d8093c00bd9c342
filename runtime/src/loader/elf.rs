//! Reads and checks an ELF file: a pure function of its bytes.
//!
//! Whatever the bytes are, the answer is a [`Plan`] whose segments lie inside the file and inside the address space, or
//! a reason that a person can act on. What the kernel would only notice as a crash of the program (a truncated file) is
//! an error here.

use object::elf;

use super::error::{Reason, SegmentProblem};
use crate::memory::{PAGE_SIZE, Prot, TASK_SIZE, page_ceil, page_floor};

/// Size of the file header, and of one program header.
const HEADER_SIZE: u64 = 64;
const SEGMENT_SIZE: u64 = 56;
/// Most bytes of program headers, as in the kernel's `load_elf_phdrs`.
const MAX_HEADERS: u64 = 65536;
/// Longest name of an interpreter, its terminating 0 included (`PATH_MAX`).
const MAX_INTERPRETER: u64 = 4096;

/// What to map, and where to start.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Plan {
    /// Whether it can be loaded anywhere (`ET_DYN`).
    pub movable: bool,
    /// Address of the first instruction, before any bias.
    pub entry: u64,
    /// Loadable segments with at least one byte, by ascending address; they do not overlap.
    pub segments: Vec<Segment>,
    /// Name of the dynamic linker, without its terminating 0.
    pub interpreter: Option<Vec<u8>>,
    /// Address of the program headers if a segment holds them.
    pub phdr: Option<u64>,
    /// Number of program headers.
    pub phnum: u64,
    /// Whether the stack must be executable (`PT_GNU_STACK` with `PF_X`).
    pub exec_stack: bool,
    /// Largest alignment of a segment; at least a page.
    pub align: u64,
}

/// A loadable segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Segment {
    /// First address, before any bias.
    pub vaddr: u64,
    /// Bytes in memory; those beyond `file_size` are zero.
    pub size: u64,
    /// Offset in the file; equals `vaddr` modulo the page size if `file_size` is not 0.
    pub offset: u64,
    /// Bytes from the file; at most `size`.
    pub file_size: u64,
    /// Rights.
    pub prot: Prot,
}

impl Segment {
    /// Address after the last byte.
    pub fn end(&self) -> u64 {
        self.vaddr + self.size
    }

    /// Address after the last byte that comes from the file.
    pub fn file_end(&self) -> u64 {
        self.vaddr + self.file_size
    }
}

impl Plan {
    /// The pages from the first segment to the last, before any bias. Never empty, never wraps.
    pub fn span(&self) -> (u64, u64) {
        let start = self.segments.first().map_or(0, |segment| page_floor(segment.vaddr));
        let end = self.segments.last().and_then(|segment| page_ceil(segment.end())).unwrap_or(start);
        (start, end)
    }
}

/// Little-endian fields of a header. Offsets are constants below the header's length.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn bytes<const N: usize>(&self, at: usize) -> [u8; N] {
        self.0.get(at..).and_then(|rest| rest.first_chunk().copied()).unwrap_or([0; N])
    }
    fn u16(&self, at: usize) -> u16 {
        u16::from_le_bytes(self.bytes(at))
    }
    fn u32(&self, at: usize) -> u32 {
        u32::from_le_bytes(self.bytes(at))
    }
    fn u64(&self, at: usize) -> u64 {
        u64::from_le_bytes(self.bytes(at))
    }
}

/// `bytes[offset..offset + len]`, or the error that names what is cut off.
fn part<'a>(bytes: &'a [u8], what: &'static str, offset: u64, len: u64) -> Result<&'a [u8], Reason> {
    let end = offset.saturating_add(len);
    let range = usize::try_from(offset).ok().zip(usize::try_from(end).ok());
    let found = range.and_then(|(start, end)| bytes.get(start..end));
    found.ok_or(Reason::Truncated { what, needed: end, size: bytes.len() as u64 })
}

/// Reads and checks the whole file.
pub fn parse(bytes: &[u8]) -> Result<Plan, Reason> {
    check_identity(bytes)?;
    let header = Fields(part(bytes, "the ELF header", 0, HEADER_SIZE)?);
    let movable = check_kind(&header)?;
    let (phoff, phnum) = (header.u64(32), u64::from(header.u16(56)));
    if phnum == 0 {
        return Err(Reason::NoSegments);
    }
    if u64::from(header.u16(54)) != SEGMENT_SIZE {
        return Err(Reason::HeaderSize(header.u16(54)));
    }
    if phnum * SEGMENT_SIZE > MAX_HEADERS {
        return Err(Reason::TooManySegments(phnum));
    }
    let table = part(bytes, "the program header table", phoff, phnum * SEGMENT_SIZE)?;
    let headers = || table.chunks(SEGMENT_SIZE as usize).map(Fields);
    let segments = loadable(bytes, headers())?;
    Ok(Plan {
        movable,
        entry: header.u64(24),
        phdr: phdr_address(&segments, phoff),
        segments,
        interpreter: interpreter(bytes, headers())?,
        phnum,
        exec_stack: headers().any(|h| h.u32(0) == elf::PT_GNU_STACK && h.u32(4) & elf::PF_X != 0),
        align: headers().filter(|h| h.u32(0) == elf::PT_LOAD).map(|h| alignment(&h)).fold(PAGE_SIZE, u64::max),
    })
}

/// The 16 bytes that say what kind of ELF it is.
fn check_identity(bytes: &[u8]) -> Result<(), Reason> {
    if bytes.is_empty() {
        return Err(Reason::Empty);
    }
    if !bytes.starts_with(b"\x7fELF") {
        return Err(Reason::NotElf);
    }
    let ident = part(bytes, "the ELF identification", 0, 16)?;
    match (ident[4], ident[5]) {
        (2, 1) => Ok(()),
        (2, 2) => Err(Reason::BigEndian),
        (1, 1 | 2) => Err(Reason::Bits32),
        (class, data) => Err(Reason::BadIdentity { class, data }),
    }
}

/// The machine and the type; whether the file can be loaded anywhere.
fn check_kind(header: &Fields) -> Result<bool, Reason> {
    match header.u16(18) {
        machine if machine == elf::EM_RISCV => {}
        machine if machine == elf::EM_AARCH64 => return Err(Reason::Aarch64),
        machine => return Err(Reason::WrongMachine(machine)),
    }
    match header.u16(16) {
        kind if kind == elf::ET_EXEC => Ok(false),
        kind if kind == elf::ET_DYN => Ok(true),
        kind => Err(Reason::NotExecutable(kind)),
    }
}

/// The loadable segments, checked and in order.
fn loadable<'a>(bytes: &[u8], headers: impl Iterator<Item = Fields<'a>>) -> Result<Vec<Segment>, Reason> {
    let mut segments = Vec::new();
    for (index, header) in headers.enumerate().filter(|(_, header)| header.u32(0) == elf::PT_LOAD) {
        let (offset, vaddr, file_size, size) = (header.u64(8), header.u64(16), header.u64(32), header.u64(40));
        let segment = Segment { vaddr, size, offset, file_size, prot: rights(header.u32(4)) };
        check_segment(&segment).map_err(|problem| Reason::Segment { index, problem })?;
        part(bytes, "a segment", offset, file_size)?;
        if size != 0 {
            segments.push((index, segment));
        }
    }
    segments.sort_by_key(|(_, segment)| segment.vaddr);
    for pair in segments.windows(2) {
        let ((low, a), (high, b)) = (pair[0], pair[1]);
        if a.end() > b.vaddr {
            return Err(Reason::Segment { index: high.max(low), problem: SegmentProblem::Overlaps(high.min(low)) });
        }
    }
    if segments.is_empty() {
        return Err(Reason::NoSegments);
    }
    Ok(segments.into_iter().map(|(_, segment)| segment).collect())
}

/// What must hold of one segment by itself.
fn check_segment(segment: &Segment) -> Result<(), SegmentProblem> {
    let Segment { vaddr, size, offset, file_size, .. } = *segment;
    if file_size > size {
        return Err(SegmentProblem::FileLarger);
    }
    if size > TASK_SIZE {
        return Err(SegmentProblem::Huge(size));
    }
    match vaddr.checked_add(size) {
        None => return Err(SegmentProblem::Wraps),
        Some(end) if end > TASK_SIZE => return Err(SegmentProblem::BeyondAddressSpace),
        Some(_) => {}
    }
    if file_size != 0 && vaddr % PAGE_SIZE != offset % PAGE_SIZE {
        return Err(SegmentProblem::Misaligned);
    }
    Ok(())
}

/// The name in `PT_INTERP`. The kernel reads the first such header only, and so does this.
fn interpreter<'a>(bytes: &[u8], mut headers: impl Iterator<Item = Fields<'a>>) -> Result<Option<Vec<u8>>, Reason> {
    let Some(header) = headers.find(|header| header.u32(0) == elf::PT_INTERP) else { return Ok(None) };
    let (offset, len) = (header.u64(8), header.u64(32));
    if !(2..=MAX_INTERPRETER).contains(&len) {
        return Err(Reason::BadInterpreter("is empty or too long"));
    }
    let name = part(bytes, "the name of the interpreter", offset, len)?;
    match name.split_last() {
        Some((0, _)) => {}
        _ => return Err(Reason::BadInterpreter("does not end with a 0 byte")),
    }
    // A 0 inside ends the name, as it does for the kernel.
    Ok(name.split(|&byte| byte == 0).next().map(<[u8]>::to_vec))
}

/// Where the program headers are in memory: in the segment that holds their file offset.
fn phdr_address(segments: &[Segment], phoff: u64) -> Option<u64> {
    let holder = segments.iter().find(|s| s.offset <= phoff && phoff - s.offset < s.file_size)?;
    Some(holder.vaddr + (phoff - holder.offset))
}

/// The alignment of a segment; as in the kernel, what is no power of two does not count.
fn alignment(header: &Fields) -> u64 {
    let align = header.u64(48);
    if align.is_power_of_two() { align } else { 0 }
}

/// `PF_*` as `PROT_*`.
fn rights(flags: u32) -> Prot {
    let bits = [(elf::PF_R, libc::PROT_READ), (elf::PF_W, libc::PROT_WRITE), (elf::PF_X, libc::PROT_EXEC)];
    Prot(bits.iter().filter(|(flag, _)| flags & flag != 0).map(|(_, prot)| prot).sum())
}
