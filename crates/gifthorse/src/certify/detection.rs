//! A model held against clean ones by what noise around images leads to.

use std::path::PathBuf;

use gifthorse_defense::certify::Smoothing;
use gifthorse_defense::certify::detection::{Around, Yardstick, certified_length};
use serde::Serialize;

use super::stamped::Stamped;
use super::subject::Subject;
use crate::observer::ScanObserver;
use crate::repair::record::ModelFile;
use crate::{Error, ScanRequest};

/// How surely triggers may work in spite of noise: the lines of the table.
const ROBUSTNESS: [f64; 4] = [0.8, 0.9, 0.95, 0.99];

/// Clean models of the same task to measure by.
#[derive(Clone, Debug, Default)]
pub struct CleanModels {
    /// Their files; none if nothing is to be detected.
    pub paths: Vec<PathBuf>,
    /// Share of clean models that may be flagged, between 0 and 1.
    pub rate: f64,
}

/// Whether more noisy copies of clean images than in clean models go to one class, and which
/// backdoors that would have shown for certain.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Detection {
    /// Images asked about: those that the model is right on.
    pub images: usize,
    /// The class that most noisy copies are given, each class of images counting alike.
    pub class: usize,
    /// Its share, the local dominant probability.
    pub statistic: f64,
    /// That of every class.
    pub probabilities: Vec<f64>,
    /// How far below its true value the statistic is at most, but with probability `alpha`.
    pub margin: f64,
    /// The clean models.
    pub references: Vec<OfReference>,
    /// The share of clean models that is flagged at most: the one asked for, or the smallest that
    /// so few can keep.
    pub rate: f64,
    /// What is above is flagged.
    pub threshold: f64,
    /// The probability that a clean model is so suspicious.
    pub p_value: f64,
    /// Whether it lies above.
    pub flagged: bool,
    /// Triggers that would have been found for certain.
    pub certified: Vec<UpToLength>,
    /// The trigger, if there is one.
    pub trigger: Option<WithTrigger>,
}

/// A clean model.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OfReference {
    /// The file.
    pub model: ModelFile,
    /// Its local dominant probability,
    pub statistic: f64,
    /// and the class that has it.
    pub class: usize,
}

/// Triggers that lead all images to one class.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct UpToLength {
    /// Noisy copies of each stamped image are given the target with this probability at least.
    pub robustness: f64,
    /// All that change images by less are found; null where none is for certain.
    pub length: Option<f64>,
}

/// What the trigger is by the same measures.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WithTrigger {
    /// How surely it works in spite of noise: the smallest share of an image.
    pub robustness: f64,
    /// The longest change of an image.
    pub length: f64,
    /// What the statistic is at least for this trigger, by what noisy copies of stamped images are
    /// given.
    pub statistic_at_least: f64,
    /// Whether that is above the threshold: a model with this trigger is found for certain.
    pub certified: bool,
}

/// How the noise is drawn.
#[derive(Clone, Copy)]
pub(super) struct Noise {
    pub smoothing: Smoothing,
    pub seed: u64,
}

impl Detection {
    /// Asks about the noise around clean images, first in clean models, then in the model, and
    /// around images with the trigger.
    pub(super) fn of(
        subject: &Subject,
        stamped: Option<&Stamped>,
        clean: &CleanModels,
        (noise, scan): (Noise, &ScanRequest),
        observer: &dyn ScanObserver,
    ) -> Result<Self, Error> {
        let references = references(subject, clean, (noise, scan), observer)?;
        let statistics = references.iter().map(|reference| reference.statistic);
        let yardstick = Yardstick::new(statistics.collect(), clean.rate)?;
        let around = noise.around(subject, subject.set.images.pixels())?;
        let (dominant, margin) = (around.dominant(), around.margin());
        let threshold = yardstick.threshold();
        let certified = ROBUSTNESS.map(|robustness| UpToLength {
            robustness,
            length: certified_length(noise.smoothing.sigma, robustness, threshold + margin),
        });
        let right = subject.right();
        let trigger = stamped.map(|stamped| {
            let lengths = right.places.iter().map(|&place| stamped.lengths[place]);
            let lengths: Vec<f64> = lengths.collect();
            let around = noise.around(subject, &stamped.pixels)?;
            let least = around.without_trigger(stamped.target, &lengths)?;
            Ok::<_, Error>(WithTrigger {
                robustness: around.robustness(stamped.target),
                length: lengths.iter().copied().fold(0.0, f64::max),
                statistic_at_least: least,
                certified: least > threshold + margin,
            })
        });
        Ok(Self {
            images: right.places.len(),
            class: dominant.class,
            statistic: dominant.probability,
            probabilities: around.probabilities(),
            margin,
            rate: yardstick.rate(),
            threshold,
            p_value: yardstick.p_value(dominant.probability),
            flagged: dominant.probability > threshold,
            certified: certified.into(),
            trigger: trigger.transpose()?,
            references,
        })
    }
}

impl Noise {
    /// The noise around those images that the model is right on; `pixels` has all of them, as they
    /// are or stamped.
    fn around(self, subject: &Subject, pixels: &[f32]) -> Result<Around, Error> {
        let size: usize = subject.classifier.shape().iter().product();
        let right = subject.right();
        let of = |&place: &usize| &pixels[place * size..(place + 1) * size];
        let pixels: Vec<f32> = right.places.iter().flat_map(of).copied().collect();
        let asked = (pixels.as_slice(), right.labels.as_slice());
        let Self { smoothing, seed } = self;
        Ok(Around::images(&subject.classifier, asked, smoothing, seed)?)
    }
}

/// Asks the clean models.
fn references(
    subject: &Subject,
    clean: &CleanModels,
    (noise, scan): (Noise, &ScanRequest),
    observer: &dyn ScanObserver,
) -> Result<Vec<OfReference>, Error> {
    let mut references: Vec<OfReference> = Vec::new();
    for (place, path) in clean.paths.iter().enumerate() {
        observer.reference(place, clean.paths.len(), path);
        let scan = ScanRequest {
            model: path.clone(),
            ..scan.clone()
        };
        let reference = Subject::open(&scan, scan.images.as_deref().unwrap_or(path))?;
        if let Some(why) = misfit(&reference, subject, &references) {
            return Err(Error::Request(format!(
                "the reference {} {why}: give clean models of the same task, each once",
                path.display()
            )));
        }
        let around = noise.around(&reference, reference.set.images.pixels())?;
        let dominant = around.dominant();
        references.push(OfReference {
            model: reference.file,
            statistic: dominant.probability,
            class: dominant.class,
        });
    }
    Ok(references)
}

/// Why a model is none to measure by.
fn misfit(reference: &Subject, subject: &Subject, known: &[OfReference]) -> Option<String> {
    let sha256 = &reference.file.sha256;
    if *sha256 == subject.file.sha256 {
        return Some("is the model itself".to_owned());
    }
    if let Some(known) = known.iter().find(|known| known.model.sha256 == *sha256) {
        return Some(format!("is the same as {}", known.model.path));
    }
    let made = |subject: &Subject| (subject.classifier.classes(), subject.classifier.shape());
    let (theirs, ours) = (made(reference), made(subject));
    (theirs != ours).then(|| {
        format!(
            "has {} classes and takes images of {:?} (channels, height, width), the model {} and {:?}",
            theirs.0, theirs.1, ours.0, ours.1
        )
    })
}
