//! What a profile says, after the lines of all processes have been put together and named. Every output is made from it;
//! `--output json=FILE` is it.

use serde::{Deserialize, Serialize};

/// A whole profile.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Report {
    /// Whether executions were counted; else threads were sampled.
    pub counts: bool,
    /// Samples in a second of CPU time; 0 for counts.
    pub frequency: u32,
    /// The first program's argument vector.
    pub command: Vec<String>,
    /// Sums.
    pub totals: Totals,
    /// Every program of the tree, in the order in which they began.
    pub programs: Vec<Program>,
    /// Functions, heaviest first.
    pub functions: Vec<Function>,
    /// Blocks, heaviest first.
    pub blocks: Vec<Block>,
    /// Executed instructions by what they do, most first; from counts only.
    pub classes: Vec<(String, u64)>,
    /// Executed instructions by mnemonic, most first; from counts only.
    pub mnemonics: Vec<(String, u64)>,
    /// System calls, longest time first.
    pub system_calls: Vec<SystemCall>,
    /// Exits from translated code by kind, most first.
    pub exits: Vec<(String, u64)>,
    /// Samples by what the thread did.
    pub doing: Vec<(String, u64)>,
    /// Guest stacks, outermost function first, with samples (or, from counts, instructions).
    pub stacks: Vec<Stack>,
    /// Translations in the order of time.
    pub translations: Vec<Translation>,
    /// The numbers of the summaries of all processes, added up.
    pub summary: Vec<(String, u64)>,
    /// What is missing from this profile, in sentences.
    pub missing: Vec<String>,
}

/// Sums over everything.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Totals {
    /// Guest instructions; from counts only.
    pub instructions: u64,
    /// Executions of blocks; from counts only.
    pub executions: u64,
    /// Conditional branches, and those that were taken; from counts only.
    pub branches: u64,
    /// Conditional branches that were taken.
    pub taken: u64,
    /// Loads, stores and atomic accesses; from counts only.
    pub loads: u64,
    /// Stores.
    pub stores: u64,
    /// Atomic accesses.
    pub atomics: u64,
    /// Samples.
    pub samples: u64,
    /// System calls.
    pub system_calls: u64,
    /// Time in them, nanoseconds.
    pub system_call_ns: u64,
    /// Time in translation, nanoseconds.
    pub translate_ns: u64,
    /// CPU time of all processes, nanoseconds.
    pub cpu_ns: u64,
}

/// A program in a process.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Program {
    /// Process id.
    pub pid: u32,
    /// Process id of the program that forked it; 0 if it was executed.
    pub parent: u32,
    /// Its file.
    pub exe: String,
    /// Its argument vector.
    pub argv: Vec<String>,
    /// When it began and ended, nanoseconds since the first began.
    pub begin_ns: u64,
    /// When it ended; 0 if nobody knows.
    pub end_ns: u64,
    /// Guest instructions; from counts only.
    pub instructions: u64,
    /// Samples.
    pub samples: u64,
}

/// A function.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Function {
    /// Name, demangled.
    pub name: String,
    /// File that it is in.
    pub module: String,
    /// Address, as the file counts.
    pub start: u64,
    /// Source file and line of its begin; empty and 0 if unknown.
    pub file: String,
    /// Line.
    pub line: u32,
    /// Guest instructions executed; from counts only.
    pub instructions: u64,
    /// Executions of its first block; from counts only.
    pub calls: u64,
    /// Samples in it.
    pub samples: u64,
    /// Samples in it or in what it called.
    pub total_samples: u64,
    /// Regions that began in it, and how many of them were translated before.
    pub translations: u64,
    /// Translations of an entry that had been translated before in that process.
    pub retranslations: u64,
    /// Translations of it that were invalidated.
    pub invalidations: u64,
    /// Time in its translation, nanoseconds.
    pub translate_ns: u64,
    /// Bytes of guest and host code in its translations.
    pub guest_bytes: u64,
    /// Host bytes.
    pub host_bytes: u64,
    /// Exits from translated code that happened in it, by kind.
    pub exits: Vec<(String, u64)>,
}

/// A block.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Block {
    /// Index of its function in [`Report::functions`].
    pub function: usize,
    /// Address, as its file counts.
    pub address: u64,
    /// Guest address in the first process that had it.
    pub guest: u64,
    /// Its code in hexadecimal.
    pub code: String,
    /// Guest instructions in it.
    pub length: u64,
    /// Whether it ends with a conditional branch.
    pub branches: bool,
    /// Executions to the end.
    pub executions: u64,
    /// Those whose branch was taken.
    pub taken: u64,
    /// Executions that did not reach the end.
    pub aborted: u64,
    /// Guest instructions executed.
    pub instructions: u64,
    /// Samples.
    pub samples: u64,
    /// Whether a translation held it.
    pub translated: bool,
    /// Where it leads: addresses as the file counts.
    pub successors: Vec<u64>,
    /// Source file and line.
    pub file: String,
    /// Line.
    pub line: u32,
}

/// All calls of one number.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct SystemCall {
    /// Name.
    pub name: String,
    /// Calls.
    pub count: u64,
    /// Those that failed.
    pub errors: u64,
    /// Time in them, nanoseconds.
    pub ns: u64,
    /// The longest, nanoseconds.
    pub max_ns: u64,
}

/// A stack of functions.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Stack {
    /// Indices in [`Report::functions`], outermost first.
    pub functions: Vec<usize>,
    /// What the thread did: `tier0`, `tier1`, `translating` or a system call in brackets.
    pub doing: String,
    /// Samples, or instructions.
    pub weight: u64,
    /// Thread, and times of the samples, nanoseconds since the first program began.
    pub tid: u32,
    /// Times.
    pub times: Vec<u64>,
}

/// A translation.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Translation {
    /// Index of the function of its entry.
    pub function: usize,
    /// Address of its entry, as the file counts.
    pub address: u64,
    /// When it was complete, nanoseconds since the first program began.
    pub at_ns: u64,
    /// How long it took, nanoseconds.
    pub ns: u64,
    /// Guest instructions.
    pub insns: u32,
    /// Host bytes.
    pub host_bytes: u64,
    /// When it was invalidated, if it was.
    pub dropped_ns: Option<u64>,
    /// Process.
    pub pid: u32,
}
