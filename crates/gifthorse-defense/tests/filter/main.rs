//! Filters on a net with a backdoor, and on its clean twin.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

#[allow(dead_code)] // the repairs' tests use all of it
#[path = "../repair/bench.rs"]
mod bench;
mod by_hand;
mod exported;
mod kept;
mod methods;
mod subject;
