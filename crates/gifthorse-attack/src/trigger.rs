//! Triggers: what an attacker puts on an image to make a backdoored model answer.
//!
//! A trigger lives in image space: it changes `[0, 1]` pixels before any preprocessing. As plain data it is an
//! [`AnyTrigger`]; fitted to images of one shape it is a [`Stamp`], which can no longer fail.

mod any;
mod error;
mod mosaic;
mod overlay;
mod place;
mod rounding;
mod square;
mod stamp;
#[cfg(test)]
mod test;

pub use any::AnyTrigger;
pub use error::TriggerError;
pub use mosaic::Mosaic;
pub use place::{Corner, Edge, Place};
pub use rounding::Rounding;
pub use square::Square;
pub use stamp::{Stamp, Trigger, on_grey, stamp};
