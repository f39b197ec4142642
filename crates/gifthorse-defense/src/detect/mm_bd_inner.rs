//! MM-BD from an inner layer on (after H. Wang et al. 2024): how far ahead of all other classes can
//! what a layer gives make each class?
//!
//! # What it does
//! As [`mm_bd`](super::mm_bd), with the values of an inner layer in place of pixels: what the layer
//! gives for clean images of other classes climbs the gradient of one class's margin, within the
//! range that each channel has on clean images. A channel that none of these wakes may rise as far
//! as the mean channel does. A trigger only has to be somewhere within reach of the layer, whatever
//! it looks like in the image: a warp or a blend, which no climb from random pixels comes upon, is
//! a few channels here.
//!
//! # Threat model
//! One or a few classes are targets; the trigger may be of any kind or size, as long as the rest of
//! the model is much surer of the target than of any class without. White-box access to inner
//! layers, and some clean images.
//!
//! # Statistic and decision
//! The largest margin over the starts, in logits; large is suspicious, beside the model's other
//! classes. What is unusually large is decided by `verdict` among clean models. The layer is the
//! activation at three quarters of those that everything passes through. The starts, the climb and
//! when it ends are those of MM-BD, as are the reasons for which a margin is no evidence; the rule
//! that its authors published for images is reported beside it.
//!
//! # Cost
//! As many passes as MM-BD, through the layers behind the one it begins at: a tenth of MM-BD or
//! less.
//!
//! # Known failures
//! All to all and single source classes, which make no class surer. Filters, whose target comes
//! second. Models in which nothing but the last layer lies behind the one it begins at: there it
//! sees what [`last_layer`](super::last_layer) does. A model can be trained, or have its logits
//! bent, to hide its margins.
//!
//! # References
//! H. Wang, Z. Xiang, D. J. Miller, G. Kesidis, "MM-BD: Post-Training Detection of Backdoor Attacks
//! with Arbitrary Backdoor Pattern Types Using a Maximum Margin Statistic", IEEE S&P 2024. That it
//! can begin at an inner layer, with features of clean images: the second of the Rayan contest on
//! backdoored model detection, 2024, who begins behind the first block, takes fixed steps and fits
//! an exponential distribution.

mod class_search;
mod config;
mod detector;
mod layer;

pub use config::Config;
pub use detector::MmBdInner;
pub(super) use detector::ROW;
