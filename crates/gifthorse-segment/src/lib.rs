//! Segments: stretches of a network, compiled once and run fast on a CPU.
//!
//! A [`Graph`] says what is to be computed, one sample at a time; [`Plan::new`] fuses it, plans its
//! backward pass and its memory; [`Plan::forward`] and [`Plan::backward`] run it on batches of
//! row-major numbers. Weights are frozen, and no gradient to them is computed, but for those that
//! are parameters of the graph: [`Plan::bind`] gives them values and says which of them, and of the
//! inputs, get a gradient.
//!
//! Inside, each module uses only those below it:
//!
//! ```text
//! run       a batch goes through a plan, in groups of samples, side by side
//! plan      graph -> stages -> steps of the backward pass -> memory
//! kernels   one operation on one group of samples, on one thread
//! lanes     sixteen channels at a time: vector instructions, and how values lie in memory
//! alone     whether work is shared out over threads
//! ```
//!
//! Values lie channels last in lanes of sixteen channels (`lanes/map.rs`), each kernel
//! (`kernels/contract.rs`) runs on one group of samples on one thread, and what follows a kernel —
//! a sum with another branch, an activation — happens on the way to memory (`lanes/finish.rs`).

#![allow(
    clippy::needless_range_loop,
    reason = "loops over small matrices read best with indices, as the formulas do"
)]

mod alone;
mod kernels;
mod lanes;
mod plan;
mod run;
#[cfg(test)]
mod testing;

pub use alone::{alone, is_alone};
pub use kernels::contract::Work;
pub use kernels::elementwise::binary::{Arithmetic, Extent, Operand};
pub use kernels::elementwise::dropout::Kept;
pub use kernels::elementwise::pointwise::Function;
pub use kernels::norms::batch_norm::Statistics;
pub use kernels::parameter::{Binding, Parameter, Weights};
pub use kernels::pools::global_pool::Global;
pub use kernels::rearrange::Origin;
pub use kernels::window::Window;
pub use lanes::finish::Clamp;
pub use lanes::map::MapShape;
pub use lanes::order::Order;
pub use plan::compiled::Plan;
pub use plan::describe::StageInfo;
pub use plan::graph::{Graph, Value};
pub use plan::memory::{Memory, Pass};
pub use plan::operation::Operation;
pub use run::passes::{Gradients, Saved};
