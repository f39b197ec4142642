//! CEPA's cleansing (after Li et al. 2024): which images of a class lie where others are moved on
//! their way to it?
//!
//! # What it does
//! For each class searches what images of all other classes have in common when each is led to it
//! by a perturbation of its own: the consensus of the detector of that name, at up to four layers.
//! Of these the one is taken at which the class stands out most from the others by how closely the
//! moves agree. The images that are labelled as the class are then cut in two by how far they lie
//! along the consensus. Whether one of the parts does not belong to the class is asked from outside
//! the model, of a linear classifier of small pictures that is fitted without the part: images that
//! belong are given their class, others what they show; and stamped images are of several classes,
//! so that what it says of them varies twice as much as for parts of classes in the median. Both
//! are asked for.
//!
//! # Threat model
//! Training images of other classes that carry a trigger of any kind and the label of the target.
//! One has the training set and a model trained on it, and gradients of it; neither a trigger nor
//! clean images are known.
//!
//! # Statistic
//! How far an image lies along the consensus from the mean of the part that belongs, in its standard
//! deviations. All of the part that does not belong is removed.
//!
//! # Needs
//! The labels that the model was trained for, some tens of images of each class, and a model that
//! gradients pass through.
//!
//! # Cost
//! For each class and each of four layers up to 300 passes of 48 images forwards and backwards, and a
//! pass of each image.
//!
//! # Known failures
//! Small nets, where images are led to a class by another way than the trigger's, so that the
//! consensus says nothing of stamped images. Triggers that move images of different classes to
//! different places, as all-to-all do. Poison of a single source class, which varies no more than a
//! class does. Clean-label poison, whose images belong to their class. Images that a linear
//! classifier takes for the class anyway.
//!
//! # References
//! X. Li, H. Wang, D. J. Miller, G. Kesidis, "Universal Post-Training Reverse-Engineering Defense
//! Against Backdoors in Deep Neural Networks", arXiv:2402.02034, 2024. It names the cleansing of a
//! training set as a use of what a detector finds and gives no procedure; this one is ours, as is
//! the judgement, after the exclusionary reclassification of B. Chen et al. 2018.

use gifthorse_engine::{Layer, alone};
use rayon::prelude::*;

use super::exclusion::{Exclusion, Judged};
use super::outcome::{Audited, OfClass, Suspicion};
use super::two_means::above_cut;
use super::{About, Audit, Given, Row};
use crate::detect::cepa::{CommonMove, Config, Consensus, Preset, layers};
use crate::error::Error;
use crate::subject::{CleanImages, Facts, Subject};

/// What it is.
const ABOUT: About = About {
    name: "cepa",
    title: "CEPA's cleansing (after Li et al. 2024)",
    goes_by: "how far images lie along what leads others to their class",
    misses: &[
        "triggers that lead another way than perturbations do, as in small nets",
        "poison of a single source class",
        "clean-label poison",
        "all-to-all",
    ],
};

/// The row.
pub(super) const ROW: Row = Row {
    about: &ABOUT,
    make: || Box::new(Cepa),
};

#[derive(Debug)]
struct Cepa;

impl Audit for Cepa {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn audit(&self, given: &Given<'_>) -> Result<Audited, Error> {
        let by_class = given.by_class()?;
        let exclusion = Exclusion::of(given.images, &by_class)?;
        let layers = layers(given.classifier)?;
        if layers.is_empty() {
            let reason = "the model has no hidden layer that could be looked at";
            return Err(Error::CannotAudit(reason.to_owned()));
        }
        let seen: Vec<usize> = (0..by_class.len())
            .filter(|&class| !by_class[class].is_empty())
            .collect();
        let searched = seen
            .par_iter()
            .map(|&class| alone(|| consensus(given, &layers, class)));
        let searched: Vec<Vec<(CommonMove, Consensus)>> = searched.collect::<Result<_, _>>()?;
        let standings = standings(&searched);
        let found = seen.iter().zip(&searched).zip(standings);
        let found = found.map(|((&class, searched), standings)| {
            let (at, standing) = (standings.iter().copied().enumerate())
                .max_by(|a, b| a.1.total_cmp(&b.1))
                .unwrap_or_default();
            let (common, consensus) = &searched[at];
            let images = given.images.subset(&by_class[class]);
            let along = common.shifts(given.classifier, images.pixels())?;
            Ok(Moved {
                class,
                sides: above_cut(&along),
                along,
                measures: [("standing", standing), ("spread", consensus.spread)],
            })
        });
        let found = found.collect::<Result<Vec<Moved>, Error>>()?;
        let split = found.iter().map(|it| (it.class, &it.sides[..]));
        let judged = exclusion.judge(&split.collect::<Vec<_>>());
        let classes = found.iter().zip(&judged);
        let classes = classes.map(|(it, judged)| it.suspicions(judged)).collect();
        let (images, belonging) = (given.images.len(), exclusion.belonging());
        Ok(Audited::of_classes(images, &by_class, classes, belonging))
    }
}

/// What images of other classes have in common on their way to a class, at each of some layers.
fn consensus(
    given: &Given<'_>,
    layers: &[Layer],
    class: usize,
) -> Result<Vec<(CommonMove, Consensus)>, Error> {
    let subject = Subject {
        classifier: given.classifier,
        images: Some(CleanImages {
            search: given.images,
            holdout: given.images,
        }),
        seed: given.seed,
        facts: &Facts::default(),
    };
    let config = Config::preset(Preset::Standard);
    let search = |layer: &Layer| CommonMove::searched(subject, &config, class, layer.clone());
    layers.iter().map(search).collect()
}

/// How far the spread of each class at each layer lies below the median of the classes, in median
/// deviations of logarithms.
fn standings(searched: &[Vec<(CommonMove, Consensus)>]) -> Vec<Vec<f64>> {
    let layers = searched.first().map_or(0, Vec::len);
    let mut standings = vec![vec![0.0; layers]; searched.len()];
    for layer in 0..layers {
        let spreads = searched.iter().map(|of_class| of_class[layer].1.spread);
        let logarithms: Vec<f64> = spreads
            .map(|spread| spread.max(f64::MIN_POSITIVE).ln())
            .collect();
        let centre = median(logarithms.clone());
        let apart = logarithms
            .iter()
            .map(|value| (value - centre).abs())
            .collect();
        let unit = median(apart).max(f64::EPSILON);
        for (of_class, value) in standings.iter_mut().zip(logarithms) {
            of_class[layer] = (centre - value) / unit;
        }
    }
    standings
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let upper = values.get(values.len() / 2).copied().unwrap_or(0.0);
    let lower = values.get(values.len().saturating_sub(1) / 2).copied();
    upper.midpoint(lower.unwrap_or(0.0))
}

/// A class along a consensus, and cut in two there.
struct Moved {
    class: usize,
    along: Vec<f64>,
    sides: Vec<bool>,
    measures: [(&'static str, f64); 2],
}

impl Moved {
    fn suspicions(&self, judged: &Judged) -> (OfClass, Vec<Suspicion>) {
        let (centre, variance) = judged.own(&self.along);
        let unit = if variance > 0.0 { variance.sqrt() } else { 1.0 };
        let both = self.along.iter().zip(&judged.group);
        let suspicions = both.map(|(&at, &of_group)| Suspicion {
            score: (at - centre) / unit,
            removed: judged.foreign && of_group,
        });
        let suspicions: Vec<Suspicion> = suspicions.collect();
        let found = OfClass::of(self.class, judged, &suspicions, &self.measures);
        (found, suspicions)
    }
}
