//! Defences against backdoors, and the statistics of their verdict.

pub mod preflight_stats;
pub mod stats;
