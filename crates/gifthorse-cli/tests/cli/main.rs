//! The real program, run on small models and images that the tests make themselves.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "helpers of tests fail by panicking, and a skipped test says so"
)]

mod baseline;
mod bench;
mod blinding;
mod branches;
mod certify;
mod compare;
mod data;
mod demo;
mod dormant;
mod elimination;
mod explain;
mod filter;
mod found_but_not_confirmed;
mod generated;
mod guard;
mod hooks;
mod hostile;
mod implant;
mod inspect;
mod killed;
mod logits;
mod make;
mod manual;
mod memory;
mod misread;
mod outputs;
mod policy;
mod preflight;
mod real_models;
mod references;
mod repair;
mod repaired_formats;
mod repaired_sources;
mod scan;
mod trigger;
mod trusted_graph;
mod usage;
mod work;
mod zoo;
