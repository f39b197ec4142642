//! MM-BD (H. Wang et al. 2024): how far ahead of all other classes can each class be?
//!
//! # What it does
//! Images of random pixels climb the gradient of one class's margin, its logit minus the largest
//! other one. Training on a trigger drives the target's logit far above all others wherever
//! something like the trigger shows, so that the largest margin of a target class is larger than
//! those of other classes, whatever the trigger is. No image is needed.
//!
//! # Threat model
//! One or a few classes are targets; the trigger may be of any kind or size, and fixed or not, as
//! long as the model is much surer of the target with the trigger than it is of any class without.
//! White-box access to gradients.
//!
//! # Statistic and decision
//! The largest margin over the starts, in logits; its logarithm does not depend on the scale of the
//! logits but for a constant. Large is suspicious. What is unusually large is decided by `verdict`
//! among clean models; the paper's own rule, a gamma distribution fitted to the other classes
//! ([`GammaRule`]), is reported beside it as published. A class whose margin is no evidence is
//! `Unreached` with a [`Reason`]: gradients that are zero or not finite, a class that never gets
//! ahead, and capped logits, where the margin is the height of the cap. They are told from
//! confident ones by the gradient of the class's own logit where the margin ends: there it has died
//! out.
//!
//! # Cost
//! One search a class, of up to 300 forward and backward passes of 16 images under
//! [`Preset::Standard`]: less than a fifth of Neural Cleanse, since it ends once the margins
//! settle. Classes run side by side, one a thread, with the memory of one batch each. With more
//! than a hundred classes only those are searched to the end whose margins are ahead after a few
//! steps of a few starts, and a random sample of the others.
//!
//! # Known failures
//! Backdoors that make the target no surer than other classes: all-to-all, from one source class,
//! weak warps. Clean classes that are far from all others have large margins too, so that the
//! margins of one model alone convict falsely. A model can be trained, or have its logits bent, to
//! hide its margins.
//!
//! # References
//! H. Wang, Z. Xiang, D. J. Miller, G. Kesidis, "MM-BD: Post-Training Detection of Backdoor Attacks
//! with Arbitrary Backdoor Pattern Types Using a Maximum Margin Statistic", IEEE S&P 2024; `paper`
//! follows the program that its authors released, which rebuilds its optimiser at every step, so
//! that its momentum never acts.

mod ascent;
mod class_search;
mod config;
mod detector;
mod early;
mod finding;
mod gamma_fit;
mod margin;
mod nelder_mead;
mod published;
mod settle;
mod snapshot;
mod start;

pub(super) use ascent::{Moments, climb};
pub use class_search::{ClassSearch, Task};
pub use config::{Config, Preset, Rule, Stop};
pub use detector::MmBd;
pub(super) use detector::ROW;
pub use finding::{Reason, StepOutcome};
pub(super) use gamma_fit::Gamma;
pub(super) use margin::{Of, Pass, margin, margin_weights, mean_loss};
pub use published::GammaRule;
pub(super) use settle::has_settled;
pub use snapshot::{SNAPSHOT_VERSION, Snapshot};
pub(super) use start::{Start, ailment, outcome};
