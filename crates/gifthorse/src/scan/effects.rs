//! What the triggers of the named classes do inside the model, for readers of the report.

use std::time::Instant;

use gifthorse_data::{Images, balanced_sample};
use gifthorse_defense::explain::logits_input;
use gifthorse_defense::finding::{Finding, State};
use gifthorse_defense::subject::Subject;
use gifthorse_defense::trigger::Trigger;
use gifthorse_report::report::{Detection, Effect};

use super::findings::unit_of;
use super::search::Searched;
use crate::explain::effect::{self, Stamped};
use crate::{Error, ScanObserver};

/// Held-out images that each trigger is looked at on: few, since it is one thing more about what
/// was found, and each goes through the model nine times.
const IMAGES: usize = 100;
/// Classes whose triggers are looked at.
const TARGETS: usize = 8;
/// Share of the channels that is looked at, as in the paper.
const TOP: f64 = 0.01;

/// Adds to the findings of the first named classes what their triggers do, where these are stamped
/// on images of all classes. The verdict has been drawn before; what cannot be had is told and
/// left out, as is all that would begin after the deadline.
pub fn add(
    detections: &mut [Detection],
    all: &[Searched<'_>],
    subject: &Subject<'_>,
    targets: &[usize],
    deadline: Option<Instant>,
    observer: &dyn ScanObserver,
) {
    let Some(images) = subject.images else {
        return;
    };
    let labels = images.holdout.labels().unwrap_or_default();
    let sample = images
        .holdout
        .subset(&balanced_sample(labels, IMAGES, subject.seed));
    let targets = &targets[..targets.len().min(TARGETS)];
    for searched in all {
        let name = searched.detector.about().name;
        let Some(detection) = detections.iter_mut().find(|it| it.name == name) else {
            continue;
        };
        for finding in &searched.findings.units {
            let unit = unit_of(finding).filter(|unit| unit.source.is_none());
            let Some(unit) = unit.filter(|unit| targets.contains(&unit.class)) else {
                continue;
            };
            if deadline.is_some_and(|deadline| Instant::now() > deadline) {
                return;
            }
            let effect = of(finding, subject, &sample, unit.class).unwrap_or_else(|error| {
                observer.warning(&format!(
                    "what the trigger to class {} does inside the model cannot be told: {error}",
                    unit.class
                ));
                None
            });
            let mut written = detection.findings.iter_mut();
            if let Some(written) = written.find(|it| it.unit() == unit) {
                written.effect = effect;
            }
        }
    }
}

/// What the trigger of a finding does; none if it has none that is stamped, or the model has no last
/// layer.
fn of(
    finding: &Finding,
    subject: &Subject<'_>,
    images: &Images,
    class: usize,
) -> Result<Option<Effect>, Error> {
    let Some(trigger) = &finding.trigger else {
        return Ok(None);
    };
    if finding.state != State::Reached || matches!(trigger, Trigger::Picture { .. }) {
        return Ok(None);
    }
    let classifier = subject.classifier;
    let stamped = trigger.stamp(images.pixels(), classifier.shape());
    let Some(layer) = logits_input(classifier)? else {
        return Ok(None);
    };
    let stamped = Stamped {
        images,
        trigger: &stamped,
        original: None,
    };
    effect::of(classifier, &stamped, Some(class), &[layer], TOP).map(Some)
}
