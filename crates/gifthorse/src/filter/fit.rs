//! A filter is made.

use std::path::PathBuf;

use gifthorse_data::Draw;
use gifthorse_defense::filter::{Given, Held, Threshold, named};
use gifthorse_engine::{Classifier, Preprocess};

use super::file::{FILTER_VERSION, FilterFile, FitImages};
use super::known::Knowledge;
use super::opened::repaired_model;
use super::parts::Parts;
use super::seen::Seen;
use crate::model::OpenModel;
use crate::preprocessing::in_report;
use crate::repair::record::ModelFile;
use crate::scan::checks::Fit;
use crate::scan::images::ImageSet;
use crate::scan::output;
use crate::{Error, ScanRequest};

/// Most images where nobody says.
const MOST: usize = 4_000;
/// Most values of pixels where nobody says: 1 GiB of them.
const MOST_VALUES: usize = 1 << 28;

/// The method where nobody names one and a trigger is known: the answer's own pass is all that it
/// takes, and it misses the fewest patches.
pub const WITH_TRIGGER: &str = "neuron_activation";
/// The method where nobody names one and no trigger is known.
pub const WITHOUT_TRIGGER: &str = "combined";

/// What a filter is made of.
#[derive(Clone, Debug)]
pub struct FitFilter {
    /// Model, clean images, labels, preprocessing and seed, as a scan takes them.
    pub scan: ScanRequest,
    /// The report of a scan of the model, with its trigger files beside it. The model is opened as
    /// it was for that.
    pub report: Option<PathBuf>,
    /// The class that a backdoor leads to, told instead of found.
    pub target: Option<usize>,
    /// The trigger that leads there: a trigger file of a report, or a picture with transparency.
    pub trigger: Option<PathBuf>,
    /// The model repaired, for methods that ask it as well.
    pub repaired: Option<PathBuf>,
    /// Name of the method. `None`: [`WITH_TRIGGER`] where a trigger is known, else
    /// [`WITHOUT_TRIGGER`].
    pub method: Option<String>,
    /// The share of clean images that may be flagged, in (0, 1).
    pub fpr: f64,
}

impl FitFilter {
    /// A filter with the defaults of the command line.
    pub fn new(scan: ScanRequest) -> Self {
        Self {
            scan,
            report: None,
            target: None,
            trigger: None,
            repaired: None,
            method: None,
            fpr: 0.05,
        }
    }
}

/// Fits a filter to clean images, one half of them, and sets its threshold by the other half.
///
/// # Errors
/// Files that cannot be read; a model that cannot be run or does not work on the images (unless
/// forced); a method that needs what is not given; too few clean images for the rate.
pub fn fit_filter(request: &FitFilter) -> Result<FilterFile, Error> {
    // A method that there is not is an error before any work.
    request.method.as_deref().map(named).transpose()?;
    if !(request.fpr > 0.0 && request.fpr < 1.0) {
        let fpr = request.fpr;
        return Err(Error::Request(format!(
            "the false-positive rate is a share between 0 and 1, not {fpr} (--fpr)"
        )));
    }
    let path = request.scan.images.as_deref().ok_or_else(|| {
        Error::Request("a filter is fitted to clean images: give some (--images)".to_owned())
    })?;
    let knowledge = Knowledge::of(request)?;
    let OpenModel {
        classifier,
        described,
        said,
        ..
    } = output::open(&knowledge.scan)?;
    knowledge.check_same(&request.scan.model, &described.sha256, request.scan.force)?;
    let mut notes = output::told(&described);
    let scan = with_most(&knowledge.scan, &classifier);
    let set = ImageSet::load(&scan, path, &classifier)?;
    notes.extend(set.about.warnings.iter().cloned());
    notes.extend(set.about.passed_over_in_words());
    let fit = Fit::check(&scan, classifier, Some(&set), said.as_ref())?;
    notes.extend(fit.messages.iter().cloned());
    let classifier = fit.classifier;
    let predictions = classifier.predict(set.images.pixels())?;
    let images = set.labelled(&predictions)?;
    let triggers = knowledge.triggers(request, &classifier)?;
    let (searched, told) = knowledge.searched(path, &classifier, &triggers)?;
    notes.extend(told);
    let usual = if triggers.is_empty() {
        WITHOUT_TRIGGER
    } else {
        WITH_TRIGGER
    };
    let filter = named(request.method.as_deref().unwrap_or(usual))?;
    let parts = Parts::of(&images, &searched, scan.seed)?;
    let repaired = request
        .repaired
        .as_deref()
        .map(|path| repaired_model(path, &classifier))
        .transpose()?;
    let held = Held {
        classifier: &classifier,
        repaired: repaired.as_ref().map(|(model, _)| model),
    };
    let score = filter.fit(&Given {
        held,
        images: &parts.fit,
        triggers: &triggers,
        seed: scan.seed,
    })?;
    notes.extend(score.notes());
    if score.asks_repaired() {
        notes.push(
            "whether the repair learnt from some of these images is not known: if it did, the threshold may be set by some \
             of them and flag more than it says"
                .to_owned(),
        );
    }
    let scored = score.score(parts.threshold.pixels())?;
    let scores: Vec<f64> = scored.iter().map(|scored| scored.score).collect();
    let unscored = scores.iter().filter(|score| !score.is_finite()).count();
    if unscored > 0 {
        return Err(Error::Request(format!(
            "the score of {unscored} of {} clean images is no number: {} does not fit this model",
            scores.len(),
            filter.about().name
        )));
    }
    let threshold = Threshold::of_clean(scores, request.fpr)?;
    let about = filter.about();
    let ends = classifier.network().ends();
    let mut class_names = set.about.class_names.clone();
    if class_names.is_empty() {
        class_names.clone_from(&ends.class_names);
    }
    let at_use = ScanRequest {
        preprocess: crate::PreprocessChoice::Given(used(&classifier)),
        ..scan.clone()
    };
    Ok(FilterFile {
        filter_version: FILTER_VERSION,
        method: about.name.to_owned(),
        title: about.title.to_owned(),
        passes: about.passes,
        misses: about.misses.iter().map(|&miss| miss.to_owned()).collect(),
        model: ModelFile {
            path: request.scan.model.to_string_lossy().into_owned(),
            sha256: described.sha256,
        },
        repaired: repaired
            .map(|(_, file)| file)
            .filter(|_| score.asks_repaired()),
        classes: classifier.classes(),
        class_names,
        shape: classifier.shape(),
        preprocess: in_report(&classifier, &at_use),
        output: ends.output.clone(),
        given: ends.given.clone(),
        images: FitImages {
            path: path.to_string_lossy().into_owned(),
            fit: parts.fit.len(),
            threshold: parts.threshold.len(),
            labelled: set.about.labelled,
            seen: Seen::of(&images).and(searched),
        },
        triggers: triggers.len(),
        threshold,
        notes,
        seed: scan.seed,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        state: score.keep()?,
    })
}

fn used(classifier: &Classifier) -> Preprocess {
    classifier.preprocess().clone()
}

/// The same with a bound on the number of images, and classes as frequent among them as they are in
/// the set: the false-positive rate is that of images in this mixture.
pub(super) fn with_most(scan: &ScanRequest, classifier: &Classifier) -> ScanRequest {
    let values: usize = classifier.shape().iter().product();
    let most = MOST.min(MOST_VALUES / values.max(1)).max(1);
    ScanRequest {
        max_images: Some(scan.max_images.unwrap_or(most)),
        draw: Draw::Plain,
        ..scan.clone()
    }
}
