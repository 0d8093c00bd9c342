//! Fences, environment calls and breakpoints.

use mynah_ir::{Build, Flow, Order, TrapKind};

use super::Insn;

/// `fence`: only earlier writes before later reads need an instruction on a host with total store order. `fence.tso`
/// (mode 8 with RW, RW) leaves out exactly that pair (RV32I, "Memory Ordering Instructions").
pub fn fence<B: Build>(b: &mut B, i: &Insn) -> Flow {
    const TSO: i32 = 0x833;
    let (writes_before, reads_after) = (i.imm & 0x10 != 0, i.imm & 2 != 0);
    b.fence(if writes_before && reads_after && i.imm & 0xfff != TSO { Order::Full } else { Order::Light });
    Ok(())
}

/// `fence.i`
pub fn fence_i<B: Build>(b: &mut B, _i: &Insn) -> Flow {
    b.trap(TrapKind::CodeChanged)
}

/// `ecall`
pub fn ecall<B: Build>(b: &mut B, i: &Insn) -> Flow {
    b.syscall(i.next())
}

/// `ebreak`
pub fn ebreak<B: Build>(b: &mut B, _i: &Insn) -> Flow {
    b.trap(TrapKind::Breakpoint)
}

/// What does not decode.
pub fn illegal<B: Build>(b: &mut B, _i: &Insn) -> Flow {
    b.trap(TrapKind::Illegal)
}
