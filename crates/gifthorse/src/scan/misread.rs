//! What speaks for another preprocessing where no labels do: the file's metadata, and predictions
//! that all fall on one class.

use gifthorse_defense::preflight::{Alternative, Preflight};
use gifthorse_engine::{Classifier, Preprocess};

use crate::flags::flags;

/// Fewest images that have to fall on one class for that to speak against their preprocessing.
const FEWEST: usize = 20;
/// Preprocessings that are named.
const NAMED: usize = 3;

/// The flags for what the file says (`said`), if that is not what the classifier does.
fn other_flags(classifier: &Classifier, said: Option<&Preprocess>) -> Option<String> {
    let channels = classifier.shape()[0];
    let said = Preprocess {
        layout: classifier.preprocess().layout,
        ..said?.clone()
    };
    let said = flags(&said, channels);
    (said != flags(classifier.preprocess(), channels)).then_some(said)
}

/// That the file's metadata says another preprocessing than the images get, if it does.
pub fn disagreement(classifier: &Classifier, said: Option<&Preprocess>) -> Option<String> {
    let said = other_flags(classifier, said)?;
    let given = flags(classifier.preprocess(), classifier.shape()[0]);
    Some(format!(
        "the file's metadata says {said}, and the images go in with {given}"
    ))
}

/// Why nothing can be said of a model whose predictions all fall on one class, and what to type: the
/// file says another preprocessing (`said`). `None` where there are several classes, or the file
/// says nothing.
pub fn cause(
    measured: &Preflight,
    classifier: &Classifier,
    said: Option<&Preprocess>,
) -> Option<String> {
    let one_class = on_one_class(measured, classifier)?;
    let said = other_flags(classifier, said)?;
    Some(format!(
        "{one_class}, so that they are likely not prepared as it expects: the file's metadata says {said}; scan with \
         {said}"
    ))
}

/// What to look at where predictions all fall on one class and the file says nothing: the usual
/// preprocessings under which there are more. Images that are all of one class look the same, so
/// that this is a hint and no reason to stop.
pub fn hint(measured: &Preflight, classifier: &Classifier) -> Option<String> {
    let one_class = on_one_class(measured, classifier)?;
    let more = more_classes(measured, classifier.shape()[0]);
    (!more.is_empty()).then(|| {
        format!(
            "{one_class}: unless all of them are of that class, they are not prepared as it expects. It sees {}; scan with \
             the one that the model was made with, or give labels (--labels)",
            more.join(", ")
        )
    })
}

/// That predictions on many images all fall on one class, if they do.
fn on_one_class(measured: &Preflight, classifier: &Classifier) -> Option<String> {
    let images = measured.predictions.len();
    let class = *measured.predictions.first()?;
    let given = flags(classifier.preprocess(), classifier.shape()[0]);
    (measured.predicted_classes == 1 && images >= FEWEST)
        .then(|| format!("with {given} it takes all {images} images for class {class}"))
}

/// The usual preprocessings under which there are more classes, those with the most first.
fn more_classes(measured: &Preflight, channels: usize) -> Vec<String> {
    let mut better: Vec<&Alternative> = measured
        .alternatives
        .iter()
        .filter(|other| other.predicted_classes > 1)
        .collect();
    better.sort_by_key(|other| std::cmp::Reverse(other.predicted_classes));
    let words = better.iter().take(NAMED).map(|other| {
        let flags = flags(&other.preprocess, channels);
        format!("{} classes with {flags}", other.predicted_classes)
    });
    words.collect()
}
