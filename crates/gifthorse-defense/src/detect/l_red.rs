//! L-RED (Xiang et al. 2021): the smallest change, added to images of other classes, that leads them
//! to each class.
//!
//! # What it does
//! For each class, grows one change that is added to images of all others until most of them are
//! taken for the class: the reverse engineering of PT-RED with all other classes as sources. With
//! the preset `paper`, not all source classes have to go: each has a weight, and after each step
//! those of which more images go get more of it, so that the change ends as the smallest for the
//! sources that a backdoor has, without knowing which these are.
//!
//! # Threat model
//! One trigger that is much the same change of all images, such as noise, a blended picture, waves,
//! a chessboard or a faint or small patch, and leads images of all classes to one target. White-box
//! access to gradients, and a few clean images of each class.
//!
//! # Statistic and decision
//! The L2 norm of the change, in pixel values over the whole image. Small is suspicious, beside the
//! model's other classes. Models are not compared: how large such changes are depends on the data.
//! What is unusually small is decided by `verdict` among clean models; the paper's own rule, a
//! gamma distribution fitted to the inverse norms of the others ([`GammaRule`]), is reported beside
//! it as published. Steps have a given length, a twentieth of the change so far, and not a rate for
//! each data set; the share of weighted images at which a change counts is 0.8, as published.
//!
//! # Cost
//! For each class up to 100 passes of at most 60 images forwards and backwards.
//!
//! # Known failures
//! Large or strong patches, whose norm is more than that of changes which lead anywhere. All to all
//! and single source classes. Warps. With weights, natural neighbours: one near source class is
//! enough, and most clean classes have one (docs/detectors/l_red.md).
//!
//! # References
//! Z. Xiang, D. J. Miller, G. Kesidis, "L-RED: Efficient Post-Training Detection of Imperceptible
//! Backdoor Attacks without Access to the Training Set", ICASSP 2021, and the same authors'
//! "Detection of Backdoors in Trained Classifiers Without Access to the Training Set", IEEE TNNLS
//! 2022 (PT-RED), which searches each pair of classes.
//!
//! [`GammaRule`]: crate::detect::mm_bd::GammaRule

mod class_search;
mod detector;
mod perturbation;
mod sources;

pub(super) use detector::ROW;
pub(super) use perturbation::{Case, Perturbation, STEP, STEPS, Weighed, step};
