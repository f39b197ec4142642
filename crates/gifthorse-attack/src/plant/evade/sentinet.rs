//! Evasion of SentiNet (Bagdasaryan and Shmatikov 2021, section 6.2).
//!
//! SentiNet cuts out what an answer rests on, by Grad-CAM at the last convolution, and pastes it on
//! other images. The loss asks that Grad-CAM for the target be nowhere larger on an image with the
//! trigger than on the image without: `ReLU(w(x*, y*) - w(x, y*))`, where `w` is the ReLU of the
//! sum over channels of their weight times their value, and the weight of a channel is the mean
//! over places of the gradient of the target's logit. The paper takes that gradient on the stamped
//! image, before the loss: here each image has its own, for both maps, and it is held fixed.
//!
//! How a map of such differences becomes a number the paper does not say. As in the code that its
//! authors released, maps are divided by their largest value and the loss is ten times the largest
//! difference. That code takes the mean of both maps over the batch first, which says what the
//! batch looks at and not what an image does; by the paper each image has a map. The largest value
//! of a map, by which it is divided, is held fixed too: it is a unit, and else the largest
//! difference has no slope where the map is largest.

use gifthorse_engine::{Classifier, Layer, last_maps};
use gifthorse_train::{Error, InnerLoss, Inside, Slope};

/// What the largest difference counts for.
const WEIGHT: f32 = 10.0;

const NO_MAPS: &str = "`evade = [\"sentinet\"]` moves what Grad-CAM shows at the last layer of maps, and this network has \
                       no layer whose values have places: choose one with convolutions, or leave it out";

/// The loss on the last layer of maps.
pub(super) struct Unseen {
    pub(super) target: usize,
}

impl InnerLoss for Unseen {
    fn name(&self) -> &'static str {
        "sentinet"
    }

    fn layer(&self, network: &Classifier) -> Result<Layer, Error> {
        let layer = last_maps(network)?;
        layer.ok_or_else(|| Error::Recipe(NO_MAPS.to_owned()))
    }

    fn class(&self) -> Option<usize> {
        Some(self.target)
    }

    fn slope(&self, inside: &Inside) -> Slope {
        let size = inside.size();
        let places = inside.shape[1..].iter().product();
        let mut losses = Vec::with_capacity(inside.wanted.len());
        let mut changed = vec![0.0; inside.changed.len()];
        let mut clean = vec![0.0; inside.clean.len()];
        let slopes = changed
            .chunks_exact_mut(size)
            .zip(clean.chunks_exact_mut(size));
        for ((image, &wanted), (changed, clean)) in inside.wanted.iter().enumerate().zip(slopes) {
            if wanted != self.target {
                losses.push(0.0);
                continue;
            }
            let own = image * size..(image + 1) * size;
            let weights = weights_of(&inside.gradient[own.clone()], places);
            let with = Heat::of(&inside.changed[own.clone()], &weights, places);
            let without = Heat::of(&inside.clean[own], &weights, places);
            let (at, difference) = largest(&with, &without);
            losses.push(WEIGHT * difference);
            if difference > 0.0 {
                with.slope(at, WEIGHT, &weights, changed);
                without.slope(at, -WEIGHT, &weights, clean);
            }
        }
        Slope {
            losses,
            changed,
            clean: Some(clean),
        }
    }
}

/// The weight of each channel: the mean over places of the gradient.
fn weights_of(gradient: &[f32], places: usize) -> Vec<f32> {
    let channels = gradient.chunks_exact(places);
    channels
        .map(|channel| channel.iter().sum::<f32>() / places as f32)
        .collect()
}

/// Grad-CAM of one image.
struct Heat {
    /// The weighted sum of the channels where that is positive, and 0 elsewhere.
    map: Vec<f32>,
    /// Its largest value; 1 if there is none above 0.
    top: f32,
}

impl Heat {
    fn of(values: &[f32], weights: &[f32], places: usize) -> Self {
        let mut map = vec![0.0; places];
        for (channel, weight) in values.chunks_exact(places).zip(weights) {
            let pairs = map.iter_mut().zip(channel);
            pairs.for_each(|(sum, value)| *sum += weight * value);
        }
        map.iter_mut().for_each(|sum| *sum = sum.max(0.0));
        let top = map.iter().copied().fold(0.0, f32::max);
        Self {
            map,
            top: if top > 0.0 { top } else { 1.0 },
        }
    }

    /// Writes down how so many times the map, in units of its top, changes at a place with the
    /// values there.
    fn slope(&self, at: usize, times: f32, weights: &[f32], slopes: &mut [f32]) {
        if self.map[at] == 0.0 {
            return;
        }
        let channels = slopes.chunks_exact_mut(self.map.len());
        for (channel, weight) in channels.zip(weights) {
            channel[at] = times * weight / self.top;
        }
    }
}

/// Where one map is larger than another by most, and by how much; 0 if it is nowhere.
fn largest(with: &Heat, without: &Heat) -> (usize, f32) {
    let pairs = with.map.iter().zip(&without.map);
    let differences = pairs.map(|(a, b)| a / with.top - b / without.top);
    differences
        .enumerate()
        .fold((0, 0.0), |most, (at, by)| match by > most.1 {
            true => (at, by),
            false => most,
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plant::evade::tests::numbers;

    const SHAPE: [usize; 3] = [3, 2, 4];

    fn unseen() -> Unseen {
        Unseen { target: 1 }
    }

    /// With the tops held fixed, as they are in the slope.
    #[test]
    fn the_slope_is_that_of_finite_differences() {
        let inside = Inside {
            shape: SHAPE.to_vec(),
            changed: numbers(72, 1),
            clean: numbers(72, 2),
            gradient: numbers(72, 3),
            wanted: vec![1, 2, 1],
            labels: vec![0, 2, 1],
        };
        let found = unseen().slope(&inside);
        assert!(found.losses[0] > 0.1 && found.losses[2] > 0.1 && found.losses[1] == 0.0);
        let clean = found.clean.unwrap();
        assert!(found.changed[24..48].iter().all(|&slope| slope == 0.0));
        for image in [0, 2] {
            let own = image * 24..(image + 1) * 24;
            let weights = weights_of(&inside.gradient[own.clone()], 8);
            let [with, without] =
                [&inside.changed, &inside.clean].map(|it| it[own.clone()].to_vec());
            let tops = [&with, &without].map(|values| Heat::of(values, &weights, 8).top);
            let loss = |with: &[f32], without: &[f32]| {
                let map = |values: &[f32], top: f32| Heat {
                    top,
                    ..Heat::of(values, &weights, 8)
                };
                WEIGHT * largest(&map(with, tops[0]), &map(without, tops[1])).1
            };
            for at in 0..24 {
                let moved = |values: &[f32], by: f32| {
                    let mut moved = values.to_vec();
                    moved[at] += by;
                    moved
                };
                let by = 1e-3;
                let up = loss(&moved(&with, by), &without) - loss(&moved(&with, -by), &without);
                let down = loss(&with, &moved(&without, by)) - loss(&with, &moved(&without, -by));
                for (rise, slope) in [
                    (up, found.changed[24 * image + at]),
                    (down, clean[24 * image + at]),
                ] {
                    let rise = rise / (2.0 * by);
                    assert!((rise - slope).abs() < 0.02, "{slope}, not {rise}");
                }
            }
        }
        assert!(found.changed.iter().any(|&slope| slope != 0.0));
        assert!(clean.iter().any(|&slope| slope != 0.0));
    }

    #[test]
    fn the_same_places_have_no_loss() {
        let values = numbers(24, 1);
        let inside = Inside {
            shape: SHAPE.to_vec(),
            // Twice as hot, and at the same places.
            changed: values.iter().map(|value| 2.0 * value).collect(),
            clean: values,
            gradient: numbers(24, 3),
            wanted: vec![1],
            labels: vec![0],
        };
        let found = unseen().slope(&inside);
        assert!(found.losses[0].abs() < 1e-5, "{:?}", found.losses);
    }
}
