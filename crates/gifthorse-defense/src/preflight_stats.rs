//! Statistics of the pre-flight: is another preprocessing significantly better, and are the labels
//! merely numbered otherwise than the model's classes?

mod error;
mod known_permutation;
mod paired;
mod permutation;

pub use error::PreflightError;
pub use known_permutation::KnownPermutation;
pub use paired::{PairedAccuracy, mcnemar};
pub use permutation::{Permutation, label_permutation};
