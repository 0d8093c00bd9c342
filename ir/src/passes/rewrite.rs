//! The one way in which passes change a block: a sweep that builds its instructions anew.
//!
//! A pass is a closure that sees each instruction in order, with its arguments already renamed, and says which new
//! value stands for it: one that exists, or one that it appends. The sweep renames later uses and the terminal, and
//! moves the marks. So a pass can drop, replace and insert, all in linear time and without holes.

use crate::block::{Block, Inst, Value};
use crate::ops::Op;
use crate::types::Type;

use super::extend::Facts;

/// Buffers that passes reuse from block to block.
#[derive(Default)]
pub struct Scratch {
    pub(super) sweep: Sweep,
    /// One bit of knowledge for each old instruction.
    pub(super) marked: Vec<bool>,
    /// What `extend` knows of each new instruction.
    pub(super) facts: Vec<Facts>,
    /// A value for each cell or hash.
    pub(super) table: Vec<Value>,
}

/// Rebuilds blocks.
#[derive(Default)]
pub struct Sweep {
    /// Instructions of the sweep under way.
    insts: Vec<Inst>,
    /// New value of each old instruction.
    map: Vec<Value>,
}

impl Sweep {
    /// Rebuilds a block. `rewrite` gets each instruction with its old index, and gives the new value that stands for
    /// it; [`Value::NONE`] drops an instruction whose value is not used.
    #[inline]
    pub fn run(&mut self, block: &mut Block, mut rewrite: impl FnMut(&mut Out, usize, Inst) -> Value) {
        let Sweep { insts, map } = self;
        insts.clear();
        map.clear();
        insts.reserve(block.insts.len());
        map.reserve(block.insts.len());
        let mut out = Out { insts };
        let mut marks = block.marks.iter_mut().peekable();
        let renamed = |map: &[Value], value: Value| map.get(value.index()).copied().unwrap_or(Value::NONE);
        for (index, old) in block.insts.iter().enumerate() {
            while let Some(mark) = marks.next_if(|mark| mark.inst as usize <= index) {
                mark.inst = out.len() as u32;
            }
            let mut inst = *old;
            for arg in &mut inst.args[..old.op.arity()] {
                *arg = renamed(map, *arg);
            }
            map.push(rewrite(&mut out, index, inst));
        }
        marks.for_each(|mark| mark.inst = out.len() as u32);
        if let Some(value) = block.terminal.value_mut() {
            *value = renamed(map, *value);
        }
        std::mem::swap(&mut block.insts, insts);
    }
}

/// The instructions built so far in a sweep.
pub struct Out<'a> {
    insts: &'a mut Vec<Inst>,
}

impl Out<'_> {
    /// Goes on building after the instructions of `block`, as if they belonged to its last guest instruction.
    pub fn after(block: &mut Block) -> Out<'_> {
        Out { insts: &mut block.insts }
    }

    /// Appends an instruction.
    #[inline]
    pub fn push(&mut self, inst: Inst) -> Value {
        let value = Value(self.len() as u32);
        self.insts.push(inst);
        value
    }

    /// The instruction that defines a value.
    #[inline]
    pub fn inst(&self, value: Value) -> &Inst {
        &self.insts[value.index()]
    }

    /// The bits of a value that is an integer constant.
    #[inline]
    pub fn constant(&self, value: Value) -> Option<u64> {
        let inst = self.inst(value);
        (inst.op == Op::Iconst && inst.ty.is_int()).then_some(inst.imm as u64)
    }

    /// Appends an integer constant.
    pub fn iconst(&mut self, ty: Type, value: u64) -> Value {
        self.push(inst(Op::Iconst, ty, ty, &[], (value & ty.mask()) as i64))
    }

    /// Number of instructions so far.
    #[inline]
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.insts.len()
    }
}

/// An instruction with `args` as its arguments.
#[inline]
pub fn inst(op: Op, ty: Type, from: Type, args: &[Value], imm: i64) -> Inst {
    let mut all = [Value::NONE; 4];
    all[..args.len()].copy_from_slice(args);
    Inst { op, ty, from, args: all, imm }
}
