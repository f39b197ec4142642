//! Convolutions, plain and transposed, with their gradients to input, weight and bias.
//!
//! `spec` says what a convolution is and `axis` what a window reads along one axis. Three kernels
//! compute one, of which `choice` takes the fastest: `winograd` for 3x3 windows that move by one,
//! `depthwise` for channels by themselves, and `gather_conv` for every other. `trained` is one
//! whose weight is a parameter. Tests compare all of them with `naive`.

pub(crate) mod axis;
pub(crate) mod choice;
pub(crate) mod depthwise;
pub(crate) mod gather_conv;
#[cfg(test)]
pub(crate) mod naive;
pub(crate) mod spec;
pub(crate) mod trained;
pub(crate) mod winograd;
