//! What the fuzzers run: pure functions of bytes. A panic is a bug in Mynah; so is a promise that does not hold.

use mynah_frontend::riscv64::{self, Cpu};
use mynah_ir::{Block, Passes, parse_block, passes, verify};
use mynah_runtime::loader::{elf, parse_script, symbols};
use mynah_runtime::memory::TASK_SIZE;

/// Guest instructions in a lifted block at most, as in the product.
const MAX_INSNS: usize = 64;

/// Reads the bytes as a program: what is accepted lies inside the file and the address space, in order.
pub fn elf(bytes: &[u8]) {
    let _ = parse_script(bytes);
    let Ok(plan) = elf::parse(bytes) else { return };
    let _ = symbols::find(bytes, plan.entry);
    let (start, end) = plan.span();
    assert!(start < end && end <= TASK_SIZE);
    for segment in &plan.segments {
        assert!(segment.size != 0 && segment.file_size <= segment.size);
        assert!(segment.offset + segment.file_size <= bytes.len() as u64);
        assert!(start <= segment.vaddr && segment.end() <= end);
    }
    assert!(plan.segments.windows(2).all(|pair| pair[0].end() <= pair[1].vaddr));
}

/// Lifts the bytes as code: the IR is valid, its text reads back as the same IR, and all passes keep it valid.
pub fn lift(bytes: &[u8]) {
    const PC: u64 = 0x1_0000;
    let mut fetch = |addr: u64| {
        let at = usize::try_from(addr.checked_sub(PC)?).ok()?;
        bytes.get(at..)?.first_chunk().map(|half| u16::from_le_bytes(*half))
    };
    let mut block = riscv64::lift(PC, &mut fetch, &Cpu::default(), MAX_INSNS);
    check(&block);
    passes::run(&mut block, Passes::ALL);
    check(&block);
}

/// Reads the bytes as IR text: what is accepted and valid reads back as itself, and all passes keep it valid.
pub fn ir_parse(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(mut block) = parse_block(text) else { return };
    if verify(&block).is_err() {
        return;
    }
    check(&block);
    passes::run(&mut block, Passes::ALL);
    check(&block);
}

/// The block is valid and survives being written down.
fn check(block: &Block) {
    if let Err(errors) = verify(block) {
        panic!("{block}\n{errors:?}");
    }
    let text = block.to_string();
    let again = parse_block(&text).unwrap_or_else(|error| panic!("{error}:\n{text}"));
    assert_eq!(again.to_string(), text);
}
