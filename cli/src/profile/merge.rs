//! From the lines of a profile's file to a [`Report`].

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use mynah_frontend::riscv64::{self, Cpu};
use mynah_ir::{Hint, Op, Terminal};
use mynah_runtime::observe::record::{self, Begin, End, Id, Place, Record};

use super::model::{Block, Function, Program, Report, Stack, SystemCall, Translation};
use super::symbols::{self, Symbols};

/// Guest instructions in a block at most, as the runtime cuts them.
pub const MAX_BLOCK: usize = mynah_runtime::tier0::MAX_BLOCK;

/// Reads a profile's file. An error says why it is none.
pub fn read(path: &Path) -> Result<Report, String> {
    let bytes = fs::read(path).map_err(|error| format!("cannot read '{}': {error}", path.display()))?;
    if bytes.first() == Some(&b'{')
        && let Ok(report) = serde_json::from_slice::<Report>(&bytes)
    {
        return Ok(report);
    }
    let (records, damaged) = records(&bytes);
    if records.is_empty() {
        return Err(format!("'{}' is no profile", path.display()));
    }
    merge(&records, damaged).map_err(|why| format!("'{}': {why}", path.display()))
}

/// The lines of a file, and how many of them cannot be read.
pub fn records(bytes: &[u8]) -> (Vec<Record>, usize) {
    let lines = bytes.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
    let (mut records, mut damaged) = (Vec::new(), 0);
    for line in lines {
        match serde_json::from_slice(line) {
            Ok(record) => records.push(record),
            Err(_) => damaged += 1,
        }
    }
    (records, damaged)
}

/// Puts the records together.
pub fn merge(records: &[Record], damaged: usize) -> Result<Report, String> {
    let begins: Vec<&Begin> = records.iter().filter_map(|r| if let Record::Begin(b) = r { Some(b) } else { None }).collect();
    let ends: Vec<&End> = records.iter().filter_map(|r| if let Record::End(e) = r { Some(&**e) } else { None }).collect();
    if let Some(other) = begins.iter().find(|begin| begin.version != record::VERSION) {
        return Err(format!("its version is {}, this program reads {}", other.version, record::VERSION));
    }
    let sysroot = ends.iter().find_map(|end| end.sysroot.as_ref().map(PathBuf::from));
    let mut merger = Merger {
        report: Report::default(),
        symbols: Symbols::new(sysroot),
        functions: HashMap::new(),
        blocks: HashMap::new(),
        program_of: begins.iter().enumerate().map(|(index, begin)| (begin.id, index)).collect(),
        seen: HashSet::new(),
        calls: BTreeMap::new(),
        exits: BTreeMap::new(),
        doing: BTreeMap::new(),
        stacks: HashMap::new(),
        summary: BTreeMap::new(),
        files: HashMap::new(),
        start: begins.iter().map(|begin| begin.at_ns).min().unwrap_or(0),
        cpu: Cpu::default(),
    };
    merger.programs(&begins, &ends, damaged);
    ends.iter().for_each(|end| merger.end(end));
    Ok(merger.finish())
}

struct Merger {
    report: Report,
    symbols: Symbols,
    functions: HashMap<symbols::Function, usize>,
    blocks: HashMap<(String, u64, String), usize>,
    program_of: HashMap<Id, usize>,
    /// Entries that were translated, by process, for counting the second time.
    seen: HashSet<(Id, u64)>,
    calls: BTreeMap<String, SystemCall>,
    exits: BTreeMap<String, u64>,
    doing: BTreeMap<String, u64>,
    stacks: HashMap<(Vec<usize>, String, u32), Vec<u64>>,
    summary: BTreeMap<String, u64>,
    /// Files that code came from, for what was sampled.
    files: HashMap<String, Vec<u8>>,
    start: u64,
    cpu: Cpu,
}

impl Merger {
    fn programs(&mut self, begins: &[&Begin], ends: &[&End], damaged: usize) {
        let since = |at: u64| at.saturating_sub(self.start);
        for begin in begins {
            let end = ends.iter().filter(|end| end.id == Some(begin.id)).map(|end| since(end.at_ns)).max();
            self.report.programs.push(Program {
                pid: begin.id.pid,
                parent: begin.parent.map_or(0, |parent| parent.pid),
                exe: begin.exe.clone(),
                argv: begin.argv.clone(),
                begin_ns: since(begin.at_ns),
                end_ns: end.unwrap_or(0),
                ..Program::default()
            });
        }
        if let Some(first) = begins.first() {
            self.report.counts = first.counts;
            self.report.frequency = first.frequency;
            self.report.command = first.argv.clone();
        }
        let lost = self.report.programs.iter().filter(|program| program.end_ns == 0).count();
        if lost > 0 {
            self.report.missing.push(format!("{lost} programs were killed, or still run: what they did is missing"));
        }
        if damaged > 0 {
            self.report.missing.push(format!("{damaged} lines of the profile are damaged, perhaps by a full disk"));
        }
        let mut cpu: HashMap<u32, u64> = HashMap::new();
        for end in ends {
            let time = cpu.entry(end.id.map_or(0, |id| id.pid)).or_default();
            *time = (*time).max(end.cpu_ns);
        }
        self.report.totals.cpu_ns = cpu.values().sum();
    }

    fn end(&mut self, end: &End) {
        let id = end.id.unwrap_or(Id { pid: 0, since: 0 });
        if end.unnumbered > 0 {
            self.report.missing.push(format!("{} blocks were not counted: there were too many", end.unnumbered));
        }
        let before = (self.report.totals.instructions, self.report.totals.samples);
        for block in &end.blocks {
            self.counted(end, id, block);
        }
        for (place, count) in &end.single {
            self.single(end, id, place, *count);
        }
        for region in &end.regions {
            self.region(end, id, region);
        }
        for (place, kind, count) in &end.exits {
            let (function, _) = self.function(end, id, place);
            add(&mut self.report.functions[function].exits, kind, *count);
            *self.exits.entry(kind.clone()).or_default() += count;
        }
        for call in &end.system_calls {
            self.call(call);
        }
        for sample in &end.samples {
            self.sample(end, id, sample);
        }
        for (name, value) in &end.summary {
            *self.summary.entry(name.clone()).or_default() += value;
        }
        let totals = (self.report.totals.instructions - before.0, self.report.totals.samples - before.1);
        if let Some(program) = self.program_of.get(&id).and_then(|index| self.report.programs.get_mut(*index)) {
            program.instructions += totals.0;
            program.samples += totals.1;
        }
    }

    /// The function of a place, and the place's address as its file counts.
    fn function(&mut self, end: &End, id: Id, place: &Place) -> (usize, u64) {
        let module = end.modules.get(place.m as usize).map_or("", |name| name.as_str());
        let (function, address) = self.symbols.function(module, place.o, id.pid);
        let next = self.report.functions.len();
        let index = *self.functions.entry(function.clone()).or_insert(next);
        if index == next {
            let line = self.symbols.lines(&function.module, function.start).into_iter().last();
            let (file, line) = line.map_or_else(Default::default, |line| (line.file, line.line));
            let symbols::Function { name, module, start } = function;
            self.report.functions.push(Function { name, module, start, file, line, ..Function::default() });
        }
        (index, address)
    }

    /// The row of a block.
    fn block(&mut self, end: &End, id: Id, place: &Place, code: &str) -> usize {
        let module = end.modules.get(place.m as usize).cloned().unwrap_or_default();
        let next = self.report.blocks.len();
        let index = *self.blocks.entry((module.clone(), place.o, code.to_owned())).or_insert(next);
        if index < next {
            return index;
        }
        let (function, address) = self.function(end, id, place);
        let bias = place.a.wrapping_sub(address);
        let lifted = lift(place.a, code, &self.cpu);
        let successors = lifted.successors().into_iter().flatten().chain(match lifted.terminal {
            Terminal::Syscall { next, .. } => Some(next),
            _ => None,
        });
        let line = self.symbols.lines(&module, address).into_iter().next();
        let (file, line) = line.map_or_else(Default::default, |line| (line.file, line.line));
        self.report.blocks.push(Block {
            function,
            address,
            guest: place.a,
            code: code.to_owned(),
            length: lengths(code).count() as u64,
            branches: matches!(lifted.terminal, Terminal::Branch { .. }),
            successors: successors.map(|successor| successor.wrapping_sub(bias)).collect(),
            file,
            line,
            ..Block::default()
        });
        next
    }

    fn counted(&mut self, end: &End, id: Id, block: &record::Block) {
        let index = self.block(end, id, &block.at, &block.code);
        let row = &mut self.report.blocks[index];
        let complete = block.plain + block.taken;
        let mut instructions = complete * row.length;
        for (pc, count) in &block.aborted {
            let begun = lengths(&block.code).scan(block.at.a, |at, len| Some(std::mem::replace(at, *at + len)));
            instructions += begun.filter(|at| at < pc).count() as u64 * count;
            row.aborted += count;
        }
        row.executions += complete;
        // Tier 0 cannot tell a jump from a branch that is taken.
        row.taken += if row.branches { block.taken } else { 0 };
        row.instructions += instructions;
        let function = &mut self.report.functions[row.function];
        function.instructions += instructions;
        if function.start == row.address {
            function.calls += complete;
        }
        self.report.totals.instructions += instructions;
        self.report.totals.executions += complete;
    }

    /// An instruction that was executed by itself: a block of one.
    fn single(&mut self, end: &End, id: Id, place: &Place, count: u64) {
        let holds = |block: &&record::Block| {
            block.at.a <= place.a && place.a < block.at.a + block.code.len() as u64 / 2
        };
        let Some(block) = end.blocks.iter().find(holds) else { return };
        let from = (place.a - block.at.a) as usize * 2;
        let rest = &block.code[from..];
        let Some(len) = lengths(rest).next() else { return };
        let alone = record::Block {
            at: *place,
            code: rest.get(..len as usize * 2).unwrap_or(rest).to_owned(),
            plain: count,
            taken: 0,
            aborted: Vec::new(),
        };
        self.counted(end, id, &alone);
    }

    fn region(&mut self, end: &End, id: Id, region: &record::Region) {
        let (function, address) = self.function(end, id, &region.at);
        let row = &mut self.report.functions[function];
        row.translate_ns += region.ns;
        if region.published {
            row.translations += 1;
            row.retranslations += u64::from(!self.seen.insert((id, region.at.a)));
            row.host_bytes += region.host_bytes;
            row.guest_bytes += region.guest.iter().map(|(start, end)| end - start).sum::<u64>();
        }
        row.invalidations += u64::from(region.dropped_ns.is_some());
        self.report.totals.translate_ns += region.ns;
        let since = |at: u64| at.saturating_sub(self.start);
        self.report.translations.push(Translation {
            function,
            address,
            at_ns: since(region.at_ns),
            ns: region.ns,
            insns: region.insns,
            host_bytes: region.host_bytes,
            dropped_ns: region.dropped_ns.map(since),
            pid: id.pid,
        });
        let starts: HashSet<u64> = region.guest.iter().map(|(start, _)| *start).collect();
        let module = end.modules.get(region.at.m as usize).cloned().unwrap_or_default();
        for block in end.blocks.iter().filter(|block| starts.contains(&block.at.a)) {
            if let Some(index) = self.blocks.get(&(module.clone(), block.at.o, block.code.clone())) {
                self.report.blocks[*index].translated |= region.published;
            }
        }
    }

    fn call(&mut self, call: &record::SystemCall) {
        let row = self.calls.entry(call.name.clone()).or_default();
        row.name.clone_from(&call.name);
        row.count += call.count;
        row.errors += call.errors;
        row.ns += call.ns;
        row.max_ns = row.max_ns.max(call.max_ns);
        self.report.totals.system_calls += call.count;
        self.report.totals.system_call_ns += call.ns;
    }

    fn sample(&mut self, end: &End, id: Id, sample: &record::Sample) {
        let count = sample.times.len() as u64;
        let (leaf, _) = self.function(end, id, &sample.at);
        let mut stack: Vec<usize> = sample.stack.iter().map(|place| self.function(end, id, place).0).collect();
        // The stack was walked a moment after the sample: meanwhile a function may have been called or left.
        match stack.iter().position(|function| *function == leaf) {
            Some(at) => drop(stack.drain(..at)),
            None => stack.insert(0, leaf),
        }
        self.report.functions[leaf].samples += count;
        for function in stack.iter().collect::<HashSet<_>>() {
            self.report.functions[*function].total_samples += count;
        }
        stack.reverse();
        let since = sample.times.iter().map(|at| at.saturating_sub(self.start));
        self.stacks.entry((stack, sample.doing.clone(), sample.tid)).or_default().extend(since);
        *self.doing.entry(sample.doing.clone()).or_default() += count;
        self.report.totals.samples += count;
        if let Some((place, code)) = self.sampled_block(end, sample) {
            let index = self.block(end, id, &place, &code);
            self.report.blocks[index].samples += count;
            self.report.blocks[index].translated |= sample.doing == "tier1";
        }
    }

    /// The block that a sample fell into, with its code from its file.
    fn sampled_block(&mut self, end: &End, sample: &record::Sample) -> Option<(Place, String)> {
        let at = sample.at;
        let ranges = end.regions.iter().flat_map(|region| &region.guest);
        let start = ranges.filter(|(start, end)| (*start..*end).contains(&at.a)).map(|(start, _)| *start).max();
        let start = start.unwrap_or(at.a);
        let place = Place { m: at.m, o: at.o - (at.a - start), a: start };
        let module = end.modules.get(at.m as usize)?;
        let bytes = self.files.entry(module.clone()).or_insert_with(|| fs::read(module).unwrap_or_default());
        let offset = usize::try_from(place.o).ok()?;
        let code = bytes.get(offset..(offset + MAX_BLOCK * 4).min(bytes.len()))?;
        let block = lift_bytes(start, code, &self.cpu);
        let code = code.get(..block.end.wrapping_sub(start) as usize)?;
        Some((place, code.iter().map(|byte| format!("{byte:02x}")).collect()))
    }

    fn finish(mut self) -> Report {
        self.mix();
        let report = &mut self.report;
        report.system_calls = self.calls.into_values().collect();
        report.system_calls.sort_by_key(|call| std::cmp::Reverse((call.ns, call.count)));
        report.exits = most_first(self.exits);
        report.doing = most_first(self.doing);
        report.summary = self.summary.into_iter().collect();
        report.stacks = (self.stacks.into_iter())
            .map(|((functions, doing, tid), mut times)| {
                times.sort_unstable();
                Stack { functions, doing, tid, weight: times.len() as u64, times }
            })
            .collect();
        report.stacks.sort_by(|a, b| b.weight.cmp(&a.weight).then_with(|| a.functions.cmp(&b.functions)));
        report.translations.sort_by_key(|translation| translation.at_ns);
        order_functions(report);
        if report.counts {
            let alone = |(index, function): (usize, &Function)| Stack {
                functions: vec![index],
                doing: "counted".to_owned(),
                weight: function.instructions,
                ..Stack::default()
            };
            report.stacks = report.functions.iter().enumerate().map(alone).filter(|stack| stack.weight > 0).collect();
        }
        report.blocks.sort_by_key(|block| std::cmp::Reverse((block.instructions, block.samples)));
        self.report
    }

    /// What the executed instructions were.
    fn mix(&mut self) {
        let (mut classes, mut mnemonics) = (BTreeMap::new(), BTreeMap::new());
        let totals = &mut self.report.totals;
        for row in self.report.blocks.iter().filter(|row| row.executions > 0) {
            let lifted = lift(row.guest, &row.code, &self.cpu);
            for (insn, class) in instructions(&row.code, row.guest, &lifted, &self.cpu) {
                *classes.entry(class.to_owned()).or_insert(0) += row.executions;
                *mnemonics.entry(insn).or_insert(0) += row.executions;
            }
            let count = |ops: &[Op]| lifted.insts.iter().filter(|inst| ops.contains(&inst.op)).count() as u64;
            totals.loads += row.executions * count(&[Op::Load, Op::LoadReserved]);
            totals.stores += row.executions * count(&[Op::Store]);
            totals.atomics += row.executions * count(&[Op::AtomicRmw, Op::AtomicCas, Op::StoreCond]);
            if matches!(lifted.terminal, Terminal::Branch { .. }) {
                totals.branches += row.executions;
                totals.taken += row.taken;
            }
        }
        self.report.classes = most_first(classes);
        self.report.mnemonics = most_first(mnemonics);
    }
}

/// Sorts functions, heaviest first, and renumbers what refers to them.
fn order_functions(report: &mut Report) {
    let mut order: Vec<usize> = (0..report.functions.len()).collect();
    let key = |f: &Function| (f.instructions, f.samples, f.total_samples, f.translate_ns);
    order.sort_by(|a, b| key(&report.functions[*b]).cmp(&key(&report.functions[*a])).then(a.cmp(b)));
    let mut place = vec![0; order.len()];
    order.iter().enumerate().for_each(|(new, old)| place[*old] = new);
    report.functions = order.iter().map(|old| std::mem::take(&mut report.functions[*old])).collect();
    report.blocks.iter_mut().for_each(|block| block.function = place[block.function]);
    report.translations.iter_mut().for_each(|translation| translation.function = place[translation.function]);
    report.stacks.iter_mut().flat_map(|stack| &mut stack.functions).for_each(|function| *function = place[*function]);
}

fn add(list: &mut Vec<(String, u64)>, name: &str, count: u64) {
    match list.iter_mut().find(|(known, _)| known == name) {
        Some((_, sum)) => *sum += count,
        None => list.push((name.to_owned(), count)),
    }
}

fn most_first(counts: BTreeMap<String, u64>) -> Vec<(String, u64)> {
    let mut list: Vec<_> = counts.into_iter().filter(|(_, count)| *count > 0).collect();
    list.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    list
}

/// The bytes that hexadecimal digits stand for; what is no digit ends them.
pub fn unhex(digits: &str) -> Vec<u8> {
    let pair = |pair: &[u8]| std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok());
    digits.as_bytes().chunks_exact(2).map_while(pair).collect()
}

/// Lengths of the instructions of some code in bytes.
fn lengths(code: &str) -> impl Iterator<Item = u64> {
    let bytes = unhex(code);
    let mut at = 0;
    std::iter::from_fn(move || {
        let low = bytes.get(at)?;
        let len = if low & 3 == 3 { 4 } else { 2 };
        at += len;
        Some(len as u64)
    })
}

/// The IR of a block's code.
pub fn lift(pc: u64, code: &str, cpu: &Cpu) -> mynah_ir::Block {
    lift_bytes(pc, &unhex(code), cpu)
}

fn lift_bytes(pc: u64, bytes: &[u8], cpu: &Cpu) -> mynah_ir::Block {
    let mut fetch = |at: u64| {
        let at = usize::try_from(at.wrapping_sub(pc)).ok()?;
        Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
    };
    riscv64::lift(pc, &mut fetch, cpu, MAX_BLOCK)
}

/// Mnemonic and class of each instruction of a block.
fn instructions(code: &str, pc: u64, lifted: &mynah_ir::Block, cpu: &Cpu) -> Vec<(String, &'static str)> {
    let bytes = unhex(code);
    let mut at = pc;
    let mut list = Vec::new();
    for (n, len) in lengths(code).enumerate() {
        let from = (at - pc) as usize;
        let word = bytes.get(from..from + len as usize).unwrap_or_default();
        let word = word.iter().rev().fold(0u32, |word, byte| word << 8 | u32::from(*byte));
        let insn = riscv64::decode(word, at, cpu);
        let name = insn.and_then(|insn| riscv64::row(insn.op)).map_or("illegal", |row| row.name);
        list.push((name.to_owned(), class(lifted, n)));
        at += len;
    }
    list
}

/// What a block's instruction number `n` does.
fn class(block: &mynah_ir::Block, n: usize) -> &'static str {
    let Some(mark) = block.marks.get(n) else { return "system" };
    let end = block.marks.get(n + 1).map_or(block.insts.len(), |next| next.inst as usize);
    let insts = block.insts.get(mark.inst as usize..end).unwrap_or_default();
    let any = |wanted: &dyn Fn(Op) -> bool| insts.iter().any(|inst| wanted(inst.op));
    if n + 1 == block.marks.len() {
        match block.terminal {
            Terminal::Branch { .. } => return "branch",
            Terminal::Call { .. } | Terminal::Indirect { hint: Hint::Call { .. }, .. } => return "call",
            Terminal::Indirect { hint: Hint::Return, .. } => return "return",
            Terminal::Indirect { .. } => return "indirect jump",
            Terminal::Syscall { .. } | Terminal::Trap { .. } => return "system",
            Terminal::Jump { target } if target != block.end => return "jump",
            _ => {}
        }
    }
    match () {
        () if any(&|op| matches!(op, Op::AtomicRmw | Op::AtomicCas | Op::StoreCond)) => "atomic",
        () if any(&|op| matches!(op, Op::Load | Op::LoadReserved)) => "load",
        () if any(&|op| op == Op::Store) => "store",
        () if any(&|op| op.shape().is_fp()) => "float",
        () if any(&|op| matches!(op, Op::Udiv | Op::Sdiv | Op::Urem | Op::Srem)) => "divide",
        () if any(&|op| matches!(op, Op::Mul | Op::Umulh | Op::Smulh)) => "multiply",
        () if any(&|op| op == Op::Fence) => "fence",
        () => "integer",
    }
}
