//! Kernels for the CPU that are faster than Burn's own operations.
//!
//! `frozen_conv` (for frozen weights; `winograd` is its arithmetic), `pointwise` and `max_pool`
//! are pure slice arithmetic; `unary_op` enters each in Burn's autodiff as one operation. `lanes` chooses the vector instructions at run time.

#![allow(
    clippy::needless_range_loop,
    reason = "loops over small matrices read best with indices, as the formulas do"
)]
#![allow(
    clippy::result_large_err,
    reason = "where a kernel does not take a tensor, the error is that tensor, moved back"
)]

mod frozen_conv;
mod lanes;
mod max_pool;
mod pointwise;
#[cfg(test)]
mod testing;
mod unary_op;
mod winograd;

pub use frozen_conv::FrozenConv;
pub use max_pool::MaxPool;
pub use pointwise::Pointwise;
