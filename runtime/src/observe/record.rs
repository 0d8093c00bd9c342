//! What a profile's file holds: one line of JSON for each [`Begin`] and each [`End`] of a program in a process.
//!
//! Every process of the tree adds its own lines, each in one piece and under a lock, so the file is whole whoever ends first,
//! and a process that was killed is seen by the [`End`] that it lacks.

use serde::{Deserialize, Serialize};

/// Counts up with each change that old readers would misread.
pub const VERSION: u32 = 1;

/// A line.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "lowercase")]
pub enum Record {
    /// A program begins.
    Begin(Begin),
    /// It ended, or executed another one, or failed to: counts since the line before.
    End(Box<End>),
}

/// A program begins in a process: by the first `exec`, or by a `fork`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Begin {
    /// [`VERSION`].
    pub version: u32,
    /// Which program this is: the process's id, and a number that grows with each program it executes.
    pub id: Id,
    /// The process that made it by `fork`, if that is how it began.
    pub parent: Option<Id>,
    /// The program's file.
    pub exe: String,
    /// The argument vector.
    pub argv: Vec<String>,
    /// Nanoseconds since the host's boot.
    pub at_ns: u64,
    /// Samples in a second of CPU time; 0 if executions are counted.
    pub frequency: u32,
    /// Whether executions are counted.
    pub counts: bool,
}

/// A program in a process.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Id {
    /// The process's id.
    pub pid: u32,
    /// Nanoseconds since the host's boot at which the program began.
    pub since: u64,
}

/// What a program did.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct End {
    /// Which program.
    pub id: Option<Id>,
    /// Nanoseconds since the host's boot.
    pub at_ns: u64,
    /// CPU time of the process so far, nanoseconds.
    pub cpu_ns: u64,
    /// Where the guest's symbols are looked up.
    pub sysroot: Option<String>,
    /// Files from which code ran, as the host names them; empty for code that is in no file.
    pub modules: Vec<String>,
    /// Blocks that were executed, if they were counted.
    pub blocks: Vec<Block>,
    /// Instructions that were executed by themselves: place, count.
    pub single: Vec<(Place, u64)>,
    /// Exits from translated code: place, name, count.
    pub exits: Vec<(Place, String, u64)>,
    /// Translations in order.
    pub regions: Vec<Region>,
    /// System calls.
    pub system_calls: Vec<SystemCall>,
    /// Samples, equal ones together.
    pub samples: Vec<Sample>,
    /// Blocks that could not be counted because there were too many.
    pub unnumbered: u64,
    /// The numbers of the summary, by name.
    pub summary: Vec<(String, u64)>,
}

/// A place in guest code.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
pub struct Place {
    /// Index in [`End::modules`].
    pub m: u32,
    /// Offset in that file; the guest address for code that is in no file.
    pub o: u64,
    /// The guest address.
    pub a: u64,
}

/// A block that was executed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Block {
    /// Where it begins.
    pub at: Place,
    /// The code in hexadecimal.
    pub code: String,
    /// Executions to the end, without a taken branch.
    pub plain: u64,
    /// Executions to the end whose branch was taken.
    pub taken: u64,
    /// Executions that ended before the instruction at an address was complete.
    pub aborted: Vec<(u64, u64)>,
}

/// A translation.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Region {
    /// Its entry.
    pub at: Place,
    /// Start and end of each of its blocks, guest addresses.
    pub guest: Vec<(u64, u64)>,
    /// Guest instructions.
    pub insns: u32,
    /// Bytes of host code.
    pub host_bytes: u64,
    /// Whether it was published; not if the code changed meanwhile.
    pub published: bool,
    /// When it was complete, nanoseconds since the host's boot.
    pub at_ns: u64,
    /// How long translation took, nanoseconds.
    pub ns: u64,
    /// When it was invalidated.
    pub dropped_ns: Option<u64>,
}

/// All calls of one number.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SystemCall {
    /// Number.
    pub number: u64,
    /// Name.
    pub name: String,
    /// Calls.
    pub count: u64,
    /// Those that failed.
    pub errors: u64,
    /// Time in all of them, nanoseconds.
    pub ns: u64,
    /// The longest, nanoseconds.
    pub max_ns: u64,
}

/// Samples that are equal.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Sample {
    /// `tier0`, `tier1`, `translating`, or the name of a system call in brackets.
    pub doing: String,
    /// Where the thread was.
    pub at: Place,
    /// Where its functions will go on, innermost first.
    pub stack: Vec<Place>,
    /// The thread.
    pub tid: u32,
    /// When each was taken, nanoseconds since the host's boot.
    pub times: Vec<u64>,
}
