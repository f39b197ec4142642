//! Randomised smoothing (Cohen et al. 2019): an answer that no small change of the image can turn.
//!
//! # What it does
//! Asks the model about many copies of an image, each with normal noise on its pixels, and takes
//! the class that most copies are given. That smoothed classifier cannot be turned by a change of
//! the image whose L2 length is below a radius, which follows from how often that class came out.
//!
//! # Threat model
//! Whoever changes an image that is asked about, by any change whose length over all pixel values
//! in [0, 1] is below the radius: also one that knows model and defence. A trigger is such a change.
//! Needs no inside view of the model.
//!
//! # Statistic
//! The class `c` that most of the first copies are given; of further copies the share that is
//! given `c`, with its lower bound `p` by Clopper and Pearson. Above 1/2 the radius is
//! `sigma * Phi^-1(p)`; else the smoothed classifier says nothing. A class or radius is wrong with
//! a probability of at most `alpha`, for each image by itself.
//!
//! # Cost
//! As many passes as copies for each image, 1,100 by the usual settings.
//!
//! # Known failures
//! A model that was not trained with such noise is right on few noisy images, and with little
//! noise radii are small. Triggers are mostly longer than radii: a white square of 4x4 pixels on
//! black has a length of 4 in grey and 7 in colour. What is certified is that the answer does not
//! *change* under a shorter trigger: nothing is said of longer ones, of whether the model carries
//! a backdoor, or of whether the answer is right. Warps and filters are long changes. That the
//! training set was not poisoned is another certificate, for which the training would have to be
//! smoothed. That a backdoor is found, if there is one, is what [`detection`] certifies.
//!
//! # References
//! J. Cohen, E. Rosenfeld, Z. Kolter, "Certified Adversarial Robustness via Randomized Smoothing",
//! ICML 2019, whose `CERTIFY` this is. Bagdasaryan and Shmatikov, "Blind Backdoors in Deep Learning
//! Models", USENIX Security 2021, §7.1, on certified robustness against backdoors.

use gifthorse_engine::{Classifier, alone, is_alone};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Normal};
use rayon::prelude::*;
use statrs::distribution::ContinuousCDF;

use crate::error::Error;
use crate::verdict::interval::clopper_pearson;

pub mod detection;

/// Less noise is lost where numbers of 32 bits are rounded.
const LEAST_SIGMA: f64 = 1e-4;

/// Settings of the smoothing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Smoothing {
    /// Standard deviation of the noise on pixel values in [0, 1].
    pub sigma: f64,
    /// Copies that the class is chosen by.
    pub choosing: usize,
    /// Further copies that it is counted on.
    pub counting: usize,
    /// The probability of a wrong certificate, of each image.
    pub alpha: f64,
}

impl Default for Smoothing {
    fn default() -> Self {
        Self {
            sigma: 0.25,
            choosing: 100,
            counting: 1_000,
            alpha: 0.001,
        }
    }
}

/// What the smoothed classifier says of an image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Certificate {
    /// The class that most of the first copies are given.
    pub class: usize,
    /// How many of the further copies are given it.
    pub given: usize,
    /// No change of a smaller L2 length, over pixel values in [0, 1], turns the answer; `None`
    /// where the smoothed classifier says nothing.
    pub radius: Option<f64>,
}

impl Smoothing {
    /// The radius if so many of the copies that are counted were given the class.
    ///
    /// # Errors
    /// An `alpha` outside (0, 1/2), more copies than there are.
    pub fn radius(&self, given: usize) -> Result<Option<f64>, Error> {
        let share = self.at_least(given)?;
        let standard = statrs::distribution::Normal::standard();
        Ok((share > 0.5).then(|| self.sigma * standard.inverse_cdf(share)))
    }

    /// What the smoothed classifier says of each image, `[images, channels, height, width]` with
    /// values in [0, 1]. `seed` draws the noise, of each image by its place.
    ///
    /// # Errors
    /// Settings that mean nothing; a model that cannot be run; pixels that are no whole number of
    /// images.
    pub fn certify(
        &self,
        classifier: &Classifier,
        pixels: &[f32],
        seed: u64,
    ) -> Result<Vec<Certificate>, Error> {
        self.of_each(classifier, pixels, seed, |image, noise, rng| {
            let chosen = counts(classifier, image, self.choosing, noise, rng)?;
            let class = (0..chosen.len()).rev().max_by_key(|&class| chosen[class]);
            let class = class.unwrap_or_default();
            let given = counts(classifier, image, self.counting, noise, rng)?[class];
            Ok(Certificate {
                class,
                given,
                radius: self.radius(given)?,
            })
        })
    }

    /// Does `one` with each image, whose noise is drawn by its place.
    fn of_each<T: Send>(
        &self,
        classifier: &Classifier,
        pixels: &[f32],
        seed: u64,
        one: impl Fn(&[f32], Normal<f32>, &mut ChaCha8Rng) -> Result<T, Error> + Sync,
    ) -> Result<Vec<T>, Error> {
        let noise = self.noise()?;
        let size = classifier.shape().iter().product();
        if !pixels.len().is_multiple_of(size) {
            let reason = format!("{} pixels are not images of {size} each", pixels.len());
            return Err(gifthorse_engine::Error::Input(reason).into());
        }
        let one = |(place, image): (usize, &[f32])| {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            rng.set_stream(place as u64);
            one(image, noise, &mut rng)
        };
        match is_alone() {
            true => pixels.chunks(size).enumerate().map(one).collect(),
            false => {
                let images = pixels.par_chunks(size).enumerate().with_max_len(1);
                images.map(|image| alone(|| one(image))).collect()
            }
        }
    }

    /// The least that a share can be of which so many of the copies that are counted are known;
    /// it is lower with a probability of at most `alpha`.
    fn at_least(&self, given: usize) -> Result<f64, Error> {
        // The lower end of an interval of both sides errs half as often as the interval.
        let confidence = 1.0 - 2.0 * self.alpha;
        Ok(clopper_pearson(given as u64, self.counting as u64, confidence)?.lower)
    }

    fn noise(&self) -> Result<Normal<f32>, Error> {
        let refused = |what: String| Err(Error::CannotCertify(what));
        if self.choosing == 0 || self.counting == 0 {
            return refused("noisy copies are needed, both to choose a class and to count".into());
        }
        if !(self.alpha > 0.0 && self.alpha < 0.5) {
            return refused(format!(
                "an error of {} is none between 0 and 1/2",
                self.alpha
            ));
        }
        match Normal::new(0.0, self.sigma as f32) {
            Ok(noise) if self.sigma >= LEAST_SIGMA => Ok(noise),
            _ => refused(format!(
                "noise of {} is no noise: give {LEAST_SIGMA} or more, of pixel values in [0, 1]",
                self.sigma
            )),
        }
    }
}

/// How many of so many noisy copies of an image are given each class.
fn counts(
    classifier: &Classifier,
    image: &[f32],
    copies: usize,
    noise: Normal<f32>,
    rng: &mut ChaCha8Rng,
) -> Result<Vec<usize>, Error> {
    let mut counts = vec![0; classifier.classes()];
    let mut left = copies;
    while left > 0 {
        let part = left.min(Classifier::EVALUATION_BATCH);
        left -= part;
        let noisy: Vec<f32> = (0..part)
            .flat_map(|_| image)
            .map(|pixel| pixel + noise.sample(rng))
            .collect();
        for class in classifier.predict(&noisy)? {
            counts[class] += 1;
        }
    }
    Ok(counts)
}

#[cfg(test)]
mod tests;
