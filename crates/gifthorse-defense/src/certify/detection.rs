//! Certified detection (Xiang et al. 2023): a backdoor that would be found, whatever its trigger.
//!
//! # What it does
//! Asks the model about many copies of clean images of all classes, each with normal noise on its
//! pixels, and takes the class that is answered most. Images that a trigger leads to a class so
//! surely that noise hardly hinders it lie near images that are clean: where a trigger is short
//! beside the noise, copies of the clean images themselves go there. The share of that class is
//! held against clean models of the same task, and what is beyond them is flagged. From the same
//! numbers follows a length of triggers below which a backdoor *cannot* stay below.
//!
//! # Threat model
//! A backdoor of any kind that leads images of every class to one. Its trigger changes each image
//! by less than a length, over all pixel values in [0, 1], and works in spite of noise. Needs no
//! inside view of the model, but clean models to measure by.
//!
//! # Statistic
//! The *local dominant probability*: the largest, over the classes, of the mean share of noisy
//! copies that are given the class, each class of images counting alike. Large is suspicious. Of
//! `N` clean models `k` have one at least as large: p = (1 + k) / (1 + N), which is a true one
//! whatever its distribution, if the model would be one more of them (conformal prediction). By
//! Neyman and Pearson an image whose stamped copies go to the target with a probability of `r` has
//! clean copies that go there with at least `Phi(Phi^-1(r) - length / sigma)`. So all triggers that
//! are shorter than `sigma * (Phi^-1(r) - Phi^-1(threshold))` are found.
//!
//! # Cost
//! As many passes as copies for each image, of the model and of each clean one.
//!
//! # Known failures
//! Most triggers are longer than what is certified, as they are for smoothing itself. With much
//! noise clean models give one class to nearly all copies, so that nothing is beyond them; with
//! little the lengths are short. Single sources and all to all are not covered. An error rate of 5
//! % takes nineteen clean models at least.
//!
//! # References
//! Z. Xiang, Z. Xiong, B. Li, "CBD: A Certified Backdoor Detector Based on Local Dominant
//! Probability", NeurIPS 2023. Of the clean models the authors leave out the largest fifth; here
//! none is, since a p-value is one only so. They take one image of each class; all that the model
//! is right on are taken here, and what chance leaves open is in the threshold.

use gifthorse_engine::Classifier;
use statrs::distribution::{ContinuousCDF, Normal};

use super::{Smoothing, counts};
use crate::error::Error;

/// How noisy copies of images are answered, every class of images counting alike.
#[derive(Clone, Debug, PartialEq)]
pub struct Around {
    smoothing: Smoothing,
    /// For each image how many of the copies are given each class.
    counts: Vec<Vec<usize>>,
    /// What each image counts for; together 1.
    weights: Vec<f64>,
}

/// The class that most noisy copies are given.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dominant {
    /// The class.
    pub class: usize,
    /// Its mean share, the local dominant probability.
    pub probability: f64,
}

impl Around {
    /// Asks about noisy copies of images, `[images, channels, height, width]` with values in
    /// [0, 1], each with its label. `seed` draws the noise, of each image by its place.
    ///
    /// # Errors
    /// As [`Smoothing::certify`]; no images, or not as many as labels.
    pub fn images(
        classifier: &Classifier,
        (pixels, labels): (&[f32], &[usize]),
        smoothing: Smoothing,
        seed: u64,
    ) -> Result<Self, Error> {
        let counts = smoothing.of_each(classifier, pixels, seed, |image, noise, rng| {
            counts(classifier, image, smoothing.counting, noise, rng)
        })?;
        if counts.is_empty() || counts.len() != labels.len() {
            let (images, labels) = (counts.len(), labels.len());
            return Err(Error::CannotCertify(format!(
                "{images} images with {labels} labels: as many are needed, and one at least"
            )));
        }
        Ok(Self {
            smoothing,
            counts,
            weights: weights(labels),
        })
    }

    /// For each class its mean share of the copies.
    #[must_use]
    pub fn probabilities(&self) -> Vec<f64> {
        let classes = self.counts.first().map_or(0, Vec::len);
        let images = || self.counts.iter().zip(&self.weights);
        let copies = self.smoothing.counting as f64;
        let share = |class: usize| {
            let given = images().map(|(counts, weight)| weight * counts[class] as f64);
            given.sum::<f64>() / copies
        };
        (0..classes).map(share).collect()
    }

    /// The largest of them; of equal ones the first.
    #[must_use]
    pub fn dominant(&self) -> Dominant {
        let first = Dominant {
            class: 0,
            probability: 0.0,
        };
        let shares = self.probabilities().into_iter().enumerate();
        shares.fold(first, |most, (class, probability)| {
            match probability > most.probability {
                true => Dominant { class, probability },
                false => most,
            }
        })
    }

    /// How far below its true value a share is at most, but with the probability of a wrong
    /// certificate (Hoeffding's inequality).
    #[must_use]
    pub fn margin(&self) -> f64 {
        let squares: f64 = self.weights.iter().map(|weight| weight * weight).sum();
        let copies = self.smoothing.counting as f64;
        ((1.0 / self.smoothing.alpha).ln() * squares / (2.0 * copies)).sqrt()
    }

    /// The share of the target among noisy copies of *clean* images is at least this, if these are
    /// the same images with a trigger that changes them by these lengths. Each image's own part
    /// is wrong with the probability of a wrong certificate.
    ///
    /// # Errors
    /// Not as many lengths as images.
    pub fn without_trigger(&self, target: usize, lengths: &[f64]) -> Result<f64, Error> {
        if lengths.len() != self.counts.len() {
            let (lengths, images) = (lengths.len(), self.counts.len());
            return Err(Error::CannotCertify(format!(
                "{lengths} lengths for {images} images"
            )));
        }
        let images = self.counts.iter().zip(&self.weights).zip(lengths);
        let parts = images.map(|((counts, weight), length)| {
            let stamped = self.smoothing.at_least(counts[target])?;
            Ok(weight * at_distance(stamped, length / self.smoothing.sigma))
        });
        parts.sum()
    }

    /// The smallest share of the target among noisy copies of an image: how surely a trigger works
    /// in spite of the noise, if these images carry one.
    #[must_use]
    pub fn robustness(&self, target: usize) -> f64 {
        let given = self.counts.iter().map(|counts| counts[target]).min();
        given.unwrap_or(0) as f64 / self.smoothing.counting as f64
    }
}

/// Every class alike, and in it every image.
fn weights(labels: &[usize]) -> Vec<f64> {
    let mut images = vec![0.0; labels.iter().max().map_or(0, |&class| class + 1)];
    labels.iter().for_each(|&class| images[class] += 1.0);
    let classes = images.iter().filter(|&&images| images > 0.0).count() as f64;
    let weight = |&class: &usize| 1.0 / (classes * images[class]);
    labels.iter().map(weight).collect()
}

/// The least probability around a point that lies so many deviations of the noise away from one
/// around which it is `probability`.
fn at_distance(probability: f64, deviations: f64) -> f64 {
    let standard = Normal::standard();
    standard.cdf(standard.inverse_cdf(probability) - deviations)
}

/// Clean models that a statistic is held against.
#[derive(Clone, Debug, PartialEq)]
pub struct Yardstick {
    /// Their local dominant probabilities, the largest first.
    clean: Vec<f64>,
    rate: f64,
}

impl Yardstick {
    /// The local dominant probabilities of clean models, of which a share of `rate` may be flagged.
    ///
    /// # Errors
    /// No models; a rate outside (0, 1).
    pub fn new(mut clean: Vec<f64>, rate: f64) -> Result<Self, Error> {
        if clean.is_empty() || !(rate > 0.0 && rate < 1.0) {
            return Err(Error::CannotCertify(format!(
                "{} clean models and a rate of {rate}: one model at least is needed, and a rate between 0 and 1",
                clean.len()
            )));
        }
        clean.sort_by(|a, b| b.total_cmp(a));
        Ok(Self { clean, rate })
    }

    /// The share of clean models that is flagged at most: the rate that was asked for, or the
    /// smallest that so few models can keep.
    #[must_use]
    pub fn rate(&self) -> f64 {
        self.rate.max(1.0 / (self.clean.len() as f64 + 1.0))
    }

    /// What is above is flagged.
    #[must_use]
    pub fn threshold(&self) -> f64 {
        let models = self.clean.len() as f64 + 1.0;
        // A rate of 1/20 times twenty may come out just below one.
        let among = (self.rate() * models + 1e-9).floor();
        let place = (among as usize).clamp(1, self.clean.len()) - 1;
        self.clean[place]
    }

    /// The probability that a clean model is so suspicious.
    #[must_use]
    pub fn p_value(&self, probability: f64) -> f64 {
        let beyond = self.clean.iter().filter(|&&clean| clean >= probability);
        (1.0 + beyond.count() as f64) / (1.0 + self.clean.len() as f64)
    }
}

/// A backdoor that leads images of all classes to one is flagged if its trigger changes each by
/// less than this, and if the noisy copies of each stamped image are given the target with a
/// probability of at least `robustness`. `None` where nothing is certified: the threshold is as
/// large. To a threshold the margin is to be added of what is held against it.
#[must_use]
pub fn certified_length(sigma: f64, robustness: f64, threshold: f64) -> Option<f64> {
    let standard = Normal::standard();
    let within = robustness > threshold && threshold > 0.0 && robustness < 1.0;
    within.then(|| sigma * (standard.inverse_cdf(robustness) - standard.inverse_cdf(threshold)))
}

#[cfg(test)]
mod tests;
