//! What the file of a unit's search holds, and whether it can be believed.

use gifthorse_defense::finding::{Finding, Unit};
use gifthorse_defense::search::Stage;
use serde::{Deserialize, Serialize};

/// Bytes of a file for each value of mask and pattern: the value, two moments and the best trigger,
/// in base64 or as numbers of few digits.
const BYTES_PER_VALUE: u64 = 64;
/// Bytes of a file for all else: the course of the search and the images still to come.
const BYTES_OF_THE_REST: u64 = 1 << 25;
/// More updates than any search makes.
const MOST_UPDATES: usize = 1 << 40;

/// The contents: a search under way or what it found.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Contents<S, F> {
    /// It goes on.
    Search(S),
    /// It came to its end.
    Finding(F),
}

/// Contents to be written.
pub type Written<'a> = Contents<&'a str, &'a Finding>;
/// Contents as read.
pub type Read = Contents<String, Box<Finding>>;

/// The name of the file of a detector's search of a unit in a stage.
pub fn name(detector: &str, stage: Stage, unit: Unit) -> String {
    format!("{detector}-{}-{unit}", stage.name())
}

/// Most bytes of a unit's file, for images of so many channels, rows and columns.
pub fn limit([channels, height, width]: [usize; 3]) -> u64 {
    let values = (channels as u64)
        .saturating_add(1)
        .saturating_mul(height as u64)
        .saturating_mul(width as u64);
    values
        .saturating_mul(BYTES_PER_VALUE)
        .saturating_add(BYTES_OF_THE_REST)
}

/// What no search of this unit writes, in words that go after "it"; a search under way is looked at
/// by the search itself.
pub fn problem(
    contents: &Read,
    stage: Stage,
    unit: Unit,
    shape: [usize; 3],
) -> Option<&'static str> {
    match contents {
        Contents::Search(_) => None,
        Contents::Finding(finding) if finding.unit != unit => Some("is of another class"),
        Contents::Finding(finding) if stage == Stage::Full && !finding.state.has_ended() => {
            Some("has not ended")
        }
        Contents::Finding(finding) => problem_of_finding(finding, shape),
    }
}

fn problem_of_finding(finding: &Finding, shape: [usize; 3]) -> Option<&'static str> {
    let trigger = finding.trigger.as_ref();
    let tried = finding.confirmation.as_ref();
    let worst = tried.and_then(|tried| tried.worst_source.as_ref());
    let rate = finding.success_rate;
    let sound = [
        (
            finding.statistic.is_finite(),
            "states a statistic that is no number",
        ),
        (
            rate.is_none_or(|rate| (0.0..=1.0).contains(&rate)),
            "states a success rate outside [0, 1]",
        ),
        (
            tried.is_none_or(|tried| tried.successes <= tried.trials)
                && worst.is_none_or(|rate| rate.successes <= rate.trials),
            "states more successes than trials",
        ),
        (
            finding.updates <= MOST_UPDATES
                && finding.seconds.is_finite()
                && finding.seconds >= 0.0,
            "states an impossible time",
        ),
    ];
    let unsound = sound.iter().find(|(sound, _)| !sound);
    let of_trigger = trigger.and_then(|trigger| trigger.problem(shape));
    of_trigger.or(unsound.map(|(_, problem)| *problem))
}

#[cfg(test)]
mod tests {
    use gifthorse_defense::detect::DETECTORS;
    use gifthorse_defense::finding::State;
    use gifthorse_defense::verdict::{Confirmation, SourceRate};
    use serde_json::{Value, json};

    use super::*;

    const SHAPE: [usize; 3] = [1, 1, 2];

    /// A finding of class 3, and the trigger that the JSON of others is made with.
    fn finding() -> Finding {
        let worst_source = SourceRate {
            source: 0,
            successes: 4,
            trials: 5,
        };
        serde_json::from_value(json!({
            "unit": { "class": 3 },
            "state": State::Reached,
            "statistic": 1.0f64.to_bits(),
            "trigger": { "patch": { "mask": "AACAPwAAAAA=", "pattern": "AACAPwAAAAA=" } },
            "success_rate": 0.99f64.to_bits(),
            "confirmation": Confirmation { successes: 9, trials: 10, worst_source: Some(worst_source) },
            "updates": 480,
            "measures": [],
            "seconds": 1.5,
        }))
        .unwrap()
    }

    fn problem_with(path: &str, value: Value) -> Option<&'static str> {
        let mut changed = serde_json::to_value(finding()).unwrap();
        *changed.pointer_mut(path).unwrap() = value;
        let changed = serde_json::from_value(json!({ "finding": changed })).unwrap();
        problem(&changed, Stage::Full, Unit::Class(3), SHAPE)
    }

    #[test]
    fn findings_that_no_search_makes_are_refused() {
        let good = Contents::Finding(Box::new(finding()));
        assert_eq!(problem(&good, Stage::Full, Unit::Class(3), SHAPE), None);
        assert_eq!(
            problem(&good, Stage::Full, Unit::Class(2), SHAPE),
            Some("is of another class")
        );
        let larger = problem(&good, Stage::Full, Unit::Class(3), [1, 2, 2]);
        assert!(larger.is_some_and(|problem| problem.contains("another size")));
        for (path, value) in [
            ("/unit/class", json!(4)),
            ("/state", json!(State::Skipped)),
            ("/statistic", json!(f64::NAN.to_bits())),
            ("/trigger/patch/mask", json!("AACAPw==")),
            // [1.0, -1.0], and a value that is not a number.
            ("/trigger/patch/pattern", json!("AACAPwAAgL8=")),
            ("/trigger/patch/pattern", json!("AACAPwAAwH8=")),
            ("/success_rate", json!(1.5f64.to_bits())),
            ("/success_rate", json!(f64::NAN.to_bits())),
            ("/confirmation/successes", json!(11)),
            ("/confirmation/worst_source/successes", json!(6)),
            ("/updates", json!(u64::MAX)),
            ("/seconds", json!(-1.0)),
        ] {
            let shown = value.to_string();
            assert!(problem_with(path, value).is_some(), "{path}: {shown}");
        }
        assert_eq!(problem_with("/updates", json!(481)), None);
    }

    #[test]
    fn the_limit_grows_with_the_images_and_stops_at_the_largest_number() {
        assert!(limit([3, 224, 224]) > limit([3, 32, 32]));
        assert_eq!(limit([usize::MAX, usize::MAX, usize::MAX]), u64::MAX);
    }

    #[test]
    fn no_two_searches_of_a_scan_share_a_file() {
        let pair = |source, target| Unit::Pair { source, target };
        let units = [
            Unit::Class(1),
            Unit::Class(13),
            pair(1, 3),
            pair(3, 1),
            Unit::Model,
            Unit::Source(1),
        ];
        let names: std::collections::BTreeSet<String> = DETECTORS
            .iter()
            .flat_map(|row| {
                let stages = [Stage::Early, Stage::Full].into_iter();
                stages.flat_map(move |stage| units.map(|unit| name(row.about.name, stage, unit)))
            })
            .collect();
        assert_eq!(names.len(), DETECTORS.len() * 2 * units.len());
        let of_class = name("neural_cleanse", Stage::Full, Unit::Class(3));
        assert_eq!(of_class, "neural_cleanse-full-class-3");
        // A hyphen parts a name from what follows it, so that no name may hold one.
        for row in const { &DETECTORS } {
            assert!(!row.about.name.contains('-'), "{}", row.about.name);
        }
    }
}
