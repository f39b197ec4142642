//! CEPA (Li et al. 2024): do images that are pushed to a class move alike inside?
//!
//! # What it does
//! Gives each clean image of other classes a perturbation of its own that leads it to the target,
//! and asks that all of them move the values of an inner layer by one and the same vector: it
//! minimises the mean of `-log p_t(x + d_x) + lambda |f(x + d_x) - f(x) - mu|^2` over the
//! perturbations d and the consensus mu (equation 1), in turns. Where a backdoor is, its trigger is
//! such a common move, however it looks in the image.
//!
//! # Threat model
//! A trigger of any kind, known by what it does inside: patches, blends, warps. Images of all other
//! classes are led to the target. White-box access to gradients and inner layers; a few clean
//! images of each class.
//!
//! # Statistic and decision
//! `sigma / |mu|`, the spread of the moves around their consensus beside its length, where it is
//! smallest while nine images of ten are at the target: the geometric mean over two layers, of
//! which each is told beside it with `|mu|`. Small is suspicious. The search ends when the
//! perturbations have not become smaller for 50 steps with so many images at the target (§4.1).
//! What is unusually small is decided by `verdict`; the anomaly index of the classes' values, the
//! largest over the layers and both numbers, is reported beside it.
//!
//! # Cost
//! For each class and each of two layers up to 300 passes of at most 48 images: two to three times
//! what Neural Cleanse takes with ten classes.
//!
//! # Known failures
//! Which layer shows a trigger depends on the trigger (the paper's chessboard only an early one).
//! Backdoors of single source classes, and all to all: their images move as many ways as there are
//! targets. Step size, optimiser and limit are not in the paper; those here are ours.
//!
//! # References
//! X. Li, H. Wang, D. J. Miller, G. Kesidis, "Universal Post-Training Reverse-Engineering Defense
//! Against Backdoors in Deep Neural Networks", arXiv:2402.02034, 2024: equation 1, §4.1. Its
//! test-time triggers (equation 3) are not here.

mod class_search;
mod config;
mod detector;
mod layer_search;
mod layers;
mod pass;
mod snapshot;

pub(super) use detector::ROW;
