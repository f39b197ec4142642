//! How much less sure another model is of what the model answers.

mod export;

use gifthorse_engine::Classifier;

use super::logits::margin;
use super::scored::best_other;
use super::{Scored, pass::in_parts};
use crate::error::Error;

pub(super) use export::{Safe, export};

/// Scores images by the margin of the model's answer in the model, less its margin in `other`, a
/// model of the same classes. `safe_label` makes the class to give instead from the logits of
/// `other` and the answer.
///
/// # Errors
/// A number of pixels that is no whole number of images; a model that cannot be run.
pub(super) fn disagreements(
    (classifier, other): (&Classifier, &Classifier),
    pixels: &[f32],
    safe_label: impl Fn(&[f32], usize) -> Option<usize>,
) -> Result<Vec<Scored>, Error> {
    let rows = |of: &Classifier| {
        in_parts(of, &[], pixels, |passed| {
            let rows = passed.logits.chunks_exact(of.classes());
            Ok(rows.map(<[f32]>::to_vec).collect())
        })
    };
    let (own, others): (Vec<Vec<f32>>, Vec<Vec<f32>>) = (rows(classifier)?, rows(other)?);
    let scored = own.iter().zip(&others).map(|(own, other)| {
        let answer = best_other(own, None).unwrap_or_default();
        let score = margin(own, answer) - margin(other, answer);
        Scored::new(score, answer).with_safe_label(safe_label(other, answer))
    });
    Ok(scored.collect())
}
