//! Filters on a net with a backdoor, and on its clean twin.

#![allow(clippy::unwrap_used)]

#[allow(dead_code)] // the repairs' tests use all of it
#[path = "../repair/bench.rs"]
mod bench;
mod kept;
mod methods;
mod subject;
