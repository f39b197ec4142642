//! Which records of a part are taken, and under which labels; decided on labels alone, before
//! anything is decoded.

use std::collections::{HashMap, HashSet};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::Source;
use crate::sample::balanced_sample;
use crate::{Error, Images, Split};

/// Random streams: the coin of near-duplicate classes, for either part.
const COIN: u64 = 1 << 32;

/// A draw from one part.
pub(super) struct Draw<'a> {
    pub source: &'a Source,
    pub split: Split,
    /// Most records to draw; all if `None`.
    pub wanted: Option<usize>,
}

/// What was drawn.
pub(super) struct Drawn {
    /// Records, ascending.
    pub records: Vec<usize>,
    /// The label of each.
    labels: Vec<usize>,
    /// The name of each class.
    names: Vec<String>,
}

impl Draw<'_> {
    /// Draws from records with these labels and class names.
    pub fn draw(&self, labels: &[usize], names: Vec<String>) -> Result<Drawn, Error> {
        let known = names.len();
        let chosen = self.chosen(known)?;
        let new_label: HashMap<usize, usize> = chosen.iter().copied().zip(0..).collect();
        let mut records = Vec::new();
        let mut new_labels = Vec::new();
        for (record, label) in labels.iter().enumerate() {
            if let Some(&label) = new_label.get(label) {
                records.push(record);
                new_labels.push(label);
            }
        }
        let mut names: Vec<String> = chosen.iter().map(|&class| names[class].clone()).collect();
        self.duplicate(&mut new_labels, &mut names)?;
        if names.len() < 2 {
            return Err(Error::Source(format!(
                "{} class leaves nothing to tell apart; take at least two (`classes`)",
                names.len()
            )));
        }
        let places = self.places(&new_labels, names.len())?;
        Ok(Drawn {
            records: places.iter().map(|&place| records[place]).collect(),
            labels: places.iter().map(|&place| new_labels[place]).collect(),
            names,
        })
    }

    /// The classes asked for, in their order.
    fn chosen(&self, known: usize) -> Result<Vec<usize>, Error> {
        let classes = &self.source.classes;
        if classes.is_empty() {
            return Ok((0..known).collect());
        }
        let mut seen = HashSet::new();
        for &class in classes {
            self.check_class("classes", class, known)?;
            if !seen.insert(class) {
                return Err(Error::Source(format!(
                    "class {class} is named twice (`classes`)"
                )));
            }
        }
        Ok(classes.clone())
    }

    /// Deals the images of near-duplicate classes to two labels, and names the new ones.
    fn duplicate(&self, labels: &mut [usize], names: &mut Vec<String>) -> Result<(), Error> {
        let classes = names.len();
        for &class in &self.source.near_duplicates {
            self.check_class("near_duplicates", class, classes)?;
            let twin = names.len();
            names.push(format!("{} (twin)", names[class]));
            let mut coin = ChaCha8Rng::seed_from_u64(self.source.seed);
            coin.set_stream(COIN + 2 * twin as u64 + u64::from(self.split == Split::Test));
            for label in labels.iter_mut().filter(|label| **label == class) {
                if coin.random_bool(0.5) {
                    *label = twin;
                }
            }
        }
        Ok(())
    }

    fn check_class(&self, key: &'static str, class: usize, classes: usize) -> Result<(), Error> {
        if class < classes {
            return Ok(());
        }
        Err(Error::NoSuchClass {
            key,
            class,
            set: self.source.set.to_string(),
            classes,
        })
    }

    /// Places among `labels` that are taken, ascending.
    fn places(&self, labels: &[usize], classes: usize) -> Result<Vec<usize>, Error> {
        let mut counts = vec![0; classes];
        labels.iter().for_each(|&label| counts[label] += 1);
        if let Some(class) = counts.iter().position(|&count| count == 0) {
            return Err(Error::Source(format!(
                "class {class} has no {} images",
                self.split
            )));
        }
        let seed = self.source.seed;
        let places = match (self.source.imbalance, self.split) {
            (Some(imbalance), Split::Train) => {
                let sizes = profile(&counts, imbalance, self.wanted);
                let of_class = |(class, size): (usize, usize)| {
                    let places: Vec<usize> = (0..labels.len())
                        .filter(|&place| labels[place] == class)
                        .collect();
                    let drawn = balanced_sample(&vec![class; places.len()], size, seed);
                    drawn.into_iter().map(move |place| places[place])
                };
                let mut places: Vec<usize> =
                    sizes.into_iter().enumerate().flat_map(of_class).collect();
                places.sort_unstable();
                places
            }
            _ => balanced_sample(labels, self.wanted.unwrap_or(labels.len()), seed),
        };
        if places.len() < classes {
            return Err(Error::Source(format!(
                "{} {} images are fewer than the {classes} classes",
                places.len(),
                self.split
            )));
        }
        Ok(places)
    }
}

/// Images of each class: the last has the share `imbalance` of the first and those between follow
/// an exponential, as many as there are and at most `wanted` in all, at least one each.
fn profile(counts: &[usize], imbalance: f64, wanted: Option<usize>) -> Vec<usize> {
    let last = (counts.len() - 1) as f64;
    let weights: Vec<f64> = (0..counts.len())
        .map(|class| imbalance.powf(class as f64 / last))
        .collect();
    let most = counts.iter().zip(&weights);
    let most = most.map(|(&count, weight)| count as f64 / weight);
    let scale = most.fold(f64::INFINITY, f64::min);
    let scale = wanted.map_or(scale, |wanted| {
        scale.min(wanted as f64 / weights.iter().sum::<f64>())
    });
    // A whole number may come out of the sums just below itself.
    let sizes = weights
        .iter()
        .map(|weight| (scale * weight + 1e-9) as usize);
    sizes.map(|size| size.max(1)).collect()
}

impl Drawn {
    /// `images`, which are the records drawn, under their new labels.
    pub fn relabel(&self, images: Images) -> Result<Images, Error> {
        let images = images.with_class_names(Vec::new())?;
        images
            .with_labels(self.labels.clone())?
            .with_class_names(self.names.clone())
    }

    /// As [`Self::relabel`] where some of the records drawn may be missing: `name` gives that of
    /// each.
    pub fn relabel_named(
        &self,
        images: Images,
        name: impl Fn(usize) -> String,
    ) -> Result<Images, Error> {
        let all = self.records.iter().zip(&self.labels);
        let mut all = all.map(|(&record, &label)| (name(record), label));
        let mut labels = Vec::with_capacity(images.len());
        for image in images.names() {
            // Both are in the order of the records.
            if let Some((_, label)) = all.by_ref().find(|(name, _)| name == image) {
                labels.push(label);
            }
        }
        images
            .with_labels(labels)?
            .with_class_names(self.names.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_falls_to_the_share_asked_for() {
        assert_eq!(profile(&[1000, 1000, 1000], 0.01, None), [1000, 100, 10]);
        assert_eq!(profile(&[1000, 50, 1000], 0.01, None), [500, 50, 5]);
        assert_eq!(profile(&[1000; 3], 0.01, Some(111)), [100, 10, 1]);
        assert_eq!(profile(&[5, 5], 0.01, None), [5, 1]);
    }
}
