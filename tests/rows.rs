//! Row tests: each line of `tests/insn/riscv64/*.txt` is one instruction, or a few, with its text and its effect, and holds
//! in every executor: tier 0, compiled code, IR interpreter.
//!
//! ```text
//! bytes in hex | text; text | before => after
//! ```
//!
//! `before` and `after` are lists of `register=value` and `[address]=value` (8 bytes). What `before` does not name is zero,
//! what `after` does not name is unchanged. A run ends at the breakpoint behind the code, unless `after` says otherwise
//! with `end=` (syscall, fault, illegal, breakpoint, misaligned, none) and `pc=`.
//!
//! `MYNAH_BLESS=1` adds rows for instructions that have none, with the effect that QEMU shows (Mynah's own where QEMU
//! cannot be asked); they are to be read before they are committed.

mod common;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{ExitCode, Stdio};

use common::program::program;
use common::row::{Changes, line, texts};
use common::stream::{self, Random};
use mynah_frontend::riscv64::{Class, Cpu, ROWS, Row, decode, row};
use mynah_ir::{State, TrapKind};
use mynah_runtime::memory::GuestAddr;
use mynah_runtime::testing::{CODE, DATA, DATA_SIZE, End, Machine, Mode, cell_names};

type Cells = HashMap<&'static str, u16>;

/// One line.
struct Case {
    place: String,
    code: Vec<u8>,
    text: String,
    before: Vec<(String, u64)>,
    after: BTreeMap<String, u64>,
    end: End,
}

fn number(text: &str) -> Result<u64, String> {
    let digits = text.strip_prefix("0x").map(|hex| u64::from_str_radix(hex, 16));
    digits.unwrap_or_else(|| text.parse::<i64>().map(|v| v as u64)).map_err(|e| format!("{text}: {e}"))
}

fn assignments(list: &str) -> Result<Vec<(String, &str)>, String> {
    let pair = |word: &'_ str| word.split_once('=').map(|(a, b)| (a.to_owned(), b.to_owned()));
    let words = list.split_whitespace();
    words
        .map(|w| {
            pair(w)
                .ok_or(format!("'{w}' is no assignment"))
                .map(|_| w.split_once('=').map(|(a, b)| (a.to_owned(), b)).unwrap_or_default())
        })
        .collect()
}

fn end_named(name: &str) -> Result<End, String> {
    Ok(match name {
        "syscall" => End::Syscall,
        "fault" => End::Fault,
        "illegal" => End::Trap(TrapKind::Illegal),
        "breakpoint" => End::Trap(TrapKind::Breakpoint),
        "misaligned" => End::Trap(TrapKind::Misaligned),
        "none" => End::NoInstruction,
        _ => return Err(format!("there is no end '{name}'")),
    })
}

fn parse(place: String, line: &str) -> Result<Case, String> {
    let mut parts = line.split('|').map(str::trim);
    let (Some(bytes), Some(text), Some(effect), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        return Err("a row is 'bytes | text | before => after'".into());
    };
    let digits: String = bytes.split_whitespace().collect();
    let code = (0..digits.len()).step_by(2).map(|i| u8::from_str_radix(digits.get(i..i + 2).unwrap_or("?"), 16));
    let code = code.collect::<Result<Vec<u8>, _>>().map_err(|e| format!("{bytes}: {e}"))?;
    let (before, after) = effect.split_once("=>").ok_or("a row has '=>'")?;
    let before =
        assignments(before)?.into_iter().map(|(name, v)| Ok((name, number(v)?))).collect::<Result<_, String>>()?;
    let (mut end, mut changes) = (End::Trap(TrapKind::Breakpoint), BTreeMap::new());
    for (name, value) in assignments(after)? {
        if name == "end" {
            end = end_named(value)?;
        } else {
            changes.insert(name, number(value)?);
        }
    }
    changes.entry("pc".to_owned()).or_insert(CODE + code.len() as u64);
    Ok(Case { place, code, text: text.to_owned(), before, after: changes, end })
}

fn address(name: &str) -> Option<Result<u64, String>> {
    name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).map(number)
}

/// Clears the data, and gives the state before.
fn prepare(machine: &Machine, before: &[(String, u64)], cells: &Cells) -> Result<State, String> {
    machine.memory().write_bytes(GuestAddr(DATA), &vec![0; DATA_SIZE as usize]).map_err(|e| format!("{e:?}"))?;
    let mut state = State::default();
    state.set(cells["resaddr"], u64::MAX);
    for (name, value) in before {
        match address(name) {
            Some(at) => machine.memory().write(GuestAddr(at?), value).map_err(|e| format!("{name}: {e:?}"))?,
            None => state.set(*cells.get(name.as_str()).ok_or(format!("there is no register '{name}'"))?, *value),
        }
    }
    Ok(state)
}

/// What changed: registers, `pc`, memory.
fn changes(machine: &Machine, before: &State, after: &State, memory: &[u64], cells: &Cells) -> BTreeMap<String, u64> {
    let hidden = |name: &str| name == "resaddr" || name == "resvalue";
    let registers =
        cells.iter().filter(|(name, cell)| **name == "pc" || !hidden(name) && before.get(**cell) != after.get(**cell));
    let mut changed: BTreeMap<String, u64> =
        registers.map(|(name, cell)| ((*name).to_owned(), after.get(*cell))).collect();
    for (i, (old, new)) in memory.iter().zip(data(machine)).enumerate() {
        if *old != new {
            changed.insert(format!("[{:#x}]", DATA + 8 * i as u64), new);
        }
    }
    changed
}

fn data(machine: &Machine) -> Vec<u64> {
    machine.memory().read_slice::<u64>(GuestAddr(DATA), DATA_SIZE as usize / 8).expect("the data is mapped")
}

/// Runs code in one mode; gives how it ended and what changed.
fn effect(
    machine: &mut Machine,
    mode: Mode,
    code: &[u8],
    before: &[(String, u64)],
    cells: &Cells,
) -> Result<(End, BTreeMap<String, u64>), String> {
    let state = prepare(machine, before, cells)?;
    let memory = data(machine);
    let (end, after) = machine.run(mode, code, &state);
    Ok((end, changes(machine, &state, &after, &memory, cells)))
}

/// The instructions of a piece of code: words, or `None` from the first that is illegal.
fn words(code: &[u8]) -> Vec<u32> {
    let (mut at, mut list) = (0, Vec::new());
    while at + 2 <= code.len() {
        let mut word = [0; 4];
        let len = if code[at] & 3 == 3 { 4 } else { 2 };
        word[..len.min(code.len() - at)].copy_from_slice(&code[at..(at + len).min(code.len())]);
        list.push(u32::from_le_bytes(word));
        at += len;
    }
    list
}

fn check(machine: &mut Machine, case: &Case, cells: &Cells, cpu: &Cpu) -> Result<(), String> {
    let text = texts(&words(&case.code), cpu);
    if text != case.text {
        return Err(format!("the text is '{text}'"));
    }
    for mode in Mode::ALL {
        let (end, changed) = effect(machine, mode, &case.code, &case.before, cells)?;
        if end != case.end || changed != case.after {
            return Err(format!(
                "{mode:?} ends with {end:?} and {changed:x?}\n    expected {:?} and {:x?}",
                case.end, case.after
            ));
        }
    }
    Ok(())
}

/// Encodings that are illegal: all of 16 bits, and random ones of 32, alone and behind an instruction so that compiled code
/// has to end there. Each is an illegal instruction where it stands, in every executor.
fn check_illegal(machine: &mut Machine, cpu: &Cpu) -> Result<usize, String> {
    let mut r = Random(5);
    let short = (0..=0xffff_u32).filter(|w| w & 3 != 3);
    let long = std::iter::repeat_with(move || {
        // Half of them next to what is legal.
        let near = ROWS[r.below(ROWS.len())];
        let flipped = (near.value ^ 1 << r.below(32)) | r.next() as u32 & !near.mask & 0xfff0_0000;
        if r.below(2) == 0 { r.next() as u32 | 3 } else { flipped | 3 }
    });
    let mut count = 0;
    for word in short.chain(long.take(40_000)).filter(|w| decode(*w, CODE, cpu).is_none()) {
        let bytes = &word.to_le_bytes()[..if word & 3 == 3 { 4 } else { 2 }];
        // addi a0, a0, 1
        let behind = [&[0x13, 0x05, 0x15, 0x00], bytes].concat();
        let every = count % 64 == 0;
        for mode in Mode::ALL {
            for (code, at) in [(bytes, CODE), (&behind[..], CODE + 4)].into_iter().take(if every { 2 } else { 1 }) {
                let (end, state) = machine.run(mode, code, &State::default());
                if end != End::Trap(TrapKind::Illegal) || state.pc() != at {
                    return Err(format!("{word:08x} is illegal; {mode:?} ends with {end:?} at {:#x}", state.pc()));
                }
            }
        }
        count += 1;
    }
    Ok(count)
}

fn folder() -> PathBuf {
    common::root().join("tests/insn/riscv64")
}

fn read_cases() -> Result<Vec<Case>, String> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder()).map_err(|e| e.to_string())?.flatten().map(|e| e.path()).collect();
    files.sort();
    let mut cases = Vec::new();
    for file in files {
        let content = fs::read_to_string(&file).map_err(|e| e.to_string())?;
        for (i, line) in content.lines().enumerate().filter(|(_, l)| !l.trim().is_empty() && !l.starts_with('#')) {
            let place = format!("{}:{}", file.file_name().unwrap_or_default().to_string_lossy(), i + 1);
            cases.push(parse(place.clone(), line).map_err(|e| format!("{place}: {e}"))?);
        }
    }
    Ok(cases)
}

/// Rows of the table that no case has.
fn missing(cases: &[Case], cpu: &Cpu) -> Vec<&'static Row> {
    let decoded = cases.iter().flat_map(|c| words(&c.code)).filter_map(|word| decode(word, CODE, cpu));
    let seen: BTreeSet<&str> = decoded.filter_map(|insn| row(insn.op)).map(|row| row.name).collect();
    ROWS.iter().filter(|r| r.class.decodes() && !seen.contains(r.name)).collect()
}

// ---- new rows ----

/// The effect of a block on QEMU, as a list of changes; `None` if QEMU does not take it.
fn on_qemu(block: &stream::Block) -> Option<Changes> {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("row");
    fs::write(&path, program(std::slice::from_ref(block), true)).ok()?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).ok()?;
    let output = common::qemu().args(["-cpu", "max"]).arg(&path).stdin(Stdio::null()).output().ok()?;
    output.status.success().then(|| common::row::changes(block, &output.stdout))
}

/// A block of one random instruction of a row, with only the registers that it names set.
fn single(r: &mut Random, row: &'static Row, cpu: &Cpu) -> stream::Block {
    let mut full = stream::block(r, &[], cpu);
    // The registers of QEMU's harness cannot be given values.
    let harness = |word| decode(word, CODE, cpu).is_some_and(|i| i.rs1 >= 30 || i.rs2 >= 30 || i.rd >= 30);
    let mut words = std::iter::repeat_with(|| stream::candidate(r, row, cpu, 20_000)).take(50);
    let word = words.find(|word| !harness(*word)).unwrap_or(row.value);
    full.words = vec![word];
    let insn = decode(word, CODE, cpu).expect("made to decode");
    let mut block = stream::Block { x: [0; 32], f: [0; 32], fcsr: full.fcsr & !31, fill: 0, words: vec![word] };
    for n in [insn.rs1, insn.rs2, insn.rs3, insn.rd, insn.rs2 | 1, insn.rd | 1] {
        block.x[n as usize] = full.x[n as usize];
        block.f[n as usize] = full.f[n as usize];
    }
    block.x[0] = 0;
    block
}

/// Drops from `before` what makes no difference.
fn prune(machine: &mut Machine, code: &[u8], before: &mut Vec<(String, u64)>, cells: &Cells) {
    let mut i = 0;
    while i < before.len() {
        let mut fewer = before.clone();
        let (name, value) = fewer.remove(i);
        let with = effect(machine, Mode::Tier0, code, before, cells);
        let without = effect(machine, Mode::Tier0, code, &fewer, cells);
        // A register that keeps its value must not turn up as changed or unchanged by accident.
        let same = with == without && !matches!(&with, Ok((_, c)) if c.get(&name) == Some(&value));
        if same { *before = fewer } else { i += 1 }
    }
}

fn bless(machine: &mut Machine, row: &'static Row, cells: &Cells, cpu: &Cpu) -> Vec<String> {
    let mut r = Random(row.name.bytes().fold(11, |h, b| h * 31 + u64::from(b)));
    let mut lines = Vec::new();
    for _ in 0..2 {
        let block = single(&mut r, row, cpu);
        let code = block.words[0].to_le_bytes()[..row.len as usize].to_vec();
        let mut before = common::row::before(&block, cpu);
        let own = effect(machine, Mode::Tier0, &code, &before, cells).map(|(_, c)| c).unwrap_or_default();
        // What depends on its address, and what QEMU does wrong (see `streams.rs`), is taken from Mynah.
        let asked = !["auipc", "fcvt.s.bf16"].contains(&row.name);
        let mut after = asked.then(|| on_qemu(&block)).flatten().unwrap_or(own);
        after.remove("pc");
        prune(machine, &code, &mut before, cells);
        lines.push(line(&block.words, &before, &after, cpu));
    }
    lines.dedup();
    lines
}

fn add_missing(machine: &mut Machine, cases: &[Case], cells: &Cells, cpu: &Cpu) -> Result<(), String> {
    let mut files: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in missing(cases, cpu).into_iter().filter(|r| r.class != Class::EndsBlock && r.class != Class::Tier0) {
        let section = row.section.split(':').next().unwrap_or(row.section);
        let name: String =
            section.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        files.entry(name).or_default().extend(bless(machine, row, cells, cpu));
    }
    for (name, lines) in files {
        let path = folder().join(format!("{name}.txt"));
        let old = fs::read_to_string(&path).unwrap_or_default();
        println!("{} new rows in {}", lines.len(), path.display());
        fs::write(&path, old + &lines.join("\n") + "\n").map_err(|e| e.to_string())?;
    }
    Ok(())
}

fn run() -> Result<(usize, Vec<String>), String> {
    let (mut machine, cells, cpu) = (Machine::new(), cell_names(), Cpu::default());
    let mut cases = read_cases()?;
    if std::env::var_os("MYNAH_BLESS").is_some() {
        add_missing(&mut machine, &cases, &cells, &cpu)?;
        cases = read_cases()?;
    }
    let mut failures = Vec::new();
    for case in &cases {
        if let Err(why) = check(&mut machine, case, &cells, &cpu) {
            failures.push(format!("{} ({}): {why}", case.place, case.text));
        }
    }
    match check_illegal(&mut machine, &cpu) {
        Ok(count) => println!("{count} illegal encodings are illegal instructions"),
        Err(why) => failures.push(why),
    }
    let without: Vec<&str> = missing(&cases, &cpu).iter().map(|r| r.name).collect();
    if !without.is_empty() {
        failures.push(format!("instructions without a row (MYNAH_BLESS=1 makes some): {without:?}"));
    }
    Ok((cases.len(), failures))
}

fn main() -> ExitCode {
    match run() {
        Ok((count, failures)) => {
            failures.iter().for_each(|failure| println!("{failure}"));
            println!("rows: {} passed, {} failed", count - failures.len().min(count), failures.len());
            if failures.is_empty() && count > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            println!("rows: {error}");
            ExitCode::FAILURE
        }
    }
}
