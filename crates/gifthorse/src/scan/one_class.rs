//! Predictions that all fall on one class, where no labels say whether they should.

use gifthorse_defense::preflight::{Alternative, Preflight};
use gifthorse_engine::{Classifier, Preprocess};

use crate::flags::flags;

/// Fewest images that have to fall on one class for it to mean anything.
const FEWEST: usize = 20;
/// Preprocessings that are named.
const NAMED: usize = 3;

/// Why predictions that all fall on one class are not to be believed, and what to type: the file
/// says another preprocessing (`said`), or under a usual one there are more classes. `None` where
/// there are several classes, or nothing speaks for a wrong preprocessing.
pub fn cause(
    measured: &Preflight,
    classifier: &Classifier,
    said: Option<&Preprocess>,
) -> Option<String> {
    let images = measured.predictions.len();
    let (&class, true) = (
        measured.predictions.first()?,
        measured.predicted_classes == 1 && images >= FEWEST,
    ) else {
        return None;
    };
    let channels = classifier.shape()[0];
    let given = flags(classifier.preprocess(), channels);
    let said = said
        .map(|said| Preprocess {
            layout: classifier.preprocess().layout,
            ..said.clone()
        })
        .map(|said| flags(&said, channels))
        .filter(|said| *said != given);
    let begin = format!(
        "with {given} it takes all {images} images for class {class}, so that they are likely not prepared as it expects"
    );
    if let Some(said) = said {
        return Some(format!(
            "{begin}: the file's metadata says {said}; scan with {said}"
        ));
    }
    let mut better: Vec<&Alternative> = measured
        .alternatives
        .iter()
        .filter(|other| other.predicted_classes > 1)
        .collect();
    better.sort_by_key(|other| std::cmp::Reverse(other.predicted_classes));
    let named: Vec<String> = better
        .iter()
        .take(NAMED)
        .map(|other| {
            let flags = flags(&other.preprocess, channels);
            format!("{} classes with {flags}", other.predicted_classes)
        })
        .collect();
    (!named.is_empty()).then(|| {
        format!(
            "{begin}: it sees {}; scan with the one that the model was made with, give labels (--labels), or go on as it \
             is with --force",
            named.join(", ")
        )
    })
}
