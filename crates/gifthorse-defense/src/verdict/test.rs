//! The tests of one model: its classes among one another, and beside those of clean models.

pub(in crate::verdict) mod comparison;
pub(in crate::verdict) mod moments;
pub(in crate::verdict) mod null;
pub(in crate::verdict) mod outlier;
pub(in crate::verdict) mod ranks;
pub(in crate::verdict) mod scan_statistic;
pub(in crate::verdict) mod standing;
mod student;

pub use comparison::Surprises;
pub use null::{DRAWS, Null};
pub use outlier::CannotSay;
pub use scan_statistic::{Scan, Step};
