//! ABS (Y. Liu et al. 2019): is there a unit that leads all images to one class, and a small patch
//! that wakes it?
//!
//! # What it does
//! Two steps (§4 of the paper; numbers as in its authors' program). *Stimulation*: each unit (a
//! channel, at all its positions) of the last six activations is set to 0 and to four values up to
//! 6.4 times the largest one of its layer on clean images, on eight of these. A unit that raises
//! the logit of one class more than any other's on nearly all of them is a candidate; by how much
//! more, at least, is its *elevation*. *Reverse engineering*: for the two candidates of each class
//! with the largest elevation, mask and pattern of a patch (`(1 - m) x + m p`) are searched that
//! make the unit as large as they can, with no more than a sixteenth of the pixels covered before
//! the mask has to shrink. The logits have no part in that: that the patch leads images to the
//! class has to come of the unit.
//!
//! # Threat model
//! A patch, at a fixed place or anywhere, from all other classes to a target, carried by one unit
//! that its training compromised. White-box access to inner layers; a few clean images.
//!
//! # Statistic and decision
//! REASR, the attack success rate of the reverse engineered trigger: of the candidates of a class,
//! the trigger that leads most of the search images to it is stamped on held-out images; the share
//! that goes to the class is the statistic. Large is suspicious. The authors' threshold, 0.8, is
//! reported beside the verdict.
//!
//! # Cost
//! Stimulation: 40 images for each unit, through the layers behind it alone. Searches: 600 updates
//! of 16 images for each class, a third to a half of Neural Cleanse.
//!
//! # Known failures
//! Backdoors that no unit carries alone. Classes that a unit stands for by nature: its patch works
//! as well. Activations without a flat stretch, such as GELU, are not looked at. Of the two kinds
//! of triggers of the paper, only patches are searched, no filters.
//!
//! # References
//! Y. Liu, W.-C. Lee, G. Tao, S. Ma, Y. Aafer, X. Zhang, "ABS: Scanning Neural Networks for
//! Back-doors by Artificial Brain Stimulation", CCS 2019.

mod class_search;
mod detector;
mod objective;
mod snapshot;
mod stimulation;
mod unit_search;

pub(super) use detector::ROW;
pub(crate) use stimulation::{Candidate, candidates};
