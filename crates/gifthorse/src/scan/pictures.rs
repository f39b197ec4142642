//! The pictures that back the verdict: everything recovered, and held-out images before and after a
//! trigger is stamped on them.

use gifthorse_data::{Images, balanced_sample};
use gifthorse_defense::finding::{Finding, State, Unit};
use gifthorse_defense::subject::Subject;
use gifthorse_defense::trigger::{Patch, Trigger};
use gifthorse_report::evidence::{
    Change, Example, Picture, Recovered, Trigger as TriggerPicture, UnitEvidence,
};
use gifthorse_report::report;

use super::chart;
use super::findings::unit_of;
use super::search::Searched;
use crate::Error;

/// Examples of a class.
const EXAMPLES: usize = 6;

/// What one detector recovered for every unit whose search ended; with examples for the suspects
/// or, if there are none, for the most suspicious of its units.
///
/// # Errors
/// A trigger that is no picture, or a model that fails.
pub fn evidence(
    searched: &Searched<'_>,
    subject: &Subject<'_>,
    suspects: &[usize],
    labelled: bool,
) -> Result<Vec<UnitEvidence>, Error> {
    let shape = subject.classifier.shape();
    let shown = shown(searched, suspects, shape);
    let mut evidence = Vec::new();
    for finding in searched.findings.ended() {
        let (Some(trigger), Some(unit)) = (&finding.trigger, unit_of(finding)) else {
            continue;
        };
        let recovered = recovered(trigger, shape)?;
        let examples = match (subject.images, trigger) {
            (None, _) | (_, Trigger::Picture { .. }) => Vec::new(),
            (Some(images), _) if shown.contains(&finding.unit) => {
                let moves_all = finding.led() == Unit::Model;
                let about = (unit, moves_all);
                examples(subject, images.holdout, about, trigger, labelled)?
            }
            _ => Vec::new(),
        };
        evidence.push(UnitEvidence {
            detector: searched.detector.about().name.to_owned(),
            unit,
            recovered,
            examples,
        });
    }
    Ok(evidence)
}

/// What was recovered, with its picture.
///
/// # Errors
/// A trigger that is no picture.
pub(crate) fn recovered(trigger: &Trigger, shape: [usize; 3]) -> Result<Recovered, Error> {
    Ok(match trigger {
        Trigger::Patch(patch) => Recovered::Patch(picture_of(patch, shape)?),
        Trigger::Picture { pixels } => Recovered::Image(Picture::new(shape, pixels.clone())?),
        Trigger::ColourMap(map) => Recovered::ColourMap(Change {
            numbers: map.weights.clone(),
            chart: stamped(trigger, chart::colours(shape), shape)?,
        }),
        Trigger::Additive(change) => Recovered::Additive(Change {
            numbers: change.values.clone(),
            chart: Picture::new(shape, chart::stretched(&change.values))?,
        }),
        Trigger::Warp(warp) => Recovered::Warp(Change {
            numbers: warp.displacements.clone(),
            chart: stamped(trigger, chart::squares(shape), shape)?,
        }),
        Trigger::LocalMap(map) => Recovered::LocalMap(Change {
            numbers: map.numbers.clone(),
            chart: stamped(trigger, chart::squares(shape), shape)?,
        }),
        Trigger::SpacePatch(patch) => Recovered::SpacePatch(Change {
            numbers: patch.numbers.clone(),
            chart: stamped(trigger, chart::squares(shape), shape)?,
        }),
    })
}

fn shown(searched: &Searched<'_>, suspects: &[usize], shape: [usize; 3]) -> Vec<Unit> {
    let value = |finding: &Finding| searched.detector.value(finding.statistic, shape);
    let is_suspect = |finding: &&Finding| {
        let target = finding.led().target();
        target.is_some_and(|class| suspects.contains(&class))
    };
    let suspected = searched.findings.ended().filter(is_suspect);
    let suspected: Vec<Unit> = suspected.map(|finding| finding.unit).collect();
    if !suspected.is_empty() {
        return suspected;
    }
    searched
        .findings
        .ended()
        .filter(|finding| finding.state == State::Reached)
        .min_by(|a, b| value(a).total_cmp(&value(b)))
        .map(|finding| finding.unit)
        .into_iter()
        .collect()
}

fn picture_of(patch: &Patch, shape: [usize; 3]) -> Result<TriggerPicture, Error> {
    let [_, height, width] = shape;
    let mask = Picture::new([1, height, width], patch.mask.clone())?;
    Ok(TriggerPicture::new(
        mask,
        Picture::new(shape, patch.pattern.clone())?,
    )?)
}

/// What a trigger makes of a chart.
fn stamped(trigger: &Trigger, chart: Vec<f32>, shape: [usize; 3]) -> Result<Picture, Error> {
    Ok(Picture::new(shape, trigger.stamp(&chart, shape))?)
}

/// Held-out images of the classes that the trigger is for, drawn evenly over these, before and
/// after stamping.
fn examples(
    subject: &Subject<'_>,
    holdout: &Images,
    (unit, moves_all): (report::Unit, bool),
    trigger: &Trigger,
    labelled: bool,
) -> Result<Vec<Example>, Error> {
    let labels = holdout.labels().unwrap_or_default();
    let is_for = |label: usize| match unit.source {
        _ if moves_all => true,
        Some(source) => label == source,
        None => label != unit.class,
    };
    let others: Vec<usize> = (0..labels.len()).filter(|&i| is_for(labels[i])).collect();
    let of_others: Vec<usize> = others.iter().map(|&i| labels[i]).collect();
    let chosen = balanced_sample(&of_others, EXAMPLES, subject.seed);
    let chosen: Vec<usize> = chosen.into_iter().map(|i| others[i]).collect();
    let before = holdout.subset(&chosen);
    let shape = subject.classifier.shape();
    let stamped = trigger.stamp(before.pixels(), shape);
    let predicted_before = subject.classifier.predict(before.pixels())?;
    let predicted_after = subject.classifier.predict(&stamped)?;
    let after = stamped.chunks_exact(shape.iter().product());
    after
        .enumerate()
        .map(|(i, after)| {
            Ok(Example {
                before: Picture::new(shape, before.image(i).to_vec())?,
                after: Picture::new(shape, after.to_vec())?,
                predicted_before: predicted_before[i],
                predicted_after: predicted_after[i],
                label: labelled.then(|| labels[chosen[i]]),
            })
        })
        .collect()
}
