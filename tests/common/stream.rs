//! Programs made of random instructions: each block gets its registers from a record, runs, and leaves them in another.

use mynah_frontend::riscv64::{Class, Cpu, Insn, Row, decode, row};

pub const CODE: u64 = 0x10_0000;
pub const DATA: u64 = 0x100_0000;
/// Bytes of a block's record of registers: x at 0, f at 256, fcsr at 512.
pub const RECORD: usize = 1024;
/// Memory that loads and stores may touch; pointers are to its middle.
pub const SCRATCH: usize = 8192;
/// Registers that hold a pointer to the middle of the scratch memory; no instruction writes them.
pub const POINTERS: [u8; 3] = [2, 9, 29];
/// Registers of the harness: scratch and the record's address.
pub const HARNESS: [u8; 2] = [30, 31];

/// A splitmix64 generator.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    pub fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())]
    }
}

/// An integer that is likely to lie at an edge.
pub fn integer(r: &mut Random) -> u64 {
    let edges =
        [0, 1, 2, 3, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 1 << 63, u64::MAX];
    match r.below(4) {
        0 => r.next(),
        1 => r.pick(&edges).wrapping_add(r.below(3) as u64).wrapping_sub(1),
        2 => 1 << r.below(64),
        _ => (r.next() as i64 >> r.below(64)) as u64,
    }
}

/// A floating-point register: a double, a boxed single or half, or anything.
pub fn float(r: &mut Random) -> u64 {
    let exponents = [0, 1, 2, 1022, 1023, 1024, 1075, 2045, 2046, 2047];
    let fractions = [0, 1, 1 << 51, (1 << 52) - 1, 1 << 29, 0x8_0000_0000_0001];
    match r.below(6) {
        0 => (r.next() & 1) << 63 | r.pick(&exponents) << 52 | r.pick(&fractions),
        1 => (r.next() & 1) << 63 | (1023 - 40 + r.next() % 80) << 52 | r.next() >> 12,
        2 => {
            let exponent = r.pick(&[0u64, 1, 126, 127, 128, 150, 158, 190, 254, 255]);
            let fraction = r.pick(&[0u64, 1, 1 << 22, (1 << 23) - 1, 0x1000, 0x40_0001]);
            0xffff_ffff_0000_0000 | (r.next() & 1) << 31 | exponent << 23 | fraction
        }
        3 => 0xffff_ffff_0000_0000 | (r.next() & 1) << 31 | (127 - 30 + r.next() % 60) << 23 | (r.next() & 0x7f_ffff),
        4 => 0xffff_ffff_ffff_0000 | r.next() & 0xffff,
        _ => (integer(r) as f64).to_bits(),
    }
}

/// Whether a row works on floating-point registers.
pub fn is_float(row: &Row) -> bool {
    row.name.starts_with('f') && !row.name.starts_with("fence") || row.name.starts_with("c.f")
}

/// Whether a row is an atomic one.
pub fn is_atomic(row: &Row) -> bool {
    ["amo", "lr.", "sc."].iter().any(|p| row.name.starts_with(p))
}

/// Whether the row accesses memory through rs1.
pub fn accesses_memory(row: &Row) -> bool {
    let name = row.name.strip_prefix("c.").unwrap_or(row.name);
    let plain = ["lb", "lh", "lw", "ld", "lbu", "lhu", "lwu", "sb", "sh", "sw", "sd", "cbo.zero"];
    let float = ["flh", "flw", "fld", "fsh", "fsw", "fsd"];
    is_atomic(row) || [&plain[..], &float].iter().any(|l| l.iter().any(|p| *p == name || name == format!("{p}sp")))
}

/// Whether an instruction may stand in a stream: it stays in line, its result does not depend on when or where it runs,
/// and it keeps the harness's registers.
pub fn fits(insn: &Insn, row: &Row) -> bool {
    let kept = |n: u8| POINTERS.contains(&n) || HARNESS.contains(&n);
    let writes_float = is_float(row) && !row.name.starts_with("fcvt.w") && !row.name.starts_with("fcvt.l");
    if row.class == Class::EndsBlock || row.class == Class::Csr && insn.imm != 1 {
        return false;
    }
    if !writes_float && (kept(insn.rd) || row.name == "amocas.q" && kept(insn.rd + 1)) {
        return false;
    }
    // After `amocas.* zero, …`, QEMU 10.0 does not read x0 as 0 in the same block any more.
    if row.name.starts_with("amocas") && insn.rd == 0 {
        return false;
    }
    // Floating-point instructions with an integer result have it in rd as well.
    if is_float(row) && kept(insn.rd) || row.name.starts_with("cm.") || row.name.starts_with("wrs") {
        return false;
    }
    !accesses_memory(row) || POINTERS.contains(&insn.rs1)
}

/// A random instruction of a class.
pub fn instruction(r: &mut Random, rows: &[&'static Row], cpu: &Cpu) -> u32 {
    loop {
        let chosen = r.pick(rows);
        let word = random_word(r, chosen);
        if is_of(word, chosen, cpu).is_some_and(|insn| fits(&insn, chosen)) {
            return word;
        }
    }
}

/// A random instruction of a row: one that fits into a stream if `tries` tries find any.
pub fn candidate(r: &mut Random, row: &'static Row, cpu: &Cpu, tries: usize) -> u32 {
    let mut last = row.value;
    for _ in 0..tries {
        let word = random_word(r, row);
        if let Some(insn) = is_of(word, row, cpu) {
            if fits(&insn, row) {
                return word;
            }
            last = word;
        }
    }
    last
}

fn random_word(r: &mut Random, row: &Row) -> u32 {
    let word = r.next() as u32 & !row.mask | row.value;
    match (accesses_memory(row), row.len) {
        (_, 2) => word & 0xffff,
        // Pointers are rare by chance: help where the base register stands in the usual place.
        (true, _) => word & !(0x1f << 15) | u32::from(r.pick(&POINTERS)) << 15,
        _ if row.class == Class::Csr => word & 0xf_ffff | 1 << 20,
        _ => word,
    }
}

/// The word decoded, if it is an instruction of the row.
fn is_of(word: u32, wanted: &Row, cpu: &Cpu) -> Option<Insn> {
    decode(word, CODE, cpu).filter(|insn| row(insn.op).is_some_and(|found| found.name == wanted.name))
}

/// One block: registers at its start, and its instructions.
#[derive(Clone)]
pub struct Block {
    pub x: [u64; 32],
    pub f: [u64; 32],
    pub fcsr: u64,
    pub words: Vec<u32>,
}

pub fn block(r: &mut Random, rows: &[&'static Row], cpu: &Cpu) -> Block {
    let mut x = [0; 32];
    x.fill_with(|| integer(r));
    for pointer in POINTERS {
        x[pointer as usize] = DATA + (SCRATCH / 2) as u64;
    }
    let mut f = [0; 32];
    f.fill_with(|| float(r));
    let fcsr = (r.below(5) << 5) as u64;
    let length = if rows.is_empty() { 0 } else { 1 + r.below(12) };
    Block { x, f, fcsr, words: (0..length).map(|_| instruction(r, rows, cpu)).collect() }
}

/// Machine code of a program that runs the blocks one after the other and writes all that they left.
pub struct Assembler(Vec<u8>);

impl Assembler {
    fn word(&mut self, word: u32) {
        let len = if word & 3 == 3 { 4 } else { 2 };
        self.0.extend_from_slice(&word.to_le_bytes()[..len]);
    }

    fn i_type(&mut self, opcode: u32, funct3: u32, rd: u8, rs1: u8, imm: i32) {
        self.word((imm as u32) << 20 | u32::from(rs1) << 15 | funct3 << 12 | u32::from(rd) << 7 | opcode);
    }

    fn s_type(&mut self, opcode: u32, rs1: u8, rs2: u8, imm: i32) {
        let imm = imm as u32;
        let (high, low) = (imm >> 5 & 0x7f, imm & 0x1f);
        self.word(high << 25 | u32::from(rs2) << 20 | u32::from(rs1) << 15 | 3 << 12 | low << 7 | opcode);
    }

    /// rd = value, which is below 2^31 - 2048.
    fn address(&mut self, rd: u8, value: u64) {
        let upper = (value + 0x800) & !0xfff;
        assert!(upper < 1 << 31);
        self.word(upper as u32 | u32::from(rd) << 7 | 0x37);
        self.i_type(0x13, 0, rd, rd, (value as i64 - upper as i64) as i32);
    }

    fn run_block(&mut self, block: &Block, input: u64, output: u64) {
        self.address(31, input);
        self.i_type(0x03, 3, 30, 31, 512);
        self.i_type(0x73, 1, 0, 30, 3);
        for n in 0..32 {
            self.i_type(0x07, 3, n, 31, 256 + 8 * i32::from(n));
        }
        for n in 1..31 {
            self.i_type(0x03, 3, n, 31, 8 * i32::from(n));
        }
        for word in &block.words {
            self.word(*word);
        }
        self.address(31, output);
        for n in 1..30 {
            self.s_type(0x23, 31, n, 8 * i32::from(n));
        }
        self.i_type(0x73, 2, 30, 0, 3);
        self.s_type(0x23, 31, 30, 512);
        for n in 0..32 {
            self.s_type(0x27, 31, n, 256 + 8 * i32::from(n));
        }
    }

    fn system_call(&mut self, number: i32, arguments: &[u64]) {
        for (i, argument) in arguments.iter().enumerate() {
            self.address(10 + i as u8, *argument);
        }
        self.i_type(0x13, 0, 17, 0, number);
        self.word(0x73);
    }
}

/// A static ELF file: a code segment and a data segment with scratch memory, input records, and room for output.
pub fn program(blocks: &[Block], scratch: &[u8; SCRATCH]) -> Vec<u8> {
    let (inputs, outputs) = (DATA + SCRATCH as u64, DATA + (SCRATCH + blocks.len() * RECORD) as u64);
    let mut code = Assembler(Vec::new());
    for (i, block) in blocks.iter().enumerate() {
        code.run_block(block, inputs + (i * RECORD) as u64, outputs + (i * RECORD) as u64);
    }
    code.system_call(64, &[1, outputs, (blocks.len() * RECORD) as u64]);
    code.system_call(64, &[1, DATA, SCRATCH as u64]);
    code.system_call(94, &[0]);
    let mut data = scratch.to_vec();
    for block in blocks {
        let start = data.len();
        block.x.iter().chain(&block.f).for_each(|v| data.extend_from_slice(&v.to_le_bytes()));
        data.extend_from_slice(&block.fcsr.to_le_bytes());
        data.resize(start + RECORD, 0);
    }
    elf(&code.0, &data, blocks.len() * RECORD)
}

pub fn elf(code: &[u8], data: &[u8], room: usize) -> Vec<u8> {
    let mut file = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\xf3\0\x01\0\0\0".to_vec();
    file.extend([CODE, 64, 0].iter().flat_map(|v| v.to_le_bytes()));
    // EF_RISCV_RVC and the double-float ABI; header sizes; two program headers; no sections.
    file.extend_from_slice(&[5, 0, 0, 0, 64, 0, 56, 0, 2, 0, 64, 0, 0, 0, 0, 0]);
    let data_at = (4096 + code.len()).next_multiple_of(4096);
    for (flags, offset, address, size, memory) in
        [(5u32, 4096, CODE, code.len(), code.len()), (6, data_at, DATA, data.len(), data.len() + room)]
    {
        file.extend_from_slice(&1u32.to_le_bytes());
        file.extend_from_slice(&flags.to_le_bytes());
        let words = [offset as u64, address, address, size as u64, memory as u64, 4096];
        file.extend(words.iter().flat_map(|v| v.to_le_bytes()));
    }
    file.resize(4096, 0);
    file.extend_from_slice(code);
    file.resize(data_at, 0);
    file.extend_from_slice(data);
    file
}
