//! Defences against backdoors, and the statistics of their verdict.

pub mod detect;
mod error;
pub mod health;
pub mod preflight;
pub mod preflight_stats;
pub mod verdict;

pub use error::Error;
