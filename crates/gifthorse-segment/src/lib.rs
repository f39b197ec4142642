//! Segments: stretches of a network compiled once for a CPU, for frozen weights.

#![allow(
    clippy::needless_range_loop,
    reason = "loops over small matrices read best with indices, as the formulas do"
)]

mod axis;
mod convolution;
mod depthwise;
mod finish;
mod gather_conv;
mod kernel;
mod lanes;
mod map;
#[cfg(test)]
mod testing;
mod window;

pub use finish::Clamp;
pub use kernel::Work;
pub use map::MapShape;
pub use window::Window;
