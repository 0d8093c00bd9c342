//! Region to CLIF.
//!
//! One host function per region. Guest registers are SSA variables across its blocks ([`flow`]); before anything that
//! can fault and at every exit, what is dirty is stored, so that the context always holds the architectural state of
//! the instruction at fault (precise state).

pub mod count;
mod exits;
mod float;
pub mod flow;
mod insts;
mod vary;

use cranelift_codegen::ir::{
    self as cl, AbiParam, BlockArg, InstBuilder, MemFlagsData, Signature, SourceLoc, UserFuncName, condcodes::IntCC, types,
};
use cranelift_codegen::isa::{CallConv, TargetFrontendConfig};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext, Variable};
use mynah_ir::{Block, Inst, Region, Slot, Type, Value};

use crate::context::{Context, Helper};
use crate::features::HostFeatures;
use flow::{Cells, Flow, PROMOTED};
use vary::Varying;

/// What lowering is told about the process.
#[derive(Clone, Copy, Debug, Default)]
pub struct LowerOptions {
    /// Whether guest addresses need the guest base added; without, guest and host addresses are equal.
    pub add_guest_base: bool,
    /// What may be used of the host.
    pub host: HostFeatures,
}

/// The guest pc that a link leads to; an odd one marks an inline cache that is still empty.
pub type LinkTarget = u64;

/// A pc that no link can have, for inline caches.
pub const EMPTY_CACHE: LinkTarget = 1;

/// Marks the slot that holds the image base instead of a host entry: see [`Region::image_base`].
pub const IMAGE_BASE: LinkTarget = 3;

/// Result of lowering beside the function itself.
#[derive(Debug, Default)]
pub struct Lowered {
    /// Links in the order of their symbol numbers.
    pub links: Vec<LinkTarget>,
}

struct Lowering<'r, 'f> {
    b: FunctionBuilder<'f>,
    region: &'r Region,
    flow: Flow,
    varying: Varying,
    options: LowerOptions,
    ctx: cl::Value,
    vars: [Option<Variable>; PROMOTED as usize],
    heads: Vec<cl::Block>,
    /// Predecessor edges that are still to be emitted, by block; a block is sealed at 0.
    missing: Vec<usize>,
    links: Vec<LinkTarget>,
    /// The symbol of the slot that holds the image base.
    base_slot: Option<cl::GlobalValue>,
    sig: Option<cl::SigRef>,
    // The block that is being lowered:
    block: usize,
    dirty: Cells,
    values: Vec<Option<cl::Value>>,
    /// Whether a NaN's sign or payload in the value can be seen (see `float.rs`), and whether it is used at all.
    seen: Vec<Use>,
    /// Whether Cranelift surely takes the value for one of its own (see `vary.rs`).
    varies: Vec<bool>,
    /// Which values hold what a floating-point operation of the block gave, and the registers that do so and are not
    /// stored yet.
    derived: Vec<bool>,
    raised: Cells,
    pc: u64,
}

/// How a value is used in its block.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Use {
    Unused,
    /// Only by floating-point arithmetic, which cannot tell one quiet NaN from another.
    Arithmetic,
    Seen,
}

/// The signature of translated functions: `(context, link) -> pc or code`.
pub fn signature() -> Signature {
    let mut sig = Signature::new(CallConv::Tail);
    sig.params.extend([AbiParam::new(types::I64), AbiParam::new(types::I64)]);
    sig.returns.push(AbiParam::new(types::I64));
    sig
}

/// Lowers a region into `func`.
pub fn lower(
    region: &Region,
    options: LowerOptions,
    config: TargetFrontendConfig,
    func: &mut cl::Function,
    fb: &mut FunctionBuilderContext,
) -> Lowered {
    func.name = UserFuncName::user(0, 0);
    func.signature = signature();
    let flow = Flow::new(region);
    let varying = Varying::new(region, &flow.succs);
    let mut b = FunctionBuilder::new(func, fb);
    let entry = b.create_block();
    b.append_block_params_for_function_params(entry);
    b.switch_to_block(entry);
    b.seal_block(entry);
    b.set_srcloc(SourceLoc::new(0));
    let ctx = b.block_params(entry)[0];
    let heads: Vec<cl::Block> = region.blocks.iter().map(|_| b.create_block()).collect();
    let mut missing = vec![0; heads.len()];
    missing[0] = 1;
    for succ in flow.succs.iter().flatten().flatten() {
        missing[*succ] += 1;
    }
    let mut l = Lowering {
        b,
        region,
        flow,
        varying,
        options,
        ctx,
        vars: [None; PROMOTED as usize],
        heads,
        missing,
        links: Vec::new(),
        base_slot: None,
        sig: None,
        block: 0,
        dirty: 0,
        values: Vec::new(),
        seen: Vec::new(),
        varies: Vec::new(),
        derived: Vec::new(),
        raised: 0,
        pc: region.pc(),
    };
    l.check_stack();
    l.load_cells(l.flow.demand[0]);
    l.b.ins().jump(l.heads[0], &[]);
    l.edge_done(0);
    for (i, block) in region.blocks.iter().enumerate() {
        l.lower_block(i, block);
    }
    l.b.seal_all_blocks();
    let links = std::mem::take(&mut l.links);
    l.b.finalize(config);
    Lowered { links }
}

/// Cranelift's type of an IR type.
fn cl_type(ty: Type) -> cl::Type {
    match ty {
        Type::Void | Type::I64 => types::I64,
        Type::I8 => types::I8,
        // Half precision lives in integer registers: every op on it is a helper's.
        Type::I16 | Type::F16 => types::I16,
        Type::I32 => types::I32,
        Type::F32 => types::F32,
        Type::F64 => types::F64,
    }
}

/// Flags of accesses to the context: they cannot trap.
fn trusted() -> MemFlagsData {
    MemFlagsData::trusted()
}

impl Lowering<'_, '_> {
    fn lower_block(&mut self, index: usize, block: &Block) {
        self.block = index;
        self.dirty = self.flow.dirty[index];
        self.values.clear();
        self.values.resize(block.insts.len(), None);
        self.find_uses(block);
        self.varies = self.varying.values(index, block);
        self.derived = flow::derived(block);
        self.raised = 0;
        self.b.switch_to_block(self.heads[index]);
        let mut marks = block.marks.iter().peekable();
        self.pc = block.pc;
        self.note_block(block);
        for (i, inst) in block.insts.iter().enumerate() {
            while let Some(mark) = marks.next_if(|m| m.inst as usize <= i) {
                self.at(mark.pc);
            }
            let value = self.lower_inst(inst, i);
            self.values[i] = value;
        }
        for mark in marks {
            self.at(mark.pc);
        }
        if flow::is_barrier(block) {
            self.flush();
        }
        self.lower_terminal(&block.terminal);
    }

    /// Names the guest instruction that the following code belongs to. The source location is its distance from the
    /// region's entry plus one, since Cranelift keeps 0 for itself; distances wrap at 32 bits.
    fn at(&mut self, pc: u64) {
        self.pc = pc;
        let loc = crate::fault::encode(self.region.pc(), pc);
        self.b.set_srcloc(SourceLoc::new(loc));
    }

    fn find_uses(&mut self, block: &Block) {
        self.seen.clear();
        self.seen.resize(block.insts.len(), Use::Unused);
        if let Some(value) = block.terminal.value() {
            self.seen[value.index()] = Use::Seen;
        }
        for (i, inst) in block.insts.iter().enumerate().rev() {
            // What is not used and does nothing is dropped, so that it uses nothing.
            if self.seen[i] == Use::Unused && !inst.op.has_effect() {
                continue;
            }
            let how = if float::ignores_nan_payload(inst) { Use::Arithmetic } else { Use::Seen };
            for arg in inst.args() {
                let seen = &mut self.seen[arg.index()];
                if *seen != Use::Seen {
                    *seen = how;
                }
            }
        }
    }

    /// The value of an argument.
    fn v(&self, value: Value) -> cl::Value {
        self.values[value.index()].expect("the verifier has seen that values are defined before they are used")
    }

    fn arg(&self, inst: &Inst, n: usize) -> cl::Value {
        self.v(inst.args[n])
    }


    // ---- guest registers ----

    fn var(&mut self, cell: u16) -> Variable {
        let ty = if cell < 32 { types::I64 } else { types::F64 };
        let b = &mut self.b;
        *self.vars[cell as usize].get_or_insert_with(|| b.declare_var(ty))
    }

    fn cell_offset(cell: u16) -> i32 {
        (std::mem::offset_of!(Context, state) + cell as usize * 8) as i32
    }

    fn get(&mut self, slot: Slot) -> cl::Value {
        if slot.cell < PROMOTED {
            let var = self.var(slot.cell);
            return self.b.use_var(var);
        }
        self.b.ins().load(cl_type(slot.ty), trusted(), self.ctx, Self::cell_offset(slot.cell))
    }

    fn set(&mut self, slot: Slot, value: cl::Value) {
        if slot.cell < PROMOTED {
            // What is overwritten unread still has raised its flags: storing it keeps the operation alive.
            if self.raised >> slot.cell & 1 != 0 {
                self.store_cell(slot.cell);
                self.part();
            }
            let var = self.var(slot.cell);
            self.b.def_var(var, value);
            self.dirty |= 1 << slot.cell;
        } else {
            self.b.ins().store(trusted(), value, self.ctx, Self::cell_offset(slot.cell));
        }
    }

    /// Loads cells into their variables.
    fn load_cells(&mut self, cells: Cells) {
        for cell in flow::iter(cells) {
            let ty = if cell < 32 { types::I64 } else { types::F64 };
            let value = self.b.ins().load(ty, trusted(), self.ctx, Self::cell_offset(cell));
            let var = self.var(cell);
            self.b.def_var(var, value);
        }
    }

    /// Stores what is dirty, and leaves it marked as dirty: for cold paths that leave.
    fn store_dirty(&mut self) {
        for cell in flow::iter(self.dirty) {
            self.store_cell(cell);
        }
    }

    fn store_cell(&mut self, cell: u16) {
        let var = self.var(cell);
        let value = self.b.use_var(var);
        self.b.ins().store(trusted(), value, self.ctx, Self::cell_offset(cell));
    }

    /// Whether Cranelift can see that the value is a constant, perhaps of another width.
    fn is_constant(&self, value: cl::Value) -> bool {
        let dfg = &self.b.func.dfg;
        let Some(inst) = dfg.value_def(dfg.resolve_aliases(value)).inst() else { return false };
        match dfg.insts[inst].opcode() {
            cl::Opcode::Iconst => true,
            cl::Opcode::Uextend | cl::Opcode::Sextend | cl::Opcode::Ireduce => {
                dfg.inst_args(inst).iter().all(|v| self.is_constant(*v))
            }
            _ => false,
        }
    }

    /// Stores what is dirty; afterwards nothing is.
    fn flush(&mut self) {
        self.store_dirty();
        self.dirty = 0;
        self.raised = 0;
    }

    // ---- small tools ----

    /// A guest address that comes from the code's own place.
    fn guest_addr(&mut self, addr: u64) -> cl::Value {
        let Some(base) = self.region.image_base else { return self.iconst(addr) };
        let slot = match self.base_slot {
            Some(slot) => slot,
            None => {
                let slot = self.link_symbol(IMAGE_BASE);
                self.base_slot = Some(slot);
                slot
            }
        };
        let slot = self.b.ins().symbol_value(types::I64, slot);
        let value = self.b.ins().load(types::I64, trusted(), slot, 0);
        self.b.ins().iadd_imm_s(value, addr.wrapping_sub(base) as i64)
    }

    fn iconst(&mut self, value: u64) -> cl::Value {
        self.b.ins().iconst(types::I64, value as i64)
    }

    fn ctx_load(&mut self, ty: cl::Type, offset: usize) -> cl::Value {
        self.b.ins().load(ty, trusted(), self.ctx, offset as i32)
    }

    fn ctx_store(&mut self, value: cl::Value, offset: usize) {
        self.b.ins().store(trusted(), value, self.ctx, offset as i32);
    }

    /// No instruction, but Cranelift carries nothing that it knows of memory across: it drops stores that are overwritten
    /// unread and loads of what it saw stored or loaded, and there is no switch for that.
    fn part(&mut self) {
        self.b.ins().sequence_point();
    }

    fn cold_block(&mut self) -> cl::Block {
        let block = self.b.create_block();
        self.b.set_cold_block(block);
        block
    }

    /// Continues in a new block if `cond` is zero; `cold` builds the other side, which may end in a jump to the given
    /// join block or leave. Gives the join block's parameter of type `ty`, which is `value` on the usual path.
    fn unless(&mut self, cond: cl::Value, value: cl::Value, cold: impl FnOnce(&mut Self) -> cl::Value) -> cl::Value {
        let ty = self.b.func.dfg.value_type(value);
        let (side, join) = (self.cold_block(), self.b.create_block());
        let result = self.b.append_block_param(join, ty);
        self.b.ins().brif(cond, side, &[], join, &[BlockArg::Value(value)]);
        self.b.seal_block(side);
        self.b.switch_to_block(side);
        let other = cold(self);
        self.b.ins().jump(join, &[BlockArg::Value(other)]);
        self.b.seal_block(join);
        self.b.switch_to_block(join);
        result
    }

    /// Leaves translated code from a cold block if `cond` is not zero. Dirty registers are stored there.
    fn leave_if(&mut self, cond: cl::Value, pc: u64, code: u64) {
        let (side, join) = (self.cold_block(), self.b.create_block());
        self.b.ins().brif(cond, side, &[], join, &[]);
        self.b.seal_block(side);
        self.b.seal_block(join);
        self.b.switch_to_block(side);
        self.store_dirty();
        self.leave(pc, code);
        self.b.switch_to_block(join);
    }

    /// Notes that one of the edges into block `to` has been emitted.
    fn edge_done(&mut self, to: usize) {
        self.missing[to] -= 1;
        if self.missing[to] == 0 {
            self.b.seal_block(self.heads[to]);
        }
    }

    /// Calls the helper that evaluates any op, with values as plain bits.
    fn call_eval(&mut self, inst: &Inst, args: &[cl::Value]) -> cl::Value {
        self.call_op(Helper::Eval, inst, args)
    }

    /// Calls a helper that evaluates ops.
    fn call_op(&mut self, helper: Helper, inst: &Inst, args: &[cl::Value]) -> cl::Value {
        let meta = crate::helpers::pack(inst);
        let meta = self.iconst(meta);
        let mut all = [meta; 4];
        for (place, arg) in all[1..].iter_mut().zip(args) {
            *place = self.to_bits(*arg);
        }
        if args.len() < 3 {
            let zero = self.iconst(0);
            all[1 + args.len()..].fill(zero);
        }
        let result = self.call_helper(helper, &all);
        self.from_bits(inst.result(), result)
    }

    fn call_helper(&mut self, helper: Helper, args: &[cl::Value]) -> cl::Value {
        let mut sig = Signature::new(CallConv::SystemV);
        sig.params = vec![AbiParam::new(types::I64); args.len() + 1];
        sig.returns.push(AbiParam::new(types::I64));
        let sig = self.b.import_signature(sig);
        let offset = std::mem::offset_of!(Context, helpers) + helper as usize * 8;
        let callee = self.ctx_load(types::I64, offset);
        let mut all = vec![self.ctx];
        all.extend_from_slice(args);
        let call = self.b.ins().call_indirect(sig, callee, &all);
        self.b.inst_results(call)[0]
    }

    /// A value as zero-extended bits in an `I64`.
    fn to_bits(&mut self, v: cl::Value) -> cl::Value {
        let ty = self.b.func.dfg.value_type(v);
        let v = match ty {
            types::F32 => self.b.ins().bitcast(types::I32, MemFlagsData::new(), v),
            types::F64 => self.b.ins().bitcast(types::I64, MemFlagsData::new(), v),
            _ => v,
        };
        if self.b.func.dfg.value_type(v) == types::I64 { v } else { self.b.ins().uextend(types::I64, v) }
    }

    /// The reverse of `to_bits`.
    fn from_bits(&mut self, ty: Type, v: cl::Value) -> cl::Value {
        match ty {
            Type::F64 => self.b.ins().bitcast(types::F64, MemFlagsData::new(), v),
            Type::F32 => {
                let w = self.b.ins().ireduce(types::I32, v);
                self.b.ins().bitcast(types::F32, MemFlagsData::new(), w)
            }
            Type::I64 | Type::Void => v,
            _ => self.b.ins().ireduce(cl_type(ty), v),
        }
    }

    fn is_zero(&mut self, v: cl::Value) -> cl::Value {
        self.b.ins().icmp_imm_u(IntCC::Equal, v, 0)
    }

    fn unused(&self, index: usize) -> bool {
        self.seen[index] == Use::Unused
    }
}
