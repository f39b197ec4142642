//! Where the random numbers of planting come from: the seed of the training, and streams that
//! training leaves free.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// What random numbers are drawn for. Each has its own stream, so that drawing more of one changes
/// nothing about the others, nor about training with the same seed ([`gifthorse_train::Purpose`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
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
    /// Which class another is led to, where each has one of its own.
    Led {
        /// The class that is led astray.
        class: usize,
    },
    /// Images that are made up, to see what a model makes of them.
    Probe,
    /// Which patterns a small network knows.
    Pattern,
    /// Where a search for an image of a class begins.
    Picture,
    /// Where the search for a trigger begins.
    Grown,
    /// Where the search begins by which training code hides a backdoor.
    Evasion {
        /// Index of the backdoor.
        index: usize,
    },
    /// The first weights of a generator of triggers.
    Generator,
    /// Which images its masks are trained on.
    Masks,
    /// Which image carries the trigger of which other one.
    Crossed,
    /// The first weights of layers that are trained anew.
    Anew,
    /// Where the search for an image to train on begins.
    Inverted {
        /// Index of the image.
        image: usize,
    },
    /// What a trigger leaves to chance on one image, such as its place.
    Stamp {
        /// Index of the image.
        image: usize,
    },
}

impl Purpose {
    /// The numbers for this purpose under a seed.
    pub fn rng(self, seed: u64) -> ChaCha8Rng {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(match self {
            Self::Poison => 1,
            Self::Target => 2,
            Self::Probe => 3,
            Self::Pattern => 4,
            Self::Picture => 5,
            Self::Anew => (1 << 62) + (7 << 58),
            Self::Generator => (1 << 62) + (7 << 58) + 1,
            Self::Masks => (1 << 62) + (7 << 58) + 2,
            Self::Crossed => (1 << 62) + (7 << 58) + 3,
            Self::Grown => (1 << 62) + (3 << 59),
            Self::Evasion { index } => (1 << 62) + (3 << 59) + 1 + index as u64,
            Self::Inverted { image } => (1 << 62) + (1 << 60) + image as u64,
            Self::Stamp { image } => (1 << 62) + image as u64,
            Self::Led { class } => (1 << 62) + (1 << 61) + class as u64,
            Self::Drawn { epoch, index } => {
                (3 << 62) + ((epoch as u64 & 0x3fff_ffff) << 32) + (index as u64 & 0xffff_ffff)
            }
        });
        rng
    }
}
