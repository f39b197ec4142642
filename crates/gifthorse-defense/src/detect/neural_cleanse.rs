//! Neural Cleanse (Wang et al. 2019): the smallest patch that sends every image to a class.
//!
//! # What it does
//! For each class it looks for a mask and a pattern that, blended into any image, make the
//! model answer that class, with a mask as small as can be (§IV, equations 2 and 3). In a
//! backdoored model the target class is reached by a patch about the size of the planted one;
//! reaching another class takes far more. Seven tenths of the images are searched with; what was
//! found is tried on the others.
//!
//! # Threat model
//! One trigger of limited size, blended at a fixed place, that works on images of all or most
//! classes and sends them to one class (BadNets, Trojan Attack). White-box access to
//! gradients and some clean images.
//!
//! # Statistic and decision
//! The L1 norm of the mask found for each class. What norm is unusually small is decided by
//! `verdict`; the paper's own rule (anomaly index above 2) is reported beside it as published.
//! A class for which no trigger met the success threshold is `Unreached`.
//!
//! # Cost
//! One search a class, of up to 480 forward and backward passes of 32 images under `standard`
//! (`steps` times `batches_per_step`, and `batch`); searches mostly end before. Classes run side
//! by side, one a thread, with the memory of one batch each. With many classes only those that are
//! ahead after a few updates are searched to the end ([`Effort`](crate::detect::Effort)); the
//! searches that wait for a round to end hold three values for each pixel of mask and pattern.
//!
//! # Known failures
//! Triggers that are large or spread over the image, that move, that warp the image, that need
//! a certain source class, or of which one class carries several; models made against it
//! (Bagdasaryan and Shmatikov 2021). With two classes no norm can stand out (Houtari and Mohanty).
//!
//! # References
//! Wang et al., "Neural Cleanse: Identifying and Mitigating Backdoor Attacks in Neural
//! Networks", IEEE S&P 2019, §IV and appendix; `released` follows the driver that
//! its authors published, whose loss differs from the paper's.

mod aim;
mod batches;
mod class_search;
mod config;
mod cost;
mod detector;
mod effort;
mod elimination;
mod finding;
mod growth;
mod objective;
mod restart;
mod short;
mod snapshot;
mod variables;

pub use aim::Aim;
pub(super) use aim::MOST_OF_ONE;
pub use class_search::{ClassSearch, Task};
pub use config::{Config, Loss, Preset};
pub use detector::NeuralCleanse;
pub(super) use detector::{LEAST_NORM, ROW, pixels};
pub(super) use effort::{EarlyPhase, early, most_updates};
pub(super) use elimination::Elimination;
pub use finding::StepOutcome;
pub use snapshot::{SNAPSHOT_VERSION, Snapshot};
pub(super) use variables::{Variables, to_unit};
