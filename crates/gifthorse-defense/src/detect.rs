//! Detectors: one published method a file, named as the field names it.

mod exact;
pub mod neural_cleanse;
mod observer;
mod trigger;

pub use observer::{Observer, Silent};
pub use trigger::{Trigger, stamp};
