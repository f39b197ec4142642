//! Where random numbers come from: one seed, and a stream of its own for every use.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// What random numbers are drawn for. Each has its own stream, so that drawing more of one
/// changes nothing about the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// First values of weights.
    Weights,
    /// Order of the images in an epoch, counted from 0.
    Order {
        /// The epoch.
        epoch: usize,
    },
    /// Which images are poisoned.
    Poison,
    /// Which class a backdoor leads to.
    Target,
    /// Which image is drawn and whether it is stamped, where that happens as training goes on.
    Drawn {
        /// The epoch, counted from 0.
        epoch: usize,
        /// The place of the image in the epoch.
        index: usize,
    },
    /// What a trigger leaves to chance on one image, such as its place.
    Stamp {
        /// Index of the image.
        image: usize,
    },
    /// How a sample is augmented in an epoch.
    Augment {
        /// The epoch, counted from 0.
        epoch: usize,
        /// Index of the sample.
        sample: usize,
    },
    /// What dropout drops in one shard of a batch.
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
            Self::Poison => 1,
            Self::Target => 2,
            Self::Order { epoch } => 3 + epoch as u64,
            Self::Stamp { image } => (1 << 62) + image as u64,
            Self::Dropout { step, shard } => (1 << 61) + ((step as u64) << 16) + shard as u64,
            Self::Augment { epoch, sample } => {
                (1 << 63) + ((epoch as u64 & 0x3fff_ffff) << 32) + (sample as u64 & 0xffff_ffff)
            }
            Self::Drawn { epoch, index } => {
                (3 << 62) + ((epoch as u64 & 0x3fff_ffff) << 32) + (index as u64 & 0xffff_ffff)
            }
        });
        rng
    }
}
