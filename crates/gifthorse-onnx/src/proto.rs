//! The generated message types of the ONNX format. They stay inside this
//! crate: what its users need is in [`crate::Model`] and [`crate::Graph`].

#![allow(
    missing_docs,
    clippy::all,
    clippy::panic,
    clippy::unwrap_used,
    reason = "generated code"
)]

include!(concat!(env!("OUT_DIR"), "/protobuf/mod.rs"));

pub(crate) use onnx::*;
