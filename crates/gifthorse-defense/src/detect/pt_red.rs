//! PT-RED (Xiang et al. 2020): the smallest change, added to the images of one class, that leads
//! them to another.
//!
//! # What it does
//! For each class as a target and each other class as a source, grows one change that is added to
//! ten images of the source until nine tenths of them are taken for the target (the paper's
//! perturbation optimisation). A backdoor is where a far smaller change than for other pairs is
//! enough, whether the target has one source or all classes for sources.
//!
//! # Threat model
//! One trigger that is much the same change of all images, such as noise, waves, a chessboard or a
//! faint or small patch, and leads images of one source class, of several, or of all to one target.
//! White-box access to gradients, and a few clean images of each class.
//!
//! # Statistic and decision
//! For each target the smallest L2 norm over its sources, in pixel values over the whole image; the
//! source is named beside it. Small is suspicious, beside the model's other classes. Models are not
//! compared: how large such changes are depends on the data. What is unusually small is decided by
//! `verdict` among clean models; the paper's own rule is reported beside it as published: for each
//! target the largest of its inverse norms, held against a gamma distribution fitted to those of
//! all pairs of other targets, as the largest of so many, and the smallest of these p-values as the
//! smallest of as many as there are classes ([`OrderStatistics`]).
//!
//! Two things differ from the authors' program. Steps have a given length, a twentieth of the
//! change so far, and not a rate for each data set. And the distribution begins at zero, where
//! theirs has its location fitted, which has no maximum of the likelihood for some models.
//!
//! # Cost
//! For each pair of classes up to 100 passes of ten images forwards and backwards. Models with
//! images of more than 50 classes are not searched.
//!
//! # Known failures
//! Classes that are near one another by nature, which need smaller changes than most triggers are
//! (docs/detectors/pt_red.md). Large or strong patches, warps. All to all.
//!
//! # References
//! Z. Xiang, D. J. Miller, G. Kesidis, "Detection of Backdoors in Trained Classifiers Without Access
//! to the Training Set", IEEE TNNLS 2022, and the program that the authors give out.
//!
//! [`OrderStatistics`]: crate::detect::pt_red::OrderStatistics

mod detector;
mod order_statistics;
mod target_search;

pub(super) use detector::ROW;
pub use order_statistics::{OfTarget, OrderStatistics};
