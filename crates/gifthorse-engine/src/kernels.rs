//! Kernels for the CPU that are faster than Burn's own operations where weights are frozen.
//!
//! `winograd` is pure slice arithmetic and knows nothing of Burn; `frozen_conv` enters it in
//! Burn's autodiff as one operation. `lanes` chooses the vector instructions at run time.

#![allow(
    clippy::needless_range_loop,
    reason = "loops over small matrices read best with indices, as the formulas do"
)]

mod frozen_conv;
mod lanes;
mod winograd;

pub use frozen_conv::FrozenConv;
