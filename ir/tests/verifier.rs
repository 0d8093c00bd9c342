//! Each rule of the verifier has a block that breaks it, and the parser and the printer have their own refusals.

use mynah_ir::parser::{parse_block_with, parse_region_with};
use mynah_ir::passes::Passes;
use mynah_ir::state::PC_CELL;
use mynah_ir::verify::{MAX_INSTS, Rule};
use mynah_ir::{Block, Mark, Op, Terminal, TrapKind, Type, Value, parse_block, verify};

/// A legal block with two guest instructions.
const LEGAL: &str = "
block 0x1000..0x1006 {
@0x1000 +4
  v0: i64 = get cell10
  v1: i64 = iconst 16
  v2: i64 = add v0, v1
  v3: i32 = load v2 - 8
  v4: i64 = sext v3
  set cell11, v4
@0x1004 +2
  v6: i8 = slt v4, v1
  v7: f64 = get cell40
  v8: f64 = fadd.dyn v7, v7
  v9: i64 = aes64ks1i v0, v1, 10
  set cell40, v8
  branch v6, 0x1000, 0x1006
}
";

fn legal() -> Block {
    let block = parse_block(LEGAL).unwrap();
    assert_eq!(verify(&block), Ok(()));
    block
}

/// A rule, how to break it, and the instruction that is then at fault.
type Negative = (Rule, fn(&mut Block), Option<u32>);

const NEGATIVES: &[Negative] = &[
    (Rule::Size, |b| b.insts = vec![b.insts[0]; MAX_INSTS + 1], None),
    (Rule::Size, |b| b.marks = vec![b.marks[0]; MAX_INSTS + 1], None),
    (Rule::Types, |b| b.insts[2].ty = Type::F64, Some(2)),
    (Rule::Types, |b| b.insts[2].from = Type::I32, Some(2)),
    (Rule::Types, |b| b.insts[4].from = Type::I64, Some(4)),
    (Rule::Types, |b| b.insts[0].ty = Type::I32, Some(0)),
    (Rule::Defined, |b| b.insts[2].args[1] = Value(2), Some(2)),
    (Rule::Defined, |b| b.insts[2].args[1] = Value(1000), Some(2)),
    (Rule::Defined, |b| b.insts[2].args[1] = Value::NONE, Some(2)),
    (Rule::Defined, |b| b.insts[6].args[0] = Value(5), Some(6)),
    (Rule::Arity, |b| b.insts[2].args[2] = Value(0), Some(2)),
    (Rule::Argument, |b| b.insts[6].args[0] = Value(3), Some(6)),
    (Rule::Argument, |b| b.insts[5].args[0] = Value(3), Some(5)),
    (Rule::Constant, |b| (b.insts[1].ty, b.insts[1].from, b.insts[1].imm) = (Type::I8, Type::I8, 256), Some(1)),
    (Rule::Cell, |b| b.insts[0].imm = 256, Some(0)),
    (Rule::Cell, |b| b.insts[0].imm = -1, Some(0)),
    (Rule::Cell, |b| b.insts[5].imm = PC_CELL as i64, Some(5)),
    (Rule::Selector, |b| b.insts[8].imm = 5, Some(8)),
    (Rule::Selector, |b| b.insts[8].imm = 256, Some(8)),
    (Rule::Selector, |b| b.insts[9].imm = 11, Some(9)),
    (Rule::Immediate, |b| b.insts[2].imm = 1, Some(2)),
    (Rule::Precise, |b| b.insts.swap(0, 5), Some(3)),
    (Rule::Marks, |b| b.marks[0].inst = 1, None),
    (Rule::Marks, |b| b.marks[1].inst = 12, None),
    (Rule::Marks, |b| b.pc = 0x0fff, None),
    (Rule::Marks, |b| (b.marks[0].inst, b.marks[1].inst) = (6, 0), None),
    (Rule::Contiguous, |b| b.marks[1].pc = 0x1002, None),
    (Rule::Contiguous, |b| b.marks[1].len = 0, None),
    (Rule::Contiguous, |b| b.marks.push(Mark { inst: 11, pc: u64::MAX, len: 4 }), None),
    (Rule::End, |b| b.end = 0x1008, None),
    (Rule::End, |b| b.marks.clear(), None),
    (Rule::Terminal, |b| b.terminal = Terminal::Branch { cond: Value(0), taken: 0, not_taken: 4 }, None),
    (Rule::Terminal, |b| b.terminal = Terminal::Branch { cond: Value(99), taken: 0, not_taken: 4 }, None),
    (Rule::TerminalPc, |b| b.terminal = Terminal::Trap { pc: 0xfff, kind: TrapKind::Illegal }, None),
    (Rule::TerminalPc, |b| b.terminal = Terminal::Interpret { pc: 0x1008 }, None),
];

#[test]
fn every_rule_can_be_broken() {
    for (index, (rule, corrupt, inst)) in NEGATIVES.iter().enumerate() {
        let mut block = legal();
        corrupt(&mut block);
        let errors = verify(&block).expect_err(&format!("negative {index} of {rule:?} was accepted"));
        let found = errors.iter().any(|error| error.rule == *rule && error.inst == *inst);
        assert!(found, "negative {index}: no {rule:?} at {inst:?} in {errors:#?}");
    }
    for rule in Rule::ALL {
        assert!(NEGATIVES.iter().any(|negative| negative.0 == rule), "{rule:?} has no negative test");
    }
}

#[test]
fn all_errors_are_reported() {
    let mut block = legal();
    block.insts[0].imm = 999;
    block.insts[2].imm = 1;
    block.end = 0;
    let errors = verify(&block).unwrap_err();
    let rules: Vec<Rule> = errors.iter().map(|error| error.rule).collect();
    assert_eq!(rules, [Rule::Cell, Rule::Immediate, Rule::End]);
    assert_eq!(errors[0].to_string(), "v0: Cell: there is no slot at cell 999");
}

/// A block that only traps needs no guest instruction.
#[test]
fn bare_traps_are_legal() {
    let bare = "block 0x1000..0x1004 {\n  trap 0x1000, illegal\n}\n";
    let block = parse_block(bare).unwrap();
    assert_eq!((verify(&block), block.to_string().as_str()), (Ok(()), bare));
}

#[test]
fn parser_names_line_and_reason() {
    let cases = [
        ("", 1, "there is no block"),
        ("block 1..2", 1, "expected `block PC..END {`"),
        ("block 1..2 {", 1, "not closed"),
        ("block 1..2 {\n}", 2, "no terminal"),
        ("block 1..2 {\n  jump 1, 2\n}", 2, "unexpected `2`"),
        ("block 1..2 {\n  jump 1\n  jump 2\n}", 3, "expected `}`"),
        ("block 1..2 {\n  frob v1\n}", 2, "there is no op or terminal `frob`"),
        ("block 1..2 {\n  v0: i64 = add v1, v1\n", 2, "v1 is not defined"),
        ("block 1..2 {\n  v0: i64 = iconst 1\n  v0: i64 = iconst 1\n", 3, "defined twice"),
        ("block 1..2 {\n  v0: i8 = iconst 256\n", 2, "does not fit"),
        ("block 1..2 {\n  v0: i8 = iconst -129\n", 2, "does not fit"),
        ("block 1..2 {\n  v0: i8 = iconst +1\n", 2, "not a 64-bit number"),
        ("block 1..2 {\n  v0: i64 = get cell65536\n", 2, "not a cell"),
        ("block 1..2 {\n  v0: f64 = get cell1\n  v1: f64 = fadd v0, v0\n", 3, "takes a rounding mode"),
        ("block 1..2 {\n  v0: f64 = get cell1\n  v1: f64 = fadd.up v0, v0\n", 3, "is none of rne"),
        ("block 1..2 {\n  v0: i64 = get cell1\n  v1: i64 = load v0 + 0x8000000000000000\n", 3, "does not fit"),
        ("block 1..2 {\n  v0: i64 = get cell1\n  v1: i64 = slt v0, v0\n", 3, "gives i8"),
        ("block 1..2 {\n@0x10 +256\n", 2, "at most 255"),
    ];
    for (text, line, message) in cases {
        let error = parse_block(text).expect_err(text);
        assert!(error.line == line && error.message.contains(message), "{text}: {error}");
    }
    let endless = format!("block 0..1 {{\n{}", "  v0: i64 = get cell1\n".replace("v0", "v1").repeat(2));
    assert!(parse_block(&endless).is_err());
    let long: String = (0..=MAX_INSTS).map(|n| format!("v{n}: i64 = get cell1\n")).collect();
    assert!(parse_block(&format!("block 0..1 {{\n{long}")).unwrap_err().message.contains("at most"));
}

#[test]
fn cells_have_the_names_of_the_guest() {
    let names = ["zero", "ra", "", "gp"];
    let text = "block 0x0..0x4 {\n@0x0 +4\n  v0: i64 = get ra\n  set gp, v0\n  set cell2, v0\n  set cell9, v0\n  jump 0x4\n}\n";
    let block = parse_block_with(text, &names).unwrap();
    assert_eq!(block.insts.iter().map(|inst| inst.imm).collect::<Vec<_>>(), [1, 3, 2, 9]);
    assert_eq!(block.text(&names).to_string(), text);
    assert!(block.to_string().contains("get cell1\n"));
    assert!(parse_block(text).is_err());
}

#[test]
fn regions_are_blocks_in_a_row() {
    let text = format!("{}{}", legal(), "block 0x2000..0x2004 {\n  interpret 0x2000\n}\n");
    let region = parse_region_with(&text, &[]).unwrap();
    assert_eq!((region.blocks.len(), region.pc(), region.to_string()), (2, 0x1000, text));
}

#[test]
fn passes_are_named() {
    assert_eq!(Passes::parse("").unwrap(), Passes::NONE);
    assert_eq!(Passes::parse("all").unwrap(), Passes::ALL);
    assert_eq!(Passes::parse("fold,-forward").unwrap().to_string(), "fold");
    assert_eq!(Passes::parse("-fold, -cse").unwrap().to_string(), "forward,extend,dead-writes,dead-code");
    assert_eq!(Passes::parse("all,-all").unwrap().to_string(), "none");
    assert!(Passes::parse("fold,speed").unwrap_err().contains("`speed`; there are forward, fold"));
    assert_eq!(Passes::parse(&Passes::ALL.to_string()).unwrap(), Passes::ALL);
}

/// The list of ops that the parser knows is the table's.
#[test]
fn op_names_are_distinct() {
    for op in Op::ALL {
        assert_eq!(Op::from_name(op.name()), Some(*op));
    }
}
