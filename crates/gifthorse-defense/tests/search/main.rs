//! The searches of small models whose truth is known: that they can be interrupted, and what they
//! find.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod abs;
mod bench;
mod cepa;
mod driver;
mod eliminate;
mod ex_ray;
mod growth;
mod l_red;
mod last_layer;
mod mm_bd_inner;
mod restart;
mod resume;
mod source;
mod transformation;
mod umd;
mod universal;
mod universal_additive;
