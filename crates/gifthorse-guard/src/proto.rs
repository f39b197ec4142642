//! The generated message types of the protocol. They stay inside this crate.

#![allow(
    missing_docs,
    clippy::all,
    clippy::panic,
    clippy::unwrap_used,
    reason = "generated code"
)]

include!(concat!(env!("OUT_DIR"), "/protobuf/mod.rs"));

pub(crate) use open_inference::*;
