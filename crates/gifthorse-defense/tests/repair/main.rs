//! Repairs on small nets that are trained here, with a backdoor and without.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

mod bench;
mod graphs;
mod kept;
mod methods;
mod proof;
