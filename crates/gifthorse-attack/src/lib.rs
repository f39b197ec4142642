//! Models with a known truth: triggers to stamp, and ways to plant a backdoor.
//!
//! [`plant::Poison`] poisons the images that a network is trained on, [`measure`] says how well
//! that took, and [`plant::Truth`] is the record of what was done. An [`implant::Implant`] is put
//! into a trained model by hand. Nothing here knows of defences.

mod error;
pub mod implant;
pub mod measure;
pub mod plant;
mod random;
pub mod trigger;

pub use error::Error;
