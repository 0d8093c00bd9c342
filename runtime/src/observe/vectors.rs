//! Basic-block vectors, as SimPoint reads them: a line for each interval of a thread, `T:number:instructions ...`.
//!
//! SimPoint takes one thread, so the process's first one is recorded.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::Mutex;

use super::{Observer, Totals, Wants, lock};
use crate::process::Process;
use crate::vcpu::Vcpu;

/// Guest instructions in an interval unless chosen otherwise.
pub const INTERVAL: u64 = 10_000_000;

/// The observer. It sees each block, so the guest runs in tier 0.
pub struct Vectors {
    interval: u64,
    state: Mutex<State>,
}

struct State {
    out: BufWriter<File>,
    numbers: HashMap<u64, usize>,
    current: BTreeMap<usize, u64>,
    instructions: u64,
}

impl State {
    /// Writes the interval so far.
    fn flush(&mut self) -> io::Result<()> {
        if !self.current.is_empty() {
            write!(self.out, "T")?;
            for (number, instructions) in std::mem::take(&mut self.current) {
                write!(self.out, ":{number}:{instructions} ")?;
            }
            writeln!(self.out)?;
        }
        self.instructions = 0;
        self.out.flush()
    }
}

impl Vectors {
    /// Begins a file.
    pub fn begin(file: &Path, interval: u64) -> io::Result<Vectors> {
        let (out, numbers, current) = (BufWriter::new(File::create(file)?), HashMap::new(), BTreeMap::new());
        Ok(Vectors { interval, state: Mutex::new(State { out, numbers, current, instructions: 0 }) })
    }

    fn flush(&self, state: &mut State) {
        if let Err(error) = state.flush() {
            tracing::error!("cannot write the basic-block vectors: {error}");
        }
    }
}

impl Observer for Vectors {
    fn wants(&self) -> Wants {
        Wants { blocks: true, ..Wants::default() }
    }

    fn block_executed(&self, vcpu: &Vcpu, pc: u64, insns: usize) {
        if vcpu.tid as u32 != std::process::id() {
            return;
        }
        let mut state = lock(&self.state);
        let next = state.numbers.len() + 1;
        let number = *state.numbers.entry(pc).or_insert(next);
        *state.current.entry(number).or_default() += insns as u64;
        state.instructions += insns as u64;
        if state.instructions >= self.interval {
            self.flush(&mut state);
        }
    }

    fn settle(&self, _: &Process, _: &Totals) {
        self.flush(&mut lock(&self.state));
    }

    fn forked(&self, _: &Process) {
        // The file is the parent's.
        let mut state = lock(&self.state);
        state.current.clear();
        if let Ok(nowhere) = File::options().write(true).open("/dev/null") {
            let old = std::mem::replace(&mut state.out, BufWriter::new(nowhere));
            drop(old.into_parts());
        }
    }

    fn fork_guard(&'static self) -> Box<dyn std::any::Any> {
        Box::new(lock(&self.state))
    }
}
