//! What a trigger does inside a model (Neural Cleanse's identification, Wang et al. 2019, section
//! V-C, tables III and V).
//!
//! # What it does
//! Compares clean images with the same images under a trigger: which channels of a layer rise
//! ([`Ranking`]), what these channels carry by themselves ([`Carried`]), which classes the trigger
//! leads where ([`Success`]), and which part of a picture an answer rests on ([`grad_cam`]). With
//! the trigger that was planted at hand as well, [`overlap`] says whether a recovered one goes by the
//! same channels; [`similarity`] says how alike the patches of several classes are.
//!
//! # Threat model
//! That of the detector that found the trigger. It is no detector: it is asked about a trigger that
//! is there already, and reads inner layers.
//!
//! # Statistic and decision
//! The channels are ranked by the mean activation on stamped images less that on clean ones, and
//! the first hundredth of them, at least one, are looked at. Where images have places, as behind a
//! convolution, it is the mean over these. No verdict depends on any of it.
//!
//! # Cost
//! Three passes over the images, clean or stamped, for the model as it is; for each layer two for
//! the means and four for what its channels carry. One pass and a backward pass for each picture of
//! Grad-CAM.
//!
//! # Known failures
//! A trigger that works by switching channels off raises none: they rank last, and the first ones
//! carry nothing. Where something passes a layer by, as within one branch of a residual block, its
//! channels carry only a part. In a layer of few channels a hundredth is one channel, which need
//! not carry an attack that takes several. A clean model's class has channels of its own, which a
//! patch of that class raises too: that some channels carry a trigger is no evidence of a backdoor.
//! Channels are switched off by zeros, which is where a ReLU rests, and not where an ELU does. A
//! network can be trained to keep Grad-CAM off its trigger (Bagdasaryan and Shmatikov 2021).
//!
//! # References
//! B. Wang, Y. Yao, S. Shan, H. Li, B. Viswanath, H. Zheng, B. Y. Zhao, "Neural Cleanse: Identifying
//! and Mitigating Backdoor Attacks in Neural Networks", IEEE S&P 2019. R. R. Selvaraju et al.,
//! "Grad-CAM: Visual Explanations from Deep Networks via Gradient-Based Localization", ICCV 2017.

mod carried;
mod case;
mod grad_cam;
mod neurons;
mod similarity;
mod success;
#[cfg(test)]
mod tests;

pub use crate::count::Count;
pub use carried::{Carried, Performance};
pub use case::Case;
pub use gifthorse_engine::{last_maps, logits_input};
pub use grad_cam::grad_cam;
pub use neurons::{Ranking, mean_activations, overlap};
pub use similarity::similarity;
pub use success::{Source, Success};
