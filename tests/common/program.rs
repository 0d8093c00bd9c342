//! The static program that runs blocks of instructions one after the other: each gets its registers from a record and the
//! scratch memory afresh, and leaves all registers and a checksum of the memory in the record.

use super::stream::Block;

pub const CODE: u64 = 0x10_0000;
pub const DATA: u64 = 0x100_0000;
/// Bytes of a block's record: x at 0, f at 256, fcsr at 512, the memory's checksum at [`SUM`].
pub const RECORD: usize = 1024;
pub const SUM: usize = 520;
/// Where the record has the address of the block's code, and what memory is filled with.
const ADDRESS: i32 = 528;
const FILL: i32 = 536;
/// Memory that loads and stores may touch.
pub const SCRATCH: usize = 8192;

/// A block's instructions as they run: the displacement of each branch is such that it skips the next instruction, if
/// there is one.
pub fn code(words: &[u32]) -> Vec<u32> {
    let len = |word: u32| if word & 3 == 3 { 4 } else { 2 };
    let next = |i: usize| words.get(i + 1).map_or(0, |word| len(*word));
    words.iter().enumerate().map(|(i, word)| displaced(*word, len(*word) + next(i))).collect()
}

/// The word with the displacement `by`, which is below 16, if it is a branch.
fn displaced(word: u32, by: u32) -> u32 {
    match (word & 3, word & 0x7f, word >> 13 & 7) {
        (3, 0x63, _) => word & 0x01ff_f07f | by << 7,
        (3, 0x6f, _) => word & 0x0000_0fff | by << 20,
        (1, _, 5) => word & 0xe003 | (by >> 1 & 7) << 3,
        (1, _, 6 | 7) => word & 0xe383 | (by >> 3) << 10 | (by >> 1 & 3) << 3,
        _ => word,
    }
}

#[derive(Default)]
struct Assembler(Vec<u8>);

impl Assembler {
    fn here(&self) -> u64 {
        CODE + self.0.len() as u64
    }

    fn word(&mut self, word: u32) {
        let len = if word & 3 == 3 { 4 } else { 2 };
        self.0.extend_from_slice(&word.to_le_bytes()[..len]);
    }

    fn i_type(&mut self, opcode: u32, funct3: u32, rd: u8, rs1: u8, imm: i32) {
        self.word((imm as u32) << 20 | u32::from(rs1) << 15 | funct3 << 12 | u32::from(rd) << 7 | opcode);
    }

    fn addi(&mut self, rd: u8, rs1: u8, imm: i32) {
        self.i_type(0x13, 0, rd, rs1, imm);
    }

    fn ld(&mut self, rd: u8, imm: i32, rs1: u8) {
        self.i_type(0x03, 3, rd, rs1, imm);
    }

    /// `sd` with opcode 0x23, `fsd` with 0x27.
    fn store(&mut self, opcode: u32, rs2: u8, imm: i32, rs1: u8) {
        let imm = imm as u32;
        let (high, low) = (imm >> 5 & 0x7f, imm & 0x1f);
        self.word(high << 25 | u32::from(rs2) << 20 | u32::from(rs1) << 15 | 3 << 12 | low << 7 | opcode);
    }

    fn r_type(&mut self, funct7: u32, funct3: u32, rd: u8, rs1: u8, rs2: u8) {
        let registers = u32::from(rs2) << 20 | u32::from(rs1) << 15 | u32::from(rd) << 7;
        self.word(funct7 << 25 | funct3 << 12 | registers | 0x33);
    }

    /// Jumps back to `target` if the registers differ.
    fn bne(&mut self, rs1: u8, rs2: u8, target: u64) {
        let imm = target.wrapping_sub(self.here()) as u32;
        let high = (imm >> 12 & 1) << 31 | (imm >> 5 & 0x3f) << 25;
        let low = (imm >> 1 & 0xf) << 8 | (imm >> 11 & 1) << 7;
        self.word(high | u32::from(rs2) << 20 | u32::from(rs1) << 15 | 1 << 12 | low | 0x63);
    }

    fn jump(&mut self, target: u64) {
        let imm = target.wrapping_sub(self.here()) as u32;
        let high = (imm >> 20 & 1) << 31 | (imm >> 1 & 0x3ff) << 21 | (imm >> 11 & 1) << 20;
        self.word(high | imm & 0xf_f000 | 0x6f);
    }

    /// rd = value, which is below 2^31 - 2048.
    fn address(&mut self, rd: u8, value: u64) {
        let upper = (value + 0x800) & !0xfff;
        assert!(upper < 1 << 31);
        self.word(upper as u32 | u32::from(rd) << 7 | 0x37);
        self.addi(rd, rd, (value as i64 - upper as i64) as i32);
    }

    /// Fills the scratch memory, loads all registers but the harness's own, and jumps to the block of the record at x31.
    fn start_block(&mut self) {
        self.ld(5, FILL, 31);
        self.addi(6, 5, 0);
        self.address(7, DATA);
        self.address(8, DATA + SCRATCH as u64);
        let fill = self.here();
        self.store(0x23, 6, 0, 7);
        self.r_type(0, 0, 6, 6, 5);
        self.addi(7, 7, 8);
        self.bne(7, 8, fill);
        self.ld(30, 512, 31);
        self.i_type(0x73, 1, 0, 30, 3);
        for n in 0..32 {
            self.i_type(0x07, 3, n, 31, 256 + 8 * i32::from(n));
        }
        for n in 1..30 {
            self.ld(n, 8 * i32::from(n), 31);
        }
        self.ld(30, ADDRESS, 31);
        self.i_type(0x67, 0, 0, 30, 0);
    }

    /// Saves all registers and the memory's checksum in the record at x31, and drops any reservation.
    fn end_block(&mut self) {
        for n in 1..30 {
            self.store(0x23, n, 8 * i32::from(n), 31);
        }
        self.i_type(0x73, 2, 30, 0, 3);
        self.store(0x23, 30, 512, 31);
        for n in 0..32 {
            self.store(0x27, n, 256 + 8 * i32::from(n), 31);
        }
        // sc.w zero, zero, (x31)
        self.word(0x1800_202f | 31 << 15);
        self.address(5, 0x0100_0193);
        self.addi(6, 0, 0);
        self.address(7, DATA);
        self.address(8, DATA + SCRATCH as u64);
        let sum = self.here();
        self.ld(30, 0, 7);
        self.r_type(0, 4, 6, 6, 30);
        self.r_type(1, 0, 6, 6, 5);
        self.addi(7, 7, 8);
        self.bne(7, 8, sum);
        self.store(0x23, 6, SUM as i32, 31);
    }

    fn system_call(&mut self, number: i32, arguments: &[u64]) {
        for (i, argument) in arguments.iter().enumerate() {
            self.address(10 + i as u8, *argument);
        }
        self.addi(17, 0, number);
        self.word(0x73);
    }
}

/// A static ELF file that runs the blocks and writes their records; then, if `dump`, the scratch memory as the last left
/// it.
pub fn program(blocks: &[Block], dump: bool) -> Vec<u8> {
    let records = DATA + SCRATCH as u64;
    let size = (blocks.len() * RECORD) as u64;
    let mut a = Assembler::default();
    a.address(31, records);
    let start = a.here();
    a.start_block();
    let end = a.here();
    a.end_block();
    a.addi(31, 31, RECORD as i32);
    a.address(30, records + size);
    a.bne(31, 30, start);
    a.system_call(64, &[1, records, size]);
    if dump {
        a.system_call(64, &[1, DATA, SCRATCH as u64]);
    }
    a.system_call(94, &[0]);
    let mut data = vec![0; SCRATCH];
    for block in blocks {
        let (record, address) = (data.len(), a.here());
        code(&block.words).into_iter().for_each(|word| a.word(word));
        a.jump(end);
        block.x.iter().chain(&block.f).for_each(|v| data.extend_from_slice(&v.to_le_bytes()));
        [block.fcsr, 0, address, block.fill].iter().for_each(|v| data.extend_from_slice(&v.to_le_bytes()));
        data.resize(record + RECORD, 0);
    }
    elf(&a.0, &data)
}

fn elf(code: &[u8], data: &[u8]) -> Vec<u8> {
    let mut file = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\xf3\0\x01\0\0\0".to_vec();
    file.extend([CODE, 64, 0].iter().flat_map(|v| v.to_le_bytes()));
    // EF_RISCV_RVC and the double-float ABI; header sizes; two program headers; no sections.
    file.extend_from_slice(&[5, 0, 0, 0, 64, 0, 56, 0, 2, 0, 64, 0, 0, 0, 0, 0]);
    let data_at = (4096 + code.len()).next_multiple_of(4096);
    for (flags, offset, address, size) in [(5u32, 4096, CODE, code.len()), (6, data_at, DATA, data.len())] {
        file.extend_from_slice(&1u32.to_le_bytes());
        file.extend_from_slice(&flags.to_le_bytes());
        let words = [offset as u64, address, address, size as u64, size as u64, 4096];
        file.extend(words.iter().flat_map(|v| v.to_le_bytes()));
    }
    file.resize(4096, 0);
    file.extend_from_slice(code);
    file.resize(data_at, 0);
    file.extend_from_slice(data);
    file
}
