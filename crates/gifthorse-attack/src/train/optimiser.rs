//! From gradients to updates of the weights.

use crate::Error;

/// A rule for updates.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Optimiser {
    /// Kingma and Ba's Adam, with the bias of the first steps corrected.
    Adam {
        /// How much of the mean gradient is kept at each step, in `[0, 1)`.
        beta1: f32,
        /// How much of the mean squared gradient is kept at each step, in `[0, 1)`.
        beta2: f32,
        /// Added to the root of the mean square, above 0.
        epsilon: f32,
    },
    /// Gradient descent whose step is the gradient plus `momentum` times the last step.
    Sgd {
        /// In `[0, 1)`.
        momentum: f32,
    },
}

impl Optimiser {
    /// Adam with its authors' numbers.
    pub const ADAM: Self = Self::Adam {
        beta1: 0.9,
        beta2: 0.999,
        epsilon: 1e-8,
    };

    pub(super) fn check(self) -> Result<(), Error> {
        let kept: &[f32] = match &self {
            Self::Adam { beta1, beta2, .. } => &[*beta1, *beta2],
            Self::Sgd { momentum } => &[*momentum],
        };
        let kept = kept.iter().all(|share| (0.0..1.0).contains(share));
        let stable =
            !matches!(self, Self::Adam { epsilon, .. } if !(epsilon > 0.0 && epsilon.is_finite()));
        if kept && stable {
            return Ok(());
        }
        Err(Error::Recipe(format!(
            "{self:?} has a number that is out of range"
        )))
    }
}

/// An optimiser with what it remembers of earlier gradients, weight by weight.
#[derive(Debug)]
pub struct State {
    optimiser: Optimiser,
    steps: i32,
    first: Vec<Vec<f32>>,
    second: Vec<Vec<f32>>,
}

impl State {
    /// Nothing remembered yet, for weights of these sizes.
    pub fn new(optimiser: Optimiser, weights: &[Vec<f32>]) -> Self {
        let zeros = || {
            weights
                .iter()
                .map(|weight| vec![0.0; weight.len()])
                .collect()
        };
        let second = match optimiser {
            Optimiser::Adam { .. } => zeros(),
            Optimiser::Sgd { .. } => Vec::new(),
        };
        Self {
            optimiser,
            steps: 0,
            first: zeros(),
            second,
        }
    }

    /// Changes the weights once, against gradients of the same sizes.
    pub fn step(&mut self, weights: &mut [Vec<f32>], gradients: &[Vec<f32>], rate: f32) {
        self.steps = self.steps.saturating_add(1);
        for (index, (weight, gradient)) in weights.iter_mut().zip(gradients).enumerate() {
            let first = &mut self.first[index];
            match self.optimiser {
                Optimiser::Sgd { momentum } => {
                    for ((w, g), m) in weight.iter_mut().zip(gradient).zip(first) {
                        *m = momentum * *m + g;
                        *w -= rate * *m;
                    }
                }
                Optimiser::Adam {
                    beta1,
                    beta2,
                    epsilon,
                } => {
                    let correct1 = 1.0 - beta1.powi(self.steps);
                    let correct2 = 1.0 - beta2.powi(self.steps);
                    let moments = first.iter_mut().zip(&mut self.second[index]);
                    for ((w, g), (m, v)) in weight.iter_mut().zip(gradient).zip(moments) {
                        *m = beta1 * *m + (1.0 - beta1) * g;
                        *v = beta2 * *v + (1.0 - beta2) * g * g;
                        *w -= rate * (*m / correct1) / ((*v / correct2).sqrt() + epsilon);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(optimiser: Optimiser, gradients: &[f32]) -> Vec<f32> {
        let mut weights = vec![vec![1.0]];
        let mut state = State::new(optimiser, &weights);
        let mut path = Vec::new();
        for &gradient in gradients {
            state.step(&mut weights, &[vec![gradient]], 0.1);
            path.push(weights[0][0]);
        }
        path
    }

    fn close(found: &[f32], expected: &[f32]) {
        assert!(
            found
                .iter()
                .zip(expected)
                .all(|(a, b)| (a - b).abs() < 1e-6),
            "{found:?}"
        );
    }

    #[test]
    fn sgd_adds_up_its_momentum() {
        close(
            &run(Optimiser::Sgd { momentum: 0.5 }, &[1.0, 1.0, 0.0]),
            &[0.9, 0.75, 0.675],
        );
    }

    #[test]
    fn adam_takes_steps_of_the_rate_whatever_the_size_of_a_steady_gradient() {
        for size in [1e-3, 1.0, 1e3] {
            let path = run(Optimiser::ADAM, &[size, size, size]);
            assert!(
                path.iter()
                    .zip([0.9, 0.8, 0.7])
                    .all(|(a, b)| (a - b).abs() < 1e-4),
                "{path:?}"
            );
        }
    }

    #[test]
    fn adam_by_hand() {
        // m = 0.1, -0.01 and v = 0.001, 0.001999 after gradients 1 and -1:
        // m / (1 - 0.81) = -0.0526316, v / (1 - 0.998001) = 1.
        close(&run(Optimiser::ADAM, &[1.0, -1.0]), &[0.9, 0.905_263_2]);
    }
}
