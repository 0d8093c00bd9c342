//! From options to a running guest.

use mynah_frontend::riscv64::state;

use crate::host;
use crate::linux::limits::Limits;
use crate::linux::signal::Actions;
use crate::linux::{process, procfs, signal, system, thread};
use crate::loader::{self, LoadError, Sysroot};
use crate::options::Options;
use crate::process::Process;
use crate::vcpu::Vcpu;

/// Loads a program, so that its first instruction can be executed. The process lives as long as the host's.
pub fn load(mut options: Options) -> Result<Box<Vcpu>, LoadError> {
    let limits = Limits::inherited(&options.limits);
    options.stack_size = options.stack_size.or_else(|| limits.get(libc::RLIMIT_STACK).map(|limit| limit[0]));
    let sysroot = Sysroot::new(options.sysroot.as_deref());
    let (memory, image) = loader::load(&options, &sysroot)?;
    limits.apply(&memory);
    let mut process = Process::new(options, memory, sysroot, image, Actions::new());
    process.limits = limits;
    let process: &'static Process = Box::leak(Box::new(process));
    process.memory.set_invalidate_hook(move |start, end| process.invalidate(start, end));
    process.hold_for_fork();
    let mut vcpu = Vcpu::new(process);
    vcpu.ctx.state.set(state::x(2).cell, process.image.stack_pointer.0);
    vcpu.set_pc(process.image.entry);
    Ok(vcpu)
}

/// Runs a guest program to its end; gives its exit status. Does not return if a signal kills the guest.
pub fn run(options: Options) -> Result<i32, LoadError> {
    let mut vcpu = load(options)?;
    if vcpu.process.options.stats {
        process::at_exit(print_summary);
    }
    system::set_thread_name(&vcpu.process.image.name);
    procfs::describe(&vcpu);
    let _stack = host::signal::install();
    host::signal::set_current(&mut *vcpu);
    signal::start(&mut vcpu);
    let status = vcpu.run();
    // Other threads may still run: the process ends with its last one.
    thread::end(&mut vcpu, status);
    process::end(&mut vcpu, status);
}

fn print_summary(vcpu: &mut Vcpu) {
    vcpu.settle_counts();
    eprint!("{}", crate::stats::summary(&vcpu.process.stats.sum(), &vcpu.process.code.stats()));
}
