//! A model that is less sure than right.

use super::checks::Fit;

/// How much lower the mean confidence of a model is than its accuracy, so that margins say little
/// of it. Models of ten and twelve classes that were trained with labels of which a tenth goes to
/// all classes alike lie 0.12 to 0.15 below; others of the same recipe by less than 0.07, but for
/// those that had not learnt to the end (decision 22).
const LEAST_GAP: f64 = 0.1;

/// Why detectors that go by margins hear little in the model, in words; `None` where they may hear
/// as usual, or where that is not known: without labels a model is right on all images.
pub fn unsure(fit: &Fit) -> Option<String> {
    let measured = fit.preflight.as_ref().filter(|_| fit.labelled)?;
    let (confidence, accuracy) = (measured.confidence?, measured.accuracy?);
    (accuracy - confidence > LEAST_GAP).then(|| {
        format!(
            "it is less sure than right (mean confidence {confidence:.2}, accuracy {accuracy:.2}), as training with \
             smoothed labels leaves a model"
        )
    })
}
