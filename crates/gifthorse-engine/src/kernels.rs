//! Kernels for the CPU that are faster than Burn's own operations where weights are frozen.
//!
//! `winograd` is pure slice arithmetic and knows nothing of Burn; `frozen_conv` enters it in
//! Burn's autodiff as one operation. `lanes` chooses the vector instructions at run time.

mod frozen_conv;
mod lanes;
mod winograd;

pub use frozen_conv::FrozenConv;
