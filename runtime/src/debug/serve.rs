//! The thread that talks to gdb: waits for a connection, then for packets or events, whichever comes first.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use gdbstub::common::Signal;
use gdbstub::conn::Connection;
use gdbstub::stub::state_machine::GdbStubStateMachine;
use gdbstub::stub::{DisconnectReason, GdbStub};

use super::target::Target;
use super::{Action, Debugger, Stop, lock};
use crate::host::signal;
use crate::process::Process;

/// Where a debugger connects.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Address {
    /// A TCP port of this machine, or a path for a Unix socket, in which `%d` stands for the process's id.
    pub place: String,
    /// Whether the guest waits for the debugger before its first instruction.
    pub wait: bool,
}

impl Address {
    /// Reads `PORT` or `PATH`, perhaps with `,suspend=n`, as QEMU takes it.
    pub fn parse(text: &str) -> Result<Address, String> {
        let (place, wait) = match text.rsplit_once(",suspend=") {
            Some((place, "y")) => (place, true),
            Some((place, "n")) => (place, false),
            Some((_, other)) => return Err(format!("suspend is y or n, not '{other}'")),
            None => (text, true),
        };
        let place = place.strip_prefix("unix:").unwrap_or(place);
        if place.is_empty() || place.bytes().all(|byte| byte.is_ascii_digit()) && place.parse::<u16>().is_err() {
            return Err(format!("'{text}' is neither a port nor a path"));
        }
        Ok(Address { place: place.to_owned(), wait })
    }
}

enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// A connection whose writes are gathered until a packet is complete.
struct Wire {
    stream: Stream,
    out: Vec<u8>,
}

impl Stream {
    fn fd(&self) -> RawFd {
        match self {
            Stream::Tcp(stream) => stream.as_raw_fd(),
            Stream::Unix(stream) => stream.as_raw_fd(),
        }
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Stream::Tcp(stream) => Write::write_all(stream, bytes),
            Stream::Unix(stream) => Write::write_all(stream, bytes),
        }
    }

    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Tcp(stream) => Read::read(stream, bytes),
            Stream::Unix(stream) => Read::read(stream, bytes),
        }
    }
}

impl Connection for Wire {
    type Error = io::Error;

    fn write(&mut self, byte: u8) -> io::Result<()> {
        self.out.push(byte);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        let result = self.stream.write_all(&self.out);
        self.out.clear();
        result
    }
}

/// Begins to listen and starts the stub's thread. Fails if the place cannot be had.
pub fn listen(process: &'static Process, address: &Address) -> io::Result<()> {
    let listener = match address.place.parse::<u16>() {
        Ok(port) => Listener::Tcp(TcpListener::bind(("127.0.0.1", port))?),
        Err(_) => {
            let path = PathBuf::from(address.place.replace("%d", &std::process::id().to_string()));
            // A socket that an earlier run left.
            let _ = std::fs::remove_file(&path);
            Listener::Unix(UnixListener::bind(path)?)
        }
    };
    let debugger = process.debugger.get_or_init(|| Debugger::new(address.wait));
    let mask = signal::block_all();
    let started = std::thread::Builder::new().name("gdb".into()).spawn(move || serve(process, debugger, &listener));
    signal::restore_mask(mask);
    started.map(|_| ())
}

fn serve(process: &'static Process, debugger: &'static Debugger, listener: &Listener) {
    loop {
        let stream = match listener {
            Listener::Tcp(listener) => listener.accept().map(|(stream, _)| {
                let _ = stream.set_nodelay(true);
                Stream::Tcp(stream)
            }),
            Listener::Unix(listener) => listener.accept().map(|(stream, _)| Stream::Unix(stream)),
        };
        let Ok(stream) = stream else {
            std::thread::sleep(std::time::Duration::from_millis(100));
            continue;
        };
        debugger.attached.store(true, Ordering::SeqCst);
        debugger.stop_world();
        let wire = Wire { stream, out: Vec::new() };
        if let Err(why) = session(process, debugger, wire) {
            tracing::debug!("the debugger's connection ended: {why}");
        }
        debugger.detach();
    }
}

/// Talks until the debugger goes away.
fn session(process: &'static Process, debugger: &'static Debugger, wire: Wire) -> Result<(), String> {
    let fd = wire.stream.fd();
    let mut target = Target::new(process, debugger);
    let stub = GdbStub::new(wire);
    let mut machine = stub.run_state_machine(&mut target).map_err(|error| error.to_string())?;
    loop {
        machine = match machine {
            GdbStubStateMachine::Idle(mut gdb) => {
                let Some(byte) = read_byte(&mut gdb.borrow_conn().stream)? else { return Ok(()) };
                gdb.incoming_data(&mut target, byte).map_err(|error| error.to_string())?
            }
            GdbStubStateMachine::Running(mut gdb) => match debugger.next_event(fd) {
                Some(event) => {
                    if !matches!(event, Stop::Exited(_) | Stop::Terminated(_)) {
                        debugger.stop_world();
                    }
                    gdb.report_stop(&mut target, event).map_err(|error| error.to_string())?
                }
                None => {
                    let Some(byte) = read_byte(&mut gdb.borrow_conn().stream)? else { return Ok(()) };
                    gdb.incoming_data(&mut target, byte).map_err(|error| error.to_string())?
                }
            },
            GdbStubStateMachine::CtrlCInterrupt(gdb) => {
                debugger.stop_world();
                let stop = debugger.some_thread().map(|tid| Stop::SignalWithThread { tid, signal: Signal::SIGINT });
                gdb.interrupt_handled(&mut target, stop).map_err(|error| error.to_string())?
            }
            GdbStubStateMachine::Disconnected(gdb) => {
                if let DisconnectReason::Kill = gdb.get_reason() {
                    // SAFETY: ends the process, as the debugger asked.
                    unsafe { libc::_exit(128 + libc::SIGKILL) };
                }
                return Ok(());
            }
        };
    }
}

fn read_byte(stream: &mut Stream) -> Result<Option<u8>, String> {
    let mut byte = [0];
    loop {
        match stream.read(&mut byte) {
            Ok(0) => return Ok(None),
            Ok(_) => return Ok(Some(byte[0])),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.to_string()),
        }
    }
}

impl Debugger {
    /// Makes every thread park, and waits until all have.
    pub(super) fn stop_world(&self) {
        let mut state = lock(&self.state);
        self.call_all(&state);
        while state.threads.is_empty() || state.threads.values().any(|thread| !thread.parked) {
            if state.told {
                return;
            }
            // A thread may begin, or enter the kernel, just after it was called.
            let moment = std::time::Duration::from_millis(2);
            state = self.changed.wait_timeout(state, moment).unwrap_or_else(PoisonError::into_inner).0;
            self.call_all(&state);
        }
    }

    /// Lets threads go on as their actions say.
    pub(super) fn resume_world(&self) {
        let mut state = lock(&self.state);
        if !state.events.is_empty() {
            // Another thread has something to tell already: the world stays as it is.
            drop(state);
            return self.ring();
        }
        self.stop.store(false, Ordering::SeqCst);
        state.turn += 1;
        self.changed.notify_all();
        // Whoever goes must be seen to have gone, or the next stop would find it parked still.
        while state.threads.values().any(|thread| thread.parked && thread.action != Action::Stay) {
            let moment = std::time::Duration::from_millis(2);
            state = self.changed.wait_timeout(state, moment).unwrap_or_else(PoisonError::into_inner).0;
            if !state.events.is_empty() {
                return;
            }
        }
    }

    /// The next event, or `None` if the debugger has sent something first.
    fn next_event(&self, connection: RawFd) -> Option<Stop> {
        loop {
            if let Some((_, event)) = lock(&self.state).events.pop_front() {
                return Some(event);
            }
            let poll = |fd| libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
            let mut fds = [poll(connection), poll(self.bell)];
            let mut count = 0u64;
            // SAFETY: two descriptors, and 8 bytes for the count.
            unsafe {
                libc::poll(fds.as_mut_ptr(), 2, -1);
                libc::read(self.bell, (&raw mut count).cast(), 8);
            }
            if count == 0 && fds[0].revents != 0 {
                return None;
            }
        }
    }

    fn some_thread(&self) -> Option<gdbstub::common::Tid> {
        let state = lock(&self.state);
        state.threads.keys().next().and_then(|tid| gdbstub::common::Tid::new(*tid))
    }

    /// The debugger has gone: the guest runs on as if there had been none.
    fn detach(&self) {
        let mut state = lock(&self.state);
        lock(&self.breakpoints).clear();
        lock(&self.watchpoints).clear();
        *lock(&self.caught) = None;
        self.breakpoint_count.store(0, Ordering::SeqCst);
        self.watchpoint_count.store(0, Ordering::SeqCst);
        self.catching.store(false, Ordering::SeqCst);
        self.stop.store(false, Ordering::SeqCst);
        self.attached.store(false, Ordering::SeqCst);
        state.events.clear();
        state.turn += 1;
        drop(state);
        self.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let parse = |text: &str| Address::parse(text).map(|address| (address.place, address.wait));
        assert_eq!(parse("1234"), Ok(("1234".into(), true)));
        assert_eq!(parse("1234,suspend=n"), Ok(("1234".into(), false)));
        assert_eq!(parse("unix:/tmp/x.%d"), Ok(("/tmp/x.%d".into(), true)));
        assert!(parse("").is_err() && parse("70000").is_err() && parse("1,suspend=x").is_err());
    }
}
