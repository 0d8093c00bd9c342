//! The decoder and the lifter on words of every kind.

mod common;

use common::{Random, scale, words};
use mynah_frontend::riscv64::{
    Class, Cpu, Extension, FetchError, ROWS, coverage, csr, decode, fetch_insn, is_barrier, is_tier0, lift, row, text,
};
use mynah_ir::{Op, Terminal, TrapKind};

const PC: u64 = 0x1_0000;

/// The row and the text of a word, or nothing if it is illegal.
fn read(word: u32) -> Option<(&'static str, String)> {
    let insn = decode(word, PC, &Cpu::default())?;
    Some((row(insn.op)?.name, text(&insn)))
}

#[test]
fn known_words_decode() {
    // Encodings as GNU as gives them.
    let table: &[(u32, &str, &str)] = &[
        (0x0000_0013, "addi", "nop"),
        (0xfff5_8513, "addi", "addi a0, a1, -1"),
        (0x8000_0537, "lui", "lui a0, 0x80000"),
        (0xfe9f_f0ef, "jal", "jal -0x18"),
        (0x0000_8067, "jalr", "ret"),
        (0xfe52_9ee3, "bne", "bne t0, t0, -4"),
        (0x0ff0_000f, "fence", "fence"),
        (0x8330_000f, "fence", "fence.tso"),
        (0x03f5_9593, "slli", "slli a1, a1, 0x3f"),
        (0x1005_252f, "lr.w", "lr.w a0, (a0)"),
        (0x02a5_f553, "fadd.d", "fadd.d fa0, fa1, fa0"),
        (0x02b5_0543, "fmadd.d", "fmadd.d fa0, fa0, fa1, ft0, rne"),
        (0x2085_2533, "sh1add", "sh1add a0, a0, s0"),
        (0x0805_4533, "pack", "pack a0, a0, zero"),
        (0x0805_453b, "zext.h", "zext.h a0, a0"),
        (0x0020_2573, "csrrs", "frrm a0"),
        (0x0000_4501, "c.li", "c.li a0, 0"),
        (0x0000_8082, "c.jr", "c.jr ra"),
        (0x0000_0001, "c.nop", "c.nop"),
        (0x0000_6105, "c.addi16sp", "c.addi16sp sp, 0x20"),
        (0x0000_6505, "c.lui", "c.lui a0, 1"),
    ];
    for &(word, name, shown) in table {
        assert_eq!(read(word), Some((name, shown.to_string())), "{word:08x}");
    }
}

#[test]
fn reserved_words_are_illegal() {
    assert_eq!(read(0x0000_0000), None, "all zeros");
    assert_eq!(read(0xffff_ffff), None, "all ones");
    assert_eq!(read(0x6001), None, "c.lui with rd 0 and immediate 0");
    assert_eq!(read(0x6101), None, "c.addi16sp with immediate 0");
    assert_eq!(read(0x2001), None, "c.addiw with rd 0");
    assert_eq!(read(0x8002), None, "c.jr with rs1 0");
    assert_eq!(read(0x02a5_d553), None, "fadd.d with rounding mode 5");
    assert_eq!(read(0x2855_c5af), None, "amocas.q with an odd rd");
    assert_eq!(read(0x3005_1073), None, "csrrw of mstatus");
    assert_eq!(read(0xc000_1073), None, "csrrw of cycle, which is read-only");
    assert_eq!(read(0x31b5_1513), None, "aes64ks1i with round number 11");
}

/// A word of the row that no exception takes away.
fn sample(op: usize, random: &mut Random) -> Option<u32> {
    let row = &ROWS[op];
    let width = u32::MAX >> (32 - 8 * row.len as u32);
    (0..1000).map(|_| (random.next() & !row.mask & width) | row.value).find(|&w| row.matches(w))
}

#[test]
fn every_row_is_reached_or_says_why_not() {
    let (cpu, mut random) = (Cpu::default(), Random::new(2));
    for (op, row) in ROWS.iter().enumerate() {
        let word = sample(op, &mut random).unwrap_or_else(|| panic!("{} matches no word", row.name));
        let decoded = decode(word, PC, &cpu);
        match row.class {
            Class::NotYet(reason) => {
                assert!(!reason.is_empty());
                assert_eq!(decoded, None, "{} is not implemented", row.name);
            }
            Class::Within(base) => {
                let insn = decoded.unwrap_or_else(|| panic!("{} does not decode", row.name));
                assert_eq!(ROWS[insn.op as usize].name, base, "{} lies elsewhere", row.name);
            }
            // Only some CSR numbers are legal: take one that can be written.
            Class::Csr => {
                let word = word & 0x000f_ffff | (csr::FRM as u32) << 20;
                assert_eq!(decode(word, PC, &cpu).map(|i| i.op), Some(op as u16), "{}", row.name);
            }
            _ => assert_eq!(decoded.map(|i| i.op), Some(op as u16), "{} ({word:08x})", row.name),
        }
    }
}

#[test]
fn names_are_unique() {
    let mut names: Vec<_> = ROWS.iter().map(|r| r.name).collect();
    names.sort_unstable();
    let all = names.len();
    names.dedup();
    assert_eq!(names.len(), all);
}

/// Lifts what begins with `word` and is followed by illegal zeros.
fn lift_word(word: u32, cpu: &Cpu) -> mynah_ir::Block {
    let halves = [word as u16, (word >> 16) as u16];
    lift(PC, &mut |addr| Some(halves.get((addr - PC) as usize / 2).copied().unwrap_or(0)), cpu, 8)
}

/// Every word decodes to what its row says or not at all, reads as something, and lifts to a block whose first
/// instruction is it.
fn check_total(words: impl Iterator<Item = u32>) {
    let cpu = Cpu::default();
    let mut decoded = 0;
    for word in words {
        let block = lift_word(word, &cpu);
        assert_eq!(block.pc, PC);
        let Some(insn) = decode(word, PC, &cpu) else {
            assert_eq!(block.terminal, Terminal::Trap { pc: PC, kind: TrapKind::Illegal }, "{word:08x}");
            assert!(block.marks.is_empty() && block.insts.is_empty(), "{word:08x}");
            continue;
        };
        decoded += 1;
        let row = row(insn.op).expect("decoded instructions have a row");
        let bits = if row.len == 4 { word } else { word & 0xffff };
        assert!(row.matches(bits), "{word:08x} is no {}", row.name);
        assert!(!text(&insn).is_empty());
        if is_tier0(&insn) {
            assert_eq!(block.terminal, Terminal::Interpret { pc: PC }, "{word:08x}");
            assert!(block.marks.is_empty());
            continue;
        }
        assert_eq!((block.marks[0].pc, block.marks[0].len), (PC, row.len), "{word:08x}");
        if is_barrier(&insn) {
            assert_eq!(block.terminal, Terminal::Jump { target: insn.next() }, "{word:08x}");
            continue;
        }
        let follows = matches!(block.terminal, Terminal::Trap { kind: TrapKind::Illegal, .. });
        let ends = row.class == Class::EndsBlock;
        assert_eq!(ends, !follows, "{word:08x}: class and body of {} disagree", row.name);
        assert_faults_come_first(&block, row.name);
    }
    assert!(decoded > 10_000, "only {decoded} words decoded");
}

/// An instruction that may fault has written nothing by then, or the state would not be that before it.
fn assert_faults_come_first(block: &mynah_ir::Block, name: &str) {
    let first_set = block.insts.iter().position(|i| i.op == Op::Set).unwrap_or(usize::MAX);
    let last_fault = block.insts.iter().rposition(|i| i.op.may_fault()).unwrap_or(0);
    assert!(block.marks.len() > 1 || last_fault <= first_set, "{name} writes before it may fault");
}

#[test]
fn every_16_bit_word_is_handled() {
    check_total((0..=0xffff).filter(|w| w & 3 != 3));
}

#[test]
fn random_32_bit_words_are_handled() {
    for seed in 3..3 + scale() {
        check_total(words(&mut Random::new(seed), 1_000_000));
    }
}

#[test]
fn blocks_end_where_they_should() {
    let cpu = Cpu::default();
    // addi a0, a0, 1; c.nop; jal x0, -6; then nothing mapped.
    let code = [0x0513u16, 0x0015, 0x0001, 0xf06f, 0xffbf];
    let at = |limit: usize, max: usize| {
        lift(PC, &mut |addr| code[..limit].get((addr - PC) as usize / 2).copied(), &cpu, max)
    };
    let whole = at(5, 100);
    assert_eq!((whole.marks.len(), whole.end), (3, PC + 10));
    assert!(matches!(whole.terminal, Terminal::Jump { .. }));
    let limited = at(5, 1);
    assert_eq!((limited.marks.len(), limited.terminal), (1, Terminal::Jump { target: PC + 4 }));
    let unmapped = at(4, 100);
    assert_eq!((unmapped.marks.len(), unmapped.terminal), (2, Terminal::Jump { target: PC + 6 }));
    let nothing = at(1, 100);
    assert_eq!((nothing.marks.len(), nothing.terminal), (0, Terminal::Interpret { pc: PC }));
    let fetched = fetch_insn(PC, &mut |addr| (addr == PC).then_some(0x0513), &cpu);
    assert_eq!(fetched, Err(FetchError::Unmapped(PC + 2)));
}

#[test]
fn a_cpu_without_an_extension_does_not_decode_it() {
    let plain = Cpu::parse("max,zba=off,c=off").expect("names of extensions");
    assert!(decode(0x2085_2533, PC, &plain).is_none(), "sh1add");
    assert!(decode(0x4501, PC, &plain).is_none(), "c.li");
    assert!(decode(0x0000_0013, PC, &plain).is_some(), "addi");
    assert!(!plain.has(Extension::Zcb), "what depends on an extension goes with it");
    assert!(
        Cpu::parse("rv64").is_ok_and(|c| c.isa_string() == "rv64imafdc_zicntr_zicsr_zifencei_zaamo_zalrsc_zca_zcd")
    );
    assert_eq!(Cpu::parse("rv65").unwrap_err(), "no cpu model 'rv65'; there are rv64, rva22u64, rva23u64, max");
    assert_eq!(Cpu::parse("max,zzz").unwrap_err(), "no extension 'zzz'");
    assert_eq!(Cpu::parse("max,zba=maybe").unwrap_err(), "cpu option zba: 'maybe' is neither on nor off");
}

#[test]
fn a_cpu_announces_only_what_decodes() {
    let cpu = Cpu::default();
    for section in coverage() {
        let announced = section.needs.met_by(cpu.extensions());
        assert_eq!(announced, section.missing.is_empty(), "{}", section.title);
    }
}
