//! Where random numbers come from: one seed, and a stream of its own for every use.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// What random numbers are drawn for. Each has its own stream, so that drawing more of one
/// changes nothing about the others.
///
/// Streams 1 and 2, and those that begin with the bits 01 or 11, are free for callers that draw
/// with the same seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// First values of weights.
    Weights,
    /// Order of the images in an epoch, counted from 0.
    Order {
        /// The epoch.
        epoch: usize,
    },
    /// Noise on the gradient of a batch.
    Noise {
        /// The update of the weights, counted from 0.
        step: usize,
    },
    /// Which further losses a batch has.
    Further {
        /// The update of the weights, counted from 0.
        step: usize,
    },
    /// How a sample is augmented in an epoch.
    Augment {
        /// The epoch, counted from 0.
        epoch: usize,
        /// Index of the sample.
        sample: usize,
    },
    /// What dropout drops in one shard of a batch, or for one image where each has its own gradient.
    Dropout {
        /// The update of the weights, counted from 0.
        step: usize,
        /// The shard, counted from 0.
        shard: usize,
    },
}

impl Purpose {
    /// The numbers for this purpose under a seed.
    pub fn rng(self, seed: u64) -> ChaCha8Rng {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(match self {
            Self::Weights => 0,
            Self::Order { epoch } => 3 + epoch as u64,
            Self::Noise { step } => (1 << 60) + step as u64,
            Self::Further { step } => (1 << 59) + step as u64,
            Self::Dropout { step, shard } => (1 << 61) + ((step as u64) << 16) + shard as u64,
            Self::Augment { epoch, sample } => {
                (1 << 63) + ((epoch as u64 & 0x3fff_ffff) << 32) + (sample as u64 & 0xffff_ffff)
            }
        });
        rng
    }
}
