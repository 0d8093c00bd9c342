//! The values of `riscv_hwprobe`: what the guest's processors can do (Linux, `Documentation/arch/riscv/hwprobe.rst` and
//! `arch/riscv/include/uapi/asm/hwprobe.h`).

use mynah_frontend::riscv64::Cpu;
use mynah_frontend::riscv64::Extension::{self, *};

const MVENDORID: i64 = 0;
const MARCHID: i64 = 1;
const MIMPID: i64 = 2;
const BASE_BEHAVIOR: i64 = 3;
const IMA_EXT_0: i64 = 4;
const CPUPERF_0: i64 = 5;
const ZICBOZ_BLOCK_SIZE: i64 = 6;
const HIGHEST_VIRT_ADDRESS: i64 = 7;
const TIME_CSR_FREQ: i64 = 8;
const MISALIGNED_SCALAR_PERF: i64 = 9;
const MISALIGNED_VECTOR_PERF: i64 = 10;
const VENDOR_EXT_THEAD_0: i64 = 11;
const ZICBOM_BLOCK_SIZE: i64 = 12;
const VENDOR_EXT_SIFIVE_0: i64 = 13;
const VENDOR_EXT_MIPS_0: i64 = 14;

/// BASE_BEHAVIOR_IMA: I, M and A are there.
const IMA: u64 = 1;
/// MISALIGNED_SCALAR_FAST: the host does them at full speed.
const FAST: u64 = 3;
/// MISALIGNED_VECTOR_FAST, and MISALIGNED_VECTOR_UNSUPPORTED.
const VECTOR_FAST: u64 = 3;
const VECTOR_UNSUPPORTED: u64 = 4;

/// Bytes of a cache block as `cbo.zero` and its like see it.
pub const CACHE_BLOCK: u64 = 64;
/// Last address of the user half of Sv39.
const SV39_LAST: u64 = (1 << 38) - 1;

/// Bits of IMA_EXT_0, each with the extensions that all must be there.
const IMA_EXT_0_BITS: &[(u32, &[Extension])] = &[
    (0, &[F, D]),
    (1, &[Zca, Zcd]),
    (2, &[V]),
    (3, &[Zba]),
    (4, &[Zbb]),
    (5, &[Zbs]),
    (6, &[Zicboz]),
    (7, &[Zbc]),
    (8, &[Zbkb]),
    (9, &[Zbkc]),
    (10, &[Zbkx]),
    (11, &[Zknd]),
    (12, &[Zkne]),
    (13, &[Zknh]),
    (14, &[Zksed]),
    (15, &[Zksh]),
    // 16 is Zkt, a promise about timing that Mynah cannot make.
    (17, &[Zvbb]),
    (21, &[Zvkned]),
    (27, &[Zfh]),
    (28, &[Zfhmin]),
    (29, &[Zihintntl]),
    (32, &[Zfa]),
    // 33 is Ztso: the host orders memory that strongly, translated code does not promise to.
    (34, &[Zacas]),
    (35, &[Zicond]),
    (36, &[Zihintpause]),
    (42, &[Zimop]),
    (43, &[Zca]),
    (44, &[Zcb]),
    (45, &[Zcd]),
    (47, &[Zcmop]),
    (48, &[Zawrs]),
    (50, &[Zicntr]),
    (51, &[Zihpm]),
    (52, &[Zfbfmin]),
    (55, &[Zicbom]),
    (56, &[Zaamo]),
    (57, &[Zalrsc]),
    // Zicbop has no bit in Linux 6.18.
    (58, &[Zabha]),
];

/// The value of a key; `None` for keys that this kernel does not know.
pub fn value(cpu: &Cpu, key: i64) -> Option<u64> {
    let block = |extension| if cpu.has(extension) { CACHE_BLOCK } else { 0 };
    match key {
        MVENDORID | MARCHID | MIMPID => Some(0),
        BASE_BEHAVIOR => Some(IMA),
        IMA_EXT_0 => Some(extensions(cpu)),
        CPUPERF_0 | MISALIGNED_SCALAR_PERF => Some(FAST),
        ZICBOZ_BLOCK_SIZE => Some(block(Zicboz)),
        HIGHEST_VIRT_ADDRESS => Some(SV39_LAST),
        TIME_CSR_FREQ => Some(TIME_FREQUENCY),
        MISALIGNED_VECTOR_PERF => Some(if cpu.has(V) { VECTOR_FAST } else { VECTOR_UNSUPPORTED }),
        ZICBOM_BLOCK_SIZE => Some(block(Zicbom)),
        VENDOR_EXT_THEAD_0 | VENDOR_EXT_SIFIVE_0 | VENDOR_EXT_MIPS_0 => Some(0),
        _ => None,
    }
}

/// Ticks of `rdtime` per second.
pub const TIME_FREQUENCY: u64 = 1_000_000_000;

/// Whether a processor with the value `actual` has what `wanted` asks for: the bits of a bit mask, or the very value.
pub fn matches(key: i64, actual: u64, wanted: u64) -> bool {
    match key {
        BASE_BEHAVIOR | IMA_EXT_0 | CPUPERF_0 => actual & wanted == wanted,
        VENDOR_EXT_THEAD_0 | VENDOR_EXT_SIFIVE_0 | VENDOR_EXT_MIPS_0 => actual & wanted == wanted,
        _ => actual == wanted,
    }
}

fn extensions(cpu: &Cpu) -> u64 {
    let bit = |&(bit, needs): &(u32, &[Extension])| u64::from(needs.iter().all(|&e| cpu.has(e))) << bit;
    IMA_EXT_0_BITS.iter().map(bit).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_named_once_and_ascend() {
        assert!(IMA_EXT_0_BITS.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }

    #[test]
    fn a_processor_tells_what_it_has() {
        let plain = Cpu::parse("rv64").unwrap();
        assert_eq!(value(&plain, IMA_EXT_0).unwrap() & 0x1f, 3, "F, D and C, no V, no Zba, no Zbb");
        // Linux 6.18 knows keys 0 to 14.
        assert!((0..=14).all(|key| value(&plain, key).is_some()));
        assert_eq!([value(&plain, -1), value(&plain, 15)], [None; 2]);
        assert!(matches(IMA_EXT_0, 3, 1) && !matches(IMA_EXT_0, 3, 4));
    }
}
