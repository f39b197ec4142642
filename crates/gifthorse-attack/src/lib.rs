//! Models with a known truth: networks to train, triggers to stamp, and ways to plant a backdoor.
//!
//! A [`net::Net`] is an ONNX graph from the start, so that what is trained, scanned and written to
//! a file is one and the same definition. [`train::train`] fits it to labelled images,
//! [`plant::Poison`] poisons those images first, [`measure`] says how well either took, and
//! [`plant::Truth`] is the record of what was done. Nothing here knows of defences.

mod error;
pub mod measure;
pub mod net;
pub mod plant;
mod random;
pub mod train;
pub mod trigger;

pub use error::Error;
