//! The guest's vDSO: a small shared library that the process finds through `AT_SYSINFO_EHDR`, with the symbols that the
//! kernel's has on riscv64 (`arch/riscv/kernel/vdso/vdso.lds.S`, version `LINUX_4.15`).
//!
//! Each function makes the system call of its name. `__vdso_rt_sigreturn` is where signal handlers return to: two
//! instructions by which unwinders recognise a signal frame.

/// Functions and the numbers of their system calls; `rt_sigreturn` first.
const FUNCTIONS: [(&str, u32); 7] = [
    ("__vdso_rt_sigreturn", 139),
    ("__vdso_gettimeofday", 169),
    ("__vdso_clock_gettime", 113),
    ("__vdso_clock_getres", 114),
    ("__vdso_getcpu", 168),
    ("__vdso_flush_icache", 259),
    ("__vdso_riscv_hwprobe", 258),
];
const SONAME: &str = "linux-vdso.so.1";
const VERSION: &str = "LINUX_4.15";

/// `li a7, number`, `ecall`, `ret`.
const fn call(number: u32) -> [u32; 3] {
    [number << 20 | 17 << 7 | 0x13, 0x73, 0x0000_8067]
}

const HEADER: usize = 64;
const PROGRAM_HEADER: usize = 56;

/// The library, and the offset of the code that signal handlers return to.
pub struct Vdso {
    /// Its bytes; less than a page. It works at any address.
    pub bytes: Vec<u8>,
    /// Offset of `__vdso_rt_sigreturn`.
    pub sigreturn: u64,
}

/// A file that is put together piece by piece.
#[derive(Default)]
struct Writer(Vec<u8>);

impl Writer {
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

/// Builds the library.
pub fn build() -> Vdso {
    let names: Vec<&str> = FUNCTIONS.iter().map(|f| f.0).chain([SONAME, VERSION]).collect();
    let (string_table, offsets) = strings(&names);
    let (soname, version) = (offsets[FUNCTIONS.len()], offsets[FUNCTIONS.len() + 1]);
    let symbols = FUNCTIONS.len() as u32 + 1;
    let mut w = Writer(vec![0; HEADER + 2 * PROGRAM_HEADER]);

    let code = w.place(16);
    FUNCTIONS.iter().for_each(|(_, number)| w.words(&call(*number)));
    // One bucket, in which each symbol leads to the one before.
    let hash_at = w.place(8);
    w.words(&[1, symbols, symbols - 1]);
    w.words(&(0..symbols).map(|i| i.saturating_sub(1)).collect::<Vec<_>>());
    let symbols_at = w.place(8);
    w.doubles(&[0; 3]);
    for (i, name) in offsets[..FUNCTIONS.len()].iter().enumerate() {
        // STB_GLOBAL and STT_FUNC, default visibility, in some section.
        w.words(&[*name, 0x12 | 1 << 16]);
        w.doubles(&[code + 12 * i as u64, 12]);
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
    let size = w.0.len() as u64;

    let mut head = Writer(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec());
    // ET_DYN, EM_RISCV; no entry; program headers behind the header; no sections; RVC and the double-float ABI.
    head.halves(&[3, 243]);
    head.words(&[1]);
    head.doubles(&[0, HEADER as u64, 0]);
    head.words(&[5]);
    head.halves(&[HEADER as u16, PROGRAM_HEADER as u16, 2, 64, 0, 0]);
    for (kind, flags, at, len, align) in [(1, 5, 0, size, 4096), (2, 4, dynamic_at, size - dynamic_at, 8)] {
        head.words(&[kind, flags]);
        head.doubles(&[at, at, at, len, len, align]);
    }
    w.0[..head.0.len()].copy_from_slice(&head.0);
    Vdso { bytes: w.0, sigreturn: code }
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
        assert_eq!(elf.elf_program_headers().len(), 2);
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
