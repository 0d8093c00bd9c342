//! The guest's vDSO: a small shared library that the process finds through `AT_SYSINFO_EHDR`, with the symbols that the
//! kernel's has on riscv64 (`arch/riscv/kernel/vdso/vdso.lds.S`, version `LINUX_4.15`).
//!
//! Each function is the `ecall` of its name. The dispatcher knows the library's addresses: what comes from there, but for
//! `rt_sigreturn`, is answered by [`crate::linux::vdso`] without the host's kernel. `__vdso_rt_sigreturn` is where signal
//! handlers return to; the library's unwind information describes the kernel's frame above it.

use std::ops::Range;

use crate::linux::sigframe;

/// Functions and the numbers of their system calls; `rt_sigreturn` first.
const FUNCTIONS: [(&str, u32); 8] = [
    ("__vdso_rt_sigreturn", 139),
    ("__vdso_gettimeofday", 169),
    ("__vdso_clock_gettime", 113),
    ("__vdso_clock_getres", 114),
    ("__vdso_getcpu", 168),
    ("__vdso_flush_icache", 259),
    ("__vdso_riscv_hwprobe", 258),
    ("__vdso_getrandom", 278),
];
const SONAME: &str = "linux-vdso.so.1";
const VERSION: &str = "LINUX_4.15";

/// `li a7, number`, `ecall`, `ret`.
const fn call(number: u32) -> [u32; 3] {
    [number << 20 | 17 << 7 | 0x13, 0x73, 0x0000_8067]
}

/// `nop`. One stands before `rt_sigreturn`: unwinders look up the instruction before a return address.
const NOP: u32 = 0x13;
/// Bytes of one function.
const FUNCTION: u64 = 12;

const HEADER: usize = 64;
const PROGRAM_HEADER: usize = 56;
/// PT_LOAD, PT_DYNAMIC, PT_GNU_EH_FRAME.
const PROGRAM_HEADERS: usize = 3;

/// The library, and where its code is.
pub struct Vdso {
    /// Its bytes; less than a page. It works at any address.
    pub bytes: Vec<u8>,
    /// Offset of `__vdso_rt_sigreturn`.
    pub sigreturn: u64,
    /// Offsets of the functions that are answered without the host's kernel.
    pub functions: Range<u64>,
}

/// A file that is put together piece by piece.
#[derive(Default)]
struct Writer(Vec<u8>);

impl Writer {
    /// A record of `.eh_frame`: its length, then its bytes, padded with DW_CFA_nop.
    fn record(&mut self, mut body: Vec<u8>) {
        body.resize((body.len() + 4).next_multiple_of(8) - 4, 0);
        self.words(&[body.len() as u32]);
        self.0.extend(body);
    }

    /// Aligns, and gives the offset of what comes next.
    fn place(&mut self, align: usize) -> u64 {
        self.0.resize(self.0.len().next_multiple_of(align), 0);
        self.0.len() as u64
    }

    fn words(&mut self, words: &[u32]) {
        words.iter().for_each(|w| self.0.extend_from_slice(&w.to_le_bytes()));
    }

    fn halves(&mut self, halves: &[u16]) {
        halves.iter().for_each(|h| self.0.extend_from_slice(&h.to_le_bytes()));
    }

    fn doubles(&mut self, doubles: &[u64]) {
        doubles.iter().for_each(|d| self.0.extend_from_slice(&d.to_le_bytes()));
    }
}

/// The hash of System V's ABI, for symbol versions.
fn hash(name: &str) -> u32 {
    name.bytes().fold(0u32, |h, byte| {
        let h = (h << 4).wrapping_add(u32::from(byte));
        let high = h & 0xf000_0000;
        (h ^ high >> 24) & !high
    })
}

/// A string table, and the offset of each string in it.
fn strings(names: &[&str]) -> (Vec<u8>, Vec<u32>) {
    let mut table = vec![0];
    let offsets = names
        .iter()
        .map(|name| {
            let offset = table.len() as u32;
            table.extend_from_slice(name.as_bytes());
            table.push(0);
            offset
        })
        .collect();
    (table, offsets)
}

/// What unwinders need (DWARF 5, section 6.4, and the Linux Standard Base, `.eh_frame`). Two tables of rules: the functions
/// use no stack and return to `ra`; `rt_sigreturn` returns to what the kernel's frame at `sp` says.
struct Unwind {
    /// `.eh_frame`, to be placed at a known offset.
    frames: Vec<u8>,
    /// Offsets in it of the two descriptions, for the table of `.eh_frame_hdr`.
    descriptions: [u64; 2],
}

/// DW_CFA_def_cfa, DW_CFA_offset_extended and the short DW_CFA_offset.
const DEF_CFA: u8 = 0x0c;
const OFFSET_EXTENDED: u8 = 0x05;
const OFFSET: u8 = 0x80;
/// DW_EH_PE_pcrel and DW_EH_PE_datarel, with sdata4.
const PC_RELATIVE: u8 = 0x1b;
const DATA_RELATIVE: u8 = 0x3b;
/// Register numbers of DWARF on RISC-V: `ra`, `sp`, and the column for the pc that a signal interrupted.
const RA: u8 = 1;
const SP: u8 = 2;
const ALTERNATE_RETURN: u8 = 64;

/// An unsigned LEB128 number below 16384.
fn leb(value: u64) -> Vec<u8> {
    if value < 0x80 { vec![value as u8] } else { vec![value as u8 | 0x80, (value >> 7) as u8] }
}

/// Where the kernel's frame at `sp` holds each register: offsets in words, by DWARF number.
fn saved_registers() -> Vec<u8> {
    let mut rules = vec![DEF_CFA, SP, 0];
    for (register, offset) in sigframe::register_offsets() {
        match register {
            0..64 => rules.push(OFFSET | register),
            _ => rules.extend([OFFSET_EXTENDED, register]),
        }
        rules.extend(leb(offset / 8));
    }
    rules
}

/// Unwind information at offset `at` for `rt_sigreturn` and the functions behind it.
fn unwind(at: u64, sigreturn: Range<u64>, functions: &Range<u64>) -> Unwind {
    let mut w = Writer::default();
    let rules = [("zRS", ALTERNATE_RETURN, saved_registers(), &sigreturn), ("zR", RA, vec![DEF_CFA, SP, 0], functions)];
    let descriptions = rules.map(|(augmentation, return_column, rules, code)| {
        let common = w.0.len();
        let mut body = vec![0, 0, 0, 0, 1];
        body.extend(augmentation.bytes());
        // The string's end, the alignments of code (1) and data (8), one byte of augmentation: how addresses are written.
        body.extend([0, 1, 8, return_column, 1, PC_RELATIVE]);
        body.extend(rules);
        w.record(body);
        let description = w.0.len();
        let place = at + description as u64 + 8;
        let mut body = ((description + 4 - common) as u32).to_le_bytes().to_vec();
        body.extend((code.start.wrapping_sub(place) as u32).to_le_bytes());
        body.extend(((code.end - code.start) as u32).to_le_bytes());
        body.push(0);
        w.record(body);
        at + description as u64
    });
    w.words(&[0]);
    Unwind { frames: w.0, descriptions }
}

/// Builds the library.
pub fn build() -> Vdso {
    let names: Vec<&str> = FUNCTIONS.iter().map(|f| f.0).chain([SONAME, VERSION]).collect();
    let (string_table, offsets) = strings(&names);
    let (soname, version) = (offsets[FUNCTIONS.len()], offsets[FUNCTIONS.len() + 1]);
    let symbols = FUNCTIONS.len() as u32 + 1;
    let mut w = Writer(vec![0; HEADER + PROGRAM_HEADERS * PROGRAM_HEADER]);

    w.place(16);
    w.words(&[NOP]);
    let code = w.place(4);
    FUNCTIONS.iter().for_each(|(_, number)| w.words(&call(*number)));
    let functions = code + FUNCTION..code + FUNCTION * FUNCTIONS.len() as u64;
    // One bucket, in which each symbol leads to the one before.
    let hash_at = w.place(8);
    w.words(&[1, symbols, symbols - 1]);
    w.words(&(0..symbols).map(|i| i.saturating_sub(1)).collect::<Vec<_>>());
    let symbols_at = w.place(8);
    w.doubles(&[0; 3]);
    for (i, name) in offsets[..FUNCTIONS.len()].iter().enumerate() {
        // STB_GLOBAL and STT_FUNC, default visibility, in some section.
        w.words(&[*name, 0x12 | 1 << 16]);
        w.doubles(&[code + FUNCTION * i as u64, FUNCTION]);
    }
    let strings_at = w.place(1);
    w.0.extend_from_slice(&string_table);
    let versions_at = w.place(2);
    w.halves(&[0]);
    w.halves(&[2; FUNCTIONS.len()]);
    // Two version definitions: the base, which is the library's name, and the version.
    let definitions_at = w.place(8);
    for (flags, index, name, text, next) in [(1, 1, soname, SONAME, 28), (0, 2, version, VERSION, 0)] {
        w.halves(&[1, flags, index, 1]);
        w.words(&[hash(text), 20, next, name, 0]);
    }
    let dynamic_at = w.place(8);
    let dynamic: [(u64, u64); 10] = [
        (4, hash_at),
        (5, strings_at),
        (6, symbols_at),
        (10, string_table.len() as u64),
        (11, 24),
        (14, u64::from(soname)),
        (0x6fff_fff0, versions_at),
        (0x6fff_fffc, definitions_at),
        (0x6fff_fffd, 2),
        (0, 0),
    ];
    dynamic.iter().for_each(|(tag, value)| w.doubles(&[*tag, *value]));
    let frames_at = w.place(8);
    let unwind = unwind(frames_at, code - 4..code + FUNCTION, &functions);
    w.0.extend(&unwind.frames);
    // Version, how the three kinds of number below are written; where the frames are; the table of two, by address.
    let header_at = w.place(8);
    w.0.extend([1, PC_RELATIVE, 3, DATA_RELATIVE]);
    let from = |base: u64, to: u64| to.wrapping_sub(base) as u32;
    w.words(&[from(header_at + 4, frames_at), unwind.descriptions.len() as u32]);
    for (start, description) in [code - 4, functions.start].into_iter().zip(unwind.descriptions) {
        w.words(&[from(header_at, start), from(header_at, description)]);
    }
    let size = w.0.len() as u64;

    let mut head = Writer(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec());
    // ET_DYN, EM_RISCV; no entry; program headers behind the header; no sections; RVC and the double-float ABI.
    head.halves(&[3, 243]);
    head.words(&[1]);
    head.doubles(&[0, HEADER as u64, 0]);
    head.words(&[5]);
    head.halves(&[HEADER as u16, PROGRAM_HEADER as u16, PROGRAM_HEADERS as u16, 64, 0, 0]);
    const PT_GNU_EH_FRAME: u32 = 0x6474_e550;
    let dynamic_size = size_of_val(&dynamic) as u64;
    let segments = [
        (1, 5, 0, size, 4096),
        (2, 4, dynamic_at, dynamic_size, 8),
        (PT_GNU_EH_FRAME, 4, header_at, size - header_at, 4),
    ];
    for (kind, flags, at, len, align) in segments {
        head.words(&[kind, flags]);
        head.doubles(&[at, at, at, len, len, align]);
    }
    w.0[..head.0.len()].copy_from_slice(&head.0);
    Vdso { bytes: w.0, sigreturn: code, functions }
}

#[cfg(test)]
mod tests {
    use object::Endianness;
    use object::read::elf::{ElfFile64, FileHeader};

    use super::*;

    #[test]
    fn it_is_a_library_that_a_linker_can_read() {
        let vdso = build();
        assert!(vdso.bytes.len() < 4096, "{}", vdso.bytes.len());
        let elf = ElfFile64::<Endianness>::parse(&*vdso.bytes).expect("an ELF file");
        assert_eq!(elf.elf_header().e_machine(Endianness::Little), 243);
        assert_eq!(elf.elf_program_headers().len(), 3);
        let text = |offset: u64| vdso.bytes[offset as usize..][..12].to_vec();
        assert_eq!(text(vdso.sigreturn)[..8], [0x93, 0x08, 0xb0, 0x08, 0x73, 0, 0, 0]);
    }

    #[test]
    fn the_hash_is_that_of_version_tables() {
        // As `readelf -V` shows them in every glibc and in the kernel's vDSO.
        assert_eq!(hash("GLIBC_2.2.5"), 0x0969_1a75);
        assert_eq!(hash("LINUX_4.15"), 0x0ae7_7f75);
    }
}
