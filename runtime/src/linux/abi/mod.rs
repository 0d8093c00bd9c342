//! Where an instruction set keeps the number, the arguments and the result of a system call, and the layouts in which it
//! differs from the host.

pub mod riscv64;
