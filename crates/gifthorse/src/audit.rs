//! A training set audited: which of its images may have planted a backdoor.

use gifthorse_data::Images;
use gifthorse_defense::audit::{Given, OfClass, named};
use gifthorse_defense::count::Count;
use gifthorse_defense::explain::last_maps;
use gifthorse_defense::roc::{Auroc, auroc};
use gifthorse_report::evidence::Heated;
use serde::{Deserialize, Serialize};

use crate::explain::heat::heated;
use crate::model::OpenModel;
use crate::repair::record::{ModelFile, Share};
use crate::scan::checks::Fit;
use crate::scan::images::ImageSet;
use crate::scan::output;
use crate::{Error, PreprocessChoice, ScanRequest};

/// Version of the file.
pub const AUDIT_VERSION: u32 = 1;

/// Images that the model is checked on before it is asked about all.
const CHECKED: usize = 1_000;

/// A training set, and a model that was trained on it.
#[derive(Clone, Debug)]
pub struct AuditRequest {
    /// Model, images, labels, preprocessing and seed, as a scan takes them.
    pub scan: ScanRequest,
    /// Name of the method.
    pub method: String,
    /// The share of a class that may be poisoned at most, where somebody knows.
    pub share: Option<f64>,
    /// The most suspicious images to show.
    pub shown: usize,
}

impl AuditRequest {
    /// An audit with the defaults of the command line.
    pub fn new(scan: ScanRequest, method: impl Into<String>) -> Self {
        Self {
            scan,
            method: method.into(),
            share: None,
            shown: 0,
        }
    }
}

/// What an audit says: the file `audit.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AuditFile {
    /// Version of this file.
    pub audit_version: u32,
    /// Name of the method.
    pub method: String,
    /// The same for people.
    pub title: String,
    /// The model.
    pub model: ModelFile,
    /// The training set.
    pub set: AuditedSet,
    /// Names of the classes, not to be trusted; may be fewer than the classes.
    pub class_names: Vec<String>,
    /// The share of a class that may be poisoned at most, if it was told.
    pub share: Option<f64>,
    /// Images that are to be removed.
    pub removed: usize,
    /// Share of images of all classes that the look from outside gives their label; what `kept` of
    /// a class is held against.
    pub belonging: f64,
    /// What it says of each class that there are images of.
    pub classes: Vec<OfClass>,
    /// What it says of each image, in the order of the set.
    pub images: Vec<AuditedImage>,
    /// What it is worth where the truth is known; null where it is not.
    pub truth: Option<Worth>,
    /// What the user should know.
    pub warnings: Vec<String>,
    /// Seed of every random choice.
    pub seed: u64,
    /// Version of the program.
    pub version: String,
    /// The most suspicious images, the first of all in front, by their place, with what the model's
    /// answer on each rests on.
    #[serde(skip)]
    pub shown: Vec<(usize, Heated)>,
}

/// The training set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AuditedSet {
    /// Where it lies.
    pub path: String,
    /// Hash of shape, pixels and labels of the images that were looked at.
    pub sha256: String,
    /// Images that were looked at.
    pub images: usize,
    /// Images that there are.
    pub available: usize,
}

/// What an audit says of one image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AuditedImage {
    /// Its place among the images that were looked at.
    pub index: usize,
    /// Its name.
    pub name: String,
    /// Its label.
    pub class: usize,
    /// How suspicious it is.
    pub score: f64,
    /// Whether it is to be removed.
    pub removed: bool,
}

/// An audit held against the truth.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Worth {
    /// Images that were poisoned.
    pub poisoned: usize,
    /// Those of them that are to be removed, of all that are: the precision; null if none are.
    pub precision: Option<Share>,
    /// The same, of all that were poisoned: the recall; null if none were.
    pub recall: Option<Share>,
    /// How well the score tells poisoned images from others; null if there are not both.
    pub auroc: Option<Auroc>,
}

/// Audits a training set.
///
/// # Errors
/// Files that cannot be read; images without labels; a model that cannot be run or does not work on
/// the images (unless forced); what the method refuses.
pub fn audit(request: &AuditRequest) -> Result<AuditFile, Error> {
    let method = named(&request.method)?;
    let path = request.scan.images.as_deref().ok_or_else(|| {
        Error::Request("an audit looks at a training set: give it (--images)".to_owned())
    })?;
    let OpenModel {
        classifier,
        described,
        said,
        ..
    } = output::open(&request.scan)?;
    let mut warnings = output::told(&described);
    let most = request.scan.max_images;
    let few = ScanRequest {
        max_images: Some(most.unwrap_or(CHECKED).min(CHECKED)),
        ..request.scan.clone()
    };
    let set = ImageSet::load(&few, path, &classifier)?;
    let fit = Fit::check(&few, classifier, Some(&set), said.as_ref())?;
    warnings.extend(fit.messages);
    let classifier = fit.classifier;
    let all = ScanRequest {
        max_images: Some(most.unwrap_or(usize::MAX)),
        preprocess: PreprocessChoice::Given(classifier.preprocess().clone()),
        ..request.scan.clone()
    };
    let ImageSet { images, about } = ImageSet::load(&all, path, &classifier)?;
    warnings.extend(about.warnings.iter().cloned());
    warnings.extend(about.passed_over_in_words());
    let Some(labels) = images.labels() else {
        return Err(Error::Request(format!(
            "{} has no labels: what is suspicious is an image under its label (--labels)",
            path.display()
        )));
    };
    let audited = method.audit(&Given {
        classifier: &classifier,
        images: &images,
        share: request.share,
        seed: request.scan.seed,
    })?;
    warnings.extend(audited.notes.iter().cloned());
    let listed = images.names().iter().zip(labels).zip(&audited.images);
    let listed = listed
        .enumerate()
        .map(|(index, ((name, &class), of_image))| AuditedImage {
            index,
            name: name.clone(),
            class,
            score: of_image.score,
            removed: of_image.removed,
        });
    let listed: Vec<AuditedImage> = listed.collect();
    let mut order: Vec<usize> = (0..listed.len()).collect();
    let suspicion = |place: usize| (listed[place].removed, listed[place].score);
    order.sort_by(|&a, &b| {
        let (a_of, b_of) = (suspicion(a), suspicion(b));
        b_of.0
            .cmp(&a_of.0)
            .then(b_of.1.total_cmp(&a_of.1))
            .then(a.cmp(&b))
    });
    order.truncate(request.shown);
    let shown = match last_maps(&classifier)? {
        Some(layer) if !order.is_empty() => {
            let pictures: Images = images.subset(&order);
            match heated(&classifier, &layer, pictures.pixels()) {
                // The audit holds all the same.
                Err(Error::Detector(refusal)) => {
                    warnings.push(format!("there are no pictures of Grad-CAM: {refusal}"));
                    Vec::new()
                }
                made => order.into_iter().zip(made?).collect(),
            }
        }
        _ => Vec::new(),
    };
    let mut class_names = about.class_names;
    if class_names.is_empty() {
        class_names.clone_from(&classifier.network().ends().class_names);
    }
    Ok(AuditFile {
        audit_version: AUDIT_VERSION,
        method: method.about().name.to_owned(),
        title: method.about().title.to_owned(),
        model: ModelFile {
            path: request.scan.model.to_string_lossy().into_owned(),
            sha256: described.sha256,
        },
        set: AuditedSet {
            path: path.to_string_lossy().into_owned(),
            sha256: about.sha256,
            images: listed.len(),
            available: about.available,
        },
        class_names,
        share: request.share,
        removed: listed.iter().filter(|image| image.removed).count(),
        belonging: audited.belonging,
        classes: audited.classes,
        images: listed,
        truth: None,
        warnings,
        seed: request.scan.seed,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        shown,
    })
}

impl AuditFile {
    /// What the audit is worth if these places of the set, ascending, are those that were poisoned.
    ///
    /// # Errors
    /// [`Error::Request`] if only a part of the set was looked at, whose places are others, or there
    /// is no such place.
    pub fn worth(&self, poisoned: &[usize]) -> Result<Worth, Error> {
        if self.set.images != self.set.available {
            return Err(Error::Request(format!(
                "{} of {} images were looked at, and the truth is about all: leave out --max-images",
                self.set.images, self.set.available
            )));
        }
        let of = self.set.images;
        if let Some(&place) = poisoned.last().filter(|&&place| place >= of) {
            return Err(Error::Request(format!(
                "the truth names image {place}, and there are {of}: it is of another training set"
            )));
        }
        let mut is_poisoned = vec![false; of];
        poisoned.iter().for_each(|&place| is_poisoned[place] = true);
        let says = self.images.iter().map(|image| (image.score, image.removed));
        Worth::of(&is_poisoned, says)
    }
}

impl Worth {
    /// Of images of which it is known whether they are poisoned, each with its score and whether it
    /// is to be removed.
    ///
    /// # Errors
    /// None that these numbers can lead to.
    pub fn of(
        is_poisoned: &[bool],
        says: impl Iterator<Item = (f64, bool)>,
    ) -> Result<Self, Error> {
        let (mut clean, mut bad) = (Vec::new(), Vec::new());
        let (mut removed, mut found) = (0, 0);
        for (&is_poisoned, (score, is_removed)) in is_poisoned.iter().zip(says) {
            let scores = if is_poisoned { &mut bad } else { &mut clean };
            scores.push(score);
            removed += u64::from(is_removed);
            found += u64::from(is_removed && is_poisoned);
        }
        let share = |trials: u64| {
            let count = Count {
                hits: found,
                trials,
            };
            (trials > 0).then(|| Share::of(count)).transpose()
        };
        Ok(Self {
            poisoned: bad.len(),
            precision: share(removed)?,
            recall: share(bad.len() as u64)?,
            auroc: auroc(&clean, &bad),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn worth_is_what_was_found_of_what_was_named_and_of_what_was_there() {
        let poisoned = [true, true, false, false, false];
        let says = [
            (5.0, true),
            (0.5, false),
            (2.0, true),
            (1.0, false),
            (0.0, false),
        ];
        let worth = Worth::of(&poisoned, says.into_iter()).unwrap();
        let rate = |share: Option<Share>| share.map(|share| (share.hits, share.of));
        assert_eq!(rate(worth.precision), Some((1, 2)));
        assert_eq!(rate(worth.recall), Some((1, 2)));
        assert_eq!(worth.auroc.map(|auroc| auroc.area), Some(4.0 / 6.0));
        let none = Worth::of(&[false; 2], [(0.0, false); 2].into_iter()).unwrap();
        assert_eq!(
            (none.precision, none.recall, none.auroc),
            (None, None, None)
        );
    }
}
