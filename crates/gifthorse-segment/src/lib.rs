//! Segments: stretches of a network compiled once for a CPU, for frozen weights.

#![allow(
    clippy::needless_range_loop,
    reason = "loops over small matrices read best with indices, as the formulas do"
)]

mod across;
mod affine;
mod average_pool;
mod batch_matmul;
mod binary;
mod finish;
mod functions;
mod global_pool;
mod kernel;
mod lanes;
mod layer_norm;
mod map;
mod max_pool;
mod on_lanes;
mod pointwise;
mod rearrange;
mod sliding;
mod softmax;
#[cfg(test)]
mod testing;
mod window;
mod winograd;

pub use binary::Arithmetic;
pub use finish::Clamp;
pub use kernel::Work;
pub use map::MapShape;
pub use pointwise::Function;
pub use window::Window;
