//! From options to a running guest.

use mynah_frontend::riscv64::state;

use crate::host;
use crate::linux::limits::Limits;
use crate::linux::signal::Actions;
use crate::linux::{process, procfs, signal, system, thread};
use crate::loader::{self, LoadError, Sysroot};
use crate::observe::perf::Perf;
use crate::observe::profile::Profile;
use crate::observe::vectors::Vectors;
use crate::observe::{Observer, Observers};
use crate::options::{Options, Summary};
use crate::process::Process;
use crate::vcpu::Vcpu;

/// Loads a program, so that its first instruction can be executed. The process lives as long as the host's.
pub fn load(options: Options) -> Result<Box<Vcpu>, LoadError> {
    load_observed(options, |_| Ok(Vec::new()))
}

/// [`load`] with observers, which are made once the program is known.
fn load_observed(
    mut options: Options,
    observers: impl FnOnce(&Process) -> Result<Vec<Box<dyn Observer>>, LoadError>,
) -> Result<Box<Vcpu>, LoadError> {
    let limits = Limits::inherited(&options.limits);
    options.stack_size = options.stack_size.or_else(|| limits.get(libc::RLIMIT_STACK).map(|limit| limit[0]));
    let sysroot = Sysroot::new(options.sysroot.as_deref());
    let (memory, image) = loader::load(&options, &sysroot)?;
    limits.apply(&memory);
    let mut process = Box::new(Process::new(options, memory, sysroot, image, Actions::new()));
    process.limits = limits;
    process.observers = Observers::new(observers(&process)?);
    let process: &'static Process = Box::leak(process);
    process.memory.set_invalidate_hook(move |start, end| process.invalidate(start, end));
    process.hold_for_fork();
    let mut vcpu = Vcpu::new(process);
    vcpu.ctx.state.set(state::x(2).cell, process.image.stack_pointer.0);
    vcpu.set_pc(process.image.entry);
    Ok(vcpu)
}

/// Runs a guest program to its end; gives its exit status. Does not return if a signal kills the guest.
pub fn run(options: Options) -> Result<i32, LoadError> {
    run_observed(options, Vec::new())
}

/// [`run`] with observers, beside those that the options ask for. A program that the guest executes is run by executing
/// this very program again, with `options.carried` before the guest's name: it has to make its own observers.
pub fn run_observed(mut options: Options, mut observers: Vec<Box<dyn Observer>>) -> Result<i32, LoadError> {
    let counts = options.profile.as_ref().is_some_and(|profile| profile.counts);
    if counts || options.gdb.is_some() || options.vectors.is_some() || !options.perf.is_empty() || !observers.is_empty() {
        // Translations of other processes count nothing, know no breakpoints and are told to nobody.
        options.cache = None;
    }
    let mut vcpu = load_observed(options, |process| {
        observers.extend(profile(process)?);
        if let Some(file) = &process.options.vectors {
            let vectors = Vectors::begin(file, process.options.interval);
            let reason = |error: std::io::Error| loader::Reason::Profile(error.into());
            let vectors = vectors.map_err(|error| LoadError { path: file.clone(), reason: reason(error) })?;
            observers.push(Box::new(vectors));
        }
        for kind in &process.options.perf {
            match Perf::begin(*kind) {
                Ok(perf) => observers.push(Box::new(perf)),
                Err(error) => tracing::error!("cannot tell perf about translated code: {error}"),
            }
        }
        Ok(observers)
    })?;
    if vcpu.process.options.stats != Summary::No {
        process::at_exit(print_summary);
    }
    system::set_thread_name(&vcpu.process.image.name);
    procfs::describe(&vcpu);
    let _stack = host::signal::install();
    host::signal::set_current(&mut *vcpu);
    let process = vcpu.process;
    if let Some(address) = &process.options.gdb {
        crate::debug::listen(process, address).map_err(|error| LoadError {
            path: address.place.clone().into(),
            reason: loader::Reason::Debugger(error.into()),
        })?;
    }
    if let Some(observers) = &process.observers {
        observers.tell(|observer| observer.begins(process));
    }
    if process.observers.is_some() || process.debugger.get().is_some() {
        host::signal::tell_ends();
    }
    vcpu.actions().catch_core_signals();
    signal::start(&mut vcpu);
    let status = vcpu.run();
    // Other threads may still run: the process ends with its last one.
    thread::end(&mut vcpu, status);
    process::end(&mut vcpu, status);
}

/// How a guest in a process of its own ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ending {
    /// With this status.
    Status(i32),
    /// By this signal.
    Signal(i32),
}

/// Runs a guest in a child of this process, and calls `meanwhile` about ten times a second until it has ended. What the
/// terminal sends to interrupt goes to the guest alone. `None` if there is no child to be had.
///
/// The calling process must have one thread.
pub fn run_in_child(
    options: Options,
    observers: Vec<Box<dyn Observer>>,
    mut meanwhile: impl FnMut(),
) -> Option<Ending> {
    // SAFETY: there are no other threads whose locks the child could inherit.
    let child = unsafe { libc::fork() };
    if child == 0 {
        let status = run_observed(options, observers).unwrap_or_else(|error| {
            eprintln!("mynah: {error}");
            error.exit_code()
        });
        // SAFETY: ends the child, whose parent runs what is registered for the exit.
        unsafe { libc::_exit(status) };
    }
    if child < 0 {
        return None;
    }
    for signal in [libc::SIGINT, libc::SIGQUIT] {
        // SAFETY: the guest has what was inherited; this process only waits.
        unsafe { libc::signal(signal, libc::SIG_IGN) };
    }
    let (mut status, mut pause) = (0, std::time::Duration::from_millis(1));
    // SAFETY: the kernel writes the status.
    while unsafe { libc::waitpid(child, &mut status, libc::WNOHANG) } == 0 {
        std::thread::sleep(pause);
        pause = (pause * 2).min(std::time::Duration::from_millis(100));
        meanwhile();
    }
    Some(if libc::WIFSIGNALED(status) {
        Ending::Signal(libc::WTERMSIG(status))
    } else {
        Ending::Status(libc::WEXITSTATUS(status))
    })
}

/// The profile that the options ask for.
fn profile(process: &Process) -> Result<Option<Box<dyn Observer>>, LoadError> {
    let Some(options) = process.options.profile.clone() else { return Ok(None) };
    let text = |word: &std::ffi::OsString| word.display().to_string();
    let (file, argv) = (options.file.clone(), process.argv().iter().map(text).collect());
    let exe = process.sysroot.resolve_path(process.exe()).display().to_string();
    let more = options.more;
    match Profile::begin(options, exe, argv) {
        Ok(profile) => Ok(Some(Box::new(profile))),
        Err(error) if more => {
            tracing::error!("cannot write the profile '{}': {error}", file.display());
            Ok(None)
        }
        Err(error) => Err(LoadError { path: file, reason: loader::Reason::Profile(error.into()) }),
    }
}

fn print_summary(vcpu: &mut Vcpu) {
    vcpu.settle_counts();
    let (counts, cache) = (vcpu.process.stats.sum(), vcpu.process.code.stats());
    match vcpu.process.options.stats {
        Summary::Json => eprintln!("{}", crate::stats::json(&counts, &cache)),
        _ => eprint!("{}", crate::stats::summary(&counts, &cache)),
    }
}
