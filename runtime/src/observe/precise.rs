//! Tier 0 with a call to the observers for each block, instruction and access.

use mynah_backend::Context;
use mynah_frontend::riscv64::{self, Insn};
use mynah_ir::{AtomicKind, Build, Counter, Flow, Hint, Order, Rm, Slot, Stop, TrapKind, Type, for_each_op};

use crate::memory::GuestAddr;
use crate::tier0::{Block, Exec};
use crate::vcpu::Vcpu;

/// How memory is touched.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum AccessKind {
    /// A load.
    Load,
    /// A store.
    Store,
    /// An atomic read-modify-write, or a store-conditional.
    Atomic,
}

/// One access of an instruction to memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Access {
    /// Guest address of the instruction.
    pub pc: u64,
    /// Guest address of the first byte.
    pub addr: GuestAddr,
    /// Bytes.
    pub size: u8,
    /// How.
    pub kind: AccessKind,
}

/// Executes bodies like [`Exec`] and remembers the accesses that did not fault.
struct Recorder<'a> {
    exec: &'a mut Exec,
    pc: u64,
    accesses: Vec<Access>,
}

impl Recorder<'_> {
    fn note(&mut self, addr: u64, size: u32, kind: AccessKind) {
        self.accesses.push(Access { pc: self.pc, addr: GuestAddr(addr), size: size as u8, kind });
    }
}

macro_rules! forward {
    (@method special $name:ident) => {};
    (@method unary $name:ident) => { forward!(@f $name(ty: Type, a: u64)); };
    (@method binary $name:ident) => { forward!(@f $name(ty: Type, a: u64, b: u64)); };
    (@method compare $name:ident) => { forward!(@f $name(ty: Type, a: u64, b: u64)); };
    (@method convert $name:ident) => { forward!(@f $name(to: Type, from: Type, a: u64)); };
    (@method crypto $name:ident) => { forward!(@f $name(a: u64, b: u64, imm: u8)); };
    (@method fp1 $name:ident) => { forward!(@f $name(ty: Type, rm: Rm, a: u64)); };
    (@method fp2 $name:ident) => { forward!(@f $name(ty: Type, rm: Rm, a: u64, b: u64)); };
    (@method fp3 $name:ident) => { forward!(@f $name(ty: Type, rm: Rm, a: u64, b: u64, c: u64)); };
    (@method fpcmp $name:ident) => { forward!(@f $name(ty: Type, a: u64, b: u64)); };
    (@method fpcvt $name:ident) => { forward!(@f $name(to: Type, from: Type, rm: Rm, a: u64)); };
    (@f $name:ident($($arg:ident: $ty:ty),*)) => {
        fn $name(&mut self, $($arg: $ty),*) -> u64 { self.exec.$name($($arg),*) }
    };
    ($($(#[$doc:meta])* $shape:ident $variant:ident $name:ident;)*) => {
        impl Build for Recorder<'_> {
            type V = u64;

            fn iconst(&mut self, ty: Type, value: u64) -> u64 { self.exec.iconst(ty, value) }
            fn gaddr(&mut self, addr: u64) -> u64 { addr }
            fn get(&mut self, slot: Slot) -> u64 { self.exec.get(slot) }
            fn set(&mut self, slot: Slot, value: u64) { self.exec.set(slot, value) }
            fn load(&mut self, ty: Type, addr: u64, offset: i64) -> Flow<u64> {
                let value = self.exec.load(ty, addr, offset)?;
                self.note(addr.wrapping_add(offset as u64), ty.bytes(), AccessKind::Load);
                Ok(value)
            }
            fn store(&mut self, ty: Type, addr: u64, offset: i64, value: u64) -> Flow {
                self.exec.store(ty, addr, offset, value)?;
                self.note(addr.wrapping_add(offset as u64), ty.bytes(), AccessKind::Store);
                Ok(())
            }
            fn atomic_rmw(&mut self, kind: AtomicKind, ty: Type, addr: u64, value: u64) -> Flow<u64> {
                let old = self.exec.atomic_rmw(kind, ty, addr, value)?;
                self.note(addr, ty.bytes(), AccessKind::Atomic);
                Ok(old)
            }
            fn atomic_cas(&mut self, ty: Type, addr: u64, expected: u64, new: u64) -> Flow<u64> {
                let old = self.exec.atomic_cas(ty, addr, expected, new)?;
                self.note(addr, ty.bytes(), AccessKind::Atomic);
                Ok(old)
            }
            fn atomic_cas128(&mut self, addr: u64, expected: [u64; 2], new: [u64; 2]) -> Flow<[u64; 2]> {
                let old = self.exec.atomic_cas128(addr, expected, new)?;
                self.note(addr, 16, AccessKind::Atomic);
                Ok(old)
            }
            fn load_reserved(&mut self, ty: Type, addr: u64) -> Flow<u64> {
                let value = self.exec.load_reserved(ty, addr)?;
                self.note(addr, ty.bytes(), AccessKind::Load);
                Ok(value)
            }
            fn store_cond(&mut self, ty: Type, addr: u64, reserved: u64, expected: u64, new: u64) -> Flow<u64> {
                let failed = self.exec.store_cond(ty, addr, reserved, expected, new)?;
                if failed == 0 {
                    self.note(addr, ty.bytes(), AccessKind::Atomic);
                }
                Ok(failed)
            }
            fn fence(&mut self, order: Order) { self.exec.fence(order) }
            fn read_counter(&mut self, counter: Counter) -> u64 { self.exec.read_counter(counter) }
            fn select(&mut self, ty: Type, cond: u64, a: u64, b: u64) -> u64 { self.exec.select(ty, cond, a, b) }
            fn check_rm(&mut self, rm: Rm) -> Flow { self.exec.check_rm(rm) }

            $(forward!(@method $shape $name);)*

            fn jump(&mut self, target: u64) -> Flow { self.exec.jump(target) }
            fn call(&mut self, target: u64, ret: u64) -> Flow { self.exec.call(target, ret) }
            fn branch(&mut self, cond: u64, taken: u64, not_taken: u64) -> Flow { self.exec.branch(cond, taken, not_taken) }
            fn indirect(&mut self, target: u64, hint: Hint) -> Flow { self.exec.indirect(target, hint) }
            fn syscall(&mut self, next: u64) -> Flow { self.exec.syscall(next) }
            fn trap(&mut self, kind: TrapKind) -> Flow { self.exec.trap(kind) }
        }
    };
}
for_each_op!(forward);

/// Runs a block once, as [`Block::run`] does, and tells the observers.
pub(super) fn run(vcpu: &mut Vcpu, block: &Block) -> Flow {
    let Some(observers) = vcpu.process.observers.as_ref() else { return Ok(()) };
    let wants = observers.wants;
    if wants.blocks {
        observers.tell(|observer| observer.block_executed(vcpu, block.pc, block.len()));
    }
    for insn in block.insns() {
        if wants.instructions {
            vcpu.set_pc(insn.pc);
            observers.tell(|observer| observer.instruction(vcpu, insn));
        }
        let (result, accesses) = step(&mut vcpu.ctx, insn);
        if wants.accesses {
            accesses.iter().for_each(|access| observers.tell(|observer| observer.access(vcpu, access)));
        }
        result?;
    }
    Ok(())
}

/// Executes one instruction, as [`crate::tier0::step`] does, and gives its accesses.
pub(crate) fn step(ctx: &mut Context, insn: &Insn) -> (Flow, Vec<Access>) {
    ctx.state.set_pc(insn.next());
    let mut recorder = Recorder { exec: Exec::new(ctx), pc: insn.pc, accesses: Vec::new() };
    let result = riscv64::body::<Recorder>(insn.op)(&mut recorder, insn);
    let accesses = std::mem::take(&mut recorder.accesses);
    if let Err(stop) = result
        && stop != Stop::Syscall
    {
        ctx.state.set_pc(insn.pc);
    }
    (result, accesses)
}
