//! The kernels: each is one operation of a segment on one group of samples, on one thread.
//!
//! `contract` says what a plan asks of a kernel, and `on_lanes` runs one with an instruction set.
//! `window` is what slides over a map, in convolutions and pools alike; a `parameter` is a weight
//! that is known only when a plan is bound.
//!
//! | folder or file | kernels |
//! |---|---|
//! | `convolutions` | convolutions of every kind, products with a constant matrix among them |
//! | `pools` | over windows, and over the whole map |
//! | `norms` | batch norm as in training, layer norm, softmax |
//! | `elementwise` | functions of one number and of two, scale and offset, dropout |
//! | `batch_matmul` | products of two values |
//! | `rearrange` | elements in another order |

pub(crate) mod batch_matmul;
pub(crate) mod contract;
pub(crate) mod convolutions;
pub(crate) mod elementwise;
pub(crate) mod norms;
pub(crate) mod on_lanes;
pub(crate) mod parameter;
pub(crate) mod pools;
pub(crate) mod rearrange;
pub(crate) mod window;
