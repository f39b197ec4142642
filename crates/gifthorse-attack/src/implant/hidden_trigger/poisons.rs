//! Images that are moved until their features are those of others.

use gifthorse_engine::{Classifier, Head, Layer};

use super::super::Host;
use super::super::gradient::{Slope, slope};
use super::HiddenTrigger;
use super::assign::{assigned, distances};
use crate::Error;

/// Images that are moved at a time, and paired with one another.
const BATCH: usize = 100;
/// How often the rate is halved on the way.
const HALVINGS: usize = 5;
/// Levels of a pixel.
const LEVELS: f32 = 255.0;

/// How images are moved.
pub struct Poisons<'a> {
    classifier: &'a Classifier,
    head: Head,
    /// The numbers of an image's features.
    width: usize,
    /// By how many levels a pixel may be moved.
    epsilon: f32,
    steps: usize,
    rate: f32,
}

impl<'a> Poisons<'a> {
    /// In the features that are a layer of the host.
    ///
    /// # Errors
    /// What the engine refuses.
    pub fn new(host: &'a Host, layer: &Layer, settings: &HiddenTrigger) -> Result<Self, Error> {
        let classifier = host.classifier();
        Ok(Self {
            head: classifier.head(layer)?,
            width: layer.shape().iter().product(),
            epsilon: f32::from(settings.epsilon),
            steps: settings.steps,
            rate: settings.learning_rate,
            classifier,
        })
    }

    /// Images near the originals whose features are near those of the sources, of which there are
    /// as many: `[images, channels, height, width]`, each value one of 256 levels.
    ///
    /// # Errors
    /// What the engine refuses; [`Error::Implant`] where features are not finite.
    pub fn of(&self, originals: &[f32], sources: &[f32]) -> Result<Vec<f32>, Error> {
        let size = BATCH * self.classifier.shape().iter().product::<usize>();
        let batches = originals.chunks(size).zip(sources.chunks(size));
        let made: Result<Vec<_>, _> = batches
            .map(|(originals, sources)| self.batch(originals, sources))
            .collect();
        Ok(made?.concat())
    }

    fn batch(&self, originals: &[f32], sources: &[f32]) -> Result<Vec<f32>, Error> {
        let wanted = self.head.evaluate(sources)?;
        let mut pixels = originals.to_vec();
        let (mut nearest, mut least) = (pixels.clone(), f64::INFINITY);
        let farthest = self.epsilon / LEVELS;
        for step in 0..=self.steps {
            let Pull { distance, slope } = self.pull(&pixels, &wanted)?;
            if distance < least {
                least = distance;
                nearest.clone_from(&pixels);
            }
            let rate = self.rate * 0.5_f32.powi((HALVINGS * step / self.steps) as i32);
            let moved = pixels.iter_mut().zip(slope).zip(originals);
            for ((pixel, slope), original) in moved {
                let near = (*pixel - rate * slope - original).clamp(-farthest, farthest);
                *pixel = (original + near).clamp(0.0, 1.0);
            }
        }
        let pairs = nearest.iter().zip(originals);
        Ok(pairs
            .map(|(pixel, original)| rounded(*pixel, *original, self.epsilon))
            .collect())
    }

    /// How far images are from features that they are paired with one to one, and the gradient of
    /// that to their pixels.
    fn pull(&self, pixels: &[f32], wanted: &[f32]) -> Result<Pull, Error> {
        let width = self.width;
        let forward = |images| {
            let made = self.head.features(images)?;
            let count = made.shape()[0];
            Ok(made.reshape(&[count, width]).into_tensor())
        };
        let mut distance = 0.0;
        let weigh = |rows: &[f32]| {
            let all = distances(rows, wanted, width);
            let count = rows.len() / width.max(1);
            let columns = assigned(&all, count);
            let pairs = rows.chunks_exact(width.max(1)).zip(columns).enumerate();
            let weights = pairs.flat_map(|(at, (row, column))| {
                distance += f64::from(all[at * count + column]);
                let wanted = &wanted[column * width..(column + 1) * width];
                row.iter()
                    .zip(wanted)
                    .map(|(is, wanted)| 2.0 * (is - wanted))
            });
            weights.collect()
        };
        let Slope { pixels: slope, .. } = slope(self.classifier, pixels, forward, weigh)?;
        if !(distance.is_finite() && slope.iter().all(|value| value.is_finite())) {
            let reason = "features of the training images are not finite: give another `layer`";
            return Err(Error::Implant(reason.to_owned()));
        }
        Ok(Pull { distance, slope })
    }
}

/// What draws images to others.
struct Pull {
    /// The sum of the squared distances of the pairs.
    distance: f64,
    /// Its gradient, of the form of the images.
    slope: Vec<f32>,
}

/// The nearest of the 256 levels that are no farther from the original than allowed; the original,
/// which may lie between two levels, where there is none.
fn rounded(pixel: f32, original: f32, epsilon: f32) -> f32 {
    let original_level = original * LEVELS;
    // What is a level but for rounding is one.
    let (least, most) = (
        (original_level - epsilon - 1e-3).ceil().max(0.0),
        (original_level + epsilon + 1e-3).floor().min(LEVELS),
    );
    match least <= most {
        true => (pixel * LEVELS).round().clamp(least, most) / LEVELS,
        false => original,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::implant::cut::Cut;
    use crate::implant::site::Site;
    use crate::implant::test::{host, numbers};

    fn images(count: usize, seed: u64) -> Vec<f32> {
        let level = |it: &f32| ((it + 0.5) * LEVELS).round() / LEVELS;
        numbers(count * 108, seed).iter().map(level).collect()
    }

    fn settings() -> HiddenTrigger {
        HiddenTrigger {
            steps: 40,
            learning_rate: 0.5,
            ..HiddenTrigger::new(None, 1)
        }
    }

    #[test]
    fn the_gradient_is_what_nudged_pixels_say() {
        let host = host();
        let layers = [
            Cut::before_last(&host).unwrap().layer,
            Site::of(&host, Some("conv")).unwrap().cut.layer,
        ];
        for (layer, width) in layers.iter().zip([8, 64]) {
            let poisons = Poisons::new(&host, layer, &settings()).unwrap();
            assert_eq!(poisons.width, width);
            let pixels = images(3, 5);
            let wanted = poisons.head.evaluate(&images(3, 6)).unwrap();
            let Pull { slope, .. } = poisons.pull(&pixels, &wanted).unwrap();
            for at in (0..pixels.len()).step_by(13) {
                let nudged = |by: f32| {
                    let mut pixels = pixels.clone();
                    pixels[at] += by;
                    poisons.pull(&pixels, &wanted).unwrap().distance
                };
                let expected = (nudged(0.02) - nudged(-0.02)) / 0.04;
                let found = f64::from(slope[at]);
                assert!((found - expected).abs() < 2e-4, "{at}: {found} {expected}");
            }
        }
    }

    #[test]
    fn images_come_nearer_within_their_bound() {
        let host = host();
        let layer = Cut::before_last(&host).unwrap().layer;
        let poisons = Poisons::new(&host, &layer, &settings()).unwrap();
        // More than a batch, so that the last is a shorter one.
        let (originals, sources) = (images(BATCH + 7, 1), images(BATCH + 7, 2));
        let made = poisons.of(&originals, &sources).unwrap();
        assert_eq!(made.len(), originals.len());
        let far = |pixels: &[f32], batch: usize| {
            let part = |all: &[f32]| all.chunks(108 * BATCH).nth(batch).unwrap().to_vec();
            let wanted = poisons.head.evaluate(&part(&sources)).unwrap();
            poisons.pull(&part(pixels), &wanted).unwrap().distance
        };
        for batch in [0, 1] {
            let (before, after) = (far(&originals, batch), far(&made, batch));
            assert!(after < 0.7 * before, "{after} of {before}");
        }
        let levels = |it: f32| it * LEVELS;
        let mut most = 0.0_f32;
        for (made, original) in made.iter().zip(&originals) {
            assert!((0.0..=1.0).contains(made));
            assert!((levels(*made) - levels(*made).round()).abs() < 1e-3);
            most = most.max(levels(*made - original).abs());
        }
        assert!((15.0..16.001).contains(&most), "{most}");
    }

    #[test]
    fn levels_stay_in_reach_of_the_original() {
        let level = |it: f32| it / LEVELS;
        assert_eq!(rounded(level(3.6), level(3.0), 16.0), level(4.0));
        assert_eq!(rounded(level(30.0), level(3.0), 16.0), level(19.0));
        assert_eq!(rounded(level(-9.0), level(3.0), 16.0), 0.0);
        // 2.5 to 4.5 is allowed, and 4.4 would be rounded to 4; 4.5 to 5.
        assert_eq!(rounded(level(4.5), level(3.5), 1.0), level(4.0));
        assert_eq!(rounded(0.9, level(3.4), 0.1), level(3.4));
    }
}
