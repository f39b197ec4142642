//! Defences against backdoors, and the statistics of their verdict.

mod adam;
pub mod audit;
mod bounds;
pub mod certify;
mod clean_features;
pub mod count;
pub mod detect;
pub mod dormant;
mod error;
pub mod ex_ray;
mod exact;
pub mod explain;
pub mod filter;
pub mod finding;
pub mod health;
pub mod label_map;
mod logit_gradient;
pub mod preflight;
pub mod preflight_stats;
pub mod repair;
pub mod roc;
pub mod search;
pub mod subject;
pub mod trigger;
pub mod verdict;
pub mod witness;

pub use error::Error;
