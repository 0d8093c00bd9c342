//! riscv64: registers of a system call, and the layouts in which the generic ABI differs from x86-64.
//!
//! `asm-generic` is the layout of `include/uapi/asm-generic` in Linux, which riscv64 takes as it is. Everything that is not
//! here has the same layout on x86-64.

use crate::linux::arguments::Args;
use crate::memory::Pod;
use crate::vcpu::Vcpu;

/// The number: `a7`.
pub fn number(vcpu: &Vcpu) -> u64 {
    vcpu.x(17)
}

/// The arguments: `a0` to `a5`.
pub fn arguments(vcpu: &Vcpu) -> Args {
    std::array::from_fn(|i| vcpu.x(10 + i as u8))
}

/// `uname`'s machine.
pub const MACHINE: &str = "riscv64";

/// `struct stat` of asm-generic/stat.h.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
pub struct Stat {
    /// Device.
    pub dev: u64,
    /// Inode.
    pub ino: u64,
    /// Type and permissions.
    pub mode: u32,
    /// Links.
    pub nlink: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Device number, of device files.
    pub rdev: u64,
    /// Padding.
    pub pad1: u64,
    /// Bytes.
    pub size: i64,
    /// Preferred block size.
    pub blksize: i32,
    /// Padding.
    pub pad2: i32,
    /// Blocks of 512 bytes.
    pub blocks: i64,
    /// Last access: seconds and nanoseconds.
    pub atime: [i64; 2],
    /// Last change of the contents.
    pub mtime: [i64; 2],
    /// Last change of the inode.
    pub ctime: [i64; 2],
    /// Unused.
    pub unused: [u32; 2],
}

const _: () = assert!(size_of::<Stat>() == 128 && std::mem::offset_of!(Stat, atime) == 72);

// SAFETY: the fields leave no gaps (the assertion above counts them) and are all numbers.
unsafe impl Pod for Stat {}

/// The guest's view of a file's status.
pub fn stat_to_guest(host: &libc::stat) -> Stat {
    Stat {
        dev: host.st_dev,
        ino: host.st_ino,
        mode: host.st_mode,
        // x86-64 has 64 bits here; no file system counts that far.
        nlink: host.st_nlink as u32,
        uid: host.st_uid,
        gid: host.st_gid,
        rdev: host.st_rdev,
        pad1: 0,
        size: host.st_size,
        blksize: host.st_blksize as i32,
        pad2: 0,
        blocks: host.st_blocks,
        atime: [host.st_atime, host.st_atime_nsec],
        mtime: [host.st_mtime, host.st_mtime_nsec],
        ctime: [host.st_ctime, host.st_ctime_nsec],
        unused: [0; 2],
    }
}

/// `struct epoll_event` of linux/eventpoll.h, which only x86-64 packs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
pub struct EpollEvent {
    /// EPOLLIN and so on.
    pub events: u32,
    /// Padding.
    pub pad: u32,
    /// The program's own.
    pub data: u64,
}

const _: () = assert!(size_of::<EpollEvent>() == 16 && size_of::<libc::epoll_event>() == 12);

// SAFETY: numbers without gaps.
unsafe impl Pod for EpollEvent {}

/// The guest's view of an event.
pub fn epoll_event_to_guest(host: libc::epoll_event) -> EpollEvent {
    EpollEvent { events: host.events, pad: 0, data: host.u64 }
}

/// The host's view of an event.
pub fn epoll_event_to_host(guest: EpollEvent) -> libc::epoll_event {
    libc::epoll_event { events: guest.events, u64: guest.data }
}

/// `struct ipc64_perm`, the same on both sides: key, ids, mode, sequence number.
type IpcPerm = [u32; 12];

/// `struct semid64_ds` of asm-generic/sembuf.h. x86-64 keeps a word after each time.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
pub struct SemidDs {
    /// Owner and permissions.
    pub perm: IpcPerm,
    /// Last `semop`.
    pub otime: u64,
    /// Last change.
    pub ctime: u64,
    /// Semaphores in the set.
    pub nsems: u64,
    /// Unused.
    pub unused: [u64; 2],
}

/// `struct semid64_ds` of x86's asm/sembuf.h.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
pub struct HostSemidDs {
    /// Owner and permissions.
    pub perm: IpcPerm,
    /// Last `semop`, and an unused word.
    pub otime: [u64; 2],
    /// Last change, and an unused word.
    pub ctime: [u64; 2],
    /// Semaphores in the set.
    pub nsems: u64,
    /// Unused.
    pub unused: [u64; 2],
}

const _: () = assert!(size_of::<SemidDs>() == 88 && size_of::<HostSemidDs>() == 104);

// SAFETY: numbers without gaps.
unsafe impl Pod for SemidDs {}

/// The guest's view of a semaphore set.
pub fn semid_to_guest(host: &HostSemidDs) -> SemidDs {
    SemidDs { perm: host.perm, otime: host.otime[0], ctime: host.ctime[0], nsems: host.nsems, unused: [0; 2] }
}

/// The host's view of a semaphore set.
pub fn semid_to_host(guest: &SemidDs) -> HostSemidDs {
    HostSemidDs {
        perm: guest.perm,
        otime: [guest.otime, 0],
        ctime: [guest.ctime, 0],
        nsems: guest.nsems,
        unused: [0; 2],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn epoll_events_round_trip() {
        let guest = EpollEvent { events: 0x8000_0019, pad: 0, data: 0x0123_4567_89ab_cdef };
        assert_eq!(epoll_event_to_guest(epoll_event_to_host(guest)), guest);
    }

    #[test]
    fn semaphore_sets_round_trip() {
        let guest =
            SemidDs { perm: std::array::from_fn(|i| i as u32 + 1), otime: 20, ctime: 30, nsems: 4, unused: [0; 2] };
        assert_eq!(semid_to_guest(&semid_to_host(&guest)), guest);
    }

    #[test]
    fn a_status_keeps_every_field() {
        // SAFETY: all zeros are a valid `struct stat`.
        let mut host: libc::stat = unsafe { std::mem::zeroed() };
        (host.st_dev, host.st_ino, host.st_mode, host.st_nlink) = (1, 2, 0o100644, 3);
        (host.st_uid, host.st_gid, host.st_rdev, host.st_size) = (4, 5, 6, 7);
        (host.st_blksize, host.st_blocks, host.st_atime, host.st_atime_nsec) = (8, 9, 10, 11);
        (host.st_mtime, host.st_mtime_nsec, host.st_ctime, host.st_ctime_nsec) = (12, 13, 14, 15);
        let expected = Stat {
            dev: 1,
            ino: 2,
            mode: 0o100644,
            nlink: 3,
            uid: 4,
            gid: 5,
            rdev: 6,
            pad1: 0,
            size: 7,
            blksize: 8,
            pad2: 0,
            blocks: 9,
            atime: [10, 11],
            mtime: [12, 13],
            ctime: [14, 15],
            unused: [0; 2],
        };
        assert_eq!(stat_to_guest(&host), expected);
    }
}
