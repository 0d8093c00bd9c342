//! Cryptographic ops (signatures; the meanings follow).

macro_rules! pending {
    ($($name:ident)*) => { $(pub fn $name(_a: u64, _b: u64, _imm: u8) -> u64 { unimplemented!(stringify!($name)) })* };
}
pending! { aes64ds aes64dsm aes64es aes64esm aes64im aes64ks1i aes64ks2 sm4ks sm4ed }
