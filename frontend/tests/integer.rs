//! Bodies of the integer, atomic, bit-manipulation and CSR instructions, from the word to the state: each is encoded from
//! its row, lifted and interpreted, and the result is held against the manual's definition written out here in plain
//! Rust.

use mynah_frontend::riscv64::{Cpu, Format, Insn, ROWS, body, lift, state};
use mynah_ir::interp::{self, Exit, Fault};
use mynah_ir::testing::{Rng, TestMemory};
use mynah_ir::{Block, Hint, Order, State, Terminal, TrapKind};

const PC: u64 = 0x1_0000;
const RD: u32 = 10;
const RS1: u32 = 11;
const RS2: u32 = 12;

/// The word of a 32-bit instruction; a row's fixed bits win over the fields.
fn encode(name: &str, fields: u32) -> u32 {
    let row = ROWS.iter().find(|row| row.name == name).unwrap_or_else(|| panic!("no row {name}"));
    row.value | fields & !row.mask
}

/// The word with the registers above, and the immediate where the row's format has it (bits 31 to 20).
fn word(name: &str, imm: u32) -> u32 {
    let row = ROWS.iter().find(|row| row.name == name).unwrap_or_else(|| panic!("no row {name}"));
    let upper = if row.format.layout().contains('t') { RS2 << 20 } else { imm << 20 };
    encode(name, upper | RS1 << 15 | RD << 7)
}

fn lift_one(word: u32) -> Block {
    lift(PC, &mut |addr| Some((word >> ((addr - PC) * 8)) as u16), &Cpu::default(), 1)
}

/// A guest before or after one instruction: `x10` holds garbage, `x11` and `x12` the operands.
struct Guest {
    state: State,
    memory: TestMemory,
}

impl Guest {
    fn new(rs1: u64, rs2: u64) -> Guest {
        let mut guest = Guest { state: State::default(), memory: TestMemory::new(1) };
        guest.set(RD, 0x5555_aaaa_1234_9876);
        guest.set(RS1, rs1);
        guest.set(RS2, rs2);
        guest
    }

    fn set(&mut self, n: u32, value: u64) {
        self.state.set(state::x(n as u8).cell, value);
    }

    fn get(&self, n: u32) -> u64 {
        self.state.get(state::x(n as u8).cell)
    }

    fn try_run(&mut self, word: u32) -> Result<Exit, Fault> {
        interp::run(&lift_one(word), &mut self.state, &mut self.memory)
    }

    fn run(&mut self, word: u32) -> u64 {
        assert_eq!(self.try_run(word), Ok(Exit::Next), "{word:08x}");
        self.get(RD)
    }

    /// The first bytes of memory.
    fn memory(&self) -> u64 {
        u64::from_le_bytes(self.memory.bytes[..8].try_into().expect("eight bytes"))
    }

    fn set_memory(&mut self, value: u64) {
        self.memory.bytes[..8].copy_from_slice(&value.to_le_bytes());
    }
}

/// Sign-extends a word.
fn sw(x: u32) -> u64 {
    x as i32 as i64 as u64
}

type Binary = (&'static str, fn(u64, u64) -> u64);
type Unary = (&'static str, fn(u64) -> u64);

fn signed_div(x: i128, y: i128) -> u64 {
    if y == 0 { u64::MAX } else { (x / y) as u64 }
}
fn signed_rem(x: i128, y: i128) -> u64 {
    if y == 0 { x as u64 } else { (x % y) as u64 }
}

/// Bit `i` of the 128-bit carry-less product is the parity of all x[j] & y[i - j].
fn carryless(x: u64, y: u64) -> u128 {
    (0..64).fold(0, |p, i| if y >> i & 1 != 0 { p ^ (x as u128) << i } else { p })
}

fn permute(x: u64, y: u64, width: u32) -> u64 {
    (0..64 / width).fold(0, |r, i| {
        let index = y >> (i * width) & ((1 << width) - 1);
        let found = if index < 64 / width as u64 { x >> (index as u32 * width) & ((1 << width) - 1) } else { 0 };
        r | found << (i * width)
    })
}

const REGISTER_REGISTER: &[Binary] = &[
    ("add", |x, y| x.wrapping_add(y)),
    ("sub", |x, y| x.wrapping_sub(y)),
    ("sll", |x, y| x << (y % 64)),
    ("slt", |x, y| ((x as i64) < y as i64) as u64),
    ("sltu", |x, y| (x < y) as u64),
    ("xor", |x, y| x ^ y),
    ("srl", |x, y| x >> (y % 64)),
    ("sra", |x, y| (x as i64 >> (y % 64)) as u64),
    ("or", |x, y| x | y),
    ("and", |x, y| x & y),
    ("addw", |x, y| sw((x as u32).wrapping_add(y as u32))),
    ("subw", |x, y| sw((x as u32).wrapping_sub(y as u32))),
    ("sllw", |x, y| sw((x as u32) << (y % 32))),
    ("srlw", |x, y| sw(x as u32 >> (y % 32))),
    ("sraw", |x, y| sw((x as i32 >> (y % 32)) as u32)),
    ("mul", |x, y| (x as u128 * y as u128) as u64),
    ("mulh", |x, y| ((x as i64 as i128 * y as i64 as i128) >> 64) as u64),
    ("mulhsu", |x, y| ((x as i64 as i128).wrapping_mul(y as i128) >> 64) as u64),
    ("mulhu", |x, y| ((x as u128 * y as u128) >> 64) as u64),
    ("div", |x, y| signed_div(x as i64 as i128, y as i64 as i128)),
    ("divu", |x, y| x.checked_div(y).unwrap_or(u64::MAX)),
    ("rem", |x, y| signed_rem(x as i64 as i128, y as i64 as i128)),
    ("remu", |x, y| if y == 0 { x } else { x % y }),
    ("mulw", |x, y| sw((x as u32).wrapping_mul(y as u32))),
    ("divw", |x, y| sw(signed_div(x as i32 as i128, y as i32 as i128) as u32)),
    ("divuw", |x, y| sw((x as u32).checked_div(y as u32).unwrap_or(u32::MAX))),
    ("remw", |x, y| sw(signed_rem(x as i32 as i128, y as i32 as i128) as u32)),
    ("remuw", |x, y| if y as u32 == 0 { sw(x as u32) } else { sw(x as u32 % y as u32) }),
    ("czero.eqz", |x, y| if y == 0 { 0 } else { x }),
    ("czero.nez", |x, y| if y != 0 { 0 } else { x }),
    ("add.uw", |x, y| (x as u32 as u64).wrapping_add(y)),
    ("sh1add", |x, y| (x << 1).wrapping_add(y)),
    ("sh2add", |x, y| (x << 2).wrapping_add(y)),
    ("sh3add", |x, y| (x << 3).wrapping_add(y)),
    ("sh1add.uw", |x, y| ((x as u32 as u64) << 1).wrapping_add(y)),
    ("sh2add.uw", |x, y| ((x as u32 as u64) << 2).wrapping_add(y)),
    ("sh3add.uw", |x, y| ((x as u32 as u64) << 3).wrapping_add(y)),
    ("andn", |x, y| x & !y),
    ("orn", |x, y| x | !y),
    ("xnor", |x, y| !(x ^ y)),
    ("max", |x, y| (x as i64).max(y as i64) as u64),
    ("maxu", |x, y| x.max(y)),
    ("min", |x, y| (x as i64).min(y as i64) as u64),
    ("minu", |x, y| x.min(y)),
    ("rol", |x, y| x.rotate_left(y as u32 % 64)),
    ("ror", |x, y| x.rotate_right(y as u32 % 64)),
    ("rolw", |x, y| sw((x as u32).rotate_left(y as u32 % 32))),
    ("rorw", |x, y| sw((x as u32).rotate_right(y as u32 % 32))),
    ("pack", |x, y| x as u32 as u64 | y << 32),
    ("packh", |x, y| x & 0xff | (y & 0xff) << 8),
    ("packw", |x, y| sw(x as u16 as u32 | (y as u32) << 16)),
    ("clmul", |x, y| carryless(x, y) as u64),
    ("clmulh", |x, y| (carryless(x, y) >> 64) as u64),
    ("clmulr", |x, y| (carryless(x, y) >> 63) as u64),
    ("xperm4", |x, y| permute(x, y, 4)),
    ("xperm8", |x, y| permute(x, y, 8)),
    ("bclr", |x, y| x & !(1 << (y % 64))),
    ("bext", |x, y| x >> (y % 64) & 1),
    ("binv", |x, y| x ^ 1 << (y % 64)),
    ("bset", |x, y| x | 1 << (y % 64)),
    ("mop.rr", |_, _| 0),
];

/// The second operand is the sign-extended 12-bit immediate.
const IMMEDIATE: &[Binary] = &[
    ("addi", |x, y| x.wrapping_add(y)),
    ("slti", |x, y| ((x as i64) < y as i64) as u64),
    ("sltiu", |x, y| (x < y) as u64),
    ("xori", |x, y| x ^ y),
    ("ori", |x, y| x | y),
    ("andi", |x, y| x & y),
    ("addiw", |x, y| sw((x as u32).wrapping_add(y as u32))),
];

/// The second operand is the shift amount; those of the word forms are taken modulo 32 by the encoding.
const SHIFT: &[Binary] = &[
    ("slli", |x, y| x << y),
    ("srli", |x, y| x >> y),
    ("srai", |x, y| (x as i64 >> y) as u64),
    ("slliw", |x, y| sw((x as u32) << (y % 32))),
    ("srliw", |x, y| sw(x as u32 >> (y % 32))),
    ("sraiw", |x, y| sw((x as i32 >> (y % 32)) as u32)),
    ("slli.uw", |x, y| (x as u32 as u64) << y),
    ("rori", |x, y| x.rotate_right(y as u32)),
    ("roriw", |x, y| sw((x as u32).rotate_right(y as u32 % 32))),
    ("bclri", |x, y| x & !(1 << y)),
    ("bexti", |x, y| x >> y & 1),
    ("binvi", |x, y| x ^ 1 << y),
    ("bseti", |x, y| x | 1 << y),
];

const UNARY: &[Unary] = &[
    ("clz", |x| x.leading_zeros() as u64),
    ("ctz", |x| x.trailing_zeros() as u64),
    ("cpop", |x| x.count_ones() as u64),
    ("clzw", |x| (x as u32).leading_zeros() as u64),
    ("ctzw", |x| (x as u32).trailing_zeros() as u64),
    ("cpopw", |x| (x as u32).count_ones() as u64),
    ("sext.b", |x| x as i8 as u64),
    ("sext.h", |x| x as i16 as u64),
    ("zext.h", |x| x as u16 as u64),
    ("orc.b", |x| u64::from_le_bytes(x.to_le_bytes().map(|b| if b == 0 { 0 } else { 0xff }))),
    ("rev8", |x| x.swap_bytes()),
    ("brev8", |x| u64::from_le_bytes(x.to_le_bytes().map(u8::reverse_bits))),
    ("mop.r", |_| 0),
    ("sha256sum0", |x| sw((x as u32).rotate_right(2) ^ (x as u32).rotate_right(13) ^ (x as u32).rotate_right(22))),
    ("sha256sum1", |x| sw((x as u32).rotate_right(6) ^ (x as u32).rotate_right(11) ^ (x as u32).rotate_right(25))),
    ("sha256sig0", |x| sw((x as u32).rotate_right(7) ^ (x as u32).rotate_right(18) ^ x as u32 >> 3)),
    ("sha256sig1", |x| sw((x as u32).rotate_right(17) ^ (x as u32).rotate_right(19) ^ x as u32 >> 10)),
    ("sha512sum0", |x| x.rotate_right(28) ^ x.rotate_right(34) ^ x.rotate_right(39)),
    ("sha512sum1", |x| x.rotate_right(14) ^ x.rotate_right(18) ^ x.rotate_right(41)),
    ("sha512sig0", |x| x.rotate_right(1) ^ x.rotate_right(8) ^ x >> 7),
    ("sha512sig1", |x| x.rotate_right(19) ^ x.rotate_right(61) ^ x >> 6),
    ("sm3p0", |x| sw(x as u32 ^ (x as u32).rotate_left(9) ^ (x as u32).rotate_left(17))),
    ("sm3p1", |x| sw(x as u32 ^ (x as u32).rotate_left(15) ^ (x as u32).rotate_left(23))),
];

/// Pairs of values, many of them at edges.
fn operands() -> impl Iterator<Item = (u64, u64)> {
    let mut rng = Rng::new(7);
    (0..400).map(move |_| (rng.interesting(), rng.interesting()))
}

#[test]
fn register_operations() {
    for &(name, f) in REGISTER_REGISTER {
        for (x, y) in operands() {
            assert_eq!(Guest::new(x, y).run(word(name, 0)), f(x, y), "{name} {x:#x} {y:#x}");
        }
    }
}

#[test]
fn unary_operations() {
    for &(name, f) in UNARY {
        for (x, _) in operands() {
            assert_eq!(Guest::new(x, 0).run(word(name, 0)), f(x), "{name} {x:#x}");
        }
    }
}

#[test]
fn immediate_operations() {
    for &(name, f) in IMMEDIATE {
        for (x, y) in operands() {
            let imm = (y as i64) << 52 >> 52;
            assert_eq!(Guest::new(x, 0).run(word(name, imm as u32)), f(x, imm as u64), "{name} {x:#x} {imm}");
        }
    }
}

#[test]
fn shifts_by_immediates() {
    for &(name, f) in SHIFT {
        for (x, _) in operands() {
            for amount in [0, 1, 5, 31, 32, 33, 63] {
                assert_eq!(Guest::new(x, 0).run(word(name, amount)), f(x, amount as u64), "{name} {x:#x} {amount}");
            }
        }
    }
}

/// No row that computes on integer registers is left out above.
#[test]
fn every_integer_row_is_tested() {
    let tested = |name: &str| {
        [REGISTER_REGISTER, IMMEDIATE, SHIFT].iter().any(|t| t.iter().any(|r| r.0 == name))
            || UNARY.iter().any(|r| r.0 == name)
            // The IR's own tests hold these ops to the standards' tables.
            || name.starts_with("aes64")
            || name.starts_with("sm4")
    };
    let formats = [Format::R, Format::Unary, Format::I, Format::Shift, Format::Mop, Format::MopRR, Format::Select];
    for row in ROWS.iter().filter(|r| formats.contains(&r.format)) {
        assert!(tested(row.name), "{} has no test", row.name);
    }
}

#[test]
fn the_zero_register_stays_zero() {
    let mut guest = Guest::new(5, 6);
    assert_eq!(guest.run(encode("add", RS2 << 20 | RS1 << 15)), 0x5555_aaaa_1234_9876);
    assert_eq!(guest.get(0), 0);
    assert_eq!(guest.run(encode("add", RS2 << 20 | RD << 7)), 6, "x0 reads as 0");
}

#[test]
fn upper_immediates() {
    assert_eq!(Guest::new(0, 0).run(encode("lui", 0x8000_0000 | RD << 7)), 0xffff_ffff_8000_0000);
    assert_eq!(Guest::new(0, 0).run(encode("auipc", 0xffff_f000 | RD << 7)), PC - 0x1000);
    assert_eq!(Guest::new(0, 0).run(encode("auipc", 0x7fff_f000 | RD << 7)), PC + 0x7fff_f000);
}

#[test]
fn loads_extend_and_stores_keep_their_neighbours() {
    const V: u64 = 0x8182_8384_8586_8788;
    let loads: [(&str, u64); 7] = [
        ("lb", 0xffff_ffff_ffff_ff88),
        ("lh", 0xffff_ffff_ffff_8788),
        ("lw", 0xffff_ffff_8586_8788),
        ("ld", V),
        ("lbu", 0x88),
        ("lhu", 0x8788),
        ("lwu", 0x8586_8788),
    ];
    for (name, expected) in loads {
        let mut guest = Guest::new(TestMemory::BASE + 16, 0);
        guest.set_memory(V);
        assert_eq!(guest.run(word(name, -16i32 as u32)), expected, "{name}");
    }
    for (name, bytes) in [("sb", 1), ("sh", 2), ("sw", 4), ("sd", 8)] {
        let mut guest = Guest::new(TestMemory::BASE - 4, V);
        guest.set_memory(0);
        guest.run(encode(name, RS2 << 20 | RS1 << 15 | 4 << 7));
        assert_eq!(guest.memory(), V & (u64::MAX >> (64 - 8 * bytes)), "{name}");
    }
}

#[test]
fn faults_leave_the_state_alone() {
    for name in ["ld", "lr.d", "sc.d", "amoadd.w", "amocas.d", "cbo.zero", "sd"] {
        let mut guest = Guest::new(0x10, 1);
        // A store-conditional only reaches memory while its reservation holds.
        guest.state.set(state::RES_ADDR.cell, 0x10);
        let before = guest.state.cells;
        let fault = guest.try_run(encode(name, RS2 << 20 | RS1 << 15 | RD << 7));
        assert!(matches!(fault, Err(Fault::Memory { pc: PC, .. })), "{name}: {fault:?}");
        guest.state.set_pc(0);
        assert_eq!(guest.state.cells, before, "{name}");
    }
}

#[test]
fn cbo_zero_clears_its_block() {
    let mut guest = Guest::new(TestMemory::BASE + 64 + 13, 0);
    let before = guest.memory.bytes.clone();
    guest.run(encode("cbo.zero", RS1 << 15));
    assert_eq!(guest.memory.bytes[64..128], [0; 64]);
    assert_eq!((&guest.memory.bytes[..64], &guest.memory.bytes[128..]), (&before[..64], &before[128..]));
}

/// What a compare-and-swap or a read-modify-write of each width leaves in rd and in memory.
#[test]
fn atomics_give_the_old_value_and_store_the_new() {
    type Update = fn(i64, i64) -> i64;
    let updates: [(&str, Update); 9] = [
        ("amoswap", |_, y| y),
        ("amoadd", |x, y| x.wrapping_add(y)),
        ("amoxor", |x, y| x ^ y),
        ("amoand", |x, y| x & y),
        ("amoor", |x, y| x | y),
        ("amomin", |x, y| x.min(y)),
        ("amomax", |x, y| x.max(y)),
        ("amominu", |x, y| (x as u64).min(y as u64) as i64),
        ("amomaxu", |x, y| (x as u64).max(y as u64) as i64),
    ];
    for (bits, suffix) in [(8, "b"), (16, "h"), (32, "w"), (64, "d")] {
        let mask = u64::MAX >> (64 - bits);
        // Sign extension keeps the order of signed and unsigned values alike.
        let extend = |v: u64| (v << (64 - bits)) as i64 >> (64 - bits);
        for (old, value) in operands() {
            for (name, update) in updates {
                let mut guest = Guest::new(TestMemory::BASE, value);
                guest.set_memory(old);
                let rd = guest.run(word(&format!("{name}.{suffix}"), 0));
                assert_eq!(rd as i64, extend(old), "{name}.{suffix}");
                let new = update(extend(old), extend(value)) as u64 & mask | old & !mask;
                assert_eq!(guest.memory(), new, "{name}.{suffix} {old:#x} {value:#x}");
            }
            for matches in [true, false] {
                let mut guest = Guest::new(TestMemory::BASE, value);
                guest.set_memory(old);
                guest.set(RD, if matches { old } else { !old });
                let rd = guest.run(word(&format!("amocas.{suffix}"), 0));
                assert_eq!(rd as i64, extend(old));
                assert_eq!(guest.memory(), if matches { value & mask | old & !mask } else { old });
            }
        }
    }
}

#[test]
fn reservations() {
    for (suffix, mask) in [("w", u32::MAX as u64), ("d", u64::MAX)] {
        let (lr, sc) = (encode(&format!("lr.{suffix}"), RS1 << 15 | RD << 7), word(&format!("sc.{suffix}"), 0));
        let old = 0x8182_8384_8586_8788;
        let mut guest = Guest::new(TestMemory::BASE, 42);
        guest.set_memory(old);
        assert_eq!(guest.run(sc), 1, "no reservation yet");
        let loaded = guest.run(lr);
        assert_eq!(loaded, if suffix == "w" { sw(old as u32) } else { old });
        assert_eq!((guest.run(sc), guest.memory()), (0, 42 | old & !mask));
        assert_eq!(guest.run(sc), 1, "the reservation is used up");
        guest.run(lr);
        guest.set_memory(7);
        assert_eq!((guest.run(sc), guest.memory()), (1, 7), "somebody else has written");
    }
}

/// Checks how a jump ends a block, and what it writes.
#[test]
fn jumps_tell_calls_from_returns() {
    let jal = |rd: u32| lift_one(encode("jal", 8 << 20 | rd << 7)).terminal;
    assert_eq!(jal(0), Terminal::Jump { target: PC + 8 });
    assert_eq!(jal(1), Terminal::Call { target: PC + 8, ret: PC + 4 });
    assert_eq!(jal(5), Terminal::Call { target: PC + 8, ret: PC + 4 });
    assert_eq!(jal(10), Terminal::Jump { target: PC + 8 });

    let hint = |rd: u32, rs1: u32| match lift_one(encode("jalr", rs1 << 15 | rd << 7)).terminal {
        Terminal::Indirect { hint, .. } => hint,
        other => panic!("{other:?}"),
    };
    assert_eq!(hint(0, 1), Hint::Return);
    assert_eq!(hint(0, 5), Hint::Return);
    assert_eq!(hint(0, 10), Hint::Other);
    assert_eq!(hint(1, 10), Hint::Call { ret: PC + 4 });
    assert_eq!(hint(1, 1), Hint::Call { ret: PC + 4 });

    let mut guest = Guest::new(0x1235, 0);
    guest.set(1, 0x2001);
    // jalr ra, 2(ra): the target is taken before ra is written, and its lowest bit is dropped.
    guest.run(encode("jalr", 2 << 20 | 1 << 15 | 1 << 7));
    assert_eq!((guest.state.pc(), guest.get(1)), (0x2002, PC + 4));
}

#[test]
fn compressed_jumps_link_or_not() {
    let mut guest = Guest::new(0x1234, 0);
    guest.set(1, 1);
    guest.run(0x8582); // c.jr a1
    assert_eq!((guest.state.pc(), guest.get(1)), (0x1234, 1));
    guest.run(0x9582); // c.jalr a1
    assert_eq!((guest.state.pc(), guest.get(1)), (0x1234, PC + 2));
}

#[test]
fn branches_compare_as_named() {
    type Condition = fn(u64, u64) -> bool;
    let table: [(&str, Condition); 6] = [
        ("beq", |x, y| x == y),
        ("bne", |x, y| x != y),
        ("blt", |x, y| (x as i64) < y as i64),
        ("bge", |x, y| x as i64 >= y as i64),
        ("bltu", |x, y| x < y),
        ("bgeu", |x, y| x >= y),
    ];
    for (name, taken) in table {
        for (x, y) in operands().flat_map(|(x, y)| [(x, y), (x, x)]) {
            let mut guest = Guest::new(x, y);
            guest.run(encode(name, RS2 << 20 | RS1 << 15 | 16 << 7));
            assert_eq!(guest.state.pc(), if taken(x, y) { PC + 16 } else { PC + 4 }, "{name} {x:#x} {y:#x}");
        }
    }
}

#[test]
fn fences_order_what_they_say() {
    let order = |imm: u32| {
        let mut guest = Guest::new(0, 0);
        guest.run(encode("fence", imm << 20));
        guest.memory.fences[0]
    };
    assert_eq!(order(0x0ff), Order::Full, "iorw, iorw");
    assert_eq!(order(0x012), Order::Full, "w, r");
    assert_eq!(order(0x023), Order::Light, "r, rw");
    assert_eq!(order(0x031), Order::Light, "rw, w");
    assert_eq!(order(0x833), Order::Light, "tso");
    assert_eq!(order(0x010), Order::Light, "pause");
}

#[test]
fn traps_and_calls() {
    let terminal = |name| lift_one(encode(name, 0)).terminal;
    assert_eq!(terminal("ecall"), Terminal::Syscall { pc: PC, next: PC + 4 });
    assert_eq!(terminal("ebreak"), Terminal::Trap { pc: PC, kind: TrapKind::Breakpoint });
    assert_eq!(terminal("fence.i"), Terminal::Trap { pc: PC, kind: TrapKind::CodeChanged });
}

/// CSR number in the immediate, source in rs1's field; executed through the body, as tier 0 does with most of them.
fn csr(name: &str, number: i32, rs1: u8, guest: &mut Guest) -> u64 {
    let op = ROWS.iter().position(|r| r.name == name).expect("a row") as u16;
    let insn = Insn { pc: PC, imm: number, op, rd: RD as u8, rs1, rs2: 0, rs3: 0, rm: 0, len: 4 };
    let mut b = mynah_ir::BlockBuilder::new(PC);
    b.mark(PC, 4);
    body(op)(&mut b, &insn).expect("the builder does not fail");
    assert_eq!(interp::run(&b.finish(), &mut guest.state, &mut guest.memory), Ok(Exit::Next));
    guest.get(RD)
}

#[test]
fn floating_point_csrs() {
    const FFLAGS: i32 = 1;
    const FRM: i32 = 2;
    const FCSR: i32 = 3;
    let flags_and_mode = |g: &Guest| (g.state.get(state::FFLAGS.cell), g.state.get(state::FRM.cell));
    let mut guest = Guest::new(!0, 0);
    assert_eq!(csr("csrrw", FCSR, RS1 as u8, &mut guest), 0);
    assert_eq!(flags_and_mode(&guest), (0x1f, 7), "bits 31 to 8 are not kept");
    assert_eq!(csr("csrrwi", FRM, 2, &mut guest), 7);
    assert_eq!(csr("csrrci", FFLAGS, 0x11, &mut guest), 0x1f);
    assert_eq!(flags_and_mode(&guest), (0x0e, 2));
    assert_eq!(csr("csrrsi", FFLAGS, 1, &mut guest), 0x0e);
    assert_eq!(csr("csrrs", FCSR, 0, &mut guest), 0x4f);
    assert_eq!(flags_and_mode(&guest), (0x0f, 2));
    guest.set(RS1, 0x24);
    assert_eq!(csr("csrrc", FCSR, RS1 as u8, &mut guest), 0x4f);
    assert_eq!(flags_and_mode(&guest), (0x0b, 2));
    assert_eq!(csr("csrrw", FFLAGS, RS1 as u8, &mut guest), 0x0b);
    assert_eq!(flags_and_mode(&guest), (0x04, 2));
}

#[test]
fn counters() {
    let mut guest = Guest::new(0, 0);
    guest.memory.ticks = 1000;
    assert_eq!(guest.run(encode("rdtime", RD << 7)), 1000);
    assert_eq!(guest.run(encode("rdcycle", RD << 7)), 1001);
    assert_eq!(guest.run(encode("rdinstret", RD << 7)), 1002);
    assert_eq!(guest.run(encode("rdhpmcounter3", RD << 7)), 0);
}
