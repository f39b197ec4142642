//! MM-BD on models whose truth is known, small enough to be searched in moments.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod bench;
mod gamma;
mod margins;
mod resume;
mod saturation;
