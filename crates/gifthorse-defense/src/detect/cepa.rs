//! CEPA (Li et al. 2024): do images that are pushed to a class move alike inside?
//!
//! # What it does
//! Gives each clean image of other classes a perturbation of its own that leads it to the target,
//! and asks that all of them move the values of an inner layer by one and the same vector: it
//! minimises the mean of `-log p_t(x + d_x) + lambda |f(x + d_x) - f(x) - mu|^2` over the
//! perturbations d and the consensus mu (equation 1), in turns. Where a backdoor is, its trigger is
//! such a common move, however it looks in the image. With the preset `pairs`, images of one source
//! class at a time are pushed, so that each pair of classes has a consensus of its own (§3). What
//! was found can be used on other images ([`CommonMove`], equation 3): how far an image lies along
//! the consensus, and the perturbation that makes it follow.
//!
//! # Threat model
//! A trigger of any kind, known by what it does inside: patches, blends, warps. Images of all other
//! classes are led to the target, or with `pairs` those of single ones. White-box access to
//! gradients and inner layers; a few clean images of each class.
//!
//! # Statistic and decision
//! `sigma / |mu|`, the spread of the moves around their consensus beside its length, where it is
//! smallest while nine images of ten are at the target: the geometric mean over up to four layers,
//! of which each is told beside it with `|mu|`; of pairs, that of the source with the smallest.
//! Small is suspicious. The search ends when the perturbations have not become smaller for 50 steps
//! with so many images at the target (§4.1). What is unusually small is decided by `verdict`. The
//! paper's own inference is reported beside it: for each layer the p-value of the smallest spread
//! among the classes, a gamma distribution fitted to the inverse spreads of the others, of which
//! the smallest over the layers counts (§3.1), here times their number; and the largest anomaly
//! index.
//!
//! # Cost
//! For each class and each of four layers up to 300 passes of at most 48 images: four to six times
//! what Neural Cleanse takes with ten classes. With `pairs`, for each pair of classes up to 300
//! passes of ten images for each layer.
//!
//! # Known failures
//! Small nets, where the target's moves have no more in common than others'
//! (docs/detectors/cepa.md). Which layer shows a trigger depends on the trigger (the paper's
//! chessboard only an early one). All to all: the images of a class come from one other class alone.
//! Step size, optimiser and limit are not in the paper; those here are ours.
//!
//! # References
//! X. Li, H. Wang, D. J. Miller, G. Kesidis, "Universal Post-Training Reverse-Engineering Defense
//! Against Backdoors in Deep Neural Networks", arXiv:2402.02034, 2024: equations 1 to 3, §3.1, §4.1.
//! The p-value is that of Z. Xiang, D. J. Miller, G. Kesidis, "Detection of Backdoors in Trained
//! Classifiers Without Access to the Training Set", IEEE TNNLS 2022.

mod class_search;
mod common_move;
mod config;
mod consensus;
mod detector;
mod layer_search;
mod layers;
mod pass;
mod published;
mod snapshot;

pub use common_move::{CommonMove, Following};
pub use config::{Config, Preset};
pub use consensus::Consensus;
pub(super) use detector::ROW;
pub use layer_search::LayerSearch;
pub use layers::layers;
