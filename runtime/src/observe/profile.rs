//! The profile: an observer that writes what it saw to a file when a program ends.

use std::any::Any;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::sync::Mutex;

use rustc_hash::FxHashMap;

use super::record::{self, Begin, End, Id, Place, Record};
use super::{BlockInfo, Doing, Observer, Sample, SystemCall, Totals, Translation, Wants, lock};
use crate::linux::table;
use crate::memory::GuestAddr;
use crate::process::Process;
use crate::stats;
use crate::vcpu::Vcpu;

/// What is chosen about a profile.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Options {
    /// Where it goes: every process adds its lines.
    pub file: PathBuf,
    /// Whether executions are counted; else threads are sampled.
    pub counts: bool,
    /// Samples in a second of CPU time.
    pub frequency: u32,
    /// Whether this is a program of a tree that is being profiled: it adds to the file.
    pub more: bool,
    /// Whether somebody reads the file meanwhile: samples are added twice a second.
    pub live: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options { file: PathBuf::new(), counts: false, frequency: FREQUENCY, more: false, live: false }
    }
}

/// Samples in a second of CPU time unless chosen otherwise. Kernels look at CPU timers on their ticks, commonly 250 in a second:
/// asking for more gives no more there.
pub const FREQUENCY: u32 = 249;

/// The observer.
pub struct Profile {
    options: Options,
    state: Mutex<State>,
}

/// A block with its number, as it was when it became known.
struct Known {
    number: u32,
    at: Place,
    block: BlockInfo,
}

#[derive(Default)]
struct State {
    id: Option<Id>,
    modules: Modules,
    blocks: Vec<Known>,
    regions: Vec<record::Region>,
    /// The translation that holds for an entry.
    current: FxHashMap<u64, usize>,
    calls: FxHashMap<u64, record::SystemCall>,
    samples: FxHashMap<(u32, Doing, Place, Vec<Place>), Vec<u64>>,
    /// When samples were last added to the file.
    written_ns: u64,
}

/// Nanoseconds between additions to the file that somebody reads meanwhile.
const LIVE_NS: u64 = 500_000_000;

/// Which files guest code came from.
#[derive(Default)]
struct Modules {
    names: Vec<String>,
    by_name: FxHashMap<String, u32>,
}

impl Modules {
    /// The place of a guest address.
    fn place(&mut self, process: &Process, pc: u64) -> Place {
        let area = process.memory.area(GuestAddr(pc));
        let (name, offset) = match &area {
            Some(area) => match &area.file {
                Some(file) => (file.path.display().to_string(), area.offset_at(pc)),
                None => (area.name.to_owned(), pc),
            },
            None => (String::new(), pc),
        };
        let next = self.names.len() as u32;
        let m = *self.by_name.entry(name).or_insert_with_key(|name| {
            self.names.push(name.clone());
            next
        });
        Place { m, o: offset, a: pc }
    }
}

/// Nanoseconds since the host's boot.
fn now() -> u64 {
    clock(libc::CLOCK_MONOTONIC)
}

fn clock(which: libc::clockid_t) -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the kernel writes one time.
    unsafe { libc::clock_gettime(which, &mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

impl Profile {
    /// A profile of the program that is about to begin. Fails if the file cannot be written.
    pub fn begin(options: Options, exe: String, argv: Vec<String>) -> io::Result<Profile> {
        let profile = Profile { options, state: Mutex::default() };
        let id = Id { pid: std::process::id(), since: now() };
        lock(&profile.state).id = Some(id);
        if !profile.options.more {
            File::create(&profile.options.file)?;
        }
        profile.write(&profile.first_line(id, None, exe, argv))?;
        Ok(profile)
    }

    fn first_line(&self, id: Id, parent: Option<Id>, exe: String, argv: Vec<String>) -> Record {
        let counts = self.options.counts;
        let frequency = if counts { 0 } else { self.options.frequency };
        Record::Begin(Begin { version: record::VERSION, id, parent, exe, argv, at_ns: now(), frequency, counts })
    }

    /// Adds a line to the file.
    fn write(&self, record: &Record) -> io::Result<()> {
        let mut line = serde_json::to_vec(record)?;
        line.push(b'\n');
        let file = OpenOptions::new().append(true).create(true).open(&self.options.file)?;
        let _lock = Lock::new(&file);
        // What an earlier line lacks for a full disk must not damage this one.
        if !ends_with_newline(&self.options.file) {
            line.insert(0, b'\n');
        }
        (&file).write_all(&line)
    }

    /// Adds a line while the guest runs or ends: a failure is no affair of the guest's.
    fn report(&self, record: &Record) {
        if let Err(error) = self.write(record) {
            tracing::error!("cannot write the profile '{}': {error}", self.options.file.display());
        }
    }
}

fn ends_with_newline(path: &PathBuf) -> bool {
    use std::os::unix::fs::FileExt;
    let last = || {
        let file = File::open(path)?;
        let mut byte = [b'\n'];
        let len = file.metadata()?.len();
        if len > 0 {
            file.read_exact_at(&mut byte, len - 1)?;
        }
        io::Result::Ok(byte[0] == b'\n')
    };
    last().unwrap_or(true)
}

/// The file's lock, held until dropped.
struct Lock<'a>(&'a File);

impl<'a> Lock<'a> {
    fn new(file: &'a File) -> Lock<'a> {
        // SAFETY: an open descriptor. Without a lock, lines of processes that end at once may mix; nothing worse.
        unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX) };
        Lock(file)
    }
}

impl Drop for Lock<'_> {
    fn drop(&mut self) {
        // SAFETY: an open descriptor.
        unsafe { libc::flock(self.0.as_raw_fd(), libc::LOCK_UN) };
    }
}

/// The name of what a thread was doing.
fn doing_name(doing: Doing) -> String {
    match doing {
        Doing::Tier0 => "tier0".to_owned(),
        Doing::Tier1 => "tier1".to_owned(),
        Doing::Translating => "translating".to_owned(),
        Doing::SystemCall(number) => format!("[{}]", call_name(number)),
    }
}

fn call_name(number: u64) -> String {
    table::find(number).map_or_else(|| format!("syscall_{number}"), |row| row.name.to_owned())
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.iter().flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    digits.map(char::from).collect()
}

impl State {
    /// What the file is told, and an empty state for what comes.
    fn end(&mut self, process: &Process, totals: &Totals) -> End {
        let mut aborted: FxHashMap<u32, Vec<(u64, u64)>> = FxHashMap::default();
        for (&(number, pc), &count) in &totals.rare.aborted {
            aborted.entry(number).or_default().push((pc, count));
        }
        let mut blocks = Vec::new();
        for known in &self.blocks {
            let [plain, taken] = totals.blocks.get(known.number as usize).copied().unwrap_or_default();
            let mut aborted = aborted.remove(&known.number).unwrap_or_default();
            aborted.sort_unstable();
            if plain + taken > 0 || !aborted.is_empty() {
                blocks.push(record::Block { at: known.at, code: hex(&known.block.bytes), plain, taken, aborted });
            }
        }
        let modules = &mut self.modules;
        let mut single: Vec<_> =
            totals.rare.single.iter().map(|(&pc, &count)| (modules.place(process, pc), count)).collect();
        let mut exits: Vec<_> = (totals.rare.exits.iter())
            .map(|(&(pc, kind), &count)| (modules.place(process, pc), kind.name().to_owned(), count))
            .collect();
        single.sort_unstable();
        exits.sort_unstable();
        let mut system_calls: Vec<_> = std::mem::take(&mut self.calls).into_values().collect();
        system_calls.sort_by_key(|call| call.number);
        let samples = std::mem::take(&mut self.samples).into_iter();
        let samples = samples.map(|((tid, doing, at, stack), times)| record::Sample {
            doing: doing_name(doing),
            at,
            stack,
            tid,
            times,
        });
        End {
            id: self.id,
            at_ns: now(),
            cpu_ns: clock(libc::CLOCK_PROCESS_CPUTIME_ID),
            sysroot: process.options.sysroot.as_ref().map(|path| path.display().to_string()),
            modules: Vec::new(),
            blocks,
            single,
            exits,
            regions: std::mem::take(&mut self.regions),
            system_calls,
            samples: samples.collect(),
            unnumbered: totals.unnumbered,
            summary: summary(process),
        }
    }
}

/// The numbers of the summary, by name.
fn summary(process: &Process) -> Vec<(String, u64)> {
    let (counts, cache) = (process.stats.sum(), process.code.stats());
    counts.list().into_iter().chain(stats::cache_list(&cache)).map(|(name, value)| (name.to_owned(), value)).collect()
}

impl Observer for Profile {
    fn wants(&self) -> Wants {
        let counts = self.options.counts;
        Wants {
            counts,
            system_calls: true,
            samples: if counts { 0 } else { self.options.frequency },
            ..Wants::default()
        }
    }

    fn block_known(&self, process: &Process, number: u32, block: &BlockInfo) {
        let mut state = lock(&self.state);
        let at = state.modules.place(process, block.pc);
        state.blocks.push(Known { number, at, block: block.clone() });
    }

    fn translated(&self, process: &Process, translation: &Translation) {
        let mut state = lock(&self.state);
        let region = record::Region {
            at: state.modules.place(process, translation.pc),
            guest: translation.guest.clone(),
            insns: translation.insns,
            host_bytes: translation.host_bytes as u64,
            published: translation.host != 0,
            at_ns: now(),
            ns: translation.ns,
            dropped_ns: None,
        };
        let index = state.regions.len();
        state.regions.push(region);
        state.current.insert(translation.pc, index);
    }

    fn code_changed(&self, _: u64, _: u64, entries: &[u64]) {
        let (mut state, at) = (lock(&self.state), now());
        for entry in entries {
            if let Some(index) = state.current.remove(entry)
                && let Some(region) = state.regions.get_mut(index)
            {
                region.dropped_ns = Some(at);
            }
        }
    }

    fn system_call(&self, _: &Vcpu, call: &SystemCall) {
        let mut state = lock(&self.state);
        let entry = state.calls.entry(call.number).or_insert_with(|| record::SystemCall {
            number: call.number,
            name: call_name(call.number),
            count: 0,
            errors: 0,
            ns: 0,
            max_ns: 0,
        });
        entry.count += 1;
        entry.errors += u64::from(call.result.is_some_and(|result| (-4095..0).contains(&result)));
        entry.ns += call.ns;
        entry.max_ns = entry.max_ns.max(call.ns);
    }

    fn sample(&self, vcpu: &Vcpu, sample: &Sample) {
        let mut state = lock(&self.state);
        let at = state.modules.place(vcpu.process, sample.pc);
        let stack = sample.stack.iter().map(|pc| state.modules.place(vcpu.process, *pc)).collect();
        state.samples.entry((vcpu.tid as u32, sample.doing, at, stack)).or_default().push(now());
        if self.options.live && now() - state.written_ns > LIVE_NS {
            state.written_ns = now();
            let mut end = state.end(vcpu.process, &Totals::default());
            end.modules = state.modules.names.clone();
            drop(state);
            self.report(&Record::End(Box::new(end)));
        }
    }

    fn settle(&self, process: &Process, totals: &Totals) {
        let mut state = lock(&self.state);
        let mut end = state.end(process, totals);
        end.modules = state.modules.names.clone();
        state.current.clear();
        drop(state);
        self.report(&Record::End(Box::new(end)));
    }

    fn forked(&self, process: &Process) {
        let mut state = lock(&self.state);
        let parent = state.id;
        let id = Id { pid: std::process::id(), since: now() };
        state.id = Some(id);
        state.regions.clear();
        state.current.clear();
        state.calls.clear();
        state.samples.clear();
        drop(state);
        let argv = process.argv().iter().map(|word| word.display().to_string()).collect();
        self.report(&self.first_line(id, parent, process.exe().display().to_string(), argv));
    }

    fn fork_guard(&'static self) -> Box<dyn Any> {
        Box::new(lock(&self.state))
    }
}
