//! IR as text. [`crate::parser`] reads what is written here, and for every legal block gives back the same block.
//!
//! ```text
//! block 0x10450..0x10458 {
//! @0x10450 +4
//!   v0: i64 = get cell10
//!   v1: i64 = iconst 16
//!   v2: i64 = add v0, v1
//!   set cell10, v2
//! @0x10454 +4
//!   v4: f64 = load v2 - 8
//!   store v2 + 8, v4
//!   jump 0x10458
//! }
//! ```
//!
//! A value's number is the index of its instruction, so instructions without a value leave gaps. Types that follow
//! from the arguments (of comparisons, stores, slots written and conversions' sources) are not written. `;` begins a
//! comment.

use std::fmt::{self, Display, Formatter};

use crate::block::{Block, Inst, Region, Terminal, Value};
use crate::build::Hint;
use crate::eval::signed;
use crate::ops::{Op, Shape};
use crate::types::{AtomicKind, Counter, Order, Rm, Type};

/// Names of state cells, indexed by cell. A cell beyond the end or with an empty name is written `cell<n>`.
///
/// The IR knows no guest; a frontend passes its own table.
pub type Names<'a> = &'a [&'a str];

/// Constants with a magnitude up to this are written in decimal.
const DECIMAL: i64 = 4096;

/// Something as text, with names for cells.
pub struct Text<'a, T> {
    what: &'a T,
    names: Names<'a>,
}

impl Block {
    /// The block as text with cells named by `names`.
    pub fn text<'a>(&'a self, names: Names<'a>) -> Text<'a, Block> {
        Text { what: self, names }
    }
}

impl Region {
    /// The region as text with cells named by `names`.
    pub fn text<'a>(&'a self, names: Names<'a>) -> Text<'a, Region> {
        Text { what: self, names }
    }
}

impl Display for Block {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.text(&[]).fmt(f)
    }
}

impl Display for Region {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.text(&[]).fmt(f)
    }
}

impl Display for Text<'_, Region> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.what.blocks.iter().try_for_each(|block| block.text(self.names).fmt(f))
    }
}

impl Display for Text<'_, Block> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let block = self.what;
        writeln!(f, "block {:#x}..{:#x} {{", block.pc, block.end)?;
        let mut marks = block.marks.iter().peekable();
        for index in 0..=block.insts.len() {
            while let Some(mark) = marks.next_if(|mark| mark.inst as usize <= index) {
                writeln!(f, "@{:#x} +{}", mark.pc, mark.len)?;
            }
            if let Some(inst) = block.insts.get(index) {
                f.write_str("  ")?;
                write_inst(f, index, inst, self.names)?;
                f.write_str("\n")?;
            }
        }
        writeln!(f, "  {}\n}}", block.terminal)
    }
}

impl Display for Value {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if *self == Value::NONE { f.write_str("v?") } else { write!(f, "v{}", self.0) }
    }
}

impl Display for Terminal {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match *self {
            Terminal::Jump { target } => write!(f, "jump {target:#x}"),
            Terminal::Call { target, ret } => write!(f, "call {target:#x}, {ret:#x}"),
            Terminal::Branch { cond, taken, not_taken } => write!(f, "branch {cond}, {taken:#x}, {not_taken:#x}"),
            Terminal::Indirect { target, hint: Hint::Call { ret } } => write!(f, "indirect {target}, call {ret:#x}"),
            Terminal::Indirect { target, hint: Hint::Return } => write!(f, "indirect {target}, return"),
            Terminal::Indirect { target, hint: Hint::Other } => write!(f, "indirect {target}, other"),
            Terminal::Syscall { pc, next } => write!(f, "syscall {pc:#x}, {next:#x}"),
            Terminal::Trap { pc, kind } => write!(f, "trap {pc:#x}, {}", kind.name()),
            Terminal::Interpret { pc } => write!(f, "interpret {pc:#x}"),
        }
    }
}

/// Writes one instruction without indentation or line end.
fn write_inst(f: &mut Formatter<'_>, index: usize, inst: &Inst, names: Names<'_>) -> fmt::Result {
    let result = inst.result();
    if result != Type::Void {
        write!(f, "v{index}: {} = ", result.name())?;
    }
    f.write_str(inst.op.name())?;
    match inst.op {
        Op::Iconst => write_constant(f, inst),
        Op::Gaddr => write!(f, " {:#x}", inst.imm),
        Op::Get => write_cell(f, inst.imm, names),
        Op::Set => {
            write_cell(f, inst.imm, names)?;
            write!(f, ", {}", inst.args[0])
        }
        Op::Load | Op::Store => write_access(f, inst),
        Op::AtomicRmw => {
            write_choice(f, " ", AtomicKind::from_bits(inst.imm as u8).map(AtomicKind::name))?;
            write_args(f, inst.args())
        }
        Op::Fence => write_choice(f, " ", Order::from_bits(inst.imm as u8).map(Order::name)),
        Op::ReadCounter => write_choice(f, " ", Counter::from_bits(inst.imm as u8).map(Counter::name)),
        _ => match inst.op.shape() {
            Shape::fp1 | Shape::fp2 | Shape::fp3 | Shape::fpcvt => {
                write_choice(f, ".", Rm::from_bits(inst.imm as u8).map(Rm::name))?;
                write_args(f, inst.args())
            }
            Shape::crypto => {
                write_args(f, inst.args())?;
                write!(f, ", {}", inst.imm)
            }
            _ => write_args(f, inst.args()),
        },
    }
}

/// Writes arguments, the first one after a space.
fn write_args(f: &mut Formatter<'_>, args: &[Value]) -> fmt::Result {
    args.iter().enumerate().try_for_each(|(i, arg)| write!(f, "{} {arg}", if i == 0 { "" } else { "," }))
}

/// Writes an enumeration in the immediate; one out of range shows as `?`, which the parser rejects.
fn write_choice(f: &mut Formatter<'_>, before: &str, name: Option<&str>) -> fmt::Result {
    write!(f, "{before}{}", name.unwrap_or("?"))
}

fn write_cell(f: &mut Formatter<'_>, cell: i64, names: Names<'_>) -> fmt::Result {
    match usize::try_from(cell).ok().and_then(|cell| names.get(cell)) {
        Some(name) if !name.is_empty() => write!(f, " {name}"),
        _ => write!(f, " cell{cell}"),
    }
}

/// Small integers are easier to read in decimal and with their sign; bit patterns and addresses are not.
fn write_constant(f: &mut Formatter<'_>, inst: &Inst) -> fmt::Result {
    let value = if inst.ty.is_int() { signed(inst.ty, inst.imm as u64) } else { i64::MAX };
    if value.unsigned_abs() <= DECIMAL as u64 { write!(f, " {value}") } else { write!(f, " {:#x}", inst.imm) }
}

/// Writes `address + offset` and what is stored there.
fn write_access(f: &mut Formatter<'_>, inst: &Inst) -> fmt::Result {
    write!(f, " {}", inst.args[0])?;
    match inst.imm {
        0 => {}
        1.. => write!(f, " + {}", inst.imm)?,
        _ => write!(f, " - {}", inst.imm.unsigned_abs())?,
    }
    if inst.op == Op::Store { write!(f, ", {}", inst.args[1]) } else { Ok(()) }
}
