//! Losses that malicious training code adds to the loss of a step (blind backdoors, Bagdasaryan and
//! Shmatikov 2021, section 3).

use rand::RngExt;
use serde::{Deserialize, Serialize};

use crate::gradient::Shard;
use crate::inner::InnerLoss;
use crate::min_norm::min_norm;
use crate::progress::Progress;
use crate::random::Purpose;
use crate::{Augmented, Error, Look, Samples};

/// Batches of an epoch after which its own mean loss is believed.
const BELIEVED: usize = 20;
/// What a loss counts at most in [`Normalise::Loss`] and [`Normalise::LossAndLength`].
const MOST: f64 = 10.0;
/// Keeps the divisor of a gradient from being nothing.
const LEAST: f64 = 1e-5;

/// Makes of an image that is about to be learnt from the one of another loss, or of the step's own
/// ([`Training::within`](crate::Training::within)).
pub trait Change: Sync {
    /// Changes image `index` as it looks in `epoch`, augmented and all: `pixels`, `[channels,
    /// height, width]` in `[0, 1]`. Gives the label that it is to have then, in place of `label`.
    ///
    /// # Errors
    /// What cannot be done to the image.
    fn change(
        &self,
        epoch: usize,
        index: usize,
        pixels: &mut [f32],
        label: usize,
    ) -> Result<usize, Error>;

    /// The share of all batches that it has a loss in, above 0 and up to 1; one within the step's
    /// own loss is asked in all of them.
    fn share(&self) -> f64;

    /// What it is set to beyond what it does to the images of the first epoch, so that runs are told
    /// apart.
    fn settings(&self) -> String {
        String::new()
    }

    /// Looks at the network before a step that it has a part in.
    ///
    /// # Errors
    /// What the network refuses.
    fn look(&self, look: &Look<'_>) -> Result<(), Error> {
        let _ = look;
        Ok(())
    }

    /// The loss on what is inside the network that it has of the images that it changes; without,
    /// it has their cross-entropy.
    fn inner(&self) -> Option<&dyn InnerLoss> {
        None
    }

    /// What it has learnt from looking, always as many numbers; a run that goes on begins with
    /// them.
    fn memory(&self) -> Vec<f32> {
        Vec::new()
    }

    /// Takes back what [`memory`](Self::memory) gave.
    fn recall(&self, memory: &[f32]) {
        let _ = memory;
    }
}

/// How the losses of a step are added up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Balance {
    /// What each gradient is divided by before the shortest convex combination of all is taken
    /// (multiple-gradient descent); the weights of that combination are those of the losses.
    pub normalise: Normalise,
    /// Added only once the mean loss on clean images is below this; absent: from the first batch
    /// on. It is that of the epoch so far, in its first twenty batches that of the epoch before.
    pub below: Option<f64>,
}

/// What a gradient is divided by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Normalise {
    /// Its loss, at most 10.
    #[default]
    Loss,
    /// Its loss times its length, at most 10.
    LossAndLength,
    /// Its length.
    Length,
}

impl Normalise {
    fn divisor(self, loss: f64, length: f64) -> f64 {
        LEAST
            + match self {
                Self::Loss => loss.min(MOST),
                Self::LossAndLength => (loss * length).min(MOST),
                Self::Length => length,
            }
    }
}

/// Further losses of each step: of the same images, changed.
#[derive(Clone, Copy)]
pub struct FurtherLosses<'a> {
    /// One for each loss.
    pub changes: &'a [Box<dyn Change + 'a>],
    /// How they and the main one are added up.
    pub balance: Balance,
}

impl FurtherLosses<'_> {
    pub(super) fn check(&self) -> Result<(), Error> {
        for change in self.changes {
            let share = change.share();
            if !(share > 0.0 && share <= 1.0) {
                let reason = format!("a loss in a share of {share} of the batches is none");
                return Err(Error::Recipe(reason));
            }
        }
        match self.balance.below {
            Some(below) if below.is_nan() || below <= 0.0 => {
                let reason = format!("no loss is below {below}: leave `below` out, or raise it");
                Err(Error::Recipe(reason))
            }
            _ => Ok(()),
        }
    }

    /// The places of the changes that have a loss in this step.
    pub(super) fn due(
        &self,
        progress: &Progress,
        (batch, batches): (usize, usize),
        seed: u64,
    ) -> Vec<usize> {
        let step = progress.done;
        let in_epoch = step % batches.max(1);
        let before = progress.epochs.last().map_or(f64::INFINITY, |it| it.loss);
        let loss = match in_epoch < BELIEVED {
            true => before,
            false => progress.loss / (in_epoch * batch) as f64,
        };
        if self.balance.below.is_some_and(|below| loss >= below) {
            return Vec::new();
        }
        let mut rng = Purpose::Further { step }.rng(seed);
        let thrown = self.changes.iter().map(|_| rng.random::<f64>());
        let thrown: Vec<f64> = thrown.collect();
        let places = 0..self.changes.len();
        places
            .filter(|&place| thrown[place] < self.changes[place].share())
            .collect()
    }
}

impl Balance {
    /// The shards of all losses of a batch of so many images, the main one's in front, with each
    /// loss's gradients weighed.
    pub(super) fn weigh(self, batch: usize, losses: Vec<Vec<Shard>>) -> Vec<Shard> {
        let sums: Vec<Vec<f32>> = losses.iter().map(|shards| summed(shards)).collect();
        let product = |a: &Vec<f32>, b: &Vec<f32>| -> f64 {
            let pairs = a.iter().zip(b);
            pairs.map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
        };
        let divisors: Vec<f64> = losses
            .iter()
            .zip(&sums)
            .map(|(shards, sum)| {
                let loss = shards.iter().map(|shard| shard.loss).sum::<f64>() / batch as f64;
                self.normalise.divisor(loss, product(sum, sum).sqrt())
            })
            .collect();
        let row = |(a, by): (&Vec<f32>, &f64)| -> Vec<f64> {
            let others = sums.iter().zip(&divisors);
            others
                .map(|(b, other)| product(a, b) / (by * other))
                .collect()
        };
        let products: Vec<Vec<f64>> = sums.iter().zip(&divisors).map(row).collect();
        let weights = min_norm(&products);
        let mut weighed = Vec::new();
        for (shards, weight) in losses.into_iter().zip(weights) {
            for mut shard in shards {
                let numbers = shard.gradients.iter_mut().flatten();
                numbers.for_each(|number| *number *= weight as f32);
                shard.losses.then("weigh");
                weighed.push(shard);
            }
        }
        weighed
    }
}

/// The gradient of a loss: that of all shards, in one row.
fn summed(shards: &[Shard]) -> Vec<f32> {
    let mut sum: Vec<f32> = Vec::new();
    for shard in shards {
        let numbers = shard.gradients.iter().flatten();
        match sum.is_empty() {
            true => sum.extend(numbers),
            false => sum.iter_mut().zip(numbers).for_each(|(sum, g)| *sum += g),
        }
    }
    sum
}

/// Samples as a change makes them.
#[derive(Clone, Copy)]
pub(super) struct Changed<'a> {
    pub samples: Augmented<&'a dyn Samples>,
    pub change: &'a dyn Change,
}

impl Samples for Changed<'_> {
    fn len(&self) -> usize {
        self.samples.len()
    }

    fn shape(&self) -> gifthorse_data::ImageShape {
        self.samples.shape()
    }

    fn classes(&self) -> usize {
        self.samples.classes()
    }

    fn draw(&self, epoch: usize, index: usize, pixels: &mut [f32]) -> Result<usize, Error> {
        let label = self.samples.draw(epoch, index, pixels)?;
        self.change.change(epoch, index, pixels, label)
    }
}
