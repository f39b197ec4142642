//! The pictures that back the verdict: every recovered trigger, and held-out images before and after it is stamped.

use gifthorse_data::{Images, balanced_sample};
use gifthorse_defense::detect::neural_cleanse::{ClassFinding, State};
use gifthorse_defense::detect::{Trigger, stamp};
use gifthorse_report::Evidence;
use gifthorse_report::evidence::{ClassEvidence, Example, Picture, Trigger as TriggerPicture};

use super::checks::Fit;
use super::conclusion::Conclusion;
use super::search::Searched;
use crate::{Error, ScanRequest};

/// Examples of a class.
const EXAMPLES: usize = 6;

/// The triggers of all classes whose search ended; with examples for those flagged or, if none is, for the class with
/// the smallest trigger.
///
/// # Errors
/// A trigger that is no picture, or a model that fails.
pub fn evidence(
    fit: &Fit,
    holdout: &Images,
    searched: &Searched,
    conclusion: &Conclusion,
    request: &ScanRequest,
) -> Result<Evidence, Error> {
    let shown = shown(searched, conclusion);
    let classes = searched.ended().map(|finding| {
        let examples = if shown.contains(&finding.class) {
            examples(fit, holdout, finding, request.seed)?
        } else {
            Vec::new()
        };
        Ok(ClassEvidence {
            class: finding.class,
            trigger: picture_of(&finding.trigger, fit.classifier.shape())?,
            examples,
        })
    });
    let classes = classes.collect::<Result<Vec<_>, Error>>()?;
    Ok(Evidence { classes })
}

fn shown(searched: &Searched, conclusion: &Conclusion) -> Vec<usize> {
    match &conclusion.decision.suspects {
        suspects if !suspects.is_empty() => suspects.clone(),
        _ => searched
            .ended()
            .filter(|finding| finding.state == State::Reached)
            .min_by(|a, b| a.norm.total_cmp(&b.norm))
            .map(|finding| finding.class)
            .into_iter()
            .collect(),
    }
}

fn picture_of(trigger: &Trigger, shape: [usize; 3]) -> Result<TriggerPicture, Error> {
    let [_, height, width] = shape;
    let mask = Picture::new([1, height, width], trigger.mask.clone())?;
    Ok(TriggerPicture::new(
        mask,
        Picture::new(shape, trigger.pattern.clone())?,
    )?)
}

/// Held-out images of other classes, drawn evenly over the classes, before and after stamping.
fn examples(
    fit: &Fit,
    holdout: &Images,
    finding: &ClassFinding,
    seed: u64,
) -> Result<Vec<Example>, Error> {
    let labels = holdout.labels().unwrap_or_default();
    let others: Vec<usize> = (0..labels.len())
        .filter(|&i| labels[i] != finding.class)
        .collect();
    let of_others: Vec<usize> = others.iter().map(|&i| labels[i]).collect();
    let chosen = balanced_sample(&of_others, EXAMPLES, seed);
    let chosen: Vec<usize> = chosen.into_iter().map(|i| others[i]).collect();
    let before = holdout.subset(&chosen);
    let shape = fit.classifier.shape();
    let trigger = &finding.trigger;
    let stamped = stamp(before.pixels(), shape, &trigger.mask, &trigger.pattern);
    let predicted_before = fit.classifier.predict(before.pixels())?;
    let predicted_after = fit.classifier.predict(&stamped)?;
    let after = stamped.chunks_exact(shape.iter().product());
    after
        .enumerate()
        .map(|(i, after)| {
            Ok(Example {
                before: Picture::new(shape, before.image(i).to_vec())?,
                after: Picture::new(shape, after.to_vec())?,
                predicted_before: predicted_before[i],
                predicted_after: predicted_after[i],
                label: fit.labelled.then(|| labels[chosen[i]]),
            })
        })
        .collect()
}
