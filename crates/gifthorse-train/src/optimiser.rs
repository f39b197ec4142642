//! From gradients to updates of the weights.

mod state;

use serde::{Deserialize, Serialize};

use crate::Error;

pub use state::State;

/// A rule for updates.
///
/// Weight decay acts on all weights alike, biases and the scales of normalisations among them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Optimiser {
    /// Kingma and Ba's Adam, with the bias of the first steps corrected.
    Adam {
        /// How much of the mean gradient is kept at each step, in `[0, 1)`.
        #[serde(default = "beta1")]
        beta1: f32,
        /// How much of the mean squared gradient is kept at each step, in `[0, 1)`.
        #[serde(default = "beta2")]
        beta2: f32,
        /// Added to the root of the mean square, above 0.
        #[serde(default = "epsilon")]
        epsilon: f32,
        /// The share of each weight, times the learning rate, that a step takes away beside the
        /// gradient (Loshchilov and Hutter's AdamW); at least 0.
        #[serde(default)]
        weight_decay: f32,
    },
    /// Gradient descent whose step is the gradient plus `momentum` times the last step.
    Sgd {
        /// In `[0, 1)`.
        #[serde(default)]
        momentum: f32,
        /// How much of each weight is added to its gradient; at least 0.
        #[serde(default)]
        weight_decay: f32,
    },
    /// Zeiler's Adadelta, whose steps scale themselves; they are multiplied with the learning rate,
    /// so that 1 is the paper's own rule.
    Adadelta {
        /// How much of the mean squares is kept at each step, in `[0, 1)`.
        #[serde(default = "rho")]
        decay: f32,
        /// Added to the mean squares, above 0.
        #[serde(default = "small")]
        epsilon: f32,
    },
}

fn beta1() -> f32 {
    0.9
}

fn beta2() -> f32 {
    0.999
}

fn epsilon() -> f32 {
    1e-8
}

fn rho() -> f32 {
    0.95
}

fn small() -> f32 {
    1e-7
}

impl Optimiser {
    /// Adam with its authors' numbers and no weight decay.
    pub const ADAM: Self = Self::Adam {
        beta1: 0.9,
        beta2: 0.999,
        epsilon: 1e-8,
        weight_decay: 0.0,
    };

    pub(super) fn check(self) -> Result<(), Error> {
        let share = |value: f32| (0.0..1.0).contains(&value);
        let positive = |value: f32| value > 0.0 && value.is_finite();
        let decays = |value: f32| value >= 0.0 && value.is_finite();
        let good = match self {
            Self::Adam {
                beta1,
                beta2,
                epsilon,
                weight_decay,
            } => share(beta1) && share(beta2) && positive(epsilon) && decays(weight_decay),
            Self::Sgd {
                momentum,
                weight_decay,
            } => share(momentum) && decays(weight_decay),
            Self::Adadelta { decay, epsilon } => share(decay) && positive(epsilon),
        };
        if good {
            return Ok(());
        }
        Err(Error::Recipe(format!(
            "{self:?} has a number that is out of range"
        )))
    }
}
