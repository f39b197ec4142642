//! Activation clustering (Chen et al. 2018): does a class fall in two groups inside the model, of
//! which one is not of the class?
//!
//! # What it does
//! Takes what the last hidden layer gives for the images of a class, along the ten directions in
//! which that varies most, and splits it in two parts by k-means. A model comes to the target by a
//! trigger in another way than by what its own images show, so that poisoned images are a group of
//! their own. Whether one of the parts does not belong to the class is asked from outside the
//! model, of a linear classifier of small pictures that is fitted without the part: images that
//! belong are given their class, others what they show; and stamped images are of several classes,
//! so that what it says of them varies twice as much as for parts of classes in the median. Both
//! are asked for.
//!
//! # Threat model
//! Training images of other classes that carry a trigger and the label of the target (BadNets,
//! blends, warps). One has the training set and a model trained on it; neither a trigger nor clean
//! images are known.
//!
//! # Statistic
//! How far an image lies on the way from the centre of the group that belongs to that of the other,
//! in standard deviations of the former. All of the group that does not belong is removed. The
//! published signs are told beside it and decide nothing: the mean silhouette of the two groups (of
//! poisoned classes large) and the relative size of the smaller one.
//!
//! # Needs
//! The labels that the model was trained for, and some tens of images of each class.
//!
//! # Cost
//! A pass of each image, and for each class some hundred products of its images with a dozen
//! vectors. Training anew without what was removed costs far more.
//!
//! # Known failures
//! Poisoned images that are so few that k-means splits the class in another way, as a tenth of a
//! class of traffic signs was. Poison of a single source class, which varies no more than a class
//! does. Clean-label poison, whose images belong to their class. Images that a linear classifier
//! takes for the class anyway. Attacks that train the model itself to lead stamped images the way
//! of the target's own.
//!
//! # References
//! B. Chen, W. Carvalho, N. Baracaldo, H. Ludwig, B. Edwards, T. Lee, I. Molloy, B. Srivastava,
//! "Detecting Backdoor Attacks on Deep Neural Networks by Activation Clustering", SafeAI 2019
//! (arXiv:1811.03728). There independent components are clustered, and the group is judged by its
//! size, by the silhouette, or by the whole model trained anew without it (exclusionary
//! reclassification), of which the linear classifier here is the quick form. Principal components
//! are what the authors' program (IBM ART) has by default; the scale on which independent ones are
//! compared makes k-means split poisoned groups of nearly half a class.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::exclusion::{Exclusion, Judged};
use super::features::{Features, last_hidden};
use super::outcome::{Audited, OfClass, Suspicion};
use super::principal::Centred;
use super::silhouette::silhouette;
use super::two_means::{mean, two_means};
use super::{About, Audit, Given, Row};
use crate::error::Error;

/// Directions that images are clustered along.
const DIRECTIONS: usize = 10;

/// What it is.
const ABOUT: About = About {
    name: "activation_clustering",
    title: "Activation clustering (Chen et al. 2018)",
    goes_by: "the two groups that a class falls in at the last hidden layer",
    misses: &[
        "poison that is a very small part of its class",
        "poison of a single source class",
        "clean-label poison",
    ],
};

/// The row.
pub(super) const ROW: Row = Row {
    about: &ABOUT,
    make: || Box::new(ActivationClustering),
};

#[derive(Debug)]
struct ActivationClustering;

impl Audit for ActivationClustering {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn audit(&self, given: &Given<'_>) -> Result<Audited, Error> {
        let by_class = given.by_class()?;
        let exclusion = Exclusion::of(given.images, &by_class)?;
        let layer = last_hidden(given.classifier)?;
        let features = Features::of(given.classifier, &layer, given.images.pixels())?;
        let clustered: Vec<Clustered> = by_class
            .par_iter()
            .enumerate()
            .filter(|(_, places)| !places.is_empty())
            .map(|(class, places)| Clustered::of(given.seed, (class, places), &features))
            .collect();
        let split = clustered.iter().map(|it| (it.class, &it.sides[..]));
        let judged = exclusion.judge(&split.collect::<Vec<_>>());
        let classes = clustered.iter().zip(&judged);
        let classes = classes.map(|(it, judged)| it.suspicions(judged)).collect();
        let (images, belonging) = (given.images.len(), exclusion.belonging());
        Ok(Audited::of_classes(images, &by_class, classes, belonging))
    }
}

/// A class in two groups.
struct Clustered {
    class: usize,
    points: Vec<Vec<f64>>,
    sides: Vec<bool>,
}

impl Clustered {
    fn of(seed: u64, (class, places): (usize, &[usize]), features: &Features) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(class as u64);
        let rows = places.iter().map(|&place| features.row(place));
        let centred = Centred::of(rows, features.numbers());
        let points = centred.along(&centred.directions(DIRECTIONS, &mut rng));
        let (sides, _) = two_means(&points, &mut rng);
        Self {
            class,
            points,
            sides,
        }
    }

    fn suspicions(&self, judged: &Judged) -> (OfClass, Vec<Suspicion>) {
        let scores = on_the_way(&self.points, &judged.group).into_iter();
        let suspicions = scores
            .zip(&judged.group)
            .map(|(score, &of_group)| Suspicion {
                score,
                removed: judged.foreign && of_group,
            });
        let group = judged.group.iter().filter(|of| **of).count();
        let smaller = group.min(self.points.len() - group);
        let measures = [
            ("silhouette", silhouette(&self.points, &self.sides)),
            ("relative_size", smaller as f64 / self.points.len() as f64),
        ];
        let suspicions: Vec<Suspicion> = suspicions.collect();
        let found = OfClass::of(self.class, judged, &suspicions, &measures);
        (found, suspicions)
    }
}

/// How far each point lies on the way from the centre of the others to that of the group, in
/// standard deviations of the others; 0 where there is no such way.
fn on_the_way(points: &[Vec<f64>], group: &[bool]) -> Vec<f64> {
    let centre = |of_group: bool| {
        let own = points.iter().zip(group).filter(|(_, of)| **of == of_group);
        mean(own.map(|(point, _)| point))
    };
    let (Some(from), Some(to)) = (centre(false), centre(true)) else {
        return vec![0.0; points.len()];
    };
    let along = |point: &Vec<f64>| -> f64 {
        let way = from.iter().zip(&to).map(|(from, to)| to - from);
        let way = way.zip(point.iter().zip(&from));
        way.map(|(way, (at, from))| way * (at - from)).sum()
    };
    let places: Vec<f64> = points.iter().map(along).collect();
    let others = places.iter().zip(group).filter(|(_, of)| !**of);
    let squares: Vec<f64> = others.map(|(at, _)| at * at).collect();
    let deviation = (squares.iter().sum::<f64>() / squares.len() as f64).sqrt();
    let unit = if deviation > 0.0 { deviation } else { 1.0 };
    places.iter().map(|at| at / unit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_lie_on_the_way_between_the_centres() {
        let points = [-1.0, 1.0, 9.0, 11.0].map(|at| vec![at, 3.0]).to_vec();
        let way = on_the_way(&points, &[false, false, true, true]);
        assert_eq!(way, [-1.0, 1.0, 9.0, 11.0]);
        assert_eq!(on_the_way(&points, &[false; 4]), [0.0; 4]);
    }
}
