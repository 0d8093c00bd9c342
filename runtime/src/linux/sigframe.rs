//! The frame that the kernel puts on a riscv64 guest's stack to run a signal handler, and the way back
//! (`arch/riscv/kernel/signal.c`, `uapi/asm/{sigcontext,ucontext,ptrace}.h`).

use mynah_frontend::riscv64::state;
use mynah_ir::state::{FLAGS_CELL, FRM_CELL};

use super::sigcalls::set_altstack;
use super::signal::{Action, AltStack, SigInfo, sa};
use crate::linux::Errno;
use crate::memory::{GuestAddr, Pod};
use crate::vcpu::Vcpu;

/// Bytes of the instruction that makes a system call; it has no compressed form.
pub const ECALL_SIZE: u64 = 4;

/// `struct sigcontext`: `user_regs_struct`, then the union of floating-point states, in which the quad state is the
/// longest and the double state is used. Behind it would follow extension contexts; all zero is their end mark.
#[derive(Clone, Copy)]
#[repr(C, align(16))]
struct SigContext {
    pc: u64,
    x1_to_x31: [u64; 31],
    f: [u64; 32],
    fcsr: u32,
    unused: [u32; 63],
    /// Must be zero on the way back.
    reserved: [u32; 4],
}

/// `struct ucontext`.
#[derive(Clone, Copy)]
#[repr(C)]
struct UContext {
    flags: u64,
    link: u64,
    stack: AltStack,
    sigmask: u64,
    unused: [u8; 120],
    pad: u64,
    mcontext: SigContext,
}

/// `struct rt_sigframe`.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Frame {
    info: SigInfo,
    uc: UContext,
}

const _: () = {
    use std::mem::offset_of;
    assert!(offset_of!(SigContext, f) == 256 && offset_of!(SigContext, fcsr) == 512);
    assert!(offset_of!(SigContext, reserved) == 768 && size_of::<SigContext>() == 784);
    assert!(offset_of!(UContext, stack) == 16 && offset_of!(UContext, sigmask) == 40);
    assert!(offset_of!(UContext, mcontext) == 176 && size_of::<UContext>() == 960);
    assert!(offset_of!(Frame, uc) == 128 && size_of::<Frame>() == 1088);
};

// SAFETY: integers; the assertions leave no room for padding.
unsafe impl Pod for Frame {}

/// Where the frame holds the guest's registers, for unwind information: DWARF's number of a register on RISC-V (1 to 31
/// are `x`, 32 to 63 `f`, 64 is the pc that a signal interrupted) and its offset from the stack pointer in bytes.
pub fn register_offsets() -> impl Iterator<Item = (u8, u64)> {
    let context = std::mem::offset_of!(Frame, uc) as u64 + std::mem::offset_of!(UContext, mcontext) as u64;
    // The pc stands in the place that `x0` would have.
    (1..64).chain([64]).map(move |register| (register, context + 8 * (u64::from(register) % 64)))
}

/// Where the frame goes: below the stack pointer or on the alternate stack, never off the end of the latter.
fn place(vcpu: &Vcpu, action: &Action) -> Result<GuestAddr, Errno> {
    let (sp, alt) = (vcpu.x(2), &vcpu.signals.altstack);
    let size = size_of::<Frame>() as u64;
    if alt.holds(sp) && !alt.holds(sp.wrapping_sub(size)) {
        return Err(Errno::EFAULT);
    }
    let switches = action.flags & sa::ONSTACK != 0 && alt.size != 0 && !alt.holds(sp);
    let top = if switches { alt.base.wrapping_add(alt.size) } else { sp };
    Ok(GuestAddr(top.wrapping_sub(size) & !15))
}

/// Writes a frame and makes the guest continue in the handler. On an error nothing has changed but guest stack memory.
pub fn push(vcpu: &mut Vcpu, info: &SigInfo, action: &Action) -> Result<(), Errno> {
    let addr = place(vcpu, action)?;
    let uc = UContext {
        flags: 0,
        link: 0,
        stack: vcpu.signals.altstack,
        sigmask: vcpu.signals.mask,
        unused: [0; 120],
        pad: 0,
        mcontext: save(vcpu),
    };
    vcpu.process.memory.write(addr, &Frame { info: *info, uc })?;
    if vcpu.signals.altstack.flags & AltStack::AUTODISARM != 0 {
        vcpu.signals.altstack = AltStack::NONE;
    }
    vcpu.set_x(1, vcpu.process.image.sigreturn.0);
    vcpu.set_x(2, addr.0);
    vcpu.set_x(10, info.signo as u64);
    vcpu.set_x(11, addr.0);
    vcpu.set_x(12, addr.0 + std::mem::offset_of!(Frame, uc) as u64);
    vcpu.set_pc(action.handler);
    drop_reservation(vcpu);
    Ok(())
}

impl Frame {
    /// The frame at the guest's stack pointer; EFAULT if there is none.
    pub fn read(vcpu: &Vcpu) -> Result<Frame, Errno> {
        let frame: Frame = vcpu.process.memory.read(GuestAddr(vcpu.x(2)))?;
        // Anything else would be a context of an extension that this CPU does not have.
        if frame.uc.mcontext.reserved == [0; 4] { Ok(frame) } else { Err(Errno::EFAULT) }
    }

    /// The mask to go back to.
    pub fn mask(&self) -> u64 {
        self.uc.sigmask
    }

    /// Continues where the frame says.
    pub fn restore(&self, vcpu: &mut Vcpu) {
        restore(vcpu, &self.uc.mcontext);
        // As in the kernel, a stack that cannot be set is not an error here.
        let _ = set_altstack(vcpu, self.uc.stack);
        drop_reservation(vcpu);
    }
}

/// `struct user_regs_struct`: the pc, then x1 to x31.
pub fn registers(vcpu: &Vcpu) -> [u64; 32] {
    std::array::from_fn(|n| if n == 0 { vcpu.pc() } else { vcpu.x(n as u8) })
}

/// `struct __riscv_d_ext_state` as a core file has it: f0 to f31, then fcsr in a word.
pub fn float_registers(vcpu: &Vcpu) -> Vec<u8> {
    let context = save(vcpu);
    context.f.into_iter().chain([u64::from(context.fcsr)]).flat_map(u64::to_le_bytes).collect()
}

fn save(vcpu: &Vcpu) -> SigContext {
    let cells = &vcpu.ctx.state;
    SigContext {
        pc: vcpu.pc(),
        x1_to_x31: std::array::from_fn(|i| vcpu.x(i as u8 + 1)),
        f: std::array::from_fn(|i| cells.get(state::F + i as u16)),
        fcsr: (cells.get(FLAGS_CELL) & 0x1f | (cells.get(FRM_CELL) & 7) << 5) as u32,
        unused: [0; 63],
        reserved: [0; 4],
    }
}

fn restore(vcpu: &mut Vcpu, context: &SigContext) {
    vcpu.set_pc(context.pc);
    for (n, &value) in (1..).zip(&context.x1_to_x31) {
        vcpu.set_x(n, value);
    }
    let cells = &mut vcpu.ctx.state;
    for (cell, &value) in (state::F..).zip(&context.f) {
        cells.set(cell, value);
    }
    cells.set(FLAGS_CELL, u64::from(context.fcsr) & 0x1f);
    cells.set(FRM_CELL, u64::from(context.fcsr) >> 5 & 7);
}

/// A trap ends a load-reserved/store-conditional sequence.
fn drop_reservation(vcpu: &mut Vcpu) {
    vcpu.ctx.state.set(state::RES_ADDR.cell, state::NO_RESERVATION);
}

/// The pc and the registers `x0` to `x31` that the signal frame at `sp` holds; for stacks that are walked.
pub fn interrupted(memory: &crate::memory::Memory, sp: GuestAddr) -> Option<(u64, [u64; 32])> {
    let frame: Frame = memory.read(sp).ok()?;
    let saved = frame.uc.mcontext;
    let registers = std::array::from_fn(|n| if n == 0 { 0 } else { saved.x1_to_x31[n - 1] });
    Some((saved.pc, registers))
}
