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
/// file says another preprocessing (`said`), or under a usual one there are more classes, or a
/// search begins at the images (`from_images`) and finds none of other classes. `None` where there
/// are several classes, or nothing speaks against it.
pub fn cause(
    measured: &Preflight,
    classifier: &Classifier,
    said: Option<&Preprocess>,
    from_images: bool,
) -> Option<String> {
    let images = measured.predictions.len();
    let class = *measured.predictions.first()?;
    if measured.predicted_classes != 1 {
        return None;
    }
    let channels = classifier.shape()[0];
    let given = flags(classifier.preprocess(), channels);
    let begin = format!("with {given} it takes all {images} images for class {class}");
    let unlike = "so that they are likely not prepared as it expects";
    if images >= FEWEST {
        if let Some(said) = other_flags(classifier, said) {
            return Some(format!(
                "{begin}, {unlike}: the file's metadata says {said}; scan with {said}"
            ));
        }
        let more = more_classes(measured, channels);
        if !more.is_empty() {
            return Some(format!(
                "{begin}, {unlike}: it sees {}; scan with the one that the model was made with, give labels (--labels), or \
                 go on as it is with --force",
                more.join(", ")
            ));
        }
    }
    // Where logits are not numbers, that says more.
    (from_images && measured.not_numbers.images == 0).then(|| {
        format!(
            "{begin}, and a search begins at images of other classes: give some, or say how they are prepared (--range, \
             --mean, --std, --channels)"
        )
    })
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
