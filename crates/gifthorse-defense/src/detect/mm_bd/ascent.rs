//! How a batch of images climbs.

use serde::{Deserialize, Serialize};

use super::config::Rule;
use crate::exact;

/// Keeps Adam from dividing by zero without slowing it where a model's gradients are tiny.
const EPSILON: f32 = 1e-18;

/// Adam's moments of all pixels; empty before the first step and under [`Rule::Gradient`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Moments {
    /// Steps made.
    pub steps: i32,
    /// Decaying mean of the gradients.
    #[serde(with = "exact::singles")]
    pub first: Vec<f32>,
    /// Decaying mean of their squares.
    #[serde(with = "exact::singles")]
    pub second: Vec<f32>,
}

impl Moments {
    /// Whether they are moments of so many pixels.
    pub fn fit(&self, pixels: usize) -> bool {
        let held = if self.steps == 0 { 0 } else { pixels };
        self.steps >= 0 && self.first.len() == held && self.second.len() == held
    }
}

/// What the model is shown of the pixels that climb.
pub fn shown(rule: Rule, pixels: &[f32]) -> Vec<f32> {
    match rule {
        Rule::Gradient { .. } => pixels.iter().map(|x| x.clamp(0.0, 1.0)).collect(),
        Rule::Adam { .. } => pixels.to_vec(),
    }
}

/// Moves the pixels one step along the gradient. A pixel whose gradient is no finite number stays.
pub fn climb(rule: Rule, moments: &mut Moments, pixels: &mut [f32], gradient: &[f32]) {
    match rule {
        Rule::Gradient { rate } => {
            for (x, &g) in pixels.iter_mut().zip(gradient) {
                if g.is_finite() && (0.0..=1.0).contains(x) {
                    *x += rate * g;
                }
            }
        }
        Rule::Adam { rate, betas } => {
            if moments.steps == 0 {
                moments.first = vec![0.0; pixels.len()];
                moments.second = vec![0.0; pixels.len()];
            }
            moments.steps = moments.steps.saturating_add(1);
            let (b1, b2) = betas;
            let first_share = 1.0 - b1.powi(moments.steps);
            let second_share = 1.0 - b2.powi(moments.steps);
            let both = moments.first.iter_mut().zip(&mut moments.second);
            for ((x, &g), (m, v)) in pixels.iter_mut().zip(gradient).zip(both) {
                if !g.is_finite() {
                    continue;
                }
                *m = b1 * *m + (1.0 - b1) * g;
                *v = b2 * *v + (1.0 - b2) * g * g;
                let step = (*m / first_share) / ((*v / second_share).sqrt() + EPSILON);
                *x = (*x + rate * step).clamp(0.0, 1.0);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADAM: Rule = Rule::Adam {
        rate: 0.05,
        betas: (0.5, 0.9),
    };

    /// Adam's formula (Kingma and Ba, 2015, algorithm 1) in f64.
    #[test]
    fn adam_follows_its_formula_and_stays_in_range() {
        let gradients = [0.3f64, -0.1, 2.0, 0.7, 0.7, 0.7];
        let (mut m, mut v, mut expected) = (0.0, 0.0, 0.5f64);
        let mut moments = Moments::default();
        let mut pixels = [0.5f32, 0.99];
        for (t, g) in (1..).zip(gradients) {
            m = 0.5 * m + 0.5 * g;
            v = 0.9 * v + 0.1 * g * g;
            expected += 0.05 * (m / (1.0 - 0.5f64.powi(t))) / (v / (1.0 - 0.9f64.powi(t))).sqrt();
            climb(ADAM, &mut moments, &mut pixels, &[g as f32, 0.2]);
            assert!((f64::from(pixels[0]) - expected).abs() < 1e-5, "step {t}");
        }
        assert_eq!(pixels[1], 1.0);
        assert!(moments.fit(2) && !moments.fit(3));
    }

    #[test]
    fn adam_does_not_see_the_scale_of_the_logits() {
        let climbed = |scale: f32| {
            let (mut moments, mut pixels) = (Moments::default(), [0.5f32]);
            for g in [1.0f32, -2.0, 0.5] {
                climb(ADAM, &mut moments, &mut pixels, &[g * scale]);
            }
            pixels[0]
        };
        for scale in [1e-12, 1e-6, 1e6, 1e12] {
            assert!((climbed(scale) - climbed(1.0)).abs() < 1e-5, "{scale}");
        }
    }

    #[test]
    fn a_pixel_that_left_the_range_is_shown_at_its_end_and_stays() {
        let rule = Rule::Gradient { rate: 0.5 };
        let mut moments = Moments::default();
        let mut pixels = [0.9, 0.2, 0.3];
        climb(rule, &mut moments, &mut pixels, &[1.0, 0.2, f32::NAN]);
        climb(rule, &mut moments, &mut pixels, &[-1.0, 0.2, 0.0]);
        let near = |a: f32, b: f32| (a - b).abs() < 1e-6;
        assert!(near(pixels[0], 1.4) && near(pixels[1], 0.4) && near(pixels[2], 0.3));
        assert_eq!(shown(rule, &pixels)[0], 1.0);
    }
}
