//! Images in an endless order: all of them shuffled, then all of them shuffled anew, and so on.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

/// Units have the lower bits of a stream's number, walks through the images the upper ones.
const WALK: u32 = 40;

/// The order of the images of one search. Which come when depends on nothing but this, so that a
/// search that was laid by need not keep it.
#[derive(Clone, Copy, Debug)]
pub struct Shuffled {
    /// Seed of the scan.
    pub seed: u64,
    /// The unit's own random stream.
    pub stream: u64,
    /// How many images there are; at least one.
    pub images: usize,
}

impl Shuffled {
    /// The images of the batch with this number, of which each has `size`.
    pub fn batch(&self, number: usize, size: usize) -> Vec<usize> {
        let mut walk = (0, Vec::new());
        let first = number * size;
        let mut batch = Vec::with_capacity(size);
        for at in first..first + size {
            let wanted = at / self.images;
            if walk.1.is_empty() || walk.0 != wanted {
                walk = (wanted, self.walk(wanted));
            }
            batch.push(walk.1[at % self.images]);
        }
        batch
    }

    fn walk(&self, number: usize) -> Vec<usize> {
        let mut random = ChaCha8Rng::seed_from_u64(self.seed);
        random.set_stream((number as u64 + 1) << WALK | self.stream);
        let mut order: Vec<usize> = (0..self.images).collect();
        order.shuffle(&mut random);
        order
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OF_SEVEN: Shuffled = Shuffled {
        seed: 5,
        stream: 2,
        images: 7,
    };

    #[test]
    fn every_walk_is_through_all_images_and_has_an_order_of_its_own() {
        let walked: Vec<usize> = (0..7).flat_map(|n| OF_SEVEN.batch(n, 3)).collect();
        let walks: Vec<&[usize]> = walked.chunks_exact(7).collect();
        for walk in &walks {
            let mut sorted = walk.to_vec();
            sorted.sort_unstable();
            assert_eq!(sorted, [0, 1, 2, 3, 4, 5, 6]);
        }
        assert!(walks[0] != walks[1] && walks[1] != walks[2]);
        let other = Shuffled {
            stream: 3,
            ..OF_SEVEN
        };
        assert_ne!(other.batch(0, 7), OF_SEVEN.batch(0, 7));
    }

    #[test]
    fn a_batch_may_be_larger_than_all_images() {
        let mut batch = OF_SEVEN.batch(1, 14);
        assert_eq!(batch.len(), 14);
        batch.sort_unstable();
        batch.dedup();
        assert_eq!(batch.len(), 7);
    }
}
