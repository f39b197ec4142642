//! The weights of source classes: more for those whose images go to the target.

use std::collections::BTreeMap;

/// How many source classes there are, how much each counts, and which images are of each.
#[derive(Clone, Debug, PartialEq)]
pub struct Sources {
    /// Of each image, the place of its class among the sources.
    of_image: Vec<usize>,
    /// Images of each source.
    images: Vec<usize>,
    /// They sum to 1.
    weights: Vec<f64>,
}

impl Sources {
    /// Of images of these classes, which count alike.
    pub fn new(labels: &[usize]) -> Self {
        let mut places = BTreeMap::<usize, usize>::new();
        let mut images = Vec::new();
        let of_image = labels.iter().map(|&label| {
            let next = places.len();
            let place = *places.entry(label).or_insert(next);
            images.resize(places.len(), 0);
            images[place] += 1;
            place
        });
        let of_image: Vec<usize> = of_image.collect();
        let weights = vec![1.0 / images.len().max(1) as f64; images.len()];
        Self {
            of_image,
            images,
            weights,
        }
    }

    /// With the same weights as before.
    pub fn with_weights(self, weights: Vec<f64>) -> Self {
        Self { weights, ..self }
    }

    /// How much each source counts.
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// How much each image counts: its share of its class.
    pub fn of_images(&self) -> Vec<f32> {
        let weight = |&place: &usize| (self.weights[place] / self.images[place] as f64) as f32;
        self.of_image.iter().map(weight).collect()
    }

    /// The weights that minimise the weighted loss less the entropy of the weights, at the
    /// temperature that the paper's program takes: half of minus the logarithm of the weighted
    /// share of images at the target (Xiang et al. 2021). While none is there, all count alike.
    pub fn weigh(&mut self, there: &[bool]) {
        let mut led = vec![0.0; self.images.len()];
        for (&place, _) in self.of_image.iter().zip(there).filter(|(_, there)| **there) {
            led[place] += 1.0 / self.images[place] as f64;
        }
        let expected: f64 = led
            .iter()
            .zip(&self.weights)
            .map(|(led, by)| led * by)
            .sum();
        let temperature = -0.5 * expected.ln();
        if temperature <= 0.0 {
            return;
        }
        let most = led.iter().copied().fold(0.0, f64::max);
        let share = |led: &f64| match expected > 0.0 {
            true => ((led - most) / temperature).exp(),
            false => 1.0,
        };
        let shares: Vec<f64> = led.iter().map(share).collect();
        let sum: f64 = shares.iter().sum();
        self.weights = shares.into_iter().map(|share| share / sum).collect();
    }

    /// For how many sources the weights are: as many as weigh alike with the same entropy.
    pub fn count(&self) -> f64 {
        let positive = self.weights.iter().filter(|&&weight| weight > 0.0);
        let entropy: f64 = positive.map(|weight| -weight * weight.ln()).sum();
        entropy.exp()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_source_counts_alike_at_first_however_many_images_it_has() {
        let sources = Sources::new(&[4, 7, 7, 7]);
        let weights = sources.of_images();
        let expected = [0.5, 1.0 / 6.0, 1.0 / 6.0, 1.0 / 6.0];
        let near = weights.iter().zip(expected);
        assert!(
            near.into_iter().all(|(a, b)| (a - b).abs() < 1e-6),
            "{weights:?}"
        );
        assert!((sources.count() - 2.0).abs() < 1e-9);
    }

    #[test]
    fn those_whose_images_go_count_more() {
        let mut sources = Sources::new(&[0, 0, 1, 1, 2, 2]);
        sources.weigh(&[true, true, false, false, false, false]);
        // A third goes: the weights are in the ratio exp(2 / ln 3) to 1.
        let ratio = sources.weights()[0] / sources.weights()[1];
        assert!((ratio.ln() - 2.0 / 3.0_f64.ln()).abs() < 1e-9, "{ratio}");
        assert_eq!(sources.weights()[1], sources.weights()[2]);
        let sum: f64 = sources.weights().iter().sum();
        assert!((sum - 1.0).abs() < 1e-12);
        // The more go, the lower the temperature.
        sources.weigh(&[true, true, false, false, false, false]);
        assert!(sources.weights()[0] / sources.weights()[1] > ratio);
        assert!(sources.count() < 1.5);
    }

    #[test]
    fn where_none_or_all_go_nothing_is_weighed() {
        let mut sources = Sources::new(&[0, 1]);
        for there in [[false, false], [true, true]] {
            sources.weigh(&there);
            assert_eq!(sources.weights(), [0.5, 0.5]);
        }
    }
}
