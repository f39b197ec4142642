//! Whether gradients of the model mean anything.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The gradient health check: a search by gradients finds nothing in a model whose gradients vanish
/// or lie, so such a model must not be called clean.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GradientHealth {
    /// Whether the gradients can be searched with.
    pub ok: bool,
    /// Share of images and classes whose gradient to the input is zero everywhere.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub share_zero: f64,
    /// Share of images and classes whose gradient has an infinity or a NaN.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub share_nonfinite: f64,
    /// Share of images whose probability is so close to 1 that the gradient of the loss is lost in
    /// rounding.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub share_saturated: Option<f64>,
    /// Share of the images with a gradient on which a small step along it does what it says.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub agreement: Option<f64>,
    /// Correlation, in [-1, 1], of the changes that gradients foretell with the changes that come
    /// of steps in random directions, at the step size where it is largest.
    #[serde(default)]
    #[schemars(range(min = -1.0, max = 1.0))]
    pub correlation: Option<f64>,
    /// How many times as large as foretold the changes are at that step size.
    #[serde(default)]
    pub slope: Option<f64>,
    /// Images that the check used.
    pub images: usize,
    /// What the check found, in plain words.
    pub message: String,
}
