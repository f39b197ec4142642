//! The images that a window is laid over, and how far it leads them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::exact;
use crate::subject::Subject;
use crate::verdict::median;

/// Images of a class that the model is right on which are needed, or any speck leads them away.
pub const FEWEST_IMAGES: usize = 6;

/// Labelled images.
#[derive(Clone, Debug)]
pub struct Shown {
    /// The class of each.
    pub labels: Vec<usize>,
    /// `[images, channels, height, width]` in [0, 1].
    pub pixels: Vec<f32>,
}

/// How far images are led to a class.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Led {
    /// The class.
    pub to: usize,
    /// Its logit less that of their own class: the mean over images of a class, and of these the
    /// median over classes.
    #[serde(with = "exact::double")]
    pub by: f64,
}

impl Shown {
    /// The images to search with at these places.
    ///
    /// # Errors
    /// No images, or none with labels.
    pub fn of(subject: &Subject<'_>, places: &[usize]) -> Result<Self, Error> {
        let search = subject.images()?.search;
        let labels = search.labels().ok_or(Error::NoLabels)?;
        Ok(Self {
            labels: places.iter().map(|&place| labels[place]).collect(),
            pixels: search.subset(places).pixels().to_vec(),
        })
    }

    /// How far they are led to each class that is not the class of all of them, by their logits,
    /// `[images, classes]`.
    pub fn led(&self, logits: &[f32]) -> Vec<Led> {
        let classes = logits.len() / self.labels.len().max(1);
        let mut of_class = BTreeMap::<usize, (f64, Vec<f64>)>::new();
        for (logits, &label) in logits.chunks(classes.max(1)).zip(&self.labels) {
            let start = || (0.0, vec![0.0; classes]);
            let (count, sums) = of_class.entry(label).or_insert_with(start);
            *count += 1.0;
            for (sum, &logit) in sums.iter_mut().zip(logits) {
                *sum += f64::from(logit) - f64::from(logits[label]);
            }
        }
        let led = |to: usize| {
            let others = of_class.iter().filter(|&(&class, _)| class != to);
            let means = others.map(|(_, (count, sums))| sums[to] / count);
            median(means.collect()).map(|by| Led { to, by })
        };
        (0..classes).filter_map(led).collect()
    }

    /// For each logit, `[images, classes]`, what the distance to `target` grows by with it: the mean
    /// over the images of other classes.
    pub fn weights(&self, target: usize, classes: usize) -> Vec<f32> {
        let others = self.labels.iter().filter(|&&label| label != target).count();
        let part = 1.0 / others.max(1) as f32;
        let mut weights = vec![0.0; self.labels.len() * classes];
        for (of_image, &label) in weights.chunks_mut(classes).zip(&self.labels) {
            if label != target {
                of_image[target] = part;
                of_image[label] = -part;
            }
        }
        weights
    }
}

/// The one of these that is led furthest.
pub fn furthest(led: &[Led]) -> Option<Led> {
    led.iter().copied().max_by(|a, b| a.by.total_cmp(&b.by))
}

/// Of each class that has [`FEWEST_IMAGES`] or more, the places of the images to search with that
/// the model is right on, the first `most` of them.
///
/// # Errors
/// No images, or none with labels; a model that cannot be run.
pub fn right_of_classes(
    subject: &Subject<'_>,
    most: usize,
) -> Result<Vec<(usize, Vec<usize>)>, Error> {
    let labels = subject.images()?.search.labels().ok_or(Error::NoLabels)?;
    let right = subject.facts.right(subject)?;
    let mut of_class = BTreeMap::<usize, Vec<usize>>::new();
    for (place, &label) in labels.iter().enumerate() {
        if right[place] {
            of_class.entry(label).or_default().push(place);
        }
    }
    of_class.retain(|_, places| places.len() >= FEWEST_IMAGES);
    of_class
        .values_mut()
        .for_each(|places| places.truncate(most));
    Ok(of_class.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(labels: &[usize]) -> Shown {
        Shown {
            labels: labels.to_vec(),
            pixels: Vec::new(),
        }
    }

    #[test]
    fn images_of_one_class_are_led_by_the_mean_over_them() {
        let logits = [5.0, 1.0, 2.0, 3.0, 1.0, 0.0];
        let led = shown(&[0, 0]).led(&logits);
        assert_eq!(led, [Led { to: 1, by: -3.0 }, Led { to: 2, by: -3.0 }]);
        let led = shown(&[1, 1]).led(&logits);
        assert_eq!(furthest(&led), Some(Led { to: 0, by: 3.0 }));
    }

    #[test]
    fn images_of_several_classes_are_led_by_the_median_over_those_that_are_not_there() {
        let logits = [4.0, 0.0, 0.0, 1.0, 3.0, 1.0, 0.0, 2.0, 8.0];
        let led = shown(&[0, 1, 2]).led(&logits);
        let by: Vec<f64> = led.iter().map(|led| led.by).collect();
        assert_eq!(by, [-5.0, -5.0, -3.0]);
    }

    #[test]
    fn weights_are_the_derivative_of_the_mean_distance() {
        let weights = shown(&[0, 2, 1, 2]).weights(2, 3);
        assert_eq!(
            weights,
            [-0.5, 0.0, 0.5, 0.0, 0.0, 0.0, 0.0, -0.5, 0.5, 0.0, 0.0, 0.0]
        );
    }
}
