//! UMD (Xiang et al. 2023): do changes that lead one class to another lead other classes elsewhere?
//!
//! # What it does
//! For each ordered pair of classes, finds a small change that is added to images of the first and
//! leads most of them to the second. Then shows the model images of *all* classes with each of
//! these changes. In a model with a backdoor, the change of one backdoored pair is something like
//! the trigger, so that it leads the source of another backdoored pair to that pair's own target.
//! The pairs of which this holds most are gathered: the *core*.
//!
//! # Threat model
//! One trigger of any additive kind, also a patch, that leads at least two source classes each to
//! a target, whichever: all to one, several to one, all to all, any other map. White-box access to
//! gradients, and about ten clean images of each class.
//!
//! # Statistic and decision
//! Pairs that carry a backdoor need smaller changes than others: the median inverse size over the
//! core, less that over all other pairs, in units of 1.4826 times the median absolute deviation of
//! the others. Large is suspicious, beside clean models of as many classes; what is
//! unusually large is decided by `verdict` among these. The paper's own rule, a threshold from the
//! largest of as many normal numbers, is reported beside it as published. The classes that the
//! core's changes lead more than half of the images of a source to are accused, and the report has
//! the map. There is no trigger to stamp: the statistic convicts alone.
//!
//! Instead of plain gradient descent at a rate that the authors chose for each data set (1e-5 to
//! 1e-3), the searches take steps of a given length, a twentieth of the change so far: they end at
//! the same share of images within 100 steps instead of 1,000, whatever the scale of the logits.
//! Such a change ends where it only just leads its own source over the boundary, so that half as
//! much again is tried on the others. The authors' program counts the first pair of the core among
//! the others (a comparison that is false for place 0); here it is not. A pair that was not reached
//! within the steps cannot be of the core, and is among the others with the size at which it was
//! left.
//!
//! # Cost
//! K (K - 1) searches for K classes of up to 100 passes of ten images forwards and backwards, and
//! for each 10 K images forwards. Models with images of more than 50 classes are not searched.
//!
//! # Known failures
//! Backdoors of a single pair of classes, which has no other to lead anywhere. Classes that are
//! near one another by nature. Warps and other triggers that are not nearly the same change of all
//! images.
//!
//! # References
//! Z. Xiang, Z. Xiong, B. Li, "UMD: Unsupervised Model Detection for X2X Backdoor Attacks", ICML
//! 2023, and its authors' released program. The change of a pair is that of Z. Xiang, D. J. Miller,
//! G. Kesidis, "Detection of Backdoors in Trained Classifiers Without Access to the Training Set",
//! IEEE TNNLS 2022.

mod core;
mod detector;
mod model_search;
mod statistic;
mod transfers;

pub(super) use detector::ROW;
pub(super) use transfers::Pair;
