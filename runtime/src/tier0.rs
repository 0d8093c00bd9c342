//! Tier 0: pre-decoded guest instructions, executed by calling their bodies one after the other.
//!
//! The bodies are the frontend's, made for plain bits: [`Exec`] implements [`Build`] by doing at once what the block
//! builder would write down. A vCPU keeps its own pre-decoded blocks, so nothing here is locked.

use mynah_backend::Context;
use mynah_frontend::riscv64::{self, Cpu, Insn, WrapBody};
use mynah_ir::{AtomicKind, Build, Counter, Flow, FpEnv, Hint, Order, Rm, Slot, Stop, TrapKind, Type, eval, for_each_op};
use rustc_hash::FxHashMap;

use crate::host::usercopy::{self, Fault};
use crate::memory::PAGE_SIZE;

/// Guest instructions in a block at most, in tier 0 and in the IR alike, so that both cut code at the same places.
pub const MAX_BLOCK: usize = 64;

/// Executes ops on a vCPU's context.
#[repr(transparent)]
pub struct Exec(Context);

impl Exec {
    /// A context as an executor.
    #[inline(always)]
    pub fn new(ctx: &mut Context) -> &mut Exec {
        // SAFETY: `Exec` is a transparent wrapper of `Context`.
        unsafe { &mut *(ctx as *mut Context as *mut Exec) }
    }

    #[inline(always)]
    fn host(&self, addr: u64) -> *mut u8 {
        std::ptr::with_exposed_provenance_mut(self.0.guest_base.wrapping_add(addr) as usize)
    }

    #[inline(always)]
    fn env(&self) -> FpEnv {
        FpEnv { frm: self.0.state.get(mynah_ir::state::FRM_CELL) as u8, flags: 0 }
    }

    /// RISC-V unprivileged, "Zalrsc": `lr` and `sc` want natural alignment, whatever Zama16b says of other accesses.
    #[inline(always)]
    fn check_naturally_aligned(addr: u64, ty: Type) -> Flow {
        if addr & (ty.bytes() as u64 - 1) != 0 { Err(Stop::Trap(TrapKind::Misaligned)) } else { Ok(()) }
    }

    /// RISC-V unprivileged, "Zama16b": a misaligned atomic access is atomic if it stays within 16 aligned bytes.
    #[inline(always)]
    fn check_aligned(addr: u64, bytes: u64) -> Flow {
        if addr & (bytes - 1) != 0 && (addr & 15) + bytes > 16 { Err(Stop::Trap(TrapKind::Misaligned)) } else { Ok(()) }
    }
}

#[inline(always)]
fn flow<T>(result: Result<T, Fault>) -> Flow<T> {
    result.map_err(|Fault| Stop::Fault)
}

macro_rules! by_width {
    ($ty:expr, $f8:path, $f16:path, $f32:path, $f64:path, ($($arg:expr),*)) => {
        // SAFETY: the pointer comes from a guest address; the access reports a fault instead of raising it.
        unsafe {
            match $ty.bytes() {
                1 => $f8($($arg),*),
                2 => $f16($($arg),*),
                4 => $f32($($arg),*),
                _ => $f64($($arg),*),
            }
        }
    };
}

macro_rules! impl_exec {
    (@method special $name:ident) => {};
    (@method unary $name:ident) => {
        #[inline(always)]
        fn $name(&mut self, ty: Type, a: u64) -> u64 { eval::$name(ty, a) }
    };
    (@method binary $name:ident) => {
        #[inline(always)]
        fn $name(&mut self, ty: Type, a: u64, b: u64) -> u64 { eval::$name(ty, a, b) }
    };
    (@method compare $name:ident) => {
        #[inline(always)]
        fn $name(&mut self, ty: Type, a: u64, b: u64) -> u64 { eval::$name(ty, a, b) }
    };
    (@method convert $name:ident) => {
        #[inline(always)]
        fn $name(&mut self, to: Type, from: Type, a: u64) -> u64 { eval::$name(to, from, a) }
    };
    (@method crypto $name:ident) => {
        #[inline(always)]
        fn $name(&mut self, a: u64, b: u64, imm: u8) -> u64 { eval::$name(a, b, imm) }
    };
    (@method fp1 $name:ident) => { impl_exec!(@fp $name(ty: Type, rm: Rm, a: u64)); };
    (@method fp2 $name:ident) => { impl_exec!(@fp $name(ty: Type, rm: Rm, a: u64, b: u64)); };
    (@method fp3 $name:ident) => { impl_exec!(@fp $name(ty: Type, rm: Rm, a: u64, b: u64, c: u64)); };
    (@method fpcmp $name:ident) => { impl_exec!(@fp $name(ty: Type, a: u64, b: u64)); };
    (@method fpcvt $name:ident) => { impl_exec!(@fp $name(to: Type, from: Type, rm: Rm, a: u64)); };
    (@fp $name:ident($($arg:ident: $ty:ty),*)) => {
        fn $name(&mut self, $($arg: $ty),*) -> u64 {
            let mut env = self.env();
            let value = eval::$name($($arg,)* &mut env);
            self.0.state.accrue(env);
            value
        }
    };
    ($($(#[$doc:meta])* $shape:ident $variant:ident $name:ident;)*) => {
        impl Build for Exec {
            type V = u64;
            const READS_ZERO: bool = true;

            #[inline(always)]
            fn iconst(&mut self, ty: Type, value: u64) -> u64 { value & ty.mask() }
            #[inline(always)]
            fn gaddr(&mut self, addr: u64) -> u64 { addr }
            #[inline(always)]
            fn get(&mut self, slot: Slot) -> u64 { self.0.state.get(slot.cell) }
            #[inline(always)]
            fn set(&mut self, slot: Slot, value: u64) { self.0.state.set(slot.cell, value) }
            #[inline(always)]
            fn load(&mut self, ty: Type, addr: u64, offset: i64) -> Flow<u64> {
                let p = self.host(addr.wrapping_add(offset as u64)).cast_const();
                use usercopy::*;
                flow(by_width!(ty, load_u8, load_u16, load_u32, load_u64, (p)))
            }
            #[inline(always)]
            fn store(&mut self, ty: Type, addr: u64, offset: i64, value: u64) -> Flow {
                let p = self.host(addr.wrapping_add(offset as u64));
                use usercopy::*;
                flow(by_width!(ty, store_u8, store_u16, store_u32, store_u64, (p, value)))
            }
            fn atomic_rmw(&mut self, kind: AtomicKind, ty: Type, addr: u64, value: u64) -> Flow<u64> {
                Self::check_aligned(addr, ty.bytes() as u64)?;
                let p = self.host(addr);
                use usercopy::*;
                let new = |old: u64| match kind {
                    AtomicKind::Swap => value,
                    AtomicKind::Add => eval::add(ty, old, value),
                    AtomicKind::And => old & value,
                    AtomicKind::Or => old | value,
                    AtomicKind::Xor => old ^ value,
                    AtomicKind::Smin => eval::smin(ty, old, value),
                    AtomicKind::Smax => eval::smax(ty, old, value),
                    AtomicKind::Umin => eval::umin(ty, old, value),
                    AtomicKind::Umax => eval::umax(ty, old, value),
                };
                flow(by_width!(ty, update_u8, update_u16, update_u32, update_u64, (p, new)))
            }
            fn atomic_cas(&mut self, ty: Type, addr: u64, expected: u64, new: u64) -> Flow<u64> {
                Self::check_aligned(addr, ty.bytes() as u64)?;
                let p = self.host(addr);
                use usercopy::*;
                flow(by_width!(ty, cas_u8, cas_u16, cas_u32, cas_u64, (p, expected, new)))
            }
            fn atomic_cas128(&mut self, addr: u64, expected: [u64; 2], new: [u64; 2]) -> Flow<[u64; 2]> {
                Self::check_aligned(addr, 16)?;
                // SAFETY: as for the other accesses; the address is 16-byte aligned.
                flow(unsafe { usercopy::cas_u128(self.host(addr), expected, new) })
            }
            fn load_reserved(&mut self, ty: Type, addr: u64) -> Flow<u64> {
                Self::check_naturally_aligned(addr, ty)?;
                self.load(ty, addr, 0)
            }
            fn store_cond(&mut self, ty: Type, addr: u64, reserved: u64, expected: u64, new: u64) -> Flow<u64> {
                Self::check_naturally_aligned(addr, ty)?;
                if addr != reserved {
                    return Ok(1);
                }
                let old = self.atomic_cas(ty, addr, expected, new)?;
                Ok((old != expected) as u64)
            }
            fn fence(&mut self, order: Order) {
                if order == Order::Full {
                    std::sync::atomic::fence(std::sync::atomic::Ordering::SeqCst);
                }
            }
            fn read_counter(&mut self, counter: Counter) -> u64 { mynah_backend::helpers::read_counter(counter) }
            #[inline(always)]
            fn select(&mut self, _ty: Type, cond: u64, a: u64, b: u64) -> u64 { if cond != 0 { a } else { b } }
            #[inline(always)]
            fn check_rm(&mut self, rm: Rm) -> Flow {
                if rm == Rm::Dyn && self.env().frm > 4 { Err(Stop::Trap(TrapKind::Illegal)) } else { Ok(()) }
            }

            $(impl_exec!(@method $shape $name);)*

            #[inline(always)]
            fn jump(&mut self, target: u64) -> Flow { self.0.state.set_pc(target); Ok(()) }
            #[inline(always)]
            fn call(&mut self, target: u64, _ret: u64) -> Flow { self.0.state.set_pc(target); Ok(()) }
            #[inline(always)]
            fn branch(&mut self, cond: u64, taken: u64, not_taken: u64) -> Flow {
                self.0.state.set_pc(if cond != 0 { taken } else { not_taken });
                Ok(())
            }
            #[inline(always)]
            fn indirect(&mut self, target: u64, _hint: Hint) -> Flow { self.0.state.set_pc(target); Ok(()) }
            fn syscall(&mut self, next: u64) -> Flow { self.0.state.set_pc(next); Err(Stop::Syscall) }
            fn trap(&mut self, kind: TrapKind) -> Flow { Err(Stop::Trap(kind)) }
        }
    };
}
for_each_op!(impl_exec);

/// A pre-decoded instruction: 32 bytes.
#[derive(Clone, Copy)]
struct Op {
    run: Run,
    insn: Insn,
}

/// Executes a pre-decoded instruction and, unless it is the block's last, those after it.
///
/// # Safety
/// The pointer must lead to an op of a block, and the ops after it up to one made by [`Last`] must be there.
type Run = unsafe fn(&mut Exec, *const Op) -> Flow;

/// Executes one instruction, then calls the next op's function: a call in tail position, which the optimiser makes a
/// jump, so that each instruction predicts its successor by itself. Where it does not, a block's length bounds the depth.
struct Threaded;
/// Executes one instruction, and returns.
struct Last;

impl WrapBody<Exec> for Threaded {
    type Out = Run;

    fn wrap<F: Fn(&mut Exec, &Insn) -> Flow + Copy + 'static>(_: F) -> Run {
        unsafe fn run<F: Fn(&mut Exec, &Insn) -> Flow + Copy + 'static>(exec: &mut Exec, op: *const Op) -> Flow {
            // SAFETY: the caller vouches for the op and its successors.
            let (insn, next) = unsafe { (&(*op).insn, &*op.add(1)) };
            match function::<F>()(exec, insn) {
                // SAFETY: as above.
                Ok(()) => unsafe { (next.run)(exec, next) },
                Err(stop) => stopped(exec, insn, stop),
            }
        }
        run::<F>
    }
}

impl WrapBody<Exec> for Last {
    type Out = Run;

    fn wrap<F: Fn(&mut Exec, &Insn) -> Flow + Copy + 'static>(_: F) -> Run {
        unsafe fn run<F: Fn(&mut Exec, &Insn) -> Flow + Copy + 'static>(exec: &mut Exec, op: *const Op) -> Flow {
            // SAFETY: the caller vouches for the op.
            let insn = unsafe { &(*op).insn };
            function::<F>()(exec, insn).or_else(|stop| stopped(exec, insn, stop))
        }
        run::<F>
    }
}

/// The one value of a function's own type.
#[inline(always)]
fn function<F: Copy + 'static>() -> F {
    const { assert!(size_of::<F>() == 0) };
    // SAFETY: a function item has no bytes, and exists: `wrap` was given one.
    unsafe { std::mem::zeroed() }
}

/// The state's pc for an instruction that stopped: its own, or the next one's for a system call, which has set it.
#[cold]
fn stopped(exec: &mut Exec, insn: &Insn, stop: Stop) -> Flow {
    if stop != Stop::Syscall {
        exec.0.state.set_pc(insn.pc);
    }
    Err(stop)
}

const _: () = assert!(size_of::<Op>() == 32);

/// The pc of a block that was dropped: no guest pc is odd.
const DEAD: u64 = 1;

/// More often than anything runs.
pub const NEVER: u64 = u64::MAX;

/// A pre-decoded block.
pub struct Block {
    /// Guest address of its first instruction.
    pub pc: u64,
    /// Guest address after its last one.
    pub end: u64,
    /// How often tier 0 ran it.
    pub runs: u64,
    /// The number of runs from which on the dispatcher looks at it before it runs again: 0 if there is something else to
    /// do at its pc, [`NEVER`] if tier 0 is all there is for it.
    pub look_at: u64,
    /// Host entry of its translation; 0 if none is known.
    pub entry: u64,
    /// Under which number its executions are counted; 0 if nobody asked.
    pub number: u32,
    ops: Box<[Op]>,
    /// Whether `ops` is what is at `pc`; a block that came from the cache on disk is decoded when that is needed.
    decoded: bool,
    /// How many of its runs have been counted.
    counted: u64,
    /// Whether it ends in an indirect jump whose targets are worth knowing.
    jumps: bool,
    /// Blocks that followed, the first few different ones, and how often each was not among the two remembered: what an
    /// indirect jump's translation expects.
    followers: Vec<(u64, u32)>,
    /// The two blocks that followed most recently; remembered so that most look-ups are one comparison.
    next: [*mut Block; 2],
}

impl Block {
    /// Number of guest instructions.
    pub fn len(&self) -> usize {
        self.ops.len()
    }

    fn new(pc: u64, end: u64, ops: Vec<Op>) -> Block {
        Block {
            pc,
            end,
            runs: 0,
            look_at: NEVER,
            entry: 0,
            number: 0,
            jumps: ops.last().is_some_and(|op| riscv64::is_indirect_jump(&op.insn)),
            ops: ops.into_boxed_slice(),
            decoded: true,
            counted: 0,
            followers: Vec::new(),
            next: [std::ptr::null_mut(); 2],
        }
    }

    /// A block of which only the translation is known.
    pub fn translated(pc: u64, entry: u64) -> Block {
        Block { entry, look_at: 0, decoded: false, ..Block::new(pc, pc, Vec::new()) }
    }

    /// Whether it was decoded.
    pub fn is_decoded(&self) -> bool {
        self.decoded
    }

    /// Its instructions in order.
    pub fn insns(&self) -> impl Iterator<Item = &Insn> {
        self.ops.iter().map(|op| &op.insn)
    }

    /// The guest pages it touches.
    fn pages(&self) -> std::ops::RangeInclusive<u64> {
        self.pc / PAGE_SIZE..=(self.end.max(self.pc + 1) - 1) / PAGE_SIZE
    }

    /// Whether the block is empty: its first instruction cannot be fetched.
    pub fn is_empty(&self) -> bool {
        self.ops.is_empty()
    }

    /// Where its indirect jump went, and how often; empty if it ends otherwise.
    pub fn indirect_followers(&self) -> &[(u64, u32)] {
        &self.followers
    }

    /// Whether a translation would execute at least its first instruction.
    pub fn is_translatable(&self) -> bool {
        self.ops.first().is_some_and(|op| !riscv64::is_tier0(&op.insn))
    }

    /// Guest instructions executed in it that have not been counted yet.
    fn uncounted(&mut self) -> u64 {
        let runs = self.runs - self.counted;
        self.counted = self.runs;
        runs * self.len() as u64
    }

    fn note_next(&mut self, next: *mut Block) {
        self.next = [next, self.next[0]];
        // The first hundred say what there is, then a sample does.
        if !self.jumps || (self.runs > 100 && !self.runs.is_multiple_of(8)) {
            return;
        }
        // SAFETY: just looked up.
        let pc = unsafe { (*next).pc };
        match self.followers.iter().position(|f| f.0 == pc) {
            Some(i) => self.followers[i].1 += 1,
            None if self.followers.len() < FOLLOWERS => self.followers.push((pc, 1)),
            None => {}
        }
    }

    /// Runs the block once. On a stop, the state's pc is that of the instruction that stopped (behind it for a system
    /// call); otherwise it is where execution goes on.
    #[inline]
    pub fn run(&self, ctx: &mut Context) -> Flow {
        let exec = Exec::new(ctx);
        exec.0.state.set_pc(self.end);
        match self.ops.first() {
            // SAFETY: the ops of a block end with one made by `Last`.
            Some(first) => unsafe { (first.run)(exec, first) },
            None => Ok(()),
        }
    }
}

/// Decodes a block. Empty if nothing can be fetched or decoded at `pc`.
pub fn decode_block(pc: u64, fetch: &mut dyn FnMut(u64) -> Option<u16>, cpu: &Cpu) -> Block {
    let mut ops = Vec::with_capacity(8);
    let mut end = pc;
    while ops.len() < MAX_BLOCK {
        let Ok(insn) = riscv64::fetch_insn(end, fetch, cpu) else { break };
        let barrier = riscv64::is_barrier(&insn);
        if barrier && !ops.is_empty() {
            break;
        }
        ops.push(Op { run: riscv64::wrap_body::<Exec, Threaded>(insn.op), insn });
        end = insn.next();
        if riscv64::ends_block(&insn) {
            break;
        }
        // What only tier 0 executes, and barriers, end a translated block, and so they do here.
        if barrier || riscv64::is_tier0(&insn) {
            break;
        }
    }
    if let Some(last) = ops.last_mut() {
        last.run = riscv64::wrap_body::<Exec, Last>(last.insn.op);
    }
    Block::new(pc, end, ops)
}

/// Executes the one instruction `insn`; pc is as [`Block::run`] leaves it.
pub fn step(ctx: &mut Context, insn: &Insn) -> Flow {
    let exec = Exec::new(ctx);
    exec.0.state.set_pc(insn.next());
    riscv64::body::<Exec>(insn.op)(exec, insn).or_else(|stop| stopped(exec, insn, stop))
}

/// Entries of the direct-mapped look-up in front of the map.
const CACHE: usize = 4096;

/// Followers of a block that are remembered, and those of them that its translation compares with.
const FOLLOWERS: usize = 24;
const PREDICTED: usize = 8;
/// A follower that came less often than once in so many times is not expected.
const RARE: u32 = 12;

/// Dropped blocks that are kept until they are freed together.
const DROPPED: usize = 4096;

/// The pre-decoded blocks of one vCPU.
pub struct Blocks {
    map: FxHashMap<u64, Box<Block>>,
    /// Where the blocks begin that touch a guest page, for invalidation; may name blocks that are gone.
    by_page: FxHashMap<u64, Vec<u64>>,
    cache: Vec<*mut Block>,
    /// Blocks that were dropped. Others still point at them, but their pc is odd, so nobody follows.
    dropped: Vec<Box<Block>>,
    /// Guest instructions executed in dropped blocks that have not been counted yet.
    uncounted: u64,
}

impl Default for Blocks {
    fn default() -> Blocks {
        Blocks {
            map: FxHashMap::default(),
            by_page: FxHashMap::default(),
            cache: vec![std::ptr::null_mut(); CACHE],
            dropped: Vec::new(),
            uncounted: 0,
        }
    }
}

impl Blocks {
    /// The block at `pc` if it is one of the two that followed `last` most recently.
    #[inline(always)]
    pub fn next(last: *mut Block, pc: u64) -> Option<*mut Block> {
        if last.is_null() {
            return None;
        }
        // SAFETY: `last` was given out by a table, and dropped blocks are freed only by look-ups without one.
        let next = unsafe { &(*last).next };
        // SAFETY: as above.
        next.iter().copied().find(|block| !block.is_null() && unsafe { (**block).pc } == pc)
    }

    /// The block at `pc`, which came after `last` if that is not null; `decode` makes it if it is not there yet.
    pub fn get(&mut self, last: *mut Block, pc: u64, decode: impl FnOnce() -> Block) -> *mut Block {
        if last.is_null() && self.dropped.len() > DROPPED {
            self.forget_links();
            self.dropped.clear();
        }
        let found = self.find(pc, decode);
        if !last.is_null() {
            // SAFETY: as in `next`.
            unsafe { (*last).note_next(found) };
        }
        found
    }

    fn find(&mut self, pc: u64, decode: impl FnOnce() -> Block) -> *mut Block {
        let slot = (pc >> 1) as usize % CACHE;
        let cached = self.cache[slot];
        // SAFETY: the cache holds only blocks of the map, and is emptied when some are dropped.
        if !cached.is_null() && unsafe { (*cached).pc } == pc {
            return cached;
        }
        let by_page = &mut self.by_page;
        let block: *mut Block = &mut **self.map.entry(pc).or_insert_with(|| {
            let block = Box::new(decode());
            for page in block.pages() {
                by_page.entry(page).or_default().push(pc);
            }
            block
        });
        self.cache[slot] = block;
        block
    }

    /// Completes a block of the table of which only the translation was known.
    pub fn complete(&mut self, block: &mut Block, decoded: Block) {
        (block.ops, block.end, block.decoded, block.jumps) = (decoded.ops, decoded.end, true, decoded.jumps);
        // The first page knows of it.
        for page in block.pages().skip(1) {
            self.by_page.entry(page).or_default().push(block.pc);
        }
    }

    /// Whether the block at `pc` has run.
    pub fn has_run(&self, pc: u64) -> bool {
        self.map.get(&pc).is_some_and(|b| b.runs > 0)
    }

    /// Every block that was decoded and has run.
    pub fn iter_run(&self) -> impl Iterator<Item = &Block> {
        self.map.values().map(|block| &**block).filter(|block| block.runs > 0 && !block.is_empty())
    }

    /// Where the jump at the end of the block at `pc` went, most frequent first; only what is worth a comparison.
    pub fn followers(&self, pc: u64) -> Vec<u64> {
        let mut list = self.map.get(&pc).map(|b| b.followers.clone()).unwrap_or_default();
        let total: u32 = list.iter().map(|f| f.1).sum();
        list.retain(|f| f.1 >= total / RARE);
        list.sort_by_key(|f| std::cmp::Reverse(f.1));
        list.truncate(PREDICTED);
        list.into_iter().map(|f| f.0).collect()
    }

    /// Drops the blocks that came from a guest range. Costs in proportion to the blocks of the pages it touches.
    pub fn invalidate(&mut self, start: u64, end: u64) {
        let pages = start / PAGE_SIZE..=end.saturating_sub(1) / PAGE_SIZE;
        let touched: Vec<u64> = if pages.end() - pages.start() < self.by_page.len() as u64 {
            pages.filter(|page| self.by_page.contains_key(page)).collect()
        } else {
            self.by_page.keys().copied().filter(|page| pages.contains(page)).collect()
        };
        for page in touched {
            let mut starts = self.by_page.remove(&page).unwrap_or_default();
            starts.retain(|pc| !self.drop_block(*pc, start, end) && self.map.contains_key(pc));
            if !starts.is_empty() {
                self.by_page.insert(page, starts);
            }
        }
    }

    /// Drops the block at `pc` if it came from the range.
    fn drop_block(&mut self, pc: u64, start: u64, end: u64) -> bool {
        let hit = self.map.get(&pc).is_some_and(|b| b.pc < end && start < b.end.max(b.pc + 1));
        if let Some(mut block) = hit.then(|| self.map.remove(&pc)).flatten() {
            block.pc = DEAD;
            self.uncounted += block.uncounted();
            self.dropped.push(block);
        }
        hit
    }

    /// Forgets the translation of the block at `pc`; the dispatcher looks for another when it runs next.
    pub fn forget_entry(&mut self, pc: u64) {
        if let Some(block) = self.map.get_mut(&pc) {
            block.entry = 0;
        }
    }

    /// Forgets the translations of all blocks.
    pub fn forget_entries(&mut self) {
        for block in self.map.values_mut() {
            block.entry = 0;
        }
    }

    /// Guest instructions that were executed since this was last asked.
    pub fn take_insns(&mut self) -> u64 {
        let dropped = std::mem::take(&mut self.uncounted);
        self.map.values_mut().fold(dropped, |sum, block| sum + block.uncounted())
    }

    fn forget_links(&mut self) {
        self.cache.fill(std::ptr::null_mut());
        for block in self.map.values_mut() {
            block.next = [std::ptr::null_mut(); 2];
        }
    }

    /// Number of blocks, and of guest instructions in them.
    pub fn size(&self) -> (usize, usize) {
        (self.map.len(), self.map.values().map(|b| b.len()).sum())
    }
}
