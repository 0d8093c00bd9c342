//! Guest addresses and what may be copied to and from them.

use std::fmt;
use std::ops::{Add, Sub};

/// Bytes of a page. riscv64 knows only 4 KiB pages, and so does the host.
pub const PAGE_SIZE: u64 = 4096;

/// An address in the guest's address space. Becomes a pointer only in [`Memory`](super::Memory). Arithmetic wraps, as it
/// does for the guest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[repr(transparent)]
pub struct GuestAddr(pub u64);

impl GuestAddr {
    /// The null pointer.
    pub const NULL: GuestAddr = GuestAddr(0);

    /// Whether this is the null pointer.
    pub const fn is_null(self) -> bool {
        self.0 == 0
    }

    /// The start of the page that holds this address.
    pub const fn page(self) -> GuestAddr {
        GuestAddr(page_floor(self.0))
    }

    /// Whether the address is a multiple of `align`, a power of two.
    pub const fn is_aligned(self, align: u64) -> bool {
        self.0 & (align - 1) == 0
    }

    /// `self + offset`, or `None` where that wraps.
    pub const fn checked_add(self, offset: u64) -> Option<GuestAddr> {
        match self.0.checked_add(offset) {
            Some(sum) => Some(GuestAddr(sum)),
            None => None,
        }
    }
}

impl From<u64> for GuestAddr {
    fn from(addr: u64) -> GuestAddr {
        GuestAddr(addr)
    }
}

impl Add<u64> for GuestAddr {
    type Output = GuestAddr;
    fn add(self, offset: u64) -> GuestAddr {
        GuestAddr(self.0.wrapping_add(offset))
    }
}

impl Sub<u64> for GuestAddr {
    type Output = GuestAddr;
    fn sub(self, offset: u64) -> GuestAddr {
        GuestAddr(self.0.wrapping_sub(offset))
    }
}

impl Sub for GuestAddr {
    type Output = u64;
    fn sub(self, other: GuestAddr) -> u64 {
        self.0.wrapping_sub(other.0)
    }
}

impl fmt::Debug for GuestAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

impl fmt::LowerHex for GuestAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::LowerHex::fmt(&self.0, f)
    }
}

/// Rounds down to a page.
pub const fn page_floor(addr: u64) -> u64 {
    addr & !(PAGE_SIZE - 1)
}

/// Rounds up to a page; `None` where that wraps.
pub const fn page_ceil(addr: u64) -> Option<u64> {
    match addr.checked_add(PAGE_SIZE - 1) {
        Some(sum) => Some(page_floor(sum)),
        None => None,
    }
}

/// Types that may be copied between host and guest as plain bytes.
///
/// # Safety
/// Every bit pattern is a value, and the type has no padding (padding would leak uninitialised host bytes to the guest).
pub unsafe trait Pod: Copy + 'static {}

macro_rules! pod {
    ($($ty:ty)*) => {
        $(
            // SAFETY: an integer (or float) has no padding and no invalid bit pattern.
            unsafe impl Pod for $ty {}
        )*
    };
}
pod!(u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize f32 f64 GuestAddr);

// SAFETY: arrays add no padding between or after their elements.
unsafe impl<T: Pod, const N: usize> Pod for [T; N] {}
