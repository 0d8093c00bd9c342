//! Terminals: edges inside the region, links, calls, indirect jumps, and leaving translated code.

use cranelift_codegen::ir::{
    self as cl, ExternalName, GlobalValueData, InstBuilder, UserExternalName, condcodes::IntCC, types,
};
use mynah_ir::{Hint, Terminal};

use super::{EMPTY_CACHE, LinkTarget, Lowering, trusted};
use crate::arena::Link;
use crate::context::{Context, JUMP_TABLE_ENTRIES};
use crate::enter::code;

impl Lowering<'_, '_> {
    pub(super) fn lower_terminal(&mut self, terminal: &Terminal) {
        self.count_block(terminal);
        match *terminal {
            Terminal::Jump { target } => {
                let succ = self.flow.succs[self.block][0];
                self.load_for(&[succ]);
                self.edge(target, succ);
            }
            Terminal::Branch { cond, taken, not_taken } => self.branch(cond, taken, not_taken),
            Terminal::Call { target, ret } => {
                self.flush();
                let link = self.link(target);
                let entry = self.b.ins().load(types::I64, trusted(), link, 0);
                self.call(entry, link, ret);
            }
            Terminal::Indirect { target, hint } => {
                let target = self.v(target);
                match hint {
                    Hint::Return => {
                        self.flush();
                        self.b.ins().return_(&[target]);
                    }
                    Hint::Other => self.indirect_jump(target),
                    Hint::Call { ret } => {
                        self.flush();
                        self.indirect_call(target, ret);
                    }
                }
            }
            Terminal::Syscall { pc, .. } => self.leave_flushed(pc, code::SYSCALL),
            Terminal::Trap { pc, kind } => self.leave_flushed(pc, code::TRAP | (kind as u64) << 8),
            Terminal::Interpret { pc } => self.leave_flushed(pc, code::INTERPRET),
        }
    }

    fn branch(&mut self, cond: mynah_ir::Value, taken: u64, not_taken: u64) {
        let (yes, no) = (self.flow.succs[self.block][0], self.flow.succs[self.block][1]);
        // In front of the branch, so that the way back to a loop's head is the branch itself: who leaves here executes
        // the branch later.
        if [yes, no].iter().flatten().any(|succ| self.is_back(*succ)) {
            self.poll(self.pc);
        }
        self.load_for(&[yes, no]);
        let cond = self.v(cond);
        let sides = [self.b.create_block(), self.b.create_block()];
        self.b.ins().brif(cond, sides[0], &[], sides[1], &[]);
        let dirty = self.dirty;
        for (side, target, succ) in [(sides[0], taken, yes), (sides[1], not_taken, no)] {
            self.b.seal_block(side);
            self.b.switch_to_block(side);
            self.count_side(side == sides[0]);
            self.dirty = dirty;
            self.polled_edge(target, succ);
        }
    }

    /// Whether control going to block `succ` of the region goes back.
    fn is_back(&self, succ: usize) -> bool {
        succ <= self.block
    }

    /// Loads what the successors demand and this block has not got.
    fn load_for(&mut self, succs: &[Option<usize>]) {
        let cells = succs.iter().flatten().fold(0, |set, s| set | self.flow.loads_on_edge(self.block, *s));
        self.load_cells(cells);
    }

    /// Continues at `target`, which is block `succ` of the region or outside of it; polls on the way back.
    fn edge(&mut self, target: u64, succ: Option<usize>) {
        if succ.is_some_and(|succ| self.is_back(succ)) {
            self.poll(target);
        }
        self.polled_edge(target, succ);
    }

    /// Continues at `target`; somebody has polled if it leads back.
    fn polled_edge(&mut self, target: u64, succ: Option<usize>) {
        match succ {
            Some(succ) => {
                self.keep_flags(succ);
                self.b.ins().jump(self.heads[succ], &[]);
                self.edge_done(succ);
            }
            None => {
                self.flush();
                let link = self.link(target);
                let entry = self.b.ins().load(types::I64, trusted(), link, 0);
                self.tail_call(entry, link);
            }
        }
    }

    /// Results of floating-point operations that nobody reads any more still have raised their flags: storing them keeps
    /// the operations alive.
    fn keep_flags(&mut self, succ: usize) {
        let lost = self.dirty & self.flow.raised & !self.flow.live[succ];
        for cell in super::flow::iter(lost) {
            self.store_cell(cell);
            self.part();
        }
    }

    /// Leaves if somebody asked for it; execution goes on at `pc` later.
    fn poll(&mut self, pc: u64) {
        self.part();
        let request = self.ctx_load(types::I32, std::mem::offset_of!(Context, exit_request));
        let asked = self.b.ins().icmp_imm_u(IntCC::NotEqual, request, 0);
        self.leave_if(asked, pc, code::INTERRUPTED);
    }

    /// At the region's entry: guest calls nest on the host stack only so deep. A request to leave poisons the limit, so
    /// this is also the poll for loops that go through several regions. Nothing is in SSA values yet.
    pub(super) fn check_stack(&mut self) {
        let sp = self.b.ins().get_stack_pointer(types::I64);
        let limit = self.ctx_load(types::I64, std::mem::offset_of!(Context, stack_limit));
        let low = self.b.ins().icmp(IntCC::UnsignedLessThan, sp, limit);
        self.leave_if(low, self.region.pc(), code::INTERRUPTED);
    }

    fn sig(&mut self) -> cl::SigRef {
        match self.sig {
            Some(sig) => sig,
            None => {
                let sig = self.b.import_signature(super::signature());
                self.sig = Some(sig);
                sig
            }
        }
    }

    fn tail_call(&mut self, entry: cl::Value, link: cl::Value) {
        let sig = self.sig();
        self.b.ins().return_call_indirect(sig, entry, &[self.ctx, link]);
    }

    /// Makes a host call for a guest call and goes on at `ret` if the guest came back there; otherwise hands the pc
    /// or code outward.
    fn call(&mut self, entry: cl::Value, link: cl::Value, ret: u64) {
        let sig = self.sig();
        let call = self.b.ins().call_indirect(sig, entry, &[self.ctx, link]);
        let came_back = self.b.inst_results(call)[0];
        self.after_call(came_back, ret);
    }

    fn after_call(&mut self, came_back: cl::Value, ret: u64) {
        let expected = self.guest_addr(ret);
        let differs = self.b.ins().icmp(IntCC::NotEqual, came_back, expected);
        let (side, join) = (self.cold_block(), self.b.create_block());
        self.b.ins().brif(differs, side, &[], join, &[]);
        self.b.seal_block(side);
        self.b.seal_block(join);
        self.b.switch_to_block(side);
        self.b.ins().return_(&[came_back]);
        self.b.switch_to_block(join);
        let succ = self.flow.succs[self.block][0];
        self.load_for(&[succ]);
        self.edge(ret, succ);
    }

    /// An inline cache, then the vCPU's table, then the dispatcher.
    fn indirect_call(&mut self, target: cl::Value, ret: u64) {
        let cache = self.link(EMPTY_CACHE);
        let (hit, miss, found, join) =
            (self.b.create_block(), self.b.create_block(), self.b.create_block(), self.b.create_block());
        let came_back = self.b.append_block_param(join, types::I64);
        let cached = self.b.ins().load(types::I64, trusted(), cache, std::mem::offset_of!(Link, pc) as i32);
        let same = self.b.ins().icmp(IntCC::Equal, cached, target);
        self.b.ins().brif(same, hit, &[], miss, &[]);
        self.b.seal_block(hit);
        self.b.seal_block(miss);

        self.b.switch_to_block(hit);
        let entry = self.b.ins().load(types::I64, trusted(), cache, 0);
        self.call_to(entry, cache, join);

        self.b.switch_to_block(miss);
        let entry = self.probe(target, cache, found);
        self.call_to(entry, cache, join);

        self.b.seal_block(join);
        self.b.switch_to_block(join);
        self.after_call(came_back, ret);
    }

    fn call_to(&mut self, entry: cl::Value, link: cl::Value, join: cl::Block) {
        let sig = self.sig();
        let call = self.b.ins().call_indirect(sig, entry, &[self.ctx, link]);
        let result = self.b.inst_results(call)[0];
        self.b.ins().jump(join, &[cl::BlockArg::Value(result)]);
    }

    /// Compares with the predicted targets, which lie in the region; then looks in the vCPU's table.
    fn indirect_jump(&mut self, target: cl::Value) {
        let succs = self.flow.succs[self.block].clone();
        self.load_for(&succs);
        let dirty = self.dirty;
        for succ in succs.into_iter().flatten() {
            let pc = self.region.blocks[succ].pc;
            let expected = self.guest_addr(pc);
            let same = self.b.ins().icmp(IntCC::Equal, target, expected);
            let (hit, miss) = (self.b.create_block(), self.b.create_block());
            self.b.ins().brif(same, hit, &[], miss, &[]);
            self.b.seal_block(hit);
            self.b.seal_block(miss);
            self.b.switch_to_block(hit);
            self.edge(pc, Some(succ));
            self.b.switch_to_block(miss);
            self.dirty = dirty;
        }
        self.flush();
        let cache = self.link(EMPTY_CACHE);
        let found = self.b.create_block();
        let entry = self.probe(target, cache, found);
        self.tail_call(entry, cache);
    }

    /// Looks `target` up in the vCPU's jump table and continues in `found` with its entry. On a miss, leaves with the
    /// target as the pc and notes `cache` as the place that would like to know the entry.
    fn probe(&mut self, target: cl::Value, cache: cl::Value, found: cl::Block) -> cl::Value {
        let table = self.ctx_load(types::I64, std::mem::offset_of!(Context, jump_table));
        // (pc >> 1) & mask, times 16, is (pc << 3) & (mask << 4).
        let shifted = self.b.ins().ishl_imm_u(target, 3);
        let offset = self.b.ins().band_imm_u(shifted, ((JUMP_TABLE_ENTRIES - 1) << 4) as i64);
        let slot = self.b.ins().iadd(table, offset);
        let pc = self.b.ins().load(types::I64, trusted(), slot, 0);
        let differs = self.b.ins().icmp(IntCC::NotEqual, pc, target);
        let side = self.cold_block();
        self.b.ins().brif(differs, side, &[], found, &[]);
        self.b.seal_block(side);
        self.b.seal_block(found);
        self.b.switch_to_block(side);
        self.ctx_store(cache, std::mem::offset_of!(Context, exit_link));
        self.b.ins().return_(&[target]);
        self.b.switch_to_block(found);
        self.b.ins().load(types::I64, trusted(), slot, 8)
    }

    /// The address of a new link.
    fn link(&mut self, target: LinkTarget) -> cl::Value {
        let global = self.link_symbol(target);
        self.b.ins().symbol_value(types::I64, global)
    }

    /// The symbol of a new link.
    pub(super) fn link_symbol(&mut self, target: LinkTarget) -> cl::GlobalValue {
        let index = self.links.len() as u32;
        self.links.push(target);
        let name = self.b.func.declare_imported_user_function(UserExternalName::new(0, index));
        self.b.create_global_value(GlobalValueData::Symbol {
            name: ExternalName::user(name),
            offset: 0.into(),
            colocated: true,
            tls: false,
        })
    }

    fn leave_flushed(&mut self, pc: u64, code: u64) {
        self.flush();
        self.leave(pc, code);
    }

    /// Returns `code` with the state's pc set; what is dirty has been stored.
    pub(super) fn leave(&mut self, pc: u64, code: u64) {
        let pc = self.guest_addr(pc);
        self.b.ins().store(trusted(), pc, self.ctx, Self::cell_offset(mynah_ir::state::PC_CELL));
        let code = self.iconst(code);
        self.b.ins().return_(&[code]);
    }
}
