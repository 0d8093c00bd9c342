//! RV64I loads and stores, and Zicboz.

use mynah_ir::Type::{I8, I16, I32, I64};
use mynah_ir::{Build, Flow};

use super::{Insn, Registers};

macro_rules! load {
    ($($name:ident = $ty:ident $extend:ident;)*) => {
        $(
            #[doc = concat!("`", stringify!($name), "`")]
            pub fn $name<B: Build>(b: &mut B, i: &Insn) -> Flow {
                let addr = b.x(i.rs1);
                let v = b.load($ty, addr, i.imm as i64)?;
                let v = if $ty == I64 { v } else { b.$extend(I64, $ty, v) };
                b.set_x(i.rd, v);
                Ok(())
            }
        )*
    };
}

load! {
    lb = I8 sext;
    lh = I16 sext;
    lw = I32 sext;
    ld = I64 sext;
    lbu = I8 zext;
    lhu = I16 zext;
    lwu = I32 zext;
}

macro_rules! store {
    ($($name:ident = $ty:ident;)*) => {
        $(
            #[doc = concat!("`", stringify!($name), "`")]
            pub fn $name<B: Build>(b: &mut B, i: &Insn) -> Flow {
                let addr = b.x(i.rs1);
                let v = b.narrow($ty, i.rs2);
                b.store($ty, addr, i.imm as i64, v)
            }
        )*
    };
}

store! {
    sb = I8;
    sh = I16;
    sw = I32;
    sd = I64;
}

/// Size of a cache block in bytes: what RVA22 fixes with Zic64b.
pub const CACHE_BLOCK: u64 = 64;

/// `cbo.zero`: the block around the address. It lies in one page, so that the first store faults or none does.
pub fn cbo_zero<B: Build>(b: &mut B, i: &Insn) -> Flow {
    let addr = b.x(i.rs1);
    let mask = b.iconst(I64, !(CACHE_BLOCK - 1));
    let block = b.and(I64, addr, mask);
    let zero = b.iconst(I64, 0);
    (0..CACHE_BLOCK as i64).step_by(8).try_for_each(|offset| b.store(I64, block, offset, zero))
}
