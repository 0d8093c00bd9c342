//! The "fast" integer types of `<stdint.h>` as the System V ABI for x86-64 has them in glibc.
#![allow(non_camel_case_types)]
#![forbid(unsafe_code)]

pub type int_fast32_t = i64;
pub type int_fast64_t = i64;
pub type uint_fast8_t = u8;
pub type uint_fast32_t = u64;
pub type uint_fast64_t = u64;
