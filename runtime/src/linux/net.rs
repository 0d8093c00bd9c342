//! Sockets, where structures hold pointers.

use super::arguments::Args;
use super::syscall::{bad, call, iovecs, pointer, wait, writable};
use super::{Answer, Errno};
use crate::memory::{GuestAddr, Memory, Pod};
use crate::vcpu::Vcpu;

/// `struct msghdr`, the same on every 64-bit Linux but for what its pointers mean.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
struct Message {
    name: u64,
    name_length: u32,
    pad1: u32,
    vector: u64,
    vector_length: u64,
    control: u64,
    control_length: u64,
    flags: i32,
    pad2: u32,
}

/// `struct mmsghdr`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
struct Counted {
    message: Message,
    length: u32,
    pad: u32,
}

const _: () = assert!(size_of::<Message>() == 56 && size_of::<libc::msghdr>() == 56);
const _: () = assert!(size_of::<Counted>() == 64 && size_of::<libc::mmsghdr>() == 64);

// SAFETY: numbers without gaps.
unsafe impl Pod for Message {}
// SAFETY: numbers without gaps.
unsafe impl Pod for Counted {}

/// Whether the kernel reads or writes what a message's pointers point to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Send,
    Receive,
}

/// The host's form of a message, and the vector that it points to.
fn to_host(memory: &Memory, guest: &Message, direction: Direction) -> Result<(Message, Vec<libc::iovec>), Errno> {
    let receives = direction == Direction::Receive;
    let convert = |at: u64, length: u64| {
        if receives { writable(memory, at, length) } else { pointer(memory, at, length) }
    };
    let vector = iovecs(memory, guest.vector, guest.vector_length, receives)?;
    let host = Message {
        name: convert(guest.name, guest.name_length.into()),
        control: convert(guest.control, guest.control_length),
        vector: vector.as_ptr().expose_provenance() as u64,
        ..*guest
    };
    Ok((host, vector))
}

/// The guest's form of a message that was received: lengths and flags are new, pointers the guest's own.
fn to_guest(guest: &Message, host: &Message) -> Message {
    Message { name_length: host.name_length, control_length: host.control_length, flags: host.flags, ..*guest }
}

/// What a call answers whose message cannot be read: the kernel looks at the socket first.
fn unreadable(vcpu: &Vcpu, number: i64, [socket, _, rest @ ..]: Args) -> Answer {
    let [third, fourth, ..] = rest;
    wait(vcpu, number, [socket, bad(0), third, fourth, 0, 0])
}

/// `sendmsg(socket, message, flags)`.
pub fn sendmsg(vcpu: &mut Vcpu, args: Args) -> Answer {
    let [socket, message, flags, ..] = args;
    let memory = &vcpu.process.memory;
    let converted = memory.read(GuestAddr(message)).and_then(|guest| to_host(memory, &guest, Direction::Send));
    let Ok((host, _vector)) = converted else { return unreadable(vcpu, libc::SYS_sendmsg, args) };
    wait(vcpu, libc::SYS_sendmsg, [socket, (&raw const host).expose_provenance() as u64, flags, 0, 0, 0])
}

/// `recvmsg(socket, message, flags)`.
pub fn recvmsg(vcpu: &mut Vcpu, args: Args) -> Answer {
    let [socket, message, flags, ..] = args;
    let memory = &vcpu.process.memory;
    let read = memory.read::<Message>(GuestAddr(message));
    let converted = read.and_then(|guest| Ok((guest, to_host(memory, &guest, Direction::Receive)?)));
    let Ok((guest, (mut host, _vector))) = converted else { return unreadable(vcpu, libc::SYS_recvmsg, args) };
    let at = (&raw mut host).expose_provenance() as u64;
    let received = wait(vcpu, libc::SYS_recvmsg, [socket, at, flags, 0, 0, 0])?;
    memory.write(GuestAddr(message), &to_guest(&guest, &host))?;
    Ok(received)
}

/// The most messages one call takes (UIO_MAXIOV).
const MOST_MESSAGES: u64 = 1024;

/// Messages as the guest has them, as the host needs them, and the vectors these point to.
struct Batch {
    guest: Vec<Counted>,
    host: Vec<Counted>,
    _vectors: Vec<Vec<libc::iovec>>,
}

impl Batch {
    fn read(memory: &Memory, at: u64, count: u64, direction: Direction) -> Result<Batch, Errno> {
        let guest: Vec<Counted> = memory.read_slice(GuestAddr(at), count.min(MOST_MESSAGES) as usize)?;
        let (mut host, mut vectors) = (Vec::new(), Vec::new());
        for one in &guest {
            let (message, vector) = to_host(memory, &one.message, direction)?;
            host.push(Counted { message, ..*one });
            vectors.push(vector);
        }
        Ok(Batch { guest, host, _vectors: vectors })
    }

    /// Tells the guest what became of the first `done` messages.
    fn write(&self, memory: &Memory, at: u64, done: u64, direction: Direction) -> Result<(), Errno> {
        for (index, (guest, host)) in self.guest.iter().zip(&self.host).enumerate().take(done as usize) {
            let message = match direction {
                Direction::Send => guest.message,
                Direction::Receive => to_guest(&guest.message, &host.message),
            };
            let size = size_of::<Counted>() as u64;
            memory.write(GuestAddr(at) + index as u64 * size, &Counted { message, length: host.length, ..*guest })?;
        }
        Ok(())
    }
}

/// `sendmmsg(socket, messages, count, flags)`.
pub fn sendmmsg(vcpu: &mut Vcpu, args: Args) -> Answer {
    let [socket, messages, count, flags, ..] = args;
    let memory = &vcpu.process.memory;
    let Ok(mut batch) = Batch::read(memory, messages, u64::from(count as u32), Direction::Send) else {
        return unreadable(vcpu, libc::SYS_sendmmsg, args);
    };
    let at = batch.host.as_mut_ptr().expose_provenance() as u64;
    let sent = wait(vcpu, libc::SYS_sendmmsg, [socket, at, batch.host.len() as u64, flags, 0, 0])?;
    batch.write(memory, messages, sent, Direction::Send)?;
    Ok(sent)
}

/// `recvmmsg(socket, messages, count, flags, timeout)`.
pub fn recvmmsg(vcpu: &mut Vcpu, args: Args) -> Answer {
    let [socket, messages, count, flags, timeout, _] = args;
    let memory = &vcpu.process.memory;
    let Ok(mut batch) = Batch::read(memory, messages, u64::from(count as u32), Direction::Receive) else {
        return unreadable(vcpu, libc::SYS_recvmmsg, args);
    };
    let at = batch.host.as_mut_ptr().expose_provenance() as u64;
    let timeout = writable(memory, timeout, 16);
    let received = wait(vcpu, libc::SYS_recvmmsg, [socket, at, batch.host.len() as u64, flags, timeout, 0])?;
    batch.write(memory, messages, received, Direction::Receive)?;
    Ok(received)
}

/// `setsockopt(socket, level, option, value, length)`. Packet filters are `struct sock_fprog`: a length and a pointer.
pub fn setsockopt(vcpu: &mut Vcpu, [socket, level, option, value, length, _]: Args) -> Answer {
    let memory = &vcpu.process.memory;
    let filter = level as i32 == libc::SOL_SOCKET
        && matches!(option as i32, libc::SO_ATTACH_FILTER | libc::SO_ATTACH_REUSEPORT_CBPF);
    if filter && length == 16 {
        let [count, program]: [u64; 2] = memory.read(GuestAddr(value))?;
        // Eight bytes each instruction.
        let host = [count, pointer(memory, program, u64::from(count as u16) * 8)];
        let at = (&raw const host).expose_provenance() as u64;
        return Ok(call(libc::SYS_setsockopt, [socket, level, option, at, length, 0])?);
    }
    let value = pointer(memory, value, u64::from(length as u32));
    Ok(call(libc::SYS_setsockopt, [socket, level, option, value, length, 0])?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_received_message_keeps_the_guests_pointers() {
        let guest =
            Message { name: 1, name_length: 100, vector: 2, vector_length: 3, control: 4, ..Message::default() };
        let host = Message { name: 11, name_length: 16, control: 14, control_length: 7, flags: 8, ..guest };
        let back = to_guest(&guest, &host);
        assert_eq!((back.name, back.vector, back.vector_length, back.control), (1, 2, 3, 4));
        assert_eq!((back.name_length, back.control_length, back.flags), (16, 7, 8));
    }
}
