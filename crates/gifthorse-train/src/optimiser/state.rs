//! An optimiser at work.

use rayon::prelude::*;

use crate::Optimiser;

/// Weights that one task updates; the update of a weight depends on no other, so that the cut is a
/// matter of speed alone.
const CHUNK: usize = 1 << 13;

/// An optimiser with what it remembers of earlier gradients, weight by weight.
#[derive(Clone, Debug)]
pub struct State {
    optimiser: Optimiser,
    steps: u64,
    /// Mean gradient (Adam), last step (SGD), mean squared gradient (Adadelta).
    first: Vec<Vec<f32>>,
    /// Mean squared gradient (Adam), mean squared step (Adadelta), nothing (SGD).
    second: Vec<Vec<f32>>,
}

/// Weights that are updated together, with what is remembered of them.
struct Chunk<'a> {
    /// Which parameter they belong to.
    parameter: usize,
    /// Where they begin in it.
    start: usize,
    weights: &'a mut [f32],
    first: &'a mut [f32],
    second: &'a mut [f32],
}

impl State {
    /// Nothing remembered yet, for weights of these sizes.
    pub fn new(optimiser: Optimiser, weights: &[Vec<f32>]) -> Self {
        let zeros = || {
            let sizes = weights.iter().map(Vec::len);
            sizes.map(|size| vec![0.0; size]).collect()
        };
        let second = match optimiser {
            Optimiser::Adam { .. } | Optimiser::Adadelta { .. } => zeros(),
            Optimiser::Sgd { .. } => vec![Vec::new(); weights.len()],
        };
        Self {
            optimiser,
            steps: 0,
            first: zeros(),
            second,
        }
    }

    /// How many updates it has made.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Sets how many updates were made.
    pub fn set_steps(&mut self, steps: u64) {
        self.steps = steps;
    }

    /// What it remembers.
    pub fn arrays(&self) -> impl Iterator<Item = &Vec<f32>> {
        self.first.iter().chain(&self.second)
    }

    /// The same, to be overwritten.
    pub fn arrays_mut(&mut self) -> impl Iterator<Item = &mut Vec<f32>> {
        self.first.iter_mut().chain(&mut self.second)
    }

    /// Changes the weights once, against the sum of gradients of the same sizes: for each shard, in
    /// order, one of each weight.
    pub fn step(&mut self, weights: &mut [Vec<f32>], shards: &[&[Vec<f32>]], rate: f32) {
        self.steps += 1;
        let update = Update::new(self.optimiser, self.steps, rate);
        let mut chunks: Vec<Chunk<'_>> = Vec::new();
        let memory = self.first.iter_mut().zip(&mut self.second);
        for (parameter, (weights, (first, second))) in weights.iter_mut().zip(memory).enumerate() {
            // SGD has no second memory.
            let mut second = second.chunks_mut(CHUNK);
            let pieces = weights.chunks_mut(CHUNK).zip(first.chunks_mut(CHUNK));
            for (index, (weights, first)) in pieces.enumerate() {
                chunks.push(Chunk {
                    parameter,
                    start: index * CHUNK,
                    weights,
                    first,
                    second: second.next().unwrap_or_default(),
                });
            }
        }
        chunks.par_iter_mut().for_each(|chunk| {
            let end = chunk.start + chunk.weights.len();
            let mut parts = shards.iter().map(|s| &s[chunk.parameter][chunk.start..end]);
            let Some(only) = parts.next() else { return };
            let mut sum = [0.0; CHUNK];
            let gradient = if shards.len() == 1 {
                only
            } else {
                let sum = &mut sum[..only.len()];
                sum.copy_from_slice(only);
                for part in parts {
                    sum.iter_mut().zip(part).for_each(|(sum, g)| *sum += g);
                }
                sum
            };
            update.apply(chunk, gradient);
        });
    }
}

/// The numbers of one update.
enum Update {
    Sgd {
        rate: f32,
        momentum: f32,
        weight_decay: f32,
    },
    Adam(Adam),
    Adadelta {
        rate: f32,
        decay: f32,
        epsilon: f32,
    },
}

impl Update {
    fn new(optimiser: Optimiser, steps: u64, rate: f32) -> Self {
        let steps = i32::try_from(steps).unwrap_or(i32::MAX);
        // In f64: the difference of two numbers that are nearly the same.
        let correction = |beta: f32| (1.0 - f64::from(beta).powi(steps)) as f32;
        match optimiser {
            Optimiser::Sgd {
                momentum,
                weight_decay,
            } => Self::Sgd {
                rate,
                momentum,
                weight_decay,
            },
            Optimiser::Adam {
                beta1,
                beta2,
                epsilon,
                weight_decay,
            } => Self::Adam(Adam {
                beta1,
                beta2,
                correct1: correction(beta1),
                correct2: correction(beta2),
                epsilon,
                rate,
                kept: 1.0 - rate * weight_decay,
            }),
            Optimiser::Adadelta { decay, epsilon } => Self::Adadelta {
                rate,
                decay,
                epsilon,
            },
        }
    }

    fn apply(&self, chunk: &mut Chunk<'_>, gradient: &[f32]) {
        let (w, first, second) = (&mut *chunk.weights, &mut *chunk.first, &mut *chunk.second);
        match self {
            Self::Sgd {
                rate,
                momentum,
                weight_decay,
            } => sgd(w, gradient, first, *rate, *momentum, *weight_decay),
            Self::Adam(adam) => adam.step(w, gradient, first, second),
            Self::Adadelta {
                rate,
                decay,
                epsilon,
            } => adadelta(w, gradient, first, second, [*rate, *decay, *epsilon]),
        }
    }
}

fn sgd(w: &mut [f32], g: &[f32], m: &mut [f32], rate: f32, momentum: f32, weight_decay: f32) {
    for ((w, g), m) in w.iter_mut().zip(g).zip(m) {
        *m = momentum * *m + (g + weight_decay * *w);
        *w -= rate * *m;
    }
}

/// The numbers of one step of Adam.
struct Adam {
    beta1: f32,
    beta2: f32,
    correct1: f32,
    correct2: f32,
    epsilon: f32,
    rate: f32,
    /// What weight decay leaves of a weight.
    kept: f32,
}

impl Adam {
    fn step(&self, w: &mut [f32], g: &[f32], m: &mut [f32], v: &mut [f32]) {
        for (((w, g), m), v) in w.iter_mut().zip(g).zip(m).zip(v) {
            *m = self.beta1 * *m + (1.0 - self.beta1) * g;
            *v = self.beta2 * *v + (1.0 - self.beta2) * g * g;
            let step = (*m / self.correct1) / ((*v / self.correct2).sqrt() + self.epsilon);
            *w = self.kept * *w - self.rate * step;
        }
    }
}

fn adadelta(
    w: &mut [f32],
    g: &[f32],
    squares: &mut [f32],
    steps: &mut [f32],
    [rate, decay, epsilon]: [f32; 3],
) {
    for (((w, g), square), moved) in w.iter_mut().zip(g).zip(squares).zip(steps) {
        *square = decay * *square + (1.0 - decay) * g * g;
        let step = g * (*moved + epsilon).sqrt() / (*square + epsilon).sqrt();
        *moved = decay * *moved + (1.0 - decay) * step * step;
        *w -= rate * step;
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
            state.step(&mut weights, &[&[vec![gradient]]], 0.1);
            path.push(weights[0][0]);
        }
        path
    }

    fn close(found: &[f32], expected: &[f32]) {
        assert_eq!(found.len(), expected.len());
        let mut pairs = found.iter().zip(expected);
        assert!(pairs.all(|(a, b)| (a - b).abs() < 1e-6), "{found:?}");
    }

    #[test]
    fn sgd_adds_up_its_momentum() {
        let sgd = Optimiser::Sgd {
            momentum: 0.5,
            weight_decay: 0.0,
        };
        close(&run(sgd, &[1.0, 1.0, 0.0]), &[0.9, 0.75, 0.675]);
    }

    #[test]
    fn weight_decay_pulls_to_zero() {
        let sgd = Optimiser::Sgd {
            momentum: 0.0,
            weight_decay: 0.5,
        };
        close(&run(sgd, &[0.0, 0.0]), &[0.95, 0.9025]);
        let adam = Optimiser::Adam {
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            weight_decay: 0.5,
        };
        close(&run(adam, &[0.0, 0.0]), &[0.95, 0.9025]);
    }

    #[test]
    fn adam_takes_steps_of_the_rate_whatever_the_size_of_a_steady_gradient() {
        for size in [1e-3, 1.0, 1e3] {
            let path = run(Optimiser::ADAM, &[size, size, size]);
            let mut pairs = path.iter().zip([0.9, 0.8, 0.7]);
            assert!(pairs.all(|(a, b)| (a - b).abs() < 1e-4), "{path:?}");
        }
    }

    #[test]
    fn adam_by_hand() {
        // m = 0.1, -0.01 and v = 0.001, 0.001999 after gradients 1 and -1:
        // m / (1 - 0.81) = -0.0526316, v / (1 - 0.998001) = 1.
        close(&run(Optimiser::ADAM, &[1.0, -1.0]), &[0.9, 0.905_263_2]);
    }

    #[test]
    fn adadelta_by_hand() {
        // First: mean square 0.5, step = sqrt(0.01 / 0.51) = 0.140028, mean squared step
        // 0.00980392. Then: mean square 0.75, step = sqrt(0.01980392 / 0.76) = 0.161424.
        let adadelta = Optimiser::Adadelta {
            decay: 0.5,
            epsilon: 0.01,
        };
        close(&run(adadelta, &[1.0, 1.0]), &[0.985_997_2, 0.969_854_85]);
    }

    /// With numbers large enough that the place of each in the formula matters: the paths of
    /// PyTorch's `SGD`, `AdamW` and `Adadelta`, in f64.
    #[test]
    fn paths_are_those_of_pytorch() {
        let gradients = [1.0, -0.5, 0.25];
        let sgd = Optimiser::Sgd {
            momentum: 0.9,
            weight_decay: 0.3,
        };
        close(&run(sgd, &gradients), &[0.87, 0.7769, 0.644_803]);
        let adam = Optimiser::Adam {
            beta1: 0.8,
            beta2: 0.95,
            epsilon: 0.3,
            weight_decay: 0.3,
        };
        let path = [0.893_076_9, 0.850_916, 0.804_233_5];
        close(&run(adam, &gradients), &path);
        let adadelta = Optimiser::Adadelta {
            decay: 0.9,
            epsilon: 0.05,
        };
        let path = [0.942_265, 0.977_798_4, 0.958_761_95];
        close(&run(adadelta, &gradients), &path);
    }

    #[test]
    fn gradients_of_shards_are_added_up() {
        let mut weights = vec![vec![1.0; 3], vec![1.0; CHUNK + 1]];
        let shard = |value: f32| vec![vec![value; 3], vec![2.0 * value; CHUNK + 1]];
        let (one, two, three) = (shard(1.0), shard(0.5), shard(-0.25));
        let sgd = Optimiser::Sgd {
            momentum: 0.0,
            weight_decay: 0.0,
        };
        State::new(sgd, &weights).step(&mut weights, &[&one, &two, &three], 0.1);
        assert!(weights[0].iter().all(|w| (w - 0.875).abs() < 1e-6));
        assert!(weights[1].iter().all(|w| (w - 0.75).abs() < 1e-6));
    }

    /// Parameters larger than a chunk are updated to their end.
    #[test]
    fn every_weight_is_updated() {
        let sizes = [3, CHUNK, 2 * CHUNK + 5];
        let mut weights: Vec<Vec<f32>> = sizes.iter().map(|&size| vec![1.0; size]).collect();
        let gradients = weights.clone();
        for optimiser in [
            Optimiser::ADAM,
            Optimiser::Adadelta {
                decay: 0.95,
                epsilon: 1e-7,
            },
        ] {
            let before = weights.clone();
            State::new(optimiser, &weights).step(&mut weights, &[&gradients], 0.1);
            let pairs = weights.iter().flatten().zip(before.iter().flatten());
            assert!(pairs.clone().all(|(after, before)| after < before));
            assert_eq!(pairs.count(), 3 + 3 * CHUNK + 5);
        }
    }
}
