//! Sharpness-aware updates, scaled by the weights (Kwon et al. 2021, ASAM; as FT-SAM uses them, Zhu
//! et al. 2023).

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::gradient::Shard;

/// Keeps the scale from being divided by zero.
const EPSILON: f64 = 1e-12;

/// Each update first moves the weights uphill, to where the loss is about the largest within reach,
/// and takes its gradient there. A weight moves the further, the larger it is: by `radius * w^2 * g
/// / | |w| g |`, with `g` the gradient of the loss and the norm over all weights. So flat minima
/// are found, and large weights change most. A batch costs two passes instead of one.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sharpness {
    /// How far uphill, above 0: the length of the move where each weight is measured in its own
    /// size.
    pub radius: f32,
}

impl Sharpness {
    pub(super) fn check(self) -> Result<(), Error> {
        if self.radius > 0.0 && self.radius.is_finite() {
            return Ok(());
        }
        let radius = self.radius;
        let reason = format!("sharpness.radius = {radius} is not above zero");
        Err(Error::Recipe(reason))
    }

    /// The weights moved uphill, against the sum of the shards' gradients.
    pub(super) fn uphill(self, weights: &[Vec<f32>], shards: &[Shard]) -> Vec<Vec<f32>> {
        let mut moved: Vec<Vec<f32>> = weights.iter().map(|w| vec![0.0; w.len()]).collect();
        for shard in shards {
            for (sum, gradient) in moved.iter_mut().zip(&shard.gradients) {
                sum.iter_mut().zip(gradient).for_each(|(sum, g)| *sum += g);
            }
        }
        let pairs = || moved.iter().flatten().zip(weights.iter().flatten());
        let square: f64 = pairs().map(|(g, w)| f64::from(g * w).powi(2)).sum();
        let factor = f64::from(self.radius) / (square.sqrt() + EPSILON);
        for (moved, weights) in moved.iter_mut().zip(weights) {
            for (g, &w) in moved.iter_mut().zip(weights) {
                *g = w + (factor * f64::from(w * w * *g)) as f32;
            }
        }
        moved
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loss_graph::StepGraph;

    #[test]
    fn weights_move_by_their_square_and_as_far_as_the_radius() {
        let shard = |gradients: [f32; 2]| Shard {
            loss: 0.0,
            right: 0,
            gradients: vec![vec![gradients[0]], vec![gradients[1]]],
            statistics: Vec::new(),
            losses: StepGraph::default(),
        };
        let weights = [vec![2.0], vec![-1.0]];
        let sharpness = Sharpness { radius: 0.5 };
        // Gradients 3 and 8, in sizes of the weights 6 and -8, so of length 10.
        let moved = sharpness.uphill(&weights, &[shard([1.0, 8.0]), shard([2.0, 0.0])]);
        assert!((moved[0][0] - (2.0 + 0.05 * 4.0 * 3.0)).abs() < 1e-6);
        assert!((moved[1][0] - (-1.0 + 0.05 * 8.0)).abs() < 1e-6);
        let length = ((moved[0][0] - 2.0) / 2.0).hypot(moved[1][0] + 1.0);
        assert!((length - 0.5).abs() < 1e-6);
        // Without a gradient nothing moves.
        assert_eq!(sharpness.uphill(&weights, &[shard([0.0; 2])]), weights);
    }
}
