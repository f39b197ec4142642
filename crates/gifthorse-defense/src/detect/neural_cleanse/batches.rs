//! The random numbers of a search, and the images that it is made with, batch after batch.

use gifthorse_engine::{Array, Tensor};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::aim::Aim;
use super::class_search::Task;
use crate::error::Error;

/// Aims have the lower bits of a stream's number, purposes the upper ones.
const PURPOSE: u32 = 40;
/// The purpose of [`Draws::Growth`]; starts are numbered from 0.
const GROWTH: u64 = 0xff_fffe;

/// What random numbers are for. Each purpose has a stream of its own in each search, so that none
/// changes what another draws.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Draws {
    /// A search from one of several starts, counted from 0.
    Start(usize),
    /// Growing the trigger that is confirmed.
    Growth,
}

impl Draws {
    /// The random numbers of this purpose in a search.
    pub fn random(self, seed: u64, aim: Aim) -> ChaCha8Rng {
        let purpose = match self {
            Self::Start(start) => start as u64,
            Self::Growth => GROWTH,
        };
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        random.set_stream((purpose << PURPOSE) | aim.stream());
        random
    }
}

/// Images of a search, stamped in one pass.
pub struct Batch {
    /// `[batch, channels, height, width]` in [0, 1].
    pub images: Tensor<4>,
    /// The label of each.
    pub labels: Vec<usize>,
}

/// An endless, reshuffled walk through the images that are stamped.
pub struct Batches {
    /// Images of the search set that take part.
    kept: Vec<usize>,
    random: ChaCha8Rng,
    /// Positions in `kept` still to come in this round.
    queue: Vec<usize>,
}

impl Batches {
    /// A walk through the images of a search, at its beginning.
    ///
    /// # Errors
    /// As [`Aim::images`].
    pub fn new(task: &Task<'_>, aim: Aim, random: ChaCha8Rng) -> Result<Self, Error> {
        Ok(Self {
            kept: aim.images(task)?,
            random,
            queue: Vec::new(),
        })
    }

    /// Goes on from where another walk through the same images was, see [`Self::position`].
    pub fn resume(&mut self, random_words: u128, queue: Vec<usize>) {
        self.random.set_word_pos(random_words);
        self.queue = queue;
    }

    /// Position in the stream of random numbers, in 32-bit words, and the images still to come in
    /// this round.
    pub fn position(&self) -> (u128, &[usize]) {
        (self.random.get_word_pos(), &self.queue)
    }

    /// How many images take part.
    pub fn images(&self) -> usize {
        self.kept.len()
    }

    /// The next images.
    pub fn next(&mut self, task: &Task<'_>) -> Batch {
        let (mut pixels, mut labels) = (Vec::new(), Vec::new());
        let known = task.search.labels().unwrap_or_default();
        let count = task.config.batch;
        for _ in 0..count {
            if self.queue.is_empty() {
                self.queue = (0..self.kept.len()).collect();
                self.queue.shuffle(&mut self.random);
            }
            if let Some(at) = self.queue.pop() {
                pixels.extend_from_slice(task.search.image(self.kept[at]));
                labels.extend(known.get(self.kept[at]));
            }
        }
        let [channels, height, width] = task.classifier.shape();
        let shape = [count, channels, height, width];
        Batch {
            images: Array::from_vec(pixels, &shape, task.classifier.device()).into_tensor(),
            labels,
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::RngExt;

    use super::*;

    const fn pair(source: usize, target: usize) -> Aim {
        Aim::Pair { source, target }
    }

    const AIMS: [Aim; 10] = [
        pair(0, 1),
        pair(1, 0),
        pair(1282, 1),
        Aim::Away,
        Aim::To(0),
        Aim::To(1),
        Aim::To(1282),
        Aim::From(0),
        Aim::From(1),
        Aim::From(1282),
    ];

    #[test]
    fn no_two_purposes_or_aims_share_their_numbers() {
        let draws = [Draws::Start(0), Draws::Start(1), Draws::Growth];
        let mut first: Vec<u64> = draws
            .iter()
            .flat_map(|draws| AIMS.map(|aim| draws.random(7, aim).random()))
            .collect();
        first.sort_unstable();
        first.dedup();
        assert_eq!(first.len(), draws.len() * AIMS.len());
    }

    /// A scan's searches begin as they always have: the stream of a class's first start is its
    /// number.
    #[test]
    fn the_first_start_has_the_stream_of_the_class() {
        let mut plain = ChaCha8Rng::seed_from_u64(7);
        plain.set_stream(3);
        assert_eq!(Draws::Start(0).random(7, Aim::To(3)), plain);
    }
}
