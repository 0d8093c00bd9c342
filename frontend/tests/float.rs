//! Bodies of the floating-point extensions, from the word to the state: each instruction is encoded from its row, lifted,
//! verified and interpreted. What the ops compute is tested where they are defined; this is about operands, boxing,
//! signs, modes and where results go.

use mynah_frontend::riscv64::{Class, Cpu, ROWS, lift, state};
use mynah_ir::interp::{self, Exit};
use mynah_ir::testing::TestMemory;
use mynah_ir::{Block, Rm, State, TrapKind, flags, verify};

const RD: u32 = 10;
const RS1: u32 = 11;
const RS2: u32 = 12;
const RS3: u32 = 13;

/// An `F32` or `F16` in a register.
const fn boxed32(bits: u32) -> u64 {
    0xffff_ffff_0000_0000 | bits as u64
}
const fn boxed16(bits: u16) -> u64 {
    0xffff_ffff_ffff_0000 | bits as u64
}
fn s(x: f32) -> u64 {
    boxed32(x.to_bits())
}
fn d(x: f64) -> u64 {
    x.to_bits()
}

/// The word of an instruction with the registers above and the given mode; the immediate, if it has one, is 0.
fn word(name: &str, rs2: u32, rm: u32) -> u32 {
    let row = ROWS.iter().find(|row| row.name == name).unwrap_or_else(|| panic!("no row {name}"));
    let is_store = row.bits.ends_with("0100111");
    let fields = if is_store { RS1 << 15 | rs2 << 20 } else { RD << 7 | rm << 12 | RS1 << 15 | rs2 << 20 | RS3 << 27 };
    let immediate = if row.bits.starts_with("iiiiiiiiiiii") { 0xfff0_0000 } else { 0 };
    row.value | fields & !row.mask & !immediate
}

fn lift_word(word: u32) -> Block {
    let mut fetch = |addr: u64| Some((word >> (addr % 4 * 8)) as u16);
    let block = lift(0, &mut fetch, &Cpu::default(), 1);
    verify(&block).unwrap_or_else(|errors| panic!("{word:#010x}: {errors:?}\n{block:?}"));
    block
}

/// A guest before or after one instruction.
struct Guest {
    state: State,
    memory: TestMemory,
}

impl Guest {
    /// Memory's first bytes are at `x11`; the result registers hold garbage.
    fn new() -> Guest {
        let mut guest = Guest { state: State::default(), memory: TestMemory::new(1) };
        guest.state.set(state::f(RD as u8).cell, 0x1111);
        guest.state.set(state::x(RD as u8).cell, 0x2222);
        guest.state.set(state::x(RS1 as u8).cell, TestMemory::BASE);
        guest
    }

    fn with_f(mut self, values: &[u64]) -> Guest {
        for (n, &value) in [RS1, RS2, RS3].iter().zip(values) {
            self.state.set(state::f(*n as u8).cell, value);
        }
        self
    }

    fn with_x(mut self, value: u64) -> Guest {
        self.state.set(state::x(RS1 as u8).cell, value);
        self
    }

    fn run(mut self, word: u32) -> Guest {
        let exit = interp::run(&lift_word(word), &mut self.state, &mut self.memory);
        assert_eq!(exit, Ok(Exit::Next));
        self
    }

    fn f(&self) -> u64 {
        self.state.get(state::f(RD as u8).cell)
    }
    fn x(&self) -> u64 {
        self.state.get(state::x(RD as u8).cell)
    }
    fn flags(&self) -> u8 {
        self.state.get(state::FFLAGS.cell) as u8
    }
}

/// The `f` result of an instruction on `f` registers, dynamic mode rne.
fn ff(name: &str, values: &[u64]) -> u64 {
    Guest::new().with_f(values).run(word(name, RS2, 7)).f()
}
/// The `x` result of an instruction on `f` registers, mode rtz.
fn fx(name: &str, values: &[u64]) -> u64 {
    Guest::new().with_f(values).run(word(name, RS2, 1)).x()
}
/// The `f` result of an instruction on `x11`, mode rne.
fn xf(name: &str, value: u64) -> u64 {
    Guest::new().with_x(value).run(word(name, RS2, 0)).f()
}

const NAN32: u64 = boxed32(0x7fc0_0000);
const NAN16: u64 = boxed16(0x7e00);
const NAN64: u64 = 0x7ff8_0000_0000_0000;

#[test]
fn every_row_lifts_to_legal_ir() {
    let is_float = |name: &str| name.starts_with('f') && !name.starts_with("fence");
    let names: Vec<&str> =
        ROWS.iter().filter(|r| r.len == 4 && r.class == Class::Plain && is_float(r.name)).map(|r| r.name).collect();
    assert!(names.len() >= 120, "only {} rows", names.len());
    for name in names {
        for rs2 in [RS1, RS2] {
            assert_eq!(lift_word(word(name, rs2, 0)).marks.len(), 1, "{name} decodes");
        }
    }
}

#[test]
fn narrow_operands_are_unboxed_and_results_boxed() {
    assert_eq!(ff("fadd.s", &[s(1.5), s(2.0)]), s(3.5));
    assert_eq!(ff("fadd.h", &[boxed16(0x3e00), boxed16(0x4000)]), boxed16(0x4300));
    assert_eq!(ff("fadd.d", &[d(1.5), d(2.0)]), d(3.5));
    // A double is no boxed float, nor is a float a boxed half.
    assert_eq!(ff("fadd.s", &[d(1.5), s(2.0)]), NAN32);
    assert_eq!(ff("fadd.h", &[s(1.5), boxed16(0x4000)]), NAN16);
    assert_eq!(ff("fmin.s", &[d(1.5), s(2.0)]), s(2.0));
    assert_eq!(ff("fsgnj.s", &[d(1.5), s(-2.0)]), boxed32(0xffc0_0000));
    assert_eq!(fx("feq.s", &[d(1.5), d(1.5)]), 0);
    assert_eq!(fx("fclass.s", &[d(1.5)]), 1 << 9);
    assert_eq!(fx("fclass.d", &[s(1.5)]), 1 << 9);
    assert_eq!(fx("fcvt.w.s", &[d(1.5)]), 0x7fff_ffff);
}

#[test]
fn binary_operands_keep_their_order() {
    assert_eq!(ff("fsub.d", &[d(5.0), d(3.0)]), d(2.0));
    assert_eq!(ff("fdiv.s", &[s(1.0), s(4.0)]), s(0.25));
    assert_eq!(ff("fmul.d", &[d(3.0), d(5.0)]), d(15.0));
    assert_eq!(ff("fsqrt.d", &[d(9.0)]), d(3.0));
    assert_eq!(fx("flt.d", &[d(1.0), d(2.0)]), 1);
    assert_eq!(fx("flt.d", &[d(2.0), d(1.0)]), 0);
    assert_eq!(fx("fle.s", &[s(2.0), s(1.0)]), 0);
    assert_eq!(fx("fltq.d", &[d(1.0), d(2.0)]), 1);
    assert_eq!(fx("fleq.s", &[s(2.0), s(1.0)]), 0);
    assert_eq!(ff("fminm.d", &[d(1.0), NAN64]), NAN64);
    assert_eq!(ff("fmax.d", &[d(1.0), NAN64]), d(1.0));
    assert_eq!(ff("fmaxm.s", &[s(1.0), s(3.0)]), s(3.0));
}

#[test]
fn fused_signs() {
    let values = [d(2.0), d(3.0), d(10.0)];
    assert_eq!(ff("fmadd.d", &values), d(16.0));
    assert_eq!(ff("fmsub.d", &values), d(-4.0));
    assert_eq!(ff("fnmsub.d", &values), d(4.0));
    assert_eq!(ff("fnmadd.d", &values), d(-16.0));
    let values = [s(2.0), s(3.0), s(10.0)];
    assert_eq!(ff("fmsub.s", &values), s(-4.0));
    assert_eq!(ff("fnmsub.s", &values), s(4.0));
    let values = [boxed16(0x4000), boxed16(0x4200), boxed16(0x4900)];
    assert_eq!(ff("fnmadd.h", &values), boxed16(0xcc00));
    // The zero that exact cancellation leaves: -(2 * 3) + 6 and -(2 * 3) - (-6).
    assert_eq!(ff("fnmsub.d", &[d(2.0), d(3.0), d(6.0)]), d(0.0));
    assert_eq!(ff("fnmadd.d", &[d(2.0), d(3.0), d(-6.0)]), d(0.0));
    // The sign is flipped before rounding: -(1 * 1) - 2^-60, upwards.
    let up = Guest::new().with_f(&[d(1.0), d(1.0), d(2f64.powi(-60))]).run(word("fnmadd.d", RS2, 3));
    assert_eq!((up.f(), up.flags()), (d(-1.0), flags::NX));
    // A NaN with a flipped sign is canonical all the same.
    assert_eq!(ff("fmsub.d", &[d(1.0), d(1.0), NAN64]), NAN64);
}

#[test]
fn modes() {
    let third = |mode: u32, frm: u64| {
        let mut guest = Guest::new().with_f(&[d(1.0), d(3.0)]);
        guest.state.set(state::FRM.cell, frm);
        let guest = guest.run(word("fdiv.d", RS2, mode));
        assert_eq!(guest.flags(), flags::NX);
        guest.f()
    };
    let (below, above) = (0x3fd5_5555_5555_5555, 0x3fd5_5555_5555_5556);
    assert_eq!([0, 1, 2, 3, 4].map(|mode| third(mode, 0)), [below, below, below, above, below]);
    assert_eq!([0, 1, 2, 3, 4].map(|frm| third(7, frm)), [below, below, below, above, below]);
    for reserved in [5, 6] {
        let mut guest = Guest::new();
        let exit = interp::run(&lift_word(word("fdiv.d", RS2, reserved)), &mut guest.state, &mut guest.memory);
        assert_eq!(exit, Ok(Exit::Trap(TrapKind::Illegal)));
    }
}

/// Conversions that never round are built with the dynamic mode, whatever the word says; others keep theirs.
#[test]
fn exact_conversions_ask_for_no_mode() {
    let modes = |name: &str| {
        let block = lift_word(word(name, RS2, Rm::Rtz as u32));
        block.insts.iter().filter(|inst| inst.op.shape().is_fp()).map(|inst| inst.imm).collect::<Vec<_>>()
    };
    for name in ["fcvt.d.w", "fcvt.d.wu", "fcvt.d.s", "fcvt.s.h", "fcvt.d.h", "fcvt.s.bf16"] {
        assert_eq!(modes(name), [Rm::Dyn as i64], "{name}");
    }
    for name in ["fcvt.d.l", "fcvt.s.w", "fcvt.s.d", "fcvt.h.s", "fcvt.h.w", "fcvt.w.s", "fcvt.bf16.s"] {
        assert_eq!(modes(name), [Rm::Rtz as i64], "{name}");
    }
}

#[test]
fn conversions_to_integers() {
    assert_eq!(fx("fcvt.w.d", &[d(-1.9)]), -1i64 as u64);
    assert_eq!(fx("fcvt.wu.d", &[d(4294967295.0)]), u64::MAX);
    assert_eq!(fx("fcvt.wu.s", &[s(-1.0)]), 0);
    assert_eq!(fx("fcvt.w.s", &[s(1e10)]), 0x7fff_ffff);
    assert_eq!(fx("fcvt.w.s", &[s(-1e10)]), 0xffff_ffff_8000_0000);
    assert_eq!(fx("fcvt.l.d", &[d(-1e10)]), -10_000_000_000i64 as u64);
    assert_eq!(fx("fcvt.lu.d", &[d(1e19)]), 10_000_000_000_000_000_000);
    assert_eq!(fx("fcvt.l.s", &[s(f32::NAN)]), i64::MAX as u64);
    assert_eq!(fx("fcvt.lu.h", &[boxed16(0xc000)]), 0);
    assert_eq!(fx("fcvt.w.h", &[boxed16(0xc000)]), -2i64 as u64);
    assert_eq!(fx("fcvtmod.w.d", &[d(4294967296.0 + 2147483648.0)]), 0xffff_ffff_8000_0000);
}

#[test]
fn conversions_from_integers() {
    // The W forms look at the low half of the register only.
    assert_eq!(xf("fcvt.d.w", 0x7_ffff_ffff), d(-1.0));
    assert_eq!(xf("fcvt.d.wu", 0x7_ffff_ffff), d(4294967295.0));
    assert_eq!(xf("fcvt.s.w", -3i64 as u64), s(-3.0));
    assert_eq!(xf("fcvt.s.wu", 3), s(3.0));
    assert_eq!(xf("fcvt.d.l", -3i64 as u64), d(-3.0));
    assert_eq!(xf("fcvt.d.lu", u64::MAX), d(18446744073709551616.0));
    assert_eq!(xf("fcvt.s.l", -5i64 as u64), s(-5.0));
    assert_eq!(xf("fcvt.s.lu", 1 << 63), s(9223372036854775808.0));
    assert_eq!(xf("fcvt.h.w", -2i64 as u64), boxed16(0xc000));
    assert_eq!(xf("fcvt.h.lu", u64::MAX), boxed16(0x7c00));
}

#[test]
fn conversions_between_formats() {
    assert_eq!(ff("fcvt.s.d", &[d(1.5)]), s(1.5));
    assert_eq!(ff("fcvt.d.s", &[s(1.5)]), d(1.5));
    assert_eq!(ff("fcvt.h.s", &[s(1.5)]), boxed16(0x3e00));
    assert_eq!(ff("fcvt.s.h", &[boxed16(0x3e00)]), s(1.5));
    assert_eq!(ff("fcvt.h.d", &[d(1e6)]), boxed16(0x7c00));
    assert_eq!(ff("fcvt.d.h", &[boxed16(0xbe00)]), d(-1.5));
    assert_eq!(ff("fcvt.d.s", &[d(1.5)]), NAN64);
    assert_eq!(ff("fcvt.bf16.s", &[s(-1.5)]), boxed16(0xbfc0));
    assert_eq!(ff("fcvt.s.bf16", &[boxed16(0xbfc0)]), s(-1.5));
    // The canonical NaN of binary16 would be a number here.
    assert_eq!(ff("fcvt.s.bf16", &[s(1.5)]), NAN32);
    assert_eq!(ff("fcvt.bf16.s", &[s(f32::NAN)]), boxed16(0x7fc0));
    assert_eq!(ff("fround.d", &[d(2.5)]), d(2.0));
    let inexact = Guest::new().with_f(&[s(2.5)]).run(word("froundnx.s", RS2, 4));
    assert_eq!((inexact.f(), inexact.flags()), (s(3.0), flags::NX));
}

#[test]
fn sign_injection() {
    for (name, different, same) in
        [("fsgnj.d", d(-1.0), d(1.0)), ("fsgnjn.d", d(1.0), d(-1.0)), ("fsgnjx.d", d(-1.0), d(1.0))]
    {
        assert_eq!(ff(name, &[d(1.0), d(-2.0)]), different, "{name}");
        assert_eq!(ff(name, &[d(1.0), d(2.0)]), same, "{name}");
    }
    assert_eq!(ff("fsgnjx.s", &[s(-1.0), s(-2.0)]), s(1.0));
    assert_eq!(ff("fsgnjn.h", &[boxed16(0x3c00), boxed16(0x4000)]), boxed16(0xbc00));
    // fmv, fneg and fabs. NaNs keep their payload, signalling ones too, and raise nothing.
    for value in [d(1.0), d(-1.0), 0xfff0_0000_0000_0001] {
        let one = |name| {
            let guest = Guest::new().with_f(&[value]).run(word(name, RS1, 0));
            assert_eq!(guest.flags(), 0);
            guest.f()
        };
        assert_eq!(one("fsgnj.d"), value);
        assert_eq!(one("fsgnjn.d"), value ^ 1 << 63);
        assert_eq!(one("fsgnjx.d"), value & !(1 << 63));
    }
    let negated = Guest::new().with_f(&[s(1.0)]).run(word("fsgnjn.s", RS1, 0));
    assert_eq!(negated.f(), s(-1.0));
}

#[test]
fn moves_take_raw_bits() {
    assert_eq!(fx("fmv.x.w", &[0x0123_4567_89ab_cdef]), 0xffff_ffff_89ab_cdef);
    assert_eq!(fx("fmv.x.h", &[0x0123_4567_89ab_cdef]), 0xffff_ffff_ffff_cdef);
    assert_eq!(fx("fmv.x.d", &[0x0123_4567_89ab_cdef]), 0x0123_4567_89ab_cdef);
    assert_eq!(xf("fmv.w.x", 0x0123_4567_7f80_0001), boxed32(0x7f80_0001));
    assert_eq!(xf("fmv.h.x", 0x0123_4567_89ab_7c01), boxed16(0x7c01));
    assert_eq!(xf("fmv.d.x", 0x7ff0_0000_0000_0001), 0x7ff0_0000_0000_0001);
}

#[test]
fn loads_box_and_stores_take_raw_bits() {
    let load = |name| {
        let mut guest = Guest::new();
        guest.memory.bytes[..8].copy_from_slice(&0x0123_4567_7f80_7c01_u64.to_le_bytes());
        guest.run(word(name, 0, 0)).f()
    };
    assert_eq!(load("flh"), boxed16(0x7c01));
    assert_eq!(load("flw"), boxed32(0x7f80_7c01));
    assert_eq!(load("fld"), 0x0123_4567_7f80_7c01);
    let store = |name| {
        let mut guest = Guest::new();
        guest.state.set(state::f(RS2 as u8).cell, 0x0123_4567_89ab_cdef);
        guest.memory.bytes[..8].fill(0);
        let guest = guest.run(word(name, RS2, 0));
        u64::from_le_bytes(guest.memory.bytes[..8].try_into().unwrap())
    };
    assert_eq!(store("fsh"), 0xcdef);
    assert_eq!(store("fsw"), 0x89ab_cdef);
    assert_eq!(store("fsd"), 0x0123_4567_89ab_cdef);
}

/// The numbers that the manual lists for `fli`; 1 is the smallest normal number of each format.
#[test]
fn immediates() {
    let ends = [-1.0, f64::NAN, 2f64.powi(-16), 2f64.powi(-15), 2f64.powi(-8), 2f64.powi(-7)];
    let middle = (0..22).map(|i| match i {
        0..2 => 0.0625 * 2f64.powi(i),
        2..14 => 0.25 * 2f64.powi((i - 2) / 4) * (1.0 + (i - 2) as f64 % 4.0 / 4.0),
        _ => [2.0, 2.5, 3.0, 4.0, 8.0, 16.0, 128.0, 256.0][i as usize - 14],
    });
    let all: Vec<f64> = ends.into_iter().chain(middle).chain([32768.0, 65536.0, f64::INFINITY]).collect();
    assert_eq!(all.len(), 31);
    let fli = |name: &str, index: u32| {
        let row = ROWS.iter().find(|row| row.name == name).unwrap();
        Guest::new().run(row.value | RD << 7 | index << 15).f()
    };
    for (index, &x) in all.iter().enumerate().filter(|(index, _)| *index != 1) {
        let index = index as u32;
        assert_eq!(fli("fli.d", index), d(x), "fli.d {index}");
        assert_eq!(fli("fli.s", index), s(x as f32), "fli.s {index}");
        let half = Guest::new().with_f(&[d(x)]).run(word("fcvt.h.d", 0, 0)).f();
        assert_eq!(fli("fli.h", index), half, "fli.h {index}");
    }
    assert_eq!(
        ["fli.h", "fli.s", "fli.d"].map(|name| fli(name, 1)),
        [boxed16(0x400), s(f32::MIN_POSITIVE), d(f64::MIN_POSITIVE)]
    );
    assert_eq!(["fli.h", "fli.s", "fli.d"].map(|name| fli(name, 31)), [NAN16, NAN32, NAN64]);
}
