//! Images that are stamped as training goes on.

use gifthorse_data::{ImageShape, Images};
use rand::RngExt;

use gifthorse_train::Samples;

use crate::plant::draw::{Part, Plan};
use crate::random::Purpose;

/// Images drawn with replacement, each stamped or not by a throw of the dice (the code of Wang et
/// al. 2019, which poisons a share of 0.1 / 1.1 of the stream for a rate of 0.1).
#[derive(Debug)]
pub struct Stream<'a> {
    images: &'a Images,
    labels: &'a [usize],
    plan: Plan,
    /// Draws in an epoch: the clean images and, on average, as many poisoned ones as would have
    /// been stamped.
    len: usize,
    seed: u64,
}

impl<'a> Stream<'a> {
    /// Images and their labels under a plan.
    pub fn new(plan: Plan, images: &'a Images, labels: &'a [usize], seed: u64) -> Self {
        let stamped: usize = plan
            .parts
            .iter()
            .flat_map(|part| &part.groups)
            .map(|group| group.count)
            .sum();
        Self {
            images,
            labels,
            len: images.len() + stamped,
            plan,
            seed,
        }
    }

    /// The image of a draw, and the part that stamps it if one does.
    fn chosen(&self, mut at: usize, rng: &mut impl rand::Rng) -> (usize, Option<&Part>) {
        for part in &self.plan.parts {
            for group in &part.groups {
                if at < group.count {
                    return (
                        group.pool[rng.random_range(0..group.pool.len())],
                        Some(part),
                    );
                }
                at -= group.count;
            }
        }
        (rng.random_range(0..self.images.len()), None)
    }
}

impl Samples for Stream<'_> {
    fn len(&self) -> usize {
        self.len
    }

    fn shape(&self) -> ImageShape {
        self.images.shape()
    }

    fn classes(&self) -> usize {
        self.plan.classes
    }

    fn draw(
        &self,
        epoch: usize,
        index: usize,
        pixels: &mut [f32],
    ) -> Result<usize, gifthorse_train::Error> {
        let mut rng = Purpose::Drawn { epoch, index }.rng(self.seed);
        let at = rng.random_range(0..self.len);
        let (image, part) = self.chosen(at, &mut rng);
        pixels.copy_from_slice(self.images.image(image));
        let label = self.labels[image];
        let Some(part) = part else {
            return Ok(label);
        };
        part.stamp.put(pixels, &mut rng);
        Ok(part.label(label, self.plan.classes))
    }
}
