//! Kernels for the CPU that are faster than Burn's own operations.
//!
//! `pointwise` and `max_pool`

#![allow(
    clippy::needless_range_loop,
    reason = "loops over small matrices read best with indices, as the formulas do"
)]
#![allow(
    clippy::result_large_err,
    reason = "where a kernel does not take a tensor, the error is that tensor, moved back"
)]

mod lanes;
mod max_pool;
mod pointwise;
#[cfg(test)]
mod testing;
mod unary_op;

pub use max_pool::MaxPool;
pub use pointwise::Pointwise;
