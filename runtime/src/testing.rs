//! A machine for tests: a process without a program, whose code and registers the test chooses, run by each of the three
//! executors that must agree.

use std::collections::HashMap;

use mynah_backend::Context;
use mynah_frontend::riscv64::{self, FetchError};
use mynah_ir::interp::{self, Exit, Fault, MemFault, Memory as IrMemory};
use mynah_ir::state::FRM_CELL;
use mynah_ir::{Counter, Order, State, Stop, TrapKind};

use crate::dispatcher::{Event, fetch};
use crate::host::signal::{self, SignalStack};
use crate::linux::signal::Actions;
use crate::loader::{Image, Sysroot};
use crate::memory::{GuestAddr, Layout, Memory};
use crate::options::{Options, Tiers};
use crate::process::Process;
use crate::tier0;
use crate::vcpu::Vcpu;

/// Where the code of a test lies.
pub const CODE: u64 = 0x10_0000;
/// Bytes of memory for code.
pub const CODE_SIZE: u64 = 0x4000;
/// Where the data of a test lies.
pub const DATA: u64 = 0x100_0000;
/// Bytes of memory for data; around it nothing is mapped.
pub const DATA_SIZE: u64 = 0x2000;
/// Blocks that a test may run.
const LIMIT: usize = 10_000;

/// Who executes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// Pre-decoded instructions.
    Tier0,
    /// Code from Cranelift.
    Compiled,
    /// The IR interpreter, after lifting; without passes.
    Interpreter,
}

impl Mode {
    /// All of them.
    pub const ALL: [Mode; 3] = [Mode::Tier0, Mode::Compiled, Mode::Interpreter];
}

/// How a run ended; the state's pc is that of the instruction that stopped (behind it for a system call).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    /// A system call.
    Syscall,
    /// A memory access that is not allowed.
    Fault,
    /// A trap.
    Trap(TrapKind),
    /// The instruction at pc cannot be fetched.
    NoInstruction,
    /// More blocks than a test may run.
    Endless,
}

/// The machine. One in a process: guest addresses are host addresses.
pub struct Machine {
    vcpu: Box<Vcpu>,
    _stack: SignalStack,
}

impl Machine {
    /// Makes a machine on the calling thread, which must go on to be the one that uses it.
    pub fn new() -> Machine {
        let options = Options { tiers: Tiers::Only1, background: false, verify: true, ..Options::default() };
        let fixed = Some((CODE, DATA + DATA_SIZE));
        let memory =
            Memory::new(Layout { fixed, stack_size: 1 << 20, ..Layout::default() }).expect("low memory is free");
        let all = libc::PROT_READ | libc::PROT_WRITE | libc::PROT_EXEC;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED;
        for (start, size, prot) in [(CODE, CODE_SIZE, all), (DATA, DATA_SIZE, libc::PROT_READ | libc::PROT_WRITE)] {
            memory.mmap(GuestAddr(start), size, prot, flags, -1, 0).expect("test memory can be mapped");
        }
        let process = Process::new(options, memory, Sysroot::new(None), no_image(), Actions::new());
        let process: &'static Process = Box::leak(Box::new(process));
        process.memory.set_invalidate_hook(move |start, end| process.invalidate(start, end));
        let mut vcpu = Vcpu::new(process);
        let stack = signal::install();
        signal::set_current(&mut *vcpu);
        vcpu.bound_stack();
        Machine { vcpu, _stack: stack }
    }

    /// The memory.
    pub fn memory(&self) -> &'static Memory {
        &self.vcpu.process.memory
    }

    /// Puts `code` at [`CODE`] with a breakpoint behind it, and runs it from `state` (whose pc is set to its start).
    pub fn run(&mut self, mode: Mode, code: &[u8], state: &State) -> (End, State) {
        let mut bytes = code.to_vec();
        // Two `c.ebreak`, so that a 32-bit fetch behind the code does not fail.
        bytes.extend_from_slice(&[0x02, 0x90, 0x02, 0x90]);
        self.memory().write_bytes(GuestAddr(CODE), &bytes).expect("code fits into its memory");
        self.vcpu.ctx.state = state.clone();
        self.vcpu.set_pc(CODE);
        self.vcpu.code_page = 1;
        let end = match mode {
            Mode::Tier0 => self.tier0(),
            Mode::Compiled => self.compiled(),
            Mode::Interpreter => self.interpret(),
        };
        let _ = crate::linux::signal::take_fault(&mut self.vcpu);
        (end, self.vcpu.ctx.state.clone())
    }

    fn tier0(&mut self) -> End {
        let process = self.vcpu.process;
        for _ in 0..LIMIT {
            let (pc, page) = (self.vcpu.pc(), &mut self.vcpu.code_page);
            let block = tier0::decode_block(pc, &mut |a| fetch(&process.memory, page, a), &process.options.cpu);
            if block.is_empty() {
                return self.no_instruction();
            }
            if let Err(stop) = block.run(&mut self.vcpu.ctx)
                && let Some(end) = self.end(Event::Stop(stop))
            {
                return end;
            }
        }
        End::Endless
    }

    fn compiled(&mut self) -> End {
        for _ in 0..LIMIT {
            self.vcpu.take_note();
            self.vcpu.ctx.clear_exit_request();
            if let Some(end) = self.vcpu.advance().and_then(|event| self.end(event)) {
                return end;
            }
        }
        End::Endless
    }

    fn interpret(&mut self) -> End {
        let process = self.vcpu.process;
        for _ in 0..LIMIT {
            // Blocks of IR are for legal rounding modes only; the dispatcher sees to that.
            if self.vcpu.ctx.state.get(FRM_CELL) > 4 {
                match self.step() {
                    Some(end) => return end,
                    None => continue,
                }
            }
            let (pc, page) = (self.vcpu.pc(), &mut self.vcpu.code_page);
            let block =
                riscv64::lift(pc, &mut |a| fetch(&process.memory, page, a), &process.options.cpu, tier0::MAX_BLOCK);
            let state = &mut self.vcpu.ctx.state;
            match interp::run(&block, state, &mut Access(&process.memory)) {
                Ok(Exit::Next) => {}
                Ok(Exit::Syscall { .. }) => return End::Syscall,
                Ok(Exit::Trap(kind)) => {
                    if let Some(end) = self.end(Event::Stop(Stop::Trap(kind))) {
                        return end;
                    }
                }
                Ok(Exit::Interpret) => {
                    if let Some(end) = self.step() {
                        return end;
                    }
                }
                Err(Fault::Memory { .. }) => return End::Fault,
                Err(Fault::Misaligned { .. }) => return End::Trap(TrapKind::Misaligned),
            }
        }
        End::Endless
    }

    /// Executes one instruction that is tier 0's alone.
    fn step(&mut self) -> Option<End> {
        let process = self.vcpu.process;
        let (pc, page) = (self.vcpu.pc(), &mut self.vcpu.code_page);
        match riscv64::fetch_insn(pc, &mut |a| fetch(&process.memory, page, a), &process.options.cpu) {
            Ok(insn) => tier0::step(&mut self.vcpu.ctx, &insn).err().and_then(|stop| self.end(Event::Stop(stop))),
            Err(_) => Some(self.no_instruction()),
        }
    }

    /// Whether there is no legal instruction at pc, or none that can be fetched.
    fn no_instruction(&mut self) -> End {
        let process = self.vcpu.process;
        let (pc, page) = (self.vcpu.pc(), &mut self.vcpu.code_page);
        match riscv64::fetch_insn(pc, &mut |a| fetch(&process.memory, page, a), &process.options.cpu) {
            Err(FetchError::Unmapped(_)) => End::NoInstruction,
            _ => End::Trap(TrapKind::Illegal),
        }
    }

    /// What an event means for a test; `None` if the run goes on.
    fn end(&mut self, event: Event) -> Option<End> {
        Some(match event {
            Event::Stop(Stop::Trap(TrapKind::CodeChanged)) => {
                let pc = self.vcpu.pc();
                self.vcpu.set_pc(pc.wrapping_add(4));
                return None;
            }
            Event::Stop(Stop::Trap(kind)) => End::Trap(kind),
            Event::Stop(Stop::Syscall) => End::Syscall,
            Event::Stop(Stop::Fault) => End::Fault,
            Event::NoInstruction => self.no_instruction(),
        })
    }

    /// What translated code sees.
    pub fn context(&self) -> &Context {
        &self.vcpu.ctx
    }
}

impl Default for Machine {
    fn default() -> Machine {
        Machine::new()
    }
}

/// The image of a process without a program.
fn no_image() -> Image {
    Image {
        exe: Default::default(),
        name: Default::default(),
        argv: Vec::new(),
        entry: CODE,
        program_entry: CODE,
        stack_pointer: GuestAddr::NULL,
        load_bias: 0,
        phdr: GuestAddr::NULL,
        phnum: 0,
        brk_start: GuestAddr::NULL,
        auxv: Vec::new(),
        arguments: 0..0,
        environment: 0..0,
        sigreturn: GuestAddr::NULL,
        vdso_functions: 0..0,
    }
}

/// Guest memory for the IR interpreter.
struct Access<'a>(&'a Memory);

impl IrMemory for Access<'_> {
    fn load(&mut self, addr: u64, bytes: u32) -> Result<u64, MemFault> {
        let mut value = [0; 8];
        let place = &mut value[..bytes as usize];
        self.0.read_bytes(GuestAddr(addr), place).map_err(|_| MemFault { addr })?;
        Ok(u64::from_le_bytes(value))
    }

    fn store(&mut self, addr: u64, bytes: u32, value: u64) -> Result<(), MemFault> {
        // As on the host, what touches a page that cannot be accessed writes nothing.
        self.load(addr, bytes)?;
        let value = &value.to_le_bytes()[..bytes as usize];
        self.0.write_bytes(GuestAddr(addr), value).map_err(|_| MemFault { addr })
    }

    fn fence(&mut self, _: Order) {}

    fn counter(&mut self, counter: Counter) -> u64 {
        mynah_backend::helpers::read_counter(counter)
    }
}

/// Names of the cells that a test may set and read: registers by their ABI names, `pc`, `fflags`, `frm`.
pub fn cell_names() -> HashMap<&'static str, u16> {
    let x = riscv64::X_NAMES.iter().enumerate().map(|(n, name)| (*name, riscv64::state::x(n as u8).cell));
    let f = riscv64::F_NAMES.iter().enumerate().map(|(n, name)| (*name, riscv64::state::f(n as u8).cell));
    let control = [
        ("pc", riscv64::state::PC),
        ("fflags", riscv64::state::FFLAGS),
        ("frm", riscv64::state::FRM),
        ("resaddr", riscv64::state::RES_ADDR),
        ("resvalue", riscv64::state::RES_VALUE),
    ];
    x.chain(f).chain(control.map(|(name, slot)| (name, slot.cell))).collect()
}
