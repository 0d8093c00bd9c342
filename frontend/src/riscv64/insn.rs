//! A decoded instruction.

/// A decoded instruction with its operands, as bodies take it. 24 bytes, so that tier 0 keeps it beside a body's
/// address in 32.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Insn {
    /// Guest address.
    pub pc: u64,
    /// Sign-extended immediate, branch offset, shift amount, CSR number, or byte select, as the row's fields say.
    pub imm: i32,
    /// Index of the row in the table.
    pub op: u16,
    /// Destination register, 0 to 31.
    pub rd: u8,
    /// First source register.
    pub rs1: u8,
    /// Second source register.
    pub rs2: u8,
    /// Third source register.
    pub rs3: u8,
    /// Rounding mode as encoded (0 to 7), or the aq and rl bits (bit 1 and bit 0) of an atomic.
    pub rm: u8,
    /// Length in bytes: 2 or 4.
    pub len: u8,
}

const _: () = assert!(size_of::<Insn>() == 24);

impl Insn {
    /// Guest address of the next instruction.
    #[inline(always)]
    pub fn next(&self) -> u64 {
        self.pc.wrapping_add(self.len as u64)
    }

    /// Target of a pc-relative jump or branch.
    #[inline(always)]
    pub fn target(&self) -> u64 {
        self.pc.wrapping_add(self.imm as i64 as u64)
    }
}
