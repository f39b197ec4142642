//! Backdoors put by hand into networks that are made here.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail by panicking"
)]

mod each;
mod hosts;
mod refused;
mod structure;
