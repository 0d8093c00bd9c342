//! Random instructions with operands at the edges, in blocks.

use mynah_frontend::riscv64::{Class, Cpu, Insn, ROWS, Row, decode, row};

use super::program::{CODE, DATA, SCRATCH, code};

/// Registers that point near the middle of the scratch memory, where two pages meet; no instruction writes them.
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

/// Whether the fields rs1 and rs2 of a row are integer registers.
fn reads_x(row: &Row) -> bool {
    let from_x = [".w", ".wu", ".l", ".lu", ".x"].iter().any(|end| row.name.ends_with(end)) && row.name.starts_with("f");
    let immediate = row.class == Class::Csr && row.name.ends_with('i');
    (!is_float(row) || from_x) && !immediate
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

/// Jumps and branches that can be made to skip one instruction.
pub fn is_skip(row: &Row) -> bool {
    ["beq", "bne", "blt", "bge", "bltu", "bgeu", "jal", "c.beqz", "c.bnez", "c.j"].contains(&row.name)
}

/// Whether a CSR instruction may stand in a stream: any on the flags, and those that leave a legal rounding mode.
fn csr_fits(insn: &Insn, row: &Row) -> bool {
    let reads = !row.name.starts_with("csrrw") && insn.rs1 == 0;
    match insn.imm {
        1 => true,
        2 => reads || row.name == "csrrwi" && insn.rs1 <= 4,
        3 => reads,
        _ => false,
    }
}

/// Whether an instruction may stand in a stream: it stays in line, its result does not depend on when or where it runs,
/// and it keeps the harness's registers.
pub fn fits(insn: &Insn, row: &Row) -> bool {
    let kept = |n: u8| POINTERS.contains(&n) || HARNESS.contains(&n);
    let writes_float = is_float(row) && !row.name.starts_with("fcvt.w") && !row.name.starts_with("fcvt.l");
    if row.class == Class::EndsBlock && !is_skip(row) || row.class == Class::Csr && !csr_fits(insn, row) {
        return false;
    }
    if !writes_float && (kept(insn.rd) || row.name == "amocas.q" && kept(insn.rd + 1)) {
        return false;
    }
    // What the harness's registers hold is no row's to tell.
    if reads_x(row) && [insn.rs1, insn.rs2].iter().any(|n| HARNESS.contains(n)) {
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

/// A random instruction of a class, or one in ten times a branch.
fn instruction(r: &mut Random, rows: &[&'static Row], cpu: &Cpu) -> u32 {
    let branch = rows[0].len == 4 && r.below(10) == 0;
    let branches: Vec<&'static Row> = ROWS.iter().filter(|row| branch && row.len == 4 && is_skip(row)).collect();
    loop {
        let chosen = if branch { r.pick(&branches) } else { r.pick(rows) };
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
        // Pointers are rare by chance, and so are small displacements, with which accesses cross into the next page.
        (true, _) => {
            let near = if r.below(2) == 0 { 0x7f << 25 & !row.mask } else { 0 };
            word & !near & !(0x1f << 15) | u32::from(r.pick(&POINTERS)) << 15
        }
        _ if row.class == Class::Csr => word & 0xf_ffff | r.pick(&[1, 1, 2, 3]) << 20,
        _ => word,
    }
}

/// The word decoded, if it is an instruction of the row.
fn is_of(word: u32, wanted: &Row, cpu: &Cpu) -> Option<Insn> {
    decode(word, CODE, cpu).filter(|insn| row(insn.op).is_some_and(|found| found.name == wanted.name))
}

/// One block: registers at its start, what memory holds, and its instructions.
#[derive(Clone)]
pub struct Block {
    pub x: [u64; 32],
    pub f: [u64; 32],
    pub fcsr: u64,
    /// Each eight bytes of the scratch memory hold so much more than those before; the first hold it once.
    pub fill: u64,
    /// Branches skip the next instruction, whatever their displacement: see [`code`].
    pub words: Vec<u32>,
}

impl Block {
    /// Whether an instruction is there whose addresses must be aligned.
    fn is_aligned(&self, cpu: &Cpu) -> bool {
        self.insns(cpu).iter().any(|insn| row(insn.op).is_some_and(is_atomic))
    }

    /// Its instructions as they run.
    pub fn insns(&self, cpu: &Cpu) -> Vec<Insn> {
        code(&self.words).iter().filter_map(|word| decode(*word, CODE, cpu)).collect()
    }

    /// The aligned eight bytes of memory that it may touch, by their addresses, with what they hold before.
    pub fn touched(&self, cpu: &Cpu) -> Vec<(u64, u64)> {
        let mut found = Vec::new();
        for insn in self.insns(cpu).iter().filter(|i| row(i.op).is_some_and(accesses_memory)) {
            let wide = if insn.len == 4 && row(insn.op).is_some_and(|r| r.name == "cbo.zero") { 64 } else { 16 };
            let start = self.x[insn.rs1 as usize].wrapping_add(insn.imm as i64 as u64) / wide * wide;
            found.extend((start..start + wide.max(24)).step_by(8));
        }
        found.sort_unstable();
        found.dedup();
        found.into_iter().map(|at| (at, self.fill.wrapping_mul((at - DATA) / 8 + 1))).collect()
    }
}

/// The word, and a store of its result where QEMU 10.0 drops the instruction, and with it its flags, if nobody reads that
/// (`fround` and `froundnx`, against "Zfa", which has them raise invalid and inexact).
fn with_reader(word: u32, cpu: &Cpu) -> Vec<u32> {
    let insn = decode(word, CODE, cpu).filter(|i| row(i.op).is_some_and(|row| row.name.starts_with("fround")));
    // fsd rd, 0(sp)
    let store = |rd: u8| 0x0000_3027 | u32::from(rd) << 20 | u32::from(POINTERS[0]) << 15;
    std::iter::once(word).chain(insn.map(|i| store(i.rd))).collect()
}

/// A random block of instructions of these rows; none if there are no rows.
pub fn block(r: &mut Random, rows: &[&'static Row], cpu: &Cpu) -> Block {
    let (mut x, mut f) = ([0; 32], [0; 32]);
    x.fill_with(|| integer(r));
    x[0] = 0;
    f.fill_with(|| float(r));
    let flags = if r.below(4) == 0 { r.below(32) } else { 0 };
    let fcsr = (r.below(5) << 5 | flags) as u64;
    let length = if rows.is_empty() { 0 } else { 1 + r.below(12) };
    let words = (0..length).flat_map(|_| with_reader(instruction(r, rows, cpu), cpu)).collect();
    let mut block = Block { x, f, fcsr, fill: 0x9e37_79b9_7f4a_7c15, words };
    let aligned = block.is_aligned(cpu) || rows.is_empty();
    for pointer in POINTERS {
        let distance = if aligned { 16 * r.below(5) } else { r.below(49) };
        block.x[pointer as usize] = DATA + (SCRATCH / 2) as u64 - 24 + distance as u64 + if aligned { 8 } else { 0 };
    }
    block
}
