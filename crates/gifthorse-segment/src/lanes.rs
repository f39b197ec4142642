//! Sixteen f32 numbers at a time, on whatever vector unit the machine has, and how they lie in
//! memory.
//!
//! The program is built for plain x86-64, so the vector unit is chosen when it runs
//! ([`Isa::detect`]): AVX-512, AVX2 with FMA, or plain Rust that the compiler turns
//! into the vectors of the build target (SSE2 on x86-64, NEON on AArch64). A stage of a
//! kernel is a [`Task`], written once over [`Lanes`] and compiled for each of them.
//!
//! `lane` has the numbers in memory, `arithmetic` what is done with them; `avx512`, `avx2` and
//! `portable` do it, and `isa` chooses among these. `map` says how a value of the network lies in
//! lanes, and `order` how it lies outside. On top of that are sums `across` channels, `functions`
//! such as the exponential, the `finish` of a result on its way to memory, and `prefetch`.

pub(crate) mod across;
mod arithmetic;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
pub(crate) mod finish;
pub(crate) mod functions;
mod isa;
mod lane;
pub(crate) mod map;
pub(crate) mod order;
mod portable;
pub(crate) mod prefetch;
#[cfg(test)]
mod tests;

pub(crate) use arithmetic::{Lanes, Task};
pub(crate) use isa::Isa;
pub(crate) use lane::{Lane, Left, Notes, Pair, ROWS, Sums, Used};
