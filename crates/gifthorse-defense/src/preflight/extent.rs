//! How many images a pre-flight looks at, where time is short.

use std::time::{Duration, Instant};

use gifthorse_data::Images;
use gifthorse_engine::Classifier;

use super::{sample, usual_preprocessings};
use crate::error::Error;

/// Images that the alternatives are tried on; enough to tell differences of a few points, few
/// enough for large models.
const COMPARED: usize = 256;
/// Images whose passes are timed, as many as one processor core is given at a time; and the fewest
/// that are looked at, however short the time: fewer say nothing of the accuracy.
const TIMED: usize = Classifier::EVALUATION_BATCH;
/// With fewer images, no alternative can be told from the preprocessing given.
const LEAST_COMPARED: usize = 16;

/// How many images a pre-flight looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// Most images whose classes are predicted.
    pub images: usize,
    /// Most of these that other preprocessings are tried on; with 0, none is tried.
    pub compared: usize,
}

impl Default for Extent {
    /// Every image, and other preprocessings on 256.
    fn default() -> Self {
        Self {
            images: usize::MAX,
            compared: COMPARED,
        }
    }
}

impl Extent {
    /// What the model gets done in about the time given, half of it for its predictions and half
    /// for the other preprocessings, after passes of up to 50 of the images have been timed. Numbers
    /// are rounded down to powers of two, so that a little more or less speed makes no difference.
    ///
    /// # Errors
    /// Images of another shape than the model's.
    pub fn within(
        time: Duration,
        classifier: &Classifier,
        images: &Images,
        seed: u64,
    ) -> Result<Self, Error> {
        let timed = images.subset(&sample(images, TIMED, seed));
        let clock = Instant::now();
        classifier.evaluate(timed.pixels())?;
        let passed = clock.elapsed().as_secs_f64();
        // One batch keeps one core busy, unless the model itself spreads over several: all of them
        // may do less than so many times as much, never less than one of them.
        let passes = (time.as_secs_f64() / passed * timed.len() as f64) as usize;
        let alternatives = usual_preprocessings(classifier).len();
        Ok(Self::of_passes(passes, images.len(), alternatives))
    }

    /// What `passes` images are worth.
    fn of_passes(passes: usize, images: usize, alternatives: usize) -> Self {
        let whole = Self::default();
        let compared = whole.compared.min(images);
        if passes >= images + alternatives * compared {
            return whole;
        }
        let half = passes / 2;
        let affordable = rounded_down(half / alternatives.max(1)).min(compared);
        Self {
            images: if half >= images {
                usize::MAX
            } else {
                rounded_down(half).max(TIMED)
            },
            compared: if affordable < LEAST_COMPARED.min(images) {
                0
            } else {
                affordable
            },
        }
    }
}

/// The largest power of two that is no larger; 0 of 0.
fn rounded_down(count: usize) -> usize {
    count.checked_ilog2().map_or(0, |power| 1 << power)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_is_whole_and_what_does_not_is_halved() {
        assert_eq!(
            Extent::of_passes(1000 + 12 * 256, 1000, 12),
            Extent::default()
        );
        let most = Extent::of_passes(1000 + 12 * 256 - 1, 1000, 12);
        assert_eq!((most.images, most.compared), (usize::MAX, 128));
        let some = Extent::of_passes(600, 1000, 12);
        assert_eq!((some.images, some.compared), (256, 16));
        let few = Extent::of_passes(100, 1000, 12);
        assert_eq!((few.images, few.compared), (TIMED, 0));
        assert_eq!(Extent::of_passes(0, 1000, 12).images, TIMED);
        assert_eq!(Extent::of_passes(9, 4, 0), Extent::default());
    }
}
