//! Segments: stretches of a network, compiled once and run fast on a CPU.
//!
//! A [`Graph`] says what is to be computed, one sample at a time; [`Plan::new`] fuses it, plans its
//! backward pass and its memory; [`Plan::forward`] and [`Plan::backward`] run it on batches of
//! row-major numbers. Weights are frozen, and no gradient to them is computed, but for those that
//! are parameters of the graph: [`Plan::bind`] gives them values and says which of them, and of the
//! inputs, get a gradient.
//!
//! Inside, values lie channels last in lanes of sixteen channels (`map`), each kernel (`kernel`)
//! runs on one group of samples on one thread, and what follows a kernel — a sum with another
//! branch, an activation — happens on the way to memory (`finish`). `lanes` has the vector
//! instructions.

#![allow(
    clippy::needless_range_loop,
    reason = "loops over small matrices read best with indices, as the formulas do"
)]

mod across;
mod affine;
mod alone;
mod arena;
mod average_pool;
mod axis;
mod backward;
mod backward_group;
mod batch_matmul;
mod batch_norm;
mod binary;
mod convolution;
mod depthwise;
mod describe;
mod dropout;
mod exchange;
mod finish;
mod forward_group;
mod functions;
mod gather_conv;
mod global_pool;
mod graph;
mod kernel;
mod lanes;
mod layer_norm;
mod map;
mod max_pool;
mod memory;
mod on_lanes;
mod operation;
mod plan;
mod pointwise;
mod prefetch;
mod profile;
mod rearrange;
mod run;
mod sliding;
mod softmax;
mod stage;
#[cfg(test)]
mod testing;
mod trained;
mod weights;
mod window;
mod winograd;

pub use alone::{alone, is_alone};
pub use batch_norm::Statistics;
pub use binary::{Arithmetic, Extent, Operand};
pub use describe::StageInfo;
pub use dropout::Kept;
pub use finish::Clamp;
pub use global_pool::Global;
pub use graph::{Graph, Order, Value};
pub use kernel::Work;
pub use map::MapShape;
pub use memory::{Memory, Pass};
pub use operation::Operation;
pub use plan::Plan;
pub use pointwise::Function;
pub use rearrange::Origin;
pub use run::{Gradients, Saved};
pub use trained::{Binding, Parameter, Weights};
pub use window::Window;
