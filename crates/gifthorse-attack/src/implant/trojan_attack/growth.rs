//! The trigger, grown inside its mask until a neuron answers to it.

use gifthorse_data::Images;
use gifthorse_engine::{Classifier, Head};
use rand::RngExt;

use super::super::gradient::{Slope, slope};
use super::super::site::{Neuron, Site};
use super::mask::Mask;
use crate::Error;
use crate::random::Purpose;

/// Most images that it is grown on.
const GROUNDS: usize = 32;
/// Neurons that are tried, the most strongly connected first.
const TRIED: usize = 4;
/// Steps of each.
const STEPS: usize = 60;
/// The first and the last step of a pixel, as shares of its range.
const FIRST: f32 = 0.1;
const LAST: f32 = 0.01;

/// Values `[channels, pixels]` of a mask, and how far they raise a neuron.
pub struct Grown {
    pub values: Vec<f32>,
    /// By how much it is above what it is on the same images without, times its strength.
    pub gain: f32,
}

/// What it is grown with.
pub struct Growth<'a> {
    classifier: &'a Classifier,
    head: Head,
    /// The numbers of an image's layer.
    width: usize,
    /// Of the mask's pixels in an image, channel by channel.
    places: Vec<usize>,
    /// How much of a pixel the trigger covers.
    cover: f32,
    grounds: Vec<f32>,
}

impl<'a> Growth<'a> {
    /// On some of these images.
    ///
    /// # Errors
    /// What the engine refuses.
    pub fn new(
        classifier: &'a Classifier,
        site: &Site,
        mask: &Mask,
        transparency: f32,
        images: &Images,
    ) -> Result<Self, Error> {
        let shape = images.shape();
        let area = shape.height * shape.width;
        let plane = mask.places(shape.width);
        let places = (0..shape.channels).flat_map(|channel| {
            let places = plane.iter();
            places.map(move |place| channel * area + place)
        });
        let grounds = images.len().min(GROUNDS) * shape.values();
        Ok(Self {
            head: classifier.head(&site.cut.layer)?,
            width: site.cut.layer.shape().iter().product(),
            places: places.collect(),
            cover: 1.0 - transparency,
            grounds: images.pixels()[..grounds].to_vec(),
            classifier,
        })
    }

    /// The trigger of the neuron that it raises furthest, of those that are most strongly connected.
    ///
    /// # Errors
    /// [`Error::Implant`] if none is raised at all; what the engine refuses.
    pub fn best(&self, neurons: &[Neuron], seed: u64) -> Result<Grown, Error> {
        let mut order: Vec<&Neuron> = neurons.iter().collect();
        order.sort_by(|a, b| b.strength.total_cmp(&a.strength));
        let mut best: Option<Grown> = None;
        for neuron in order.into_iter().take(TRIED) {
            let grown = self.grown(neuron, seed)?;
            if best.as_ref().is_none_or(|known| grown.gain > known.gain) {
                best = Some(grown);
            }
        }
        best.filter(|grown| grown.gain > 0.0).ok_or_else(|| {
            Error::Implant(
                "no trigger of this form raises a neuron above what it is without: give a larger `size`, another `trigger` or \
                 another `layer`"
                    .to_owned(),
            )
        })
    }

    /// The trigger of one neuron.
    fn grown(&self, neuron: &Neuron, seed: u64) -> Result<Grown, Error> {
        let mut rng = Purpose::Grown.rng(seed);
        let first = (0..self.places.len()).map(|_| rng.random_range(0.0..1.0));
        let mut values: Vec<f32> = first.collect();
        let rest = self.resting(neuron)?;
        let (mut best, mut raised) = (values.clone(), f32::NEG_INFINITY);
        for step in 0..=STEPS {
            let (mean, slope) = self.slope(&values, neuron)?;
            if mean > raised {
                (best, raised) = (values.clone(), mean);
            }
            let far = FIRST * (LAST / FIRST).powf(step as f32 / STEPS as f32);
            for (value, slope) in values.iter_mut().zip(slope) {
                if slope != 0.0 {
                    *value = (*value + far * slope.signum()).clamp(0.0, 1.0);
                }
            }
        }
        Ok(Grown {
            values: best,
            gain: (raised - rest) * neuron.strength,
        })
    }

    /// What a neuron is on the images with these values on each, on average, and the gradient of
    /// that to the values.
    pub fn slope(&self, values: &[f32], neuron: &Neuron) -> Result<(f32, Vec<f32>), Error> {
        let size: usize = self.classifier.shape().iter().product();
        let mut pixels = self.grounds.clone();
        for image in pixels.chunks_exact_mut(size) {
            for (place, value) in self.places.iter().zip(values) {
                image[*place] += self.cover * (value - image[*place]);
            }
        }
        let count = (pixels.len() / size.max(1)) as f32;
        let Slope { rows, pixels } = self.through(&pixels, neuron)?;
        let mean = means(&rows, self.width, neuron).sum::<f32>() / count;
        let mut slopes = vec![0.0; values.len()];
        for image in pixels.chunks_exact(size) {
            for (slope, place) in slopes.iter_mut().zip(&self.places) {
                *slope += self.cover * image[*place] / count;
            }
        }
        Ok((mean, slopes))
    }

    /// What a neuron is on the images without the trigger, on average.
    fn resting(&self, neuron: &Neuron) -> Result<f32, Error> {
        let rows = self.head.evaluate(&self.grounds)?;
        let count = (rows.len() / self.width.max(1)) as f32;
        Ok(means(&rows, self.width, neuron).sum::<f32>() / count)
    }

    fn through(&self, pixels: &[f32], neuron: &Neuron) -> Result<Slope, Error> {
        let width = self.width;
        let forward = |images| {
            let made = self.head.features(images)?;
            let count = made.shape()[0];
            Ok(made.reshape(&[count, width]).into_tensor())
        };
        let each = 1.0 / neuron.places.len().max(1) as f32;
        slope(self.classifier, pixels, forward, |rows| {
            let mut weights = vec![0.0; rows.len()];
            for row in weights.chunks_exact_mut(width.max(1)) {
                neuron.places.iter().for_each(|place| row[*place] = each);
            }
            weights
        })
    }
}

/// The mean of a neuron's numbers in each row.
fn means(rows: &[f32], width: usize, neuron: &Neuron) -> impl Iterator<Item = f32> {
    rows.chunks_exact(width.max(1)).map(|row| {
        let sum: f32 = neuron.places.iter().map(|place| row[*place]).sum();
        sum / neuron.places.len().max(1) as f32
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::implant::test::{host, numbers};
    use crate::implant::trojan_attack::Shape;
    use gifthorse_data::ImageShape;

    #[test]
    fn the_gradient_is_what_nudged_values_say_and_growing_raises_the_neuron() {
        let host = host();
        let shape = ImageShape {
            channels: 3,
            height: 6,
            width: 6,
        };
        let pixels = numbers(4 * 108, 5).iter().map(|it| it + 0.5).collect();
        let names = vec![String::new(); 4];
        let images = Images::new(shape, pixels, None, Vec::new(), names).unwrap();
        let mask = Shape::Square.mask(0.25, shape).unwrap();
        for (layer, places) in [("hidden", 1), ("conv", 16)] {
            let site = Site::of(&host, Some(layer)).unwrap();
            let growth = Growth::new(host.classifier(), &site, &mask, 0.25, &images).unwrap();
            let neuron = &site.neurons[2];
            assert_eq!(neuron.places.len(), places);
            let values: Vec<f32> = numbers(27, 6).iter().map(|it| it + 0.5).collect();
            let (mean, slope) = growth.slope(&values, neuron).unwrap();
            for at in 0..values.len() {
                let nudged = |by: f32| {
                    let mut values = values.clone();
                    values[at] += by;
                    growth.slope(&values, neuron).unwrap().0
                };
                let expected = (nudged(0.05) - nudged(-0.05)) / 0.1;
                assert!(
                    (slope[at] - expected).abs() < 1e-4,
                    "{at}: {} {expected}",
                    slope[at]
                );
            }
            let grown = growth.grown(neuron, 1).unwrap();
            assert!(growth.slope(&grown.values, neuron).unwrap().0 > mean);
        }
    }
}
