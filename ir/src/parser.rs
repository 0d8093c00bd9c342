//! Reads the text that [`crate::printer`] writes.
//!
//! The parser is total: any input gives a block or an error with its line. It checks what it must to build a block
//! (spelling, that values are defined before use, that numbers fit); whether the block is legal is for
//! [`crate::verify`]. Value numbers need only be distinct, so text written by hand may leave gaps.

use std::collections::HashMap;
use std::fmt::{self, Display, Formatter};

use crate::block::{Block, Inst, Mark, Region, Terminal, Value};
use crate::build::{Hint, TrapKind};
use crate::ops::{Op, Shape};
use crate::printer::Names;
use crate::types::{AtomicKind, Counter, Order, Rm, Type};
use crate::verify::MAX_INSTS;

/// Why text is not IR.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ParseError {
    /// Line number, from 1.
    pub line: u32,
    /// What is wrong, in English.
    pub message: String,
}

impl Display for ParseError {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.message)
    }
}

impl std::error::Error for ParseError {}

/// Inside the parser, errors do not know their line yet.
type Parsed<T> = Result<T, String>;

/// Parses one block whose cells are written `cell<n>`.
pub fn parse_block(text: &str) -> Result<Block, ParseError> {
    parse_block_with(text, &[])
}

/// Parses one block; cells may be written by the names in `names` too.
pub fn parse_block_with(text: &str, names: Names<'_>) -> Result<Block, ParseError> {
    let mut blocks = parse_region_with(text, names)?.blocks;
    match blocks.pop() {
        Some(block) if blocks.is_empty() => Ok(block),
        _ => Err(ParseError { line: 1, message: "expected exactly one block".into() }),
    }
}

/// Parses one or more blocks; cells may be written by the names in `names` too.
pub fn parse_region_with(text: &str, names: Names<'_>) -> Result<Region, ParseError> {
    let mut region = Region::new(Vec::new());
    let mut open: Option<BlockParser> = None;
    let mut line = 0;
    for text in text.lines() {
        line += 1;
        let text = text.split(';').next().unwrap_or("").trim();
        if text.is_empty() {
            continue;
        }
        let step = match open.take() {
            None => BlockParser::open(text, names).map(|parser| open = Some(parser)),
            Some(parser) if text == "}" => parser.close().map(|block| region.blocks.push(block)),
            Some(mut parser) => parser.line(text).map(|()| open = Some(parser)),
        };
        step.map_err(|message| ParseError { line, message })?;
    }
    match open {
        Some(_) => Err(ParseError { line, message: "the block is not closed by `}`".into() }),
        None if region.blocks.is_empty() => Err(ParseError { line: 1, message: "there is no block".into() }),
        None => Ok(region),
    }
}

/// A block half read.
struct BlockParser<'a> {
    pc: u64,
    end: u64,
    insts: Vec<Inst>,
    marks: Vec<Mark>,
    terminal: Option<Terminal>,
    /// Written number of a value to its index.
    numbers: HashMap<u32, Value>,
    names: Names<'a>,
}

impl<'a> BlockParser<'a> {
    /// Parses `block PC..END {`.
    fn open(text: &str, names: Names<'a>) -> Parsed<BlockParser<'a>> {
        let range = text.strip_prefix("block ").and_then(|rest| rest.strip_suffix('{'));
        let (pc, end) = range.and_then(|range| range.split_once("..")).ok_or("expected `block PC..END {`")?;
        let (pc, end) = (number(pc.trim())?, number(end.trim())?);
        let (insts, marks, numbers) = (Vec::new(), Vec::new(), HashMap::new());
        Ok(BlockParser { pc, end, insts, marks, terminal: None, numbers, names })
    }

    fn close(self) -> Parsed<Block> {
        let terminal = self.terminal.ok_or("the block has no terminal")?;
        Ok(Block { pc: self.pc, end: self.end, insts: self.insts, marks: self.marks, terminal })
    }

    /// Parses a mark, an instruction or the terminal.
    fn line(&mut self, text: &str) -> Parsed<()> {
        if self.terminal.is_some() {
            return Err("expected `}` after the terminal".into());
        }
        if self.insts.len() >= MAX_INSTS || self.marks.len() >= MAX_INSTS {
            return Err(format!("a block has at most {MAX_INSTS} instructions"));
        }
        if let Some(mark) = text.strip_prefix('@') {
            let (pc, len) = mark.split_once('+').ok_or("expected `@PC +LENGTH`")?;
            let len = u8::try_from(number(len.trim())?).map_err(|_| "a guest instruction has at most 255 bytes")?;
            self.marks.push(Mark { inst: self.insts.len() as u32, pc: number(pc.trim())?, len });
            return Ok(());
        }
        match text.split_once('=') {
            Some((left, right)) => {
                let (name, ty) = left.split_once(':').ok_or("expected `vN: TYPE = …`")?;
                let (written, ty) = (value_number(name.trim())?, value_type(ty.trim())?);
                self.inst(right.trim(), ty)?;
                let value = Value(self.insts.len() as u32 - 1);
                match self.numbers.insert(written, value) {
                    Some(_) => Err(format!("v{written} is defined twice")),
                    None => Ok(()),
                }
            }
            None => self.effect_or_terminal(text),
        }
    }

    fn effect_or_terminal(&mut self, text: &str) -> Parsed<()> {
        let (word, rest) = first_word(text);
        if Op::from_name(word).is_some() {
            return self.inst(text, Type::Void);
        }
        self.terminal = Some(self.parse_terminal(word, rest)?);
        Ok(())
    }

    /// Parses an instruction whose written result has type `result`.
    fn inst(&mut self, text: &str, result: Type) -> Parsed<()> {
        let (word, rest) = first_word(text);
        let (name, mode) = word.split_once('.').map_or((word, None), |(name, mode)| (name, Some(mode)));
        let op = Op::from_name(name).ok_or_else(|| format!("there is no op `{name}`"))?;
        let takes_mode = matches!(op.shape(), Shape::fp1 | Shape::fp2 | Shape::fp3 | Shape::fpcvt);
        if mode.is_some() != takes_mode {
            return Err(format!("`{name}` takes {} rounding mode", if takes_mode { "a" } else { "no" }));
        }
        let mut fields = Fields::new(rest);
        let imm_first = self.leading_immediate(op, result, mode, &mut fields)?;
        let mut args = [Value::NONE; 4];
        let mut offset = 0;
        for (i, place) in args.iter_mut().take(op.arity()).enumerate() {
            let field = fields.next()?;
            let (value, rest) = split_value(field);
            *place = self.value(value)?;
            if !rest.is_empty() {
                let access = i == 0 && matches!(op, Op::Load | Op::Store);
                offset = if access { offset_of(rest)? } else { return Err(format!("unexpected `{rest}`")) };
            }
        }
        let imm = match op.shape() {
            Shape::crypto => u8::try_from(number(fields.next()?)?).map_err(|_| "the selector is a byte")? as i64,
            _ => imm_first.unwrap_or(offset),
        };
        fields.finish()?;
        let (ty, from) = self.types(op, result, &args);
        let inst = Inst { op, ty, from, args, imm };
        if inst.result() != result {
            return Err(format!("`{name}` here gives {}, not {}", inst.result().name(), result.name()));
        }
        self.insts.push(inst);
        Ok(())
    }

    /// Parses the immediate of ops that write it before their arguments, or in the op itself.
    fn leading_immediate(&self, op: Op, ty: Type, mode: Option<&str>, fields: &mut Fields<'_>) -> Parsed<Option<i64>> {
        let imm = match op {
            Op::Iconst => constant(ty, fields.next()?)?,
            Op::Gaddr => number(fields.next()?)? as i64,
            Op::Get | Op::Set => self.cell(fields.next()?)? as i64,
            Op::AtomicRmw => choice(&AtomicKind::ALL, AtomicKind::name, fields.word())? as i64,
            Op::Fence => choice(&Order::ALL, Order::name, fields.next()?)? as i64,
            Op::ReadCounter => choice(&Counter::ALL, Counter::name, fields.next()?)? as i64,
            _ => match mode {
                Some(mode) => choice(&Rm::ALL, Rm::name, mode)? as i64,
                None => return Ok(None),
            },
        };
        Ok(Some(imm))
    }

    /// The types of an instruction, which follow from the written result and the arguments.
    fn types(&self, op: Op, result: Type, args: &[Value; 4]) -> (Type, Type) {
        let of = |value: Value| self.insts.get(value.index()).map_or(Type::Void, Inst::result);
        match (op.shape(), op) {
            (Shape::compare | Shape::fpcmp, _) | (_, Op::Set) => (of(args[0]), of(args[0])),
            (_, Op::Store) => (of(args[1]), of(args[1])),
            (_, Op::StoreCond) => (of(args[3]), of(args[3])),
            (Shape::convert | Shape::fpcvt, _) => (result, of(args[0])),
            _ => (result, result),
        }
    }

    fn parse_terminal(&self, word: &str, rest: &str) -> Parsed<Terminal> {
        let mut fields = Fields::new(rest);
        let terminal = match word {
            "jump" => Terminal::Jump { target: fields.number()? },
            "call" => Terminal::Call { target: fields.number()?, ret: fields.number()? },
            "branch" => {
                let cond = self.value(fields.next()?)?;
                Terminal::Branch { cond, taken: fields.number()?, not_taken: fields.number()? }
            }
            "indirect" => Terminal::Indirect { target: self.value(fields.next()?)?, hint: hint(fields.next()?)? },
            "syscall" => Terminal::Syscall { pc: fields.number()?, next: fields.number()? },
            "trap" => {
                let pc = fields.number()?;
                Terminal::Trap { pc, kind: choice(&TrapKind::ALL, TrapKind::name, fields.next()?)? }
            }
            "interpret" => Terminal::Interpret { pc: fields.number()? },
            _ => return Err(format!("there is no op or terminal `{word}`")),
        };
        fields.finish()?;
        Ok(terminal)
    }

    /// Looks up a value by its written number.
    fn value(&self, text: &str) -> Parsed<Value> {
        let number = value_number(text)?;
        self.numbers.get(&number).copied().ok_or_else(|| format!("v{number} is not defined before its use"))
    }

    fn cell(&self, text: &str) -> Parsed<u16> {
        let named = self.names.iter().position(|name| !name.is_empty() && *name == text);
        let cell = named.and_then(|cell| u16::try_from(cell).ok());
        let plain =
            || text.strip_prefix("cell").and_then(|digits| decimal(digits).ok()).and_then(|n| n.try_into().ok());
        cell.or_else(plain).ok_or_else(|| format!("`{text}` is not a cell"))
    }
}

/// The comma-separated fields after an op.
struct Fields<'a> {
    rest: Option<&'a str>,
}

impl<'a> Fields<'a> {
    fn new(text: &'a str) -> Fields<'a> {
        Fields { rest: (!text.is_empty()).then_some(text) }
    }

    fn next(&mut self) -> Parsed<&'a str> {
        let rest = self.rest.ok_or("a field is missing")?;
        let (field, rest) = rest.split_once(',').map_or((rest, None), |(field, rest)| (field, Some(rest)));
        self.rest = rest;
        Ok(field.trim())
    }

    /// Takes a word that only a space separates from what follows.
    fn word(&mut self) -> &'a str {
        let (word, rest) = first_word(self.rest.unwrap_or("").trim_start());
        self.rest = Some(rest);
        word
    }

    fn number(&mut self) -> Parsed<u64> {
        number(self.next()?)
    }

    fn finish(&self) -> Parsed<()> {
        self.rest.map_or(Ok(()), |rest| Err(format!("unexpected `{}`", rest.trim())))
    }
}

/// Splits at the first run of spaces.
fn first_word(text: &str) -> (&str, &str) {
    text.split_once(char::is_whitespace).map_or((text, ""), |(word, rest)| (word, rest.trim()))
}

/// Splits `v1 + 8` into the value and the rest.
fn split_value(field: &str) -> (&str, &str) {
    field.find(['+', '-']).map_or((field, ""), |at| (field[..at].trim(), field[at..].trim()))
}

/// Parses `+ N` or `- N`; the magnitude may be that of the smallest `i64`.
fn offset_of(text: &str) -> Parsed<i64> {
    let magnitude = number(text[1..].trim())?;
    let offset = if text.starts_with('-') { 0i128 - magnitude as i128 } else { magnitude as i128 };
    offset.try_into().map_err(|_| "the offset does not fit 64 bits".to_string())
}

fn value_number(text: &str) -> Parsed<u32> {
    let number = text.strip_prefix('v').and_then(|digits| decimal(digits).ok()).and_then(|n| u32::try_from(n).ok());
    number.ok_or_else(|| format!("`{text}` is not a value"))
}

fn value_type(text: &str) -> Parsed<Type> {
    choice(&Type::ALL, Type::name, text)
}

/// A constant of type `ty`: unsigned, or negative in two's complement.
fn constant(ty: Type, text: &str) -> Parsed<i64> {
    let value = match text.strip_prefix('-') {
        Some(magnitude) => {
            let magnitude = number(magnitude)?;
            let fits = ty.is_int() && magnitude <= ty.mask() / 2 + 1;
            fits.then(|| magnitude.wrapping_neg() & ty.mask()).ok_or("the constant does not fit its type")?
        }
        None => number(text)?,
    };
    if value & !ty.mask() == 0 { Ok(value as i64) } else { Err("the constant does not fit its type".into()) }
}

fn hint(text: &str) -> Parsed<Hint> {
    match first_word(text) {
        ("call", ret) => Ok(Hint::Call { ret: number(ret)? }),
        ("return", "") => Ok(Hint::Return),
        ("other", "") => Ok(Hint::Other),
        _ => Err(format!("`{text}` is not a hint")),
    }
}

/// The member of `all` that is spelled `text`.
fn choice<T: Copy>(all: &[T], name: fn(T) -> &'static str, text: &str) -> Parsed<T> {
    let known = || all.iter().map(|item| name(*item)).collect::<Vec<_>>().join(", ");
    all.iter().copied().find(|item| name(*item) == text).ok_or_else(|| format!("`{text}` is none of {}", known()))
}

/// An unsigned number, in hexadecimal after `0x` or in decimal.
fn number(text: &str) -> Parsed<u64> {
    match text.strip_prefix("0x") {
        Some(digits) if digits.bytes().all(|b| b.is_ascii_hexdigit()) => {
            u64::from_str_radix(digits, 16).map_err(|_| format!("`{text}` is not a 64-bit number"))
        }
        _ => decimal(text),
    }
}

/// Digits only: `str::parse` would accept a sign.
fn decimal(text: &str) -> Parsed<u64> {
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|_| digits).ok_or_else(|| format!("`{text}` is not a 64-bit number"))
}
