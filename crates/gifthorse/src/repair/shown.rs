//! What only the page of a repair shows: names of classes, and the triggers as pictures.

use gifthorse_data::{Images, balanced_sample};
use gifthorse_engine::Classifier;
use gifthorse_report::evidence::Picture;
use gifthorse_report::html::{RepairExample, RepairTrigger};

use super::diagnosis::Diagnosis;
use super::parts::Parts;
use super::proof::Proof;
use crate::Error;
use crate::scan::pictures::recovered;

/// Images that are shown of each trigger.
const EXAMPLES: usize = 6;

/// What is shown beside the record.
#[derive(Default)]
pub(super) struct Shown {
    /// Names of the classes; may be fewer than the classes.
    pub class_names: Vec<String>,
    /// The triggers, in the order of the proof.
    pub triggers: Vec<RepairTrigger>,
}

/// The model as it came, and the repaired one.
#[derive(Clone, Copy)]
pub(super) struct Pair<'a> {
    pub before: &'a Classifier,
    pub after: &'a Classifier,
}

impl Shown {
    /// Names without triggers, of a model that was only looked at.
    pub(super) fn names(diagnosis: &Diagnosis, classes: usize) -> Self {
        let report = diagnosis.report.as_ref();
        let names = report.map(|(report, _)| (0..classes).map(|it| report.class_name(it)));
        Self {
            class_names: names.map(Iterator::collect).unwrap_or_default(),
            triggers: Vec::new(),
        }
    }

    /// Pictures of the triggers of a proof and, unless images are to be left out, some of its images
    /// with them. `names` are what the proof calls the triggers.
    ///
    /// # Errors
    /// A trigger that is no picture; a model that cannot be run.
    pub(super) fn triggers(
        mut self,
        proof: &Proof<'_>,
        names: impl Iterator<Item = String>,
        pair: Pair<'_>,
    ) -> Result<Self, Error> {
        let shape = pair.before.shape();
        let mut names = names;
        let mut next = || names.next().unwrap_or_default();
        let with_images = proof.request.show_images;
        for known in proof.known.iter().chain(proof.fresh) {
            let is_for = |label: usize| known.is_for(label);
            let stamp = |images: &Images| Ok(known.trigger.stamp(images.pixels(), shape));
            self.triggers.push(RepairTrigger {
                name: next(),
                recovered: Some(recovered(&known.trigger, shape)?),
                examples: match with_images {
                    true => examples(proof.parts, pair, is_for, stamp)?,
                    false => Vec::new(),
                },
            });
        }
        let classes = pair.before.classes();
        for planted in &proof.request.planted {
            let goal = |label: usize| planted.leads_to(label, classes);
            let is_for = |label: usize| goal(label).is_some_and(|goal| goal != label);
            let stamp = |images: &Images| {
                let stamped = planted.stamp(images).map_err(Error::Request)?;
                Ok(stamped.pixels().to_vec())
            };
            self.triggers.push(RepairTrigger {
                name: next(),
                recovered: None,
                examples: match with_images {
                    true => examples(proof.parts, pair, is_for, stamp)?,
                    false => Vec::new(),
                },
            });
        }
        Ok(self)
    }
}

/// Some of the images that prove the repair, drawn evenly over the classes that a trigger is for,
/// with it and without.
fn examples(
    parts: &Parts,
    pair: Pair<'_>,
    is_for: impl Fn(usize) -> bool,
    stamp: impl Fn(&Images) -> Result<Vec<f32>, Error>,
) -> Result<Vec<RepairExample>, Error> {
    let labels = parts.proof.labels().unwrap_or_default();
    let fitting: Vec<usize> = (0..labels.len()).filter(|&at| is_for(labels[at])).collect();
    let of_fitting: Vec<usize> = fitting.iter().map(|&at| labels[at]).collect();
    let chosen = balanced_sample(&of_fitting, EXAMPLES, 0);
    let chosen: Vec<usize> = chosen.into_iter().map(|at| fitting[at]).collect();
    let clean = parts.proof.subset(&chosen);
    let stamped = stamp(&clean)?;
    let (before, after) = (
        pair.before.predict(&stamped)?,
        pair.after.predict(&stamped)?,
    );
    let shape = pair.before.shape();
    let pictures = stamped.chunks_exact(shape.iter().product());
    let example = |(at, stamped): (usize, &[f32])| {
        Ok(RepairExample {
            clean: Picture::new(shape, clean.image(at).to_vec())?,
            stamped: Picture::new(shape, stamped.to_vec())?,
            label: labels[chosen[at]],
            before: before[at],
            after: after[at],
        })
    };
    pictures.enumerate().map(example).collect()
}
