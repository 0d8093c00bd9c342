//! An observer that sees memory: how often a data cache of 32 KiB, 8 ways of 64-byte lines, would have missed.
//!
//!     cargo run --release -p mynah-runtime --example cache -- examples/wordcount < README.md

use std::ffi::OsString;
use std::sync::Mutex;

use mynah_runtime::observe::{Access, Observer, Totals, Wants};
use mynah_runtime::{Options, Process, Vcpu, start};

const LINE: u64 = 64;
const WAYS: usize = 8;
const SETS: usize = (32 << 10) / (LINE as usize * WAYS);

/// Lines by set, the one used last first.
struct Cache {
    sets: Vec<Vec<u64>>,
    accesses: u64,
    misses: u64,
}

impl Cache {
    fn touch(&mut self, line: u64) {
        let set = &mut self.sets[line as usize % SETS];
        self.accesses += 1;
        match set.iter().position(|known| *known == line) {
            Some(at) => set[..=at].rotate_right(1),
            None => {
                self.misses += 1;
                set.truncate(WAYS - 1);
                set.insert(0, line);
            }
        }
    }
}

struct Simulation(Mutex<Cache>);

impl Observer for Simulation {
    fn wants(&self) -> Wants {
        Wants { accesses: true, ..Wants::default() }
    }

    fn access(&self, _: &Vcpu, access: &Access) {
        let mut cache = self.0.lock().expect("no thread panics");
        let (first, last) = (access.addr.0 / LINE, (access.addr.0 + u64::from(access.size) - 1) / LINE);
        (first..=last).for_each(|line| cache.touch(line));
    }

    fn settle(&self, _: &Process, _: &Totals) {
        let cache = self.0.lock().expect("no thread panics");
        let rate = cache.misses as f64 * 100.0 / cache.accesses.max(1) as f64;
        eprintln!("{} accesses, {} misses ({rate:.2}%)", cache.accesses, cache.misses);
    }
}

fn main() {
    let words: Vec<OsString> = std::env::args_os().skip(1).collect();
    let Some(program) = words.first().cloned() else {
        eprintln!("usage: cache PROGRAM [ARGUMENT]...");
        std::process::exit(2);
    };
    let env = std::env::vars_os().map(|(name, value)| [name, "=".into(), value].into_iter().collect()).collect();
    let options = Options { program: program.into(), argv: words, env, ..Options::default() };
    let cache = Cache { sets: vec![Vec::new(); SETS], accesses: 0, misses: 0 };
    match start::run_observed(options, vec![Box::new(Simulation(Mutex::new(cache)))]) {
        Ok(status) => std::process::exit(status),
        Err(error) => {
            eprintln!("cache: {error}");
            std::process::exit(error.exit_code());
        }
    }
}
