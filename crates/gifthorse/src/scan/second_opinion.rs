//! Whether the triggers of suspicious classes use the features of these classes.

use gifthorse_defense::ex_ray::opinion;
use gifthorse_defense::finding::{Measure, State, Unit};
use gifthorse_defense::subject::Subject;
use gifthorse_defense::trigger::Trigger;

use super::search::Searched;
use crate::Error;

/// The measure that a finding gets.
const SIMILARITY: &str = "feature_similarity";

/// Looks at the patch of each suspicious class, adds what is seen to the finding as a measure, and
/// says it in sentences for a reader. The verdict has been drawn before.
///
/// # Errors
/// A model that cannot be run.
pub fn ask(
    subject: &Subject<'_>,
    all: &mut [Searched<'_>],
    suspects: &[usize],
) -> Result<Vec<String>, Error> {
    let mut sentences = Vec::new();
    for searched in all {
        let name = searched.detector.about().name;
        for finding in &mut searched.findings.units {
            let (Unit::Class(class), Some(trigger)) = (finding.unit, &finding.trigger) else {
                continue;
            };
            let is_patch = matches!(trigger, Trigger::Patch(_)) && finding.state == State::Reached;
            if !is_patch || !suspects.contains(&class) {
                continue;
            }
            let Some(opinion) = opinion(subject, trigger, class)? else {
                continue;
            };
            sentences.push(format!(
                "Second opinion: the trigger to class {class} ({name}) and the images of that class have features with a \
                 similarity of {:.2}. Below 0.7 speaks for a trigger that was put in; above that it says nothing.",
                opinion.similarity
            ));
            finding.measures.push(Measure {
                name: SIMILARITY.to_owned(),
                value: opinion.similarity,
                unit: String::new(),
            });
        }
    }
    Ok(sentences)
}
