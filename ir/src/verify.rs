//! Checks that a block is legal IR. Everything that reads a block (passes, interpreter, backend) relies on these rules
//! and is allowed to panic or misbehave on a block that breaks one; so whatever comes from outside (text, fuzzers) goes
//! through [`verify`] first, and debug builds verify after every pass.
//!
//! The rules:
//!
//! 1. **size**: a block has at most [`MAX_INSTS`] instructions and as many marks.
//! 2. **types**: `ty` and `from` are types that the op works on (integers for integer ops, a wider result for
//!    extensions, `I64` or `F64` for slots, …), and `from` equals `ty` except for conversions.
//! 3. **defined**: every argument names an earlier instruction that has a value.
//! 4. **arity**: places beyond the op's arguments hold [`Value::NONE`].
//! 5. **argument**: every argument has the type that the op expects there.
//! 6. **constant**: a constant fits its type: bits above the width are zero.
//! 7. **cell**: a slot's cell is below [`CELLS`] and is not the pc's, which is only valid outside of blocks.
//! 8. **selector**: rounding modes, kinds, orders, counters and the selectors of crypto ops are ones that exist.
//! 9. **immediate**: the immediate of an op that has none is 0.
//! 10. **precise**: within a guest instruction no slot is written before an op that may fault, so that the state at a
//!     fault is the state before the instruction.
//! 11. **marks**: marks are in order, the first one is at the block's pc and instruction 0, and none is beyond the end.
//! 12. **contiguous**: each guest instruction has a length and the next one begins where it ends, without wrapping.
//! 13. **end**: the block ends where its last guest instruction ends; one without any has no IR instructions and only
//!     traps or interprets.
//! 14. **terminal**: the terminal's value exists and has its type (`I8` conditions, `I64` targets).
//! 15. **terminal-pc**: a system call, trap or interpreted instruction lies in the block or at its end.

use std::fmt::{self, Display, Formatter};

use crate::block::{Block, Inst, Mark, Terminal, Value};
use crate::ops::{Op, Shape};
use crate::state::{CELLS, PC_CELL};
use crate::types::{AtomicKind, Counter, Order, Rm, Type};

/// More instructions than any block that is worth having; bounds what text and fuzzers can ask for.
pub const MAX_INSTS: usize = 1 << 16;

/// The rules by name, in the order of the module's list.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Rule {
    Size,
    Types,
    Defined,
    Arity,
    Argument,
    Constant,
    Cell,
    Selector,
    Immediate,
    Precise,
    Marks,
    Contiguous,
    End,
    Terminal,
    TerminalPc,
}

impl Rule {
    /// Every rule.
    pub const ALL: [Rule; 15] = {
        use Rule::*;
        [
            Size, Types, Defined, Arity, Argument, Constant, Cell, Selector, Immediate, Precise, Marks, Contiguous,
            End, Terminal, TerminalPc,
        ]
    };
}

/// One broken rule.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VerifyError {
    /// Index of the instruction at fault; `None` if it is a mark, the terminal or the block.
    pub inst: Option<u32>,
    /// Which rule.
    pub rule: Rule,
    /// What is wrong, in English.
    pub message: String,
}

impl Display for VerifyError {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.inst {
            Some(inst) => write!(f, "v{inst}: {:?}: {}", self.rule, self.message),
            None => write!(f, "block: {:?}: {}", self.rule, self.message),
        }
    }
}

/// Checks all rules and reports everything that breaks one.
pub fn verify(block: &Block) -> Result<(), Vec<VerifyError>> {
    let mut errors = Errors { inst: None, list: Vec::new() };
    if block.insts.len() > MAX_INSTS || block.marks.len() > MAX_INSTS {
        errors.add(Rule::Size, format!("{} instructions, {} marks", block.insts.len(), block.marks.len()));
        return Err(errors.list);
    }
    for (index, inst) in block.insts.iter().enumerate() {
        errors.inst = Some(index as u32);
        check_types(inst, &mut errors);
        check_args(block, index, inst, &mut errors);
        check_imm(inst, &mut errors);
    }
    check_precise(block, &mut errors);
    errors.inst = None;
    check_marks(block, &mut errors);
    check_terminal(block, &mut errors);
    if errors.list.is_empty() { Ok(()) } else { Err(errors.list) }
}

/// Collects errors at the current instruction.
struct Errors {
    inst: Option<u32>,
    list: Vec<VerifyError>,
}

impl Errors {
    fn add(&mut self, rule: Rule, message: impl Into<String>) {
        self.list.push(VerifyError { inst: self.inst, rule, message: message.into() });
    }

    fn require(&mut self, ok: bool, rule: Rule, message: impl FnOnce() -> String) {
        if !ok {
            self.add(rule, message());
        }
    }
}

fn check_types(inst: &Inst, errors: &mut Errors) {
    let Inst { op, ty, from, .. } = *inst;
    let converts = matches!(op.shape(), Shape::convert | Shape::fpcvt);
    let ok = types_ok(op, ty, from) && (converts || from == ty);
    errors.require(ok, Rule::Types, || format!("{} does not work on {} from {}", op.name(), ty.name(), from.name()));
}

/// Whether an op exists for a type and, if it converts, a source type.
pub fn types_ok(op: Op, ty: Type, from: Type) -> bool {
    let ints = ty.is_int() && from.is_int();
    match op.shape() {
        Shape::unary | Shape::binary | Shape::compare => ty.is_int(),
        Shape::crypto => ty == Type::I64,
        Shape::fp1 | Shape::fp2 | Shape::fp3 | Shape::fpcmp => ty.is_float(),
        Shape::convert => match op {
            Op::Zext | Op::Sext => ints && ty.bits() > from.bits(),
            Op::Trunc => ints && ty.bits() < from.bits(),
            Op::Nanbox => ty == Type::F64 && matches!(from, Type::F16 | Type::F32),
            Op::Unbox => from == Type::F64 && matches!(ty, Type::F16 | Type::F32),
            _ => ty != Type::Void && ty.bits() == from.bits(),
        },
        Shape::fpcvt => match op {
            Op::Sitof | Op::Uitof => ty.is_float() && from.is_int(),
            Op::Ftof => ty.is_float() && from.is_float() && ty != from,
            Op::Bfcvt => (ty == Type::I16 && from.is_float()) || (ty.is_float() && from == Type::I16),
            _ => ty.is_int() && from.is_float(),
        },
        Shape::special => match op {
            Op::Gaddr | Op::ReadCounter => ty == Type::I64,
            Op::Get | Op::Set => matches!(ty, Type::I64 | Type::F64),
            Op::AtomicRmw | Op::AtomicCas | Op::LoadReserved | Op::StoreCond => ty.is_int(),
            Op::Fence => ty == Type::Void,
            _ => ty != Type::Void,
        },
    }
}

/// The types of an instruction's arguments, `Void` beyond them.
pub fn arg_types(inst: &Inst) -> [Type; 4] {
    use Type::{I8, I64, Void};
    let Inst { ty, from, .. } = *inst;
    let all = match (inst.op.shape(), inst.op) {
        (Shape::convert | Shape::fpcvt, _) => [from; 4],
        (_, Op::Load | Op::Store | Op::LoadReserved | Op::AtomicRmw | Op::AtomicCas) => [I64, ty, ty, Void],
        (_, Op::StoreCond) => [I64, I64, ty, ty],
        (_, Op::Select) => [I8, ty, ty, Void],
        _ => [ty; 4],
    };
    std::array::from_fn(|i| if i < inst.op.arity() { all[i] } else { Void })
}

/// The type of a value that is defined before `index`.
fn value_type(block: &Block, index: usize, value: Value) -> Option<Type> {
    let ty = block.insts[..index].get(value.index())?.result();
    (ty != Type::Void).then_some(ty)
}

fn check_args(block: &Block, index: usize, inst: &Inst, errors: &mut Errors) {
    let unused = inst.args[inst.op.arity()..].iter().all(|arg| *arg == Value::NONE);
    errors.require(unused, Rule::Arity, || format!("{} has {} arguments", inst.op.name(), inst.op.arity()));
    for (arg, want) in inst.args().iter().zip(arg_types(inst)) {
        match value_type(block, index, *arg) {
            None => errors.add(Rule::Defined, format!("{arg} is not a value defined before")),
            Some(ty) => {
                errors.require(ty == want, Rule::Argument, || format!("{arg} is {}, not {}", ty.name(), want.name()));
            }
        }
    }
}

fn check_imm(inst: &Inst, errors: &mut Errors) {
    let Inst { op, ty, imm, .. } = *inst;
    let selects = |known: bool, errors: &mut Errors| {
        errors.require(known, Rule::Selector, || format!("{} has no selector {imm}", op.name()));
    };
    let byte = u8::try_from(imm).ok();
    match (op.shape(), op) {
        (_, Op::Gaddr | Op::Load | Op::Store) => {}
        (_, Op::Iconst) => {
            errors.require(imm as u64 & !ty.mask() == 0, Rule::Constant, || format!("{imm:#x} is not {}", ty.name()));
        }
        (_, Op::Get | Op::Set) => {
            let ok = (0..CELLS as i64).contains(&imm) && imm != PC_CELL as i64;
            errors.require(ok, Rule::Cell, || format!("there is no slot at cell {imm}"));
        }
        (_, Op::AtomicRmw) => selects(byte.and_then(AtomicKind::from_bits).is_some(), errors),
        (_, Op::Fence) => selects(byte.and_then(Order::from_bits).is_some(), errors),
        (_, Op::ReadCounter) => selects(byte.and_then(Counter::from_bits).is_some(), errors),
        (Shape::crypto, _) => selects(byte.is_some_and(|selector| selector <= crypto_limit(op)), errors),
        (Shape::fp1 | Shape::fp2 | Shape::fp3 | Shape::fpcvt, _) => {
            selects(byte.and_then(Rm::from_bits).is_some(), errors);
        }
        _ => errors.require(imm == 0, Rule::Immediate, || format!("{} has no immediate", op.name())),
    }
}

/// The largest selector of a crypto op: `aes64ks1i` has rounds 0 to 10, SM4 has bytes 0 to 3.
fn crypto_limit(op: Op) -> u8 {
    match op {
        Op::Aes64ks1i => 10,
        Op::Sm4ks | Op::Sm4ed => 3,
        _ => 0,
    }
}

fn check_precise(block: &Block, errors: &mut Errors) {
    let mut marks = block.marks.iter().peekable();
    let mut written = None;
    for (index, inst) in block.insts.iter().enumerate() {
        while marks.next_if(|mark| mark.inst as usize <= index).is_some() {
            written = None;
        }
        errors.inst = Some(index as u32);
        match (inst.op, written) {
            (Op::Set, _) => written = Some(inst.imm),
            (op, Some(cell)) if op.may_fault() => {
                errors.add(Rule::Precise, format!("{} may fault after cell {cell} was written", op.name()));
            }
            _ => {}
        }
    }
}

fn check_marks(block: &Block, errors: &mut Errors) {
    let Some(last) = block.marks.last() else {
        let bare =
            block.insts.is_empty() && matches!(block.terminal, Terminal::Trap { .. } | Terminal::Interpret { .. });
        let message = || "a block without guest instructions only traps or interprets".to_string();
        return errors.require(bare && block.end >= block.pc, Rule::End, message);
    };
    let first = block.marks[0];
    errors
        .require(first.inst == 0 && first.pc == block.pc, Rule::Marks, || "the first mark is not at the start".into());
    for mark in &block.marks {
        let at = || format!("the mark {:#x} is beyond the end", mark.pc);
        errors.require(mark.inst as usize <= block.insts.len(), Rule::Marks, at);
        let ok = mark.len > 0 && mark.pc.checked_add(mark.len as u64).is_some();
        errors.require(ok, Rule::Contiguous, || format!("{:#x} has length {}", mark.pc, mark.len));
    }
    for pair in block.marks.windows(2) {
        let [a, b] = [pair[0], pair[1]];
        errors.require(a.inst <= b.inst, Rule::Marks, || format!("the mark {:#x} is out of order", b.pc));
        errors.require(after(a) == b.pc, Rule::Contiguous, || format!("{:#x} does not follow {:#x}", b.pc, a.pc));
    }
    errors
        .require(block.end == after(*last), Rule::End, || format!("the last instruction ends at {:#x}", after(*last)));
}

/// The guest address after an instruction.
fn after(mark: Mark) -> u64 {
    mark.pc.wrapping_add(mark.len as u64)
}

fn check_terminal(block: &Block, errors: &mut Errors) {
    let mut value = |value: Value, want: Type| {
        let ty = value_type(block, block.insts.len(), value);
        errors.require(ty == Some(want), Rule::Terminal, || format!("the terminal's {value} is not {}", want.name()));
    };
    match block.terminal {
        Terminal::Branch { cond, .. } => value(cond, Type::I8),
        Terminal::Indirect { target, .. } => value(target, Type::I64),
        Terminal::Syscall { pc, .. } | Terminal::Trap { pc, .. } | Terminal::Interpret { pc } => {
            let ok = (block.pc..=block.end).contains(&pc);
            errors.require(ok, Rule::TerminalPc, || format!("{pc:#x} is not in the block"));
        }
        Terminal::Jump { .. } | Terminal::Call { .. } => {}
    }
}
