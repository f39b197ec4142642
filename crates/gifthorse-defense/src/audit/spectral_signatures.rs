//! Spectral signatures (Tran et al. 2018): does a class's hidden layer vary along one direction for
//! the sake of a few images?
//!
//! # What it does
//! Takes what the last hidden layer gives for the images of a class, less its mean, and the
//! direction in which that varies most, its top right singular vector. Images that are in the class
//! for a trigger lie far along it. The images are cut in two by where they lie, where the squares
//! within both parts are least. Whether one of the parts does not belong to the class is asked from
//! outside the model, of a linear classifier of small pictures that is fitted without the part:
//! images that belong are given their class, others what they show; and stamped images are of
//! several classes, so that what it says of them varies twice as much as for parts of classes in
//! the median. Both are asked for.
//!
//! # Threat model
//! Training images of other classes that carry a trigger and the label of the target (BadNets,
//! blends, warps). One has the training set and a model trained on it; neither a trigger nor clean
//! images are known.
//!
//! # Statistic
//! The square of where an image lies along the direction, from the mean of the part that belongs,
//! in units of its variance; where no part is suspicious, from the mean of all. All of the part that
//! does not belong is removed. With a share e that may be poisoned at most (`--share`), the 1.5 e
//! images of such a class with the largest square are, as published; there the square is from the
//! mean of all.
//!
//! # Needs
//! The labels that the model was trained for, and some tens of images of each class.
//!
//! # Cost
//! A pass of each image, and for each class some hundred products of its images with a few vectors.
//! Training anew without what was removed costs far more.
//!
//! # Known failures
//! Poisoned images that do not settle the direction, since they are few or vary less than the class
//! itself does: see [`activation_clustering`](super::activation_clustering), which looks along ten.
//! Poison of a single source class, which varies no more than a class does. Clean-label poison,
//! whose images belong to their class. Images that a linear classifier takes for the class anyway.
//! Attacks that train the model itself to hide the direction.
//!
//! # References
//! B. Tran, J. Li, A. Madry, "Spectral Signatures in Backdoor Attacks", NeurIPS 2018, algorithm 1.
//! The paper removes 1.5 e of *each* class, whether or not there is anything to remove; what says so
//! here is ours, after the exclusionary reclassification of B. Chen et al. 2018.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::exclusion::{Exclusion, Judged};
use super::features::{Features, last_hidden};
use super::outcome::{Audited, OfClass, Suspicion};
use super::principal::Centred;
use super::two_means::above_cut;
use super::{About, Audit, Given, Row};
use crate::error::Error;

/// What is removed, in units of the share that may be poisoned.
const REMOVED: f64 = 1.5;

/// What it is.
const ABOUT: About = About {
    name: "spectral_signatures",
    title: "Spectral signatures (Tran et al. 2018)",
    goes_by: "where images lie along the one direction that the last hidden layer varies most in",
    misses: &[
        "poison that is a small part of its class",
        "poison of a single source class",
        "clean-label poison",
    ],
};

/// The row.
pub(super) const ROW: Row = Row {
    about: &ABOUT,
    make: || Box::new(SpectralSignatures),
};

#[derive(Debug)]
struct SpectralSignatures;

impl Audit for SpectralSignatures {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn audit(&self, given: &Given<'_>) -> Result<Audited, Error> {
        let by_class = given.by_class()?;
        let exclusion = Exclusion::of(given.images, &by_class)?;
        let layer = last_hidden(given.classifier)?;
        let features = Features::of(given.classifier, &layer, given.images.pixels())?;
        let laid: Vec<Laid> = by_class
            .par_iter()
            .enumerate()
            .filter(|(_, places)| !places.is_empty())
            .map(|(class, places)| Laid::of(given.seed, (class, places), &features))
            .collect();
        let split = laid.iter().map(|it| (it.class, &it.sides[..]));
        let judged = exclusion.judge(&split.collect::<Vec<_>>());
        let classes = laid.iter().zip(&judged);
        let classes = classes
            .map(|(it, judged)| it.suspicions(judged, given.share))
            .collect();
        let (images, belonging) = (given.images.len(), exclusion.belonging());
        Ok(Audited::of_classes(images, &by_class, classes, belonging))
    }
}

/// A class along the direction in which it varies most, and cut in two there.
struct Laid {
    class: usize,
    along: Vec<f64>,
    sides: Vec<bool>,
    /// The part of the variance that the direction has.
    explained: f64,
}

impl Laid {
    fn of(seed: u64, (class, places): (usize, &[usize]), features: &Features) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(class as u64);
        let rows = places.iter().map(|&place| features.row(place));
        let centred = Centred::of(rows, features.numbers());
        let along = centred.along(&centred.directions(1, &mut rng));
        let first = |row: &Vec<f64>| row.first().copied().unwrap_or(0.0);
        let along: Vec<f64> = along.iter().map(first).collect();
        let squares: f64 = along.iter().map(|at| at * at).sum();
        Self {
            class,
            sides: above_cut(&along),
            along,
            explained: squares / centred.squares().max(f64::MIN_POSITIVE),
        }
    }

    fn suspicions(&self, judged: &Judged, share: Option<f64>) -> (OfClass, Vec<Suspicion>) {
        let along = &self.along;
        let (centre, variance) = judged.own(along);
        let score = |at: f64| (at - centre).powi(2) / variance.max(f64::MIN_POSITIVE);
        let removed = match (judged.foreign, share) {
            (false, _) => vec![false; along.len()],
            (true, None) => judged.group.clone(),
            (true, Some(share)) => largest(
                along,
                (REMOVED * share * along.len() as f64).ceil() as usize,
            ),
        };
        let suspicions = along.iter().zip(&removed).map(|(&at, &removed)| Suspicion {
            score: if variance > 0.0 { score(at) } else { 0.0 },
            removed,
        });
        let suspicions: Vec<Suspicion> = suspicions.collect();
        let measures = [("variance_explained", self.explained)];
        let found = OfClass::of(self.class, judged, &suspicions, &measures);
        (found, suspicions)
    }
}

/// Which are the so many numbers of the largest square.
fn largest(numbers: &[f64], count: usize) -> Vec<bool> {
    let mut order: Vec<usize> = (0..numbers.len()).collect();
    order.sort_by(|&a, &b| {
        numbers[b]
            .abs()
            .total_cmp(&numbers[a].abs())
            .then(a.cmp(&b))
    });
    let mut is_largest = vec![false; numbers.len()];
    order
        .into_iter()
        .take(count)
        .for_each(|place| is_largest[place] = true);
    is_largest
}
