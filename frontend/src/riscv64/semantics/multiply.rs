//! M: multiplication and division. The IR's division already has RISC-V's results for zero divisors and overflow.

use super::bodies;
use mynah_ir::Type::{I32, I64};

bodies! {
    binary mul |b, x, y| b.mul(I64, x, y);
    binary mulh |b, x, y| b.smulh(I64, x, y);
    binary mulhu |b, x, y| b.umulh(I64, x, y);
    // A negative x is 2^64 less than what the unsigned product takes it for, which is y too much in the high half.
    binary mulhsu |b, x, y| {
        let high = b.umulh(I64, x, y);
        let last = b.iconst(I64, 63);
        let sign = b.sshr(I64, x, last);
        let excess = b.and(I64, sign, y);
        b.sub(I64, high, excess)
    };
    binary div |b, x, y| b.sdiv(I64, x, y);
    binary divu |b, x, y| b.udiv(I64, x, y);
    binary rem |b, x, y| b.srem(I64, x, y);
    binary remu |b, x, y| b.urem(I64, x, y);

    binary_word mulw |b, x, y| b.mul(I32, x, y);
    binary_word divw |b, x, y| b.sdiv(I32, x, y);
    binary_word divuw |b, x, y| b.udiv(I32, x, y);
    binary_word remw |b, x, y| b.srem(I32, x, y);
    binary_word remuw |b, x, y| b.urem(I32, x, y);
}
