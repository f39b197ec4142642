//! Reading golden files, and comparing with them.

use std::fmt;
use std::path::PathBuf;

use npyz::npz::NpzArchive;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::formula;

/// Number of sampled positions of a large gradient.
const SAMPLED: usize = 256;

/// The path of a golden file.
pub fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name)
}

/// Reads an index file.
pub fn index<T: DeserializeOwned>(name: &str) -> Vec<T> {
    serde_json::from_str(&std::fs::read_to_string(path(name)).unwrap()).unwrap()
}

/// Reads one array of a file of arrays.
pub fn array<T: npyz::Deserialize>(file: &str, name: &str) -> Vec<T> {
    let mut archive = NpzArchive::open(path(file)).unwrap();
    archive.by_name(name).unwrap().unwrap().into_vec().unwrap()
}

/// What the oracle measured of a network's output and its gradient.
#[derive(Deserialize)]
pub struct Measured {
    gradient_sampled: bool,
    gradient_max: f64,
    gradient_norm: f64,
    pytorch_f32_gradient_norm_error: f64,
}

/// `max |value - reference| / max |reference|`.
pub fn relative_error(value: &[f32], reference: &[f32]) -> f64 {
    assert_eq!(value.len(), reference.len());
    let difference = value
        .iter()
        .zip(reference)
        .map(|(v, r)| f64::from((v - r).abs()));
    // A NaN must not be lost in a maximum.
    let difference = difference.fold(0.0, |m: f64, d| if d > m || d.is_nan() { d } else { m });
    let scale = reference
        .iter()
        .fold(0.0, |m: f64, r| m.max(f64::from(r.abs())));
    if scale > 0.0 {
        difference / scale
    } else {
        difference
    }
}

/// How far a gradient is from PyTorch's in f64.
pub struct GradientError {
    /// Half of the values are nearer than this, in units of the largest value.
    pub median: f64,
    /// Length of the difference over length of the gradient.
    pub norm: f64,
    /// Difference of the two lengths over the length, from all values.
    pub length: f64,
    /// What PyTorch's own f32 gradient has in place of `norm`.
    pub pytorch_norm: f64,
}

impl GradientError {
    pub fn of(gradient: &[f32], golden: &[f32], measured: &Measured) -> Self {
        let kept: Vec<f32> = if measured.gradient_sampled {
            let at = formula::positions(gradient.len(), SAMPLED);
            at.into_iter().map(|i| gradient[i]).collect()
        } else {
            gradient.to_vec()
        };
        assert_eq!(kept.len(), golden.len());
        let mut differences: Vec<f64> = kept
            .iter()
            .zip(golden)
            .map(|(a, b)| f64::from(a - b).abs())
            .collect();
        differences.sort_by(f64::total_cmp);
        let or_one = |scale: f64| if scale > 0.0 { scale } else { 1.0 };
        let golden_norm = length(golden.iter().map(|&v| f64::from(v)));
        let full = length(gradient.iter().map(|&v| f64::from(v)));
        Self {
            median: differences[differences.len() / 2] / or_one(measured.gradient_max),
            norm: length(differences.into_iter()) / or_one(golden_norm),
            length: (full - measured.gradient_norm).abs() / or_one(measured.gradient_norm),
            pytorch_norm: measured.pytorch_f32_gradient_norm_error,
        }
    }

    /// Whether the error is that of f32 arithmetic.
    ///
    /// Rounding moves a few units of a large network across the kink of a ReLU, which
    /// changes the gradient visibly in their receptive fields and nowhere else; PyTorch's
    /// own f32 gradient does the same. So most values must agree closely, and the whole
    /// within what such units can do.
    pub fn is_rounding(&self) -> bool {
        let kinks = (10.0 * self.pytorch_norm).max(1e-2);
        self.median <= 1e-4_f64.max(self.pytorch_norm) && self.norm <= kinks && self.length <= kinks
    }
}

impl fmt::Display for GradientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            median,
            norm,
            length,
            pytorch_norm,
        } = self;
        write!(
            f,
            "median {median:.1e}, norm {norm:.1e} (PyTorch {pytorch_norm:.1e}), length {length:.1e}"
        )
    }
}

fn length(values: impl Iterator<Item = f64>) -> f64 {
    values.map(|v| v * v).sum::<f64>().sqrt()
}
