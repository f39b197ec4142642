//! Before and after, on images that neither search nor repair has seen.

use gifthorse_data::Images;
use gifthorse_defense::count::Count;
use gifthorse_defense::repair::measure::{Effect, Measured};
use gifthorse_defense::repair::{KnownTrigger, Limits, Patient, retuned};
use gifthorse_engine::Classifier;
use gifthorse_onnx::Model;

use super::parts::Parts;
use super::record::{BeforeAfter, Measurements, Origin, Share, TriggerProof};
use super::request::PlantedTrigger;
use super::{RepairRequest, opened_again};
use crate::Error;

/// How much more often images may go where a trigger leads with it than without, for the model to
/// count as repaired.
const EXCESS: f64 = 0.05;

/// What is measured.
pub(super) struct Proof<'a> {
    pub request: &'a RepairRequest,
    pub parts: &'a Parts,
    /// The triggers that were to be repaired,
    pub known: &'a [KnownTrigger],
    /// and those that searches found in repaired models.
    pub fresh: &'a [KnownTrigger],
}

/// What was measured, with all that is needed to judge it.
pub(super) struct Proven {
    before: Measured,
    after: Measured,
}

impl Proof<'_> {
    /// Measures both models.
    ///
    /// # Errors
    /// A model that cannot be run; a planted trigger that does not fit the images.
    pub(super) fn measure(
        &self,
        before: &Classifier,
        after: &Classifier,
    ) -> Result<(Proven, Measurements), Error> {
        let images = &self.parts.proof;
        let triggers = [self.known, self.fresh].concat();
        let proven = Proven {
            before: Measured::of(before, images, &triggers)?,
            after: Measured::of(after, images, &triggers)?,
        };
        let origin = |place: usize| match (place < self.known.len(), &self.request.trigger) {
            (true, None) => Origin::Recovered,
            (true, Some(_)) => Origin::Told,
            (false, _) => Origin::Fresh,
        };
        let pairs = proven.before.triggers.iter().zip(&proven.after.triggers);
        let mut proofs = Vec::new();
        for (place, (before, after)) in pairs.enumerate() {
            let name = name(&triggers[place]);
            proofs.push(TriggerProof::of((origin(place), name), before, after)?);
        }
        for planted in &self.request.planted {
            let stamped = stamped(planted.as_ref(), images)?;
            let effect =
                |classifier: &Classifier| effect(planted.as_ref(), classifier, images, &stamped);
            let named = (Origin::Planted, planted.name());
            proofs.push(TriggerProof::of(named, &effect(before)?, &effect(after)?)?);
        }
        let measurements = Measurements {
            clean: BeforeAfter::of(proven.before.clean, proven.after.clean)?,
            triggers: proofs,
            came_back: Vec::new(),
        };
        Ok((proven, measurements))
    }

    /// In what the repaired model falls short, in sentences. What was planted does not count:
    /// nobody who repairs a model knows it.
    pub(super) fn shortfalls(&self, proven: &Proven) -> Vec<String> {
        let limits = Limits {
            budget: self.request.budget,
            excess: EXCESS,
        };
        let shortfalls = limits.shortfalls(&proven.before, &proven.after);
        shortfalls.iter().map(ToString::to_string).collect()
    }

    /// How often triggers work once the repaired model was trained on clean images and five stamped ones.
    ///
    /// # Errors
    /// A model that cannot be trained or run.
    pub(super) fn retuned(
        &self,
        patient: &Patient<'_>,
        model: &Model,
        like: &Classifier,
    ) -> Result<Vec<Share>, Error> {
        let mut came_back = Vec::new();
        for known in self.known {
            let Some(model) = retuned(patient, model, known)? else {
                continue;
            };
            let classifier = opened_again(&model, like)?;
            let trigger = std::slice::from_ref(known);
            let measured = Measured::of(&classifier, &self.parts.proof, trigger)?;
            for effect in measured.triggers {
                came_back.push(Share::of(effect.success)?);
            }
        }
        Ok(came_back)
    }
}

/// What a trigger is called.
fn name(known: &KnownTrigger) -> String {
    match (known.target, known.source) {
        (None, _) => "each class to another".to_owned(),
        (Some(target), None) => format!("to class {target}"),
        (Some(target), Some(source)) => format!("class {source} to class {target}"),
    }
}

fn stamped(planted: &dyn PlantedTrigger, images: &Images) -> Result<Images, Error> {
    let refused = |why| Error::Request(format!("{} cannot be measured: {why}", planted.name()));
    planted.stamp(images).map_err(refused)
}

/// What a planted trigger does to the images that it leads anywhere.
fn effect(
    planted: &dyn PlantedTrigger,
    classifier: &Classifier,
    images: &Images,
    stamped: &Images,
) -> Result<Effect, Error> {
    let labels = images.labels().unwrap_or_default();
    let classes = classifier.classes();
    let goal = |label: usize| {
        planted
            .leads_to(label, classes)
            .filter(|&goal| goal != label)
    };
    let clean = classifier.predict(images.pixels())?;
    let answers = classifier.predict(stamped.pixels())?;
    let places = || (0..labels.len()).filter_map(|at| Some((at, goal(labels[at])?)));
    let mut goals: Vec<usize> = places().map(|(_, goal)| goal).collect();
    goals.sort_unstable();
    goals.dedup();
    Ok(Effect {
        target: (goals.len() == 1).then(|| goals[0]),
        success: Count::of(places().map(|(at, goal)| answers[at] == goal)),
        without: Count::of(places().map(|(at, goal)| clean[at] == goal)),
        robust: Count::of(places().map(|(at, _)| answers[at] == labels[at])),
    })
}
