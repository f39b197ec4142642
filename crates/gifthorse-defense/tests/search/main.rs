//! The searches of small models whose truth is known: that they can be interrupted, and what they
//! find.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod abs;
mod bench;
mod bti_dbf;
mod cepa;
mod driver;
mod eliminate;
mod ex_ray;
mod expected_transferability;
mod growth;
mod l_red;
mod last_layer;
mod mesa;
mod mm_bd_inner;
mod pixel;
mod pt_red;
mod restart;
mod resume;
mod sliding_patch;
mod source;
mod source_target;
mod transformation;
mod umd;
mod unicorn;
mod universal;
mod universal_additive;
