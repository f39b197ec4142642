//! Last layer: how far could each class's logit rise, were the units before it free?
//!
//! # What it does
//! Takes the last affine part of the model, from what the last activation gives to the logits, as
//! a matrix of weights, and the range in which each unit lies on clean images. No search: for each
//! class it works out the largest logit, above the mean of all classes, that any combination of
//! units within their ranges would give. Training on a trigger drives many units towards one class
//! at once, in a combination that clean images never have; the weights keep that.
//!
//! # Threat model
//! One or a few classes are targets; the trigger may be of any kind or size, and for images of all
//! classes or of some. The weights, and some clean images.
//!
//! # Statistic and decision
//! The reach of class c: the sum over units j of the larger of `v_cj * high_j` and
//! `v_cj * low_j`, where `v_cj` is the weight less the mean over classes, and `low_j` and `high_j`
//! are the first and the last hundredth of the unit's values on clean images. Large is suspicious,
//! beside the model's other classes: the scale is that of the logits. It does not depend on the
//! scale of single units, as sums of weights do. What is unusually large is decided by `verdict`
//! among clean models. Told beside it, as other authors look at the last layer: the sum of a
//! class's weights ([`weight_sum`](super::weight_sum)), the largest, their skewness, and the share
//! of random features that the class wins.
//!
//! # Cost
//! One pass over some hundreds of images; milliseconds for all classes together. At most
//! [`MOST_IMAGES`](LastLayer::MOST_IMAGES) of them are taken.
//!
//! # Known failures
//! Models of fewer than six classes are not looked at: in clean ones, one stands out too often.
//! Images of fewer than half of the classes do not show the range of units, and nothing is said.
//! Backdoors that lead each class to another one. With several targets they hide one another.
//! Clean classes that are far from all others have a large reach too: in a clean vision transformer
//! one reaches 4.9 standard deviations beyond the others. Whoever scales single units up after
//! training, or adds noise to the weights of the last layer, can hide it. Models that do not end in
//! an affine function.
//!
//! # References
//! The last layer as a witness: "DFBScanner" (arXiv 2605.18907) and "HTell" (arXiv 2605.18908),
//! both 2026, of which only the abstracts were at hand. That the range of clean values is what the
//! weights have to be scaled by is our own measurement (docs/detectors/last_layer.md).

mod detector;
mod features;
mod indicators;
mod reading;

pub(super) use detector::{LastLayerNumber, ROW};
pub use features::LastLayer;
