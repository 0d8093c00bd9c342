//! Fault-safe access to guest memory, by system call handlers, the loader and the decoder.

use std::ffi::CString;
use std::mem::MaybeUninit;

use super::{GuestAddr, Memory, PAGE_SIZE, Pod};
use crate::host::usercopy;
use crate::linux::Errno;

/// Longest path the kernel takes, its terminating 0 included (`PATH_MAX`).
const PATH_MAX: usize = 4096;

impl Memory {
    /// Copies `out.len()` bytes from the guest. EFAULT if any of them cannot be read; `out` is then unspecified.
    pub fn read_bytes(&self, addr: GuestAddr, out: &mut [u8]) -> Result<(), Errno> {
        let ptr = self.pointer(addr, out.len())?;
        // SAFETY: `pointer` checked that the range is the guest's.
        match unsafe { usercopy::copy_in(out, ptr) } {
            0 => Ok(()),
            _ => Err(Errno::EFAULT),
        }
    }

    /// Copies bytes to the guest. EFAULT if any of them cannot be written; those before it may have been.
    pub fn write_bytes(&self, addr: GuestAddr, bytes: &[u8]) -> Result<(), Errno> {
        self.write_guarded(addr, bytes.len(), |ptr| {
            // SAFETY: `write_guarded` gives a pointer to a range that is the guest's.
            unsafe { usercopy::copy_out(ptr, bytes) }
        })
    }

    /// Clears `len` bytes. EFAULT as for [`write_bytes`](Memory::write_bytes).
    pub fn zero(&self, addr: GuestAddr, len: u64) -> Result<(), Errno> {
        self.write_guarded(addr, len as usize, |ptr| {
            // SAFETY: `write_guarded` gives a pointer to a range that is the guest's.
            unsafe { usercopy::zero(ptr, len as usize) }
        })
    }

    /// Reads a value at any alignment.
    #[inline]
    pub fn read<T: Pod>(&self, addr: GuestAddr) -> Result<T, Errno> {
        let mut value = MaybeUninit::<T>::zeroed();
        // SAFETY: the value is zeroed, so its bytes are initialised.
        let bytes = unsafe { std::slice::from_raw_parts_mut(value.as_mut_ptr().cast::<u8>(), size_of::<T>()) };
        self.read_bytes(addr, bytes)?;
        // SAFETY: every bit pattern of a `Pod` is a value.
        Ok(unsafe { value.assume_init() })
    }

    /// Writes a value at any alignment.
    #[inline]
    pub fn write<T: Pod>(&self, addr: GuestAddr, value: &T) -> Result<(), Errno> {
        self.write_bytes(addr, as_bytes(std::slice::from_ref(value)))
    }

    /// Reads `count` values. A count whose size wraps, or that no address space holds, is EFAULT.
    pub fn read_slice<T: Pod>(&self, addr: GuestAddr, count: usize) -> Result<Vec<T>, Errno> {
        let size = count.checked_mul(size_of::<T>()).ok_or(Errno::EFAULT)?;
        self.pointer(addr, size)?;
        let mut values = Vec::<T>::new();
        values.try_reserve_exact(count).map_err(|_| Errno::ENOMEM)?;
        // SAFETY: all-zero bytes are a value of any `Pod`, and the capacity was just reserved.
        let bytes = unsafe {
            values.as_mut_ptr().write_bytes(0, count);
            values.set_len(count);
            std::slice::from_raw_parts_mut(values.as_mut_ptr().cast::<u8>(), size)
        };
        self.read_bytes(addr, bytes)?;
        Ok(values)
    }

    /// Writes values one after the other.
    pub fn write_slice<T: Pod>(&self, addr: GuestAddr, values: &[T]) -> Result<(), Errno> {
        self.write_bytes(addr, as_bytes(values))
    }

    /// Reads a path: ENAMETOOLONG if it does not end within 4096 bytes, EFAULT if it cannot be read.
    pub fn read_cstr(&self, addr: GuestAddr) -> Result<CString, Errno> {
        match self.read_str(addr, PATH_MAX)? {
            Some(path) => Ok(path),
            None => Err(Errno::ENAMETOOLONG),
        }
    }

    /// Reads a string whose terminating 0 is among the first `max` bytes; `None` if it is not.
    pub fn read_str(&self, addr: GuestAddr, max: usize) -> Result<Option<CString>, Errno> {
        let ptr = self.pointer(addr, 1)?;
        // SAFETY: `pointer` checked the first byte. The string ends before the guest's range does, or at memory that is
        // not mapped: neither is beyond the guest's part without a fault in between.
        let len = unsafe { usercopy::strnlen(ptr, max) }.map_err(|_| Errno::EFAULT)?;
        if len == max {
            return Ok(None);
        }
        let mut bytes = vec![0; len];
        self.read_bytes(addr, &mut bytes)?;
        // Another thread may have written a 0 since: the string then ends there.
        bytes.truncate(bytes.iter().position(|&b| b == 0).unwrap_or(len));
        Ok(CString::new(bytes).ok())
    }

    /// Runs a guarded write; where it hits a watched page, lets the write through and tries again.
    fn write_guarded(&self, addr: GuestAddr, len: usize, write: impl Fn(*mut u8) -> usize) -> Result<(), Errno> {
        let ptr = self.pointer(addr, len)?;
        loop {
            self.prepare_write(addr, len as u64);
            match write(ptr) {
                0 => return Ok(()),
                // Another thread may have run code from the page since `prepare_write`.
                left if self.write_fault(addr + (len - left) as u64) => continue,
                _ => return Err(Errno::EFAULT),
            }
        }
    }
}

/// The bytes of plain values.
fn as_bytes<T: Pod>(values: &[T]) -> &[u8] {
    // SAFETY: `Pod` types have no padding, so every byte is initialised.
    unsafe { std::slice::from_raw_parts(values.as_ptr().cast::<u8>(), size_of_val(values)) }
}

/// Start and end of the pages that `addr..addr + len` touches; `None` where that wraps.
pub(super) fn page_span(addr: u64, len: u64) -> Option<std::ops::Range<u64>> {
    Some(super::page_floor(addr)..super::page_ceil(addr.checked_add(len)?)?)
}

const _: () = assert!(PAGE_SIZE.is_power_of_two());
