//! Whether a network's output and gradient are as near to f64 as PyTorch's in f32.
//!
//! The same errors are taken of both: the length of the difference, and its largest value.
//! PyTorch's are the worst of its memory layouts and thread counts, and gifthorse's may be
//! [`FACTOR`] times as large. Where f64 decides by so little on which side of a kink a unit lies
//! that f32 may decide otherwise, the gradient may also jump by what the oracle found such units
//! to do (`oracle/kinks.py` says how). In most models there is no such unit. In the others the
//! jumps hide rounding, so that the median of the errors is judged too: few values jump.

use std::fmt;

use serde::Deserialize;

use crate::{formula, golden};

/// How many times PyTorch's error is allowed.
const FACTOR: f64 = 4.0;
/// Jumps smaller than this, relative to the gradient, are rounding in f64.
const NO_JUMP: f64 = 1e-12;
/// Number of sampled positions of a large gradient.
const SAMPLED: usize = 256;

/// Errors against f64 in three measures.
#[derive(Clone, Copy, Deserialize)]
struct Errors {
    /// Half of the stored values are nearer than this, over the largest value.
    median: f64,
    /// Length of the difference over the length, of all values.
    norm: f64,
    /// Largest difference of the stored values over the largest value.
    largest: f64,
}

/// What the oracle measured of a network.
#[derive(Deserialize)]
pub struct Measured {
    gradient_max: f64,
    gradient_norm: f64,
    pytorch_output: Errors,
    pytorch_gradient: Errors,
    kinks: Errors,
}

/// gifthorse's errors beside those allowed.
pub struct Verdict {
    what: &'static str,
    ours: Errors,
    pytorch: Errors,
    kinks: Errors,
}

/// Judges logits and gradient by the golden file and its entry in the index.
pub fn judge(logits: &[f32], gradient: &[f32], file: &str, measured: &Measured) -> [Verdict; 2] {
    let exact: Vec<f64> = golden::array(file, "output");
    assert_eq!(logits.len(), exact.len());
    let differences = difference(logits.iter(), &exact);
    let largest = exact.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
    let output = Errors::of(&differences, length(&differences), largest, length(&exact));

    let exact: Vec<f32> = golden::array(file, "gradient");
    let exact: Vec<f64> = exact.into_iter().map(f64::from).collect();
    let (differences, distance) = if exact.len() == gradient.len() {
        let differences = difference(gradient.iter(), &exact);
        let distance = length(&differences);
        (differences, distance)
    } else {
        assert_eq!(exact.len(), SAMPLED);
        let at = formula::positions(gradient.len(), SAMPLED);
        let differences = difference(at.iter().map(|&i| &gradient[i]), &exact);
        let projections: Vec<f64> = golden::array(file, "projections");
        (differences, distance(gradient, &projections))
    };
    let Measured {
        gradient_max: largest,
        gradient_norm: length,
        ..
    } = *measured;
    [
        Verdict {
            what: "logits",
            ours: output,
            pytorch: measured.pytorch_output,
            // The output of a network has no jumps at the kinks of its units.
            kinks: Errors::NONE,
        },
        Verdict {
            what: "gradient",
            ours: Errors::of(&differences, distance, largest, length),
            pytorch: measured.pytorch_gradient,
            kinks: measured.kinks,
        },
    ]
}

impl Errors {
    const NONE: Self = Self {
        median: 0.0,
        norm: 0.0,
        largest: 0.0,
    };

    /// From the stored differences, the length of all, the largest exact value and the length of
    /// the exact values.
    fn of(differences: &[f64], distance: f64, largest: f64, length: f64) -> Self {
        let or_one = |scale: f64| if scale > 0.0 { scale } else { 1.0 };
        let mut sizes: Vec<f64> = differences.iter().map(|d| d.abs()).collect();
        // Puts what is not a number last, where `largest` finds it.
        sizes.sort_by(f64::total_cmp);
        Self {
            median: sizes[sizes.len() / 2] / or_one(largest),
            norm: distance / or_one(length),
            largest: sizes[sizes.len() - 1] / or_one(largest),
        }
    }

    /// The measures by name, the median first.
    fn named(self) -> [(&'static str, f64); 3] {
        [
            ("median", self.median),
            ("norm", self.norm),
            ("largest", self.largest),
        ]
    }
}

impl Verdict {
    /// Each measure that counts: its name, gifthorse's error, PyTorch's, and what is allowed.
    fn measures(&self) -> impl Iterator<Item = (&'static str, f64, f64, f64)> {
        let skipped = usize::from(self.kinks.norm < NO_JUMP);
        let others = self.pytorch.named().into_iter().zip(self.kinks.named());
        let ours = self.ours.named().into_iter();
        ours.zip(others)
            .skip(skipped)
            .map(|((name, ours), ((_, pytorch), (_, kinks)))| {
                let allowed = (FACTOR * pytorch).max(kinks);
                (name, ours, pytorch, allowed)
            })
    }

    /// Whether all errors are allowed.
    pub fn holds(&self) -> bool {
        self.measures().all(|(_, ours, _, allowed)| ours <= allowed)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.what)?;
        for (name, ours, pytorch, allowed) in self.measures() {
            let mark = if ours <= allowed { "" } else { "!" };
            write!(
                f,
                " {name} {ours:.1e}{mark} (PyTorch {pytorch:.1e}, allowed {allowed:.1e})"
            )?;
        }
        Ok(())
    }
}

fn difference<'a>(values: impl Iterator<Item = &'a f32>, exact: &[f64]) -> Vec<f64> {
    let pairs = values.zip(exact);
    pairs.map(|(&v, e)| f64::from(v) - e).collect()
}

fn length(values: &[f64]) -> f64 {
    values.iter().map(|v| v * v).sum::<f64>().sqrt()
}

/// Distance of a gradient from one of which only the projections are known. The square of each
/// projection of the difference has the square of the distance as its mean over all signs, so that
/// 64 of them give the distance within a tenth or so.
fn distance(gradient: &[f32], exact: &[f64]) -> f64 {
    let projected = formula::projections(gradient);
    let differences: Vec<f64> = projected.iter().zip(exact).map(|(p, e)| p - e).collect();
    length(&differences) / (exact.len() as f64).sqrt()
}

#[test]
fn the_distance_is_known_from_projections() {
    let exact: Vec<f32> = formula::uniform(7, 50_000, -1.0, 2.0).collect();
    let mut other = exact.clone();
    // One patch that differs much, as behind a unit at a kink, and rounding elsewhere.
    other[20_000..20_100].iter_mut().for_each(|v| *v += 0.01);
    other.iter_mut().step_by(2).for_each(|v| *v *= 1.0 + 1e-5);
    let differences: Vec<f64> = other
        .iter()
        .zip(&exact)
        .map(|(a, b)| f64::from(a - b))
        .collect();
    let found = distance(&other, &formula::projections(&exact));
    assert!((found / length(&differences) - 1.0).abs() < 0.25);
}

#[test]
fn errors_beyond_four_times_those_of_pytorch_are_refused() {
    let verdict = |ours: f64, kinks: f64| {
        let all = |value| Errors {
            median: value,
            norm: value,
            largest: value,
        };
        Verdict {
            what: "gradient",
            ours: Errors::of(&[0.0, ours], ours, 1.0, 1.0),
            pytorch: all(1e-6),
            kinks: all(kinks),
        }
    };
    assert!(verdict(3.9e-6, 0.0).holds());
    assert!(!verdict(4.1e-6, 0.0).holds());
    assert!(verdict(4.1e-6, 1e-3).holds());
    assert!(!verdict(1.1e-3, 1e-3).holds());
    assert!(!verdict(f64::NAN, 1e-3).holds());
}
