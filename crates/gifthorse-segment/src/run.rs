//! Running a plan on batches.
//!
//! `passes` are the forward and the backward pass over a batch, which send its groups of samples on
//! their way: `forward_group` and `backward_group`. `exchange` brings row-major numbers to lanes
//! and back, and `weights` adds up the groups' gradients to parameters.

mod backward_group;
mod exchange;
mod forward_group;
pub(crate) mod passes;
#[cfg(test)]
mod tests;
mod weights;
