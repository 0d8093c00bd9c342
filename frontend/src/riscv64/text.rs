//! Disassembly, in the syntax that Capstone and LLVM share.

use super::csr;
use super::format::Format;
use super::insn::Insn;
use super::table::row;

/// ABI names of the integer registers.
pub const X_NAMES: [&str; 32] = [
    "zero", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "s0", "s1", "a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "s2",
    "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6",
];

/// ABI names of the floating-point registers.
pub const F_NAMES: [&str; 32] = [
    "ft0", "ft1", "ft2", "ft3", "ft4", "ft5", "ft6", "ft7", "fs0", "fs1", "fa0", "fa1", "fa2", "fa3", "fa4", "fa5",
    "fa6", "fa7", "fs2", "fs3", "fs4", "fs5", "fs6", "fs7", "fs8", "fs9", "fs10", "fs11", "ft8", "ft9", "ft10", "ft11",
];

/// The constants of `fli`, as assemblers spell them (Zfa, "Load-Immediate Instructions").
const FLI: [&str; 32] = [
    "-1.0",
    "min",
    "1.52587890625e-05",
    "3.0517578125e-05",
    "0.00390625",
    "0.0078125",
    "0.0625",
    "0.125",
    "0.25",
    "0.3125",
    "0.375",
    "0.4375",
    "0.5",
    "0.625",
    "0.75",
    "0.875",
    "1.0",
    "1.25",
    "1.5",
    "1.75",
    "2.0",
    "2.5",
    "3.0",
    "4.0",
    "8.0",
    "16.0",
    "128.0",
    "256.0",
    "32768.0",
    "65536.0",
    "inf",
    "nan",
];

/// Another spelling of an instruction whose operands meet a condition.
struct Alias {
    name: &'static str,
    of: &'static str,
    when: fn(&Insn) -> bool,
    operands: &'static str,
}

macro_rules! aliases {
    ($($name:literal = $of:literal $operands:literal if |$i:ident| $when:expr;)*) => {
        const ALIASES: &[Alias] = &[$(Alias { name: $name, of: $of, when: |$i| $when, operands: $operands },)*];
    };
}

// The first that fits is used. The manual lists them in "RISC-V Assembly Programmer's Handbook" and with the hints.
aliases! {
    "nop" = "addi" "" if |i| i.rd == 0 && i.rs1 == 0 && i.imm == 0;
    "li" = "addi" "d, i" if |i| i.rs1 == 0;
    "mv" = "addi" "d, s" if |i| i.imm == 0;
    "not" = "xori" "d, s" if |i| i.imm == -1;
    "neg" = "sub" "d, t" if |i| i.rs1 == 0;
    "negw" = "subw" "d, t" if |i| i.rs1 == 0;
    "sext.w" = "addiw" "d, s" if |i| i.imm == 0;
    "zext.w" = "add.uw" "d, s" if |i| i.rs2 == 0;
    "seqz" = "sltiu" "d, s" if |i| i.imm == 1;
    "snez" = "sltu" "d, t" if |i| i.rs1 == 0;
    "sltz" = "slt" "d, s" if |i| i.rs2 == 0;
    "sgtz" = "slt" "d, t" if |i| i.rs1 == 0;
    "beqz" = "beq" "s, i" if |i| i.rs2 == 0;
    "bnez" = "bne" "s, i" if |i| i.rs2 == 0;
    "blez" = "bge" "t, i" if |i| i.rs1 == 0;
    "bgez" = "bge" "s, i" if |i| i.rs2 == 0;
    "bltz" = "blt" "s, i" if |i| i.rs2 == 0;
    "bgtz" = "blt" "t, i" if |i| i.rs1 == 0;
    "j" = "jal" "i" if |i| i.rd == 0;
    "jal" = "jal" "i" if |i| i.rd == 1;
    "ret" = "jalr" "" if |i| i.rd == 0 && i.rs1 == 1 && i.imm == 0;
    "jr" = "jalr" "s" if |i| i.rd == 0 && i.imm == 0;
    "jalr" = "jalr" "s" if |i| i.rd == 1 && i.imm == 0;
    "fmv.s" = "fsgnj.s" "D, S" if |i| i.rs1 == i.rs2;
    "fmv.d" = "fsgnj.d" "D, S" if |i| i.rs1 == i.rs2;
    "fmv.h" = "fsgnj.h" "D, S" if |i| i.rs1 == i.rs2;
    "fneg.s" = "fsgnjn.s" "D, S" if |i| i.rs1 == i.rs2;
    "fneg.d" = "fsgnjn.d" "D, S" if |i| i.rs1 == i.rs2;
    "fneg.h" = "fsgnjn.h" "D, S" if |i| i.rs1 == i.rs2;
    "fabs.s" = "fsgnjx.s" "D, S" if |i| i.rs1 == i.rs2;
    "fabs.d" = "fsgnjx.d" "D, S" if |i| i.rs1 == i.rs2;
    "fabs.h" = "fsgnjx.h" "D, S" if |i| i.rs1 == i.rs2;
    "rdcycle" = "csrrs" "d" if |i| i.rs1 == 0 && i.imm == csr::CYCLE;
    "rdtime" = "csrrs" "d" if |i| i.rs1 == 0 && i.imm == csr::TIME;
    "rdinstret" = "csrrs" "d" if |i| i.rs1 == 0 && i.imm == csr::INSTRET;
    "frflags" = "csrrs" "d" if |i| i.rs1 == 0 && i.imm == csr::FFLAGS;
    "frrm" = "csrrs" "d" if |i| i.rs1 == 0 && i.imm == csr::FRM;
    "frcsr" = "csrrs" "d" if |i| i.rs1 == 0 && i.imm == csr::FCSR;
    "fsflags" = "csrrw" "s" if |i| i.rd == 0 && i.imm == csr::FFLAGS;
    "fsrm" = "csrrw" "s" if |i| i.rd == 0 && i.imm == csr::FRM;
    "fscsr" = "csrrw" "s" if |i| i.rd == 0 && i.imm == csr::FCSR;
    "fsflags" = "csrrw" "d, s" if |i| i.imm == csr::FFLAGS;
    "fsrm" = "csrrw" "d, s" if |i| i.imm == csr::FRM;
    "fscsr" = "csrrw" "d, s" if |i| i.imm == csr::FCSR;
    "fsflagsi" = "csrrwi" "z" if |i| i.rd == 0 && i.imm == csr::FFLAGS;
    "fsrmi" = "csrrwi" "z" if |i| i.rd == 0 && i.imm == csr::FRM;
    "fsflagsi" = "csrrwi" "d, z" if |i| i.imm == csr::FFLAGS;
    "fsrmi" = "csrrwi" "d, z" if |i| i.imm == csr::FRM;
    "csrr" = "csrrs" "d, c" if |i| i.rs1 == 0;
    "csrw" = "csrrw" "c, s" if |i| i.rd == 0;
    "csrs" = "csrrs" "c, s" if |i| i.rd == 0;
    "csrc" = "csrrc" "c, s" if |i| i.rd == 0;
    "csrwi" = "csrrwi" "c, z" if |i| i.rd == 0;
    "csrsi" = "csrrsi" "c, z" if |i| i.rd == 0;
    "csrci" = "csrrci" "c, z" if |i| i.rd == 0;
    "pause" = "fence" "" if |i| i.imm == 0x010 && i.rd == 0 && i.rs1 == 0;
    "fence.tso" = "fence" "" if |i| i.imm & 0xfff == 0x833;
    "fence" = "fence" "" if |i| i.imm == 0x0ff;
    "ntl.p1" = "add" "" if |i| i.rd == 0 && i.rs1 == 0 && i.rs2 == 2;
    "ntl.pall" = "add" "" if |i| i.rd == 0 && i.rs1 == 0 && i.rs2 == 3;
    "ntl.s1" = "add" "" if |i| i.rd == 0 && i.rs1 == 0 && i.rs2 == 4;
    "ntl.all" = "add" "" if |i| i.rd == 0 && i.rs1 == 0 && i.rs2 == 5;
    "c.ntl.p1" = "c.add" "" if |i| i.rd == 0 && i.rs2 == 2;
    "c.ntl.pall" = "c.add" "" if |i| i.rd == 0 && i.rs2 == 3;
    "c.ntl.s1" = "c.add" "" if |i| i.rd == 0 && i.rs2 == 4;
    "c.ntl.all" = "c.add" "" if |i| i.rd == 0 && i.rs2 == 5;
    "prefetch.i" = "ori" "p(s)" if |i| i.rd == 0 && i.imm & 31 == 0;
    "prefetch.r" = "ori" "p(s)" if |i| i.rd == 0 && i.imm & 31 == 1;
    "prefetch.w" = "ori" "p(s)" if |i| i.rd == 0 && i.imm & 31 == 3;
}

/// The instruction as an assembler writes it, with pseudo-instructions where the operands allow them. Branch targets
/// are offsets from the instruction.
pub fn text(insn: &Insn) -> String {
    let Some(row) = row(insn.op) else {
        return "illegal".to_string();
    };
    let alias = ALIASES.iter().find(|a| a.of == row.name && (a.when)(insn));
    let (name, template) = alias.map_or((row.name, row.format.operands()), |a| (a.name, a.operands));
    let mut out = name.to_string() + &suffix(row.format, insn);
    let operands = operands(template, insn);
    if !operands.is_empty() {
        out.push(' ');
        out.push_str(&operands);
    }
    out
}

/// What stands after the name in some formats: ordering of atomics, number of a may-be-operation.
fn suffix(format: Format, insn: &Insn) -> String {
    match format {
        Format::Amo | Format::Lr => ["", ".rl", ".aq", ".aqrl"][insn.rm as usize & 3].to_string(),
        Format::Mop | Format::MopRR | Format::CMop => format!(".{}", insn.imm),
        _ => String::new(),
    }
}

/// Fills a template of operands; see `format.rs` for the letters.
fn operands(template: &str, insn: &Insn) -> String {
    let mut out = String::new();
    for letter in template.chars() {
        match letter {
            'd' => out.push_str(x(insn.rd)),
            's' => out.push_str(x(insn.rs1)),
            't' => out.push_str(x(insn.rs2)),
            'D' => out.push_str(f(insn.rd)),
            'S' => out.push_str(f(insn.rs1)),
            'T' => out.push_str(f(insn.rs2)),
            'U' => out.push_str(f(insn.rs3)),
            'i' => out.push_str(&number(insn.imm)),
            'p' => out.push_str(&number(insn.imm & !31)),
            'x' => out.push_str(&number(insn.imm >> 12 & 0xf_ffff)),
            'c' => out.push_str(&csr::name(insn.imm).map_or_else(|| number(insn.imm), str::to_string)),
            'z' => out.push_str(&number(insn.rs1 as i32)),
            'f' => out.push_str(&format!("{}, {}", accesses(insn.imm >> 4), accesses(insn.imm))),
            'l' => out.push_str(FLI[insn.rs1 as usize & 31]),
            'm' => out.push_str(mode(insn.rm, 7)),
            'e' => out.push_str(mode(insn.rm, 0)),
            other => out.push(other),
        }
    }
    out
}

fn x(n: u8) -> &'static str {
    X_NAMES[n as usize & 31]
}

fn f(n: u8) -> &'static str {
    F_NAMES[n as usize & 31]
}

/// Decimal up to 9, hexadecimal above.
fn number(v: i32) -> String {
    match v {
        -9..=9 => v.to_string(),
        10.. => format!("{v:#x}"),
        ..-9 => format!("-{:#x}", v.unsigned_abs()),
    }
}

/// A rounding mode, after a comma; the mode that assemblers assume is left out.
fn mode(rm: u8, assumed: u8) -> &'static str {
    if rm == assumed {
        return "";
    }
    [", rne", ", rtz", ", rdn", ", rup", ", rmm", ", 5", ", 6", ", dyn"][rm as usize & 7]
}

/// The set of accesses that one side of a fence orders.
fn accesses(bits: i32) -> String {
    let set: String = "iorw".chars().zip([8, 4, 2, 1]).filter(|(_, bit)| bits & bit != 0).map(|(c, _)| c).collect();
    if set.is_empty() { "0".to_string() } else { set }
}
