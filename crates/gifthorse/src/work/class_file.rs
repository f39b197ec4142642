//! What a class's file holds, and whether it can be believed.

use gifthorse_defense::detect::neural_cleanse::{ClassFinding, Snapshot, Stage, State};
use serde::{Deserialize, Serialize};

/// Bytes of a file for each value of mask and pattern: the value, two moments and the best trigger, in base64 or as
/// numbers of few digits.
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
pub type Written<'a> = Contents<&'a Snapshot, &'a ClassFinding>;
/// Contents as read.
pub type Read = Contents<Box<Snapshot>, Box<ClassFinding>>;

/// The name of the file of a class's search in a stage.
pub fn name(stage: Stage, class: usize) -> String {
    format!("{}-{class}", stage.name())
}

/// Most bytes of a class's file, for images of so many channels, rows and columns.
pub fn limit([channels, height, width]: [usize; 3]) -> u64 {
    let values = (channels as u64)
        .saturating_add(1)
        .saturating_mul(height as u64)
        .saturating_mul(width as u64);
    values
        .saturating_mul(BYTES_PER_VALUE)
        .saturating_add(BYTES_OF_THE_REST)
}

/// What no search of this class writes, in words that go after "it"; a search under way is looked at by the search
/// itself, but for its class.
pub fn problem(
    contents: &Read,
    stage: Stage,
    class: usize,
    shape: [usize; 3],
) -> Option<&'static str> {
    match contents {
        Contents::Search(snapshot) if snapshot.class() != class => Some("is of another class"),
        Contents::Search(_) => None,
        Contents::Finding(finding) if finding.class != class => Some("is of another class"),
        Contents::Finding(finding)
            if stage == Stage::Full
                && matches!(finding.state, State::Skipped | State::Eliminated) =>
        {
            Some("has not ended")
        }
        Contents::Finding(finding) => problem_of_finding(finding, shape),
    }
}

fn problem_of_finding(
    finding: &ClassFinding,
    [channels, height, width]: [usize; 3],
) -> Option<&'static str> {
    let trigger = &finding.trigger;
    let sizes = (trigger.mask.len(), trigger.pattern.len());
    let unit = |values: &[f32]| values.iter().all(|value| (0.0..=1.0).contains(value));
    let holdout = finding.holdout.as_ref();
    let worst = holdout.and_then(|holdout| holdout.worst_source.as_ref());
    let sound = [
        (
            sizes == (height * width, channels * height * width),
            "has a trigger of another size than the images",
        ),
        (
            unit(&trigger.mask) && unit(&trigger.pattern),
            "has a trigger with values outside [0, 1]",
        ),
        (
            finding.norm == trigger.norm(),
            "states a norm that is not its trigger's",
        ),
        (
            (0.0..=1.0).contains(&finding.success_rate),
            "states a success rate outside [0, 1]",
        ),
        (
            holdout.is_none_or(|rate| rate.successes <= rate.trials)
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
    sound
        .iter()
        .find(|(sound, _)| !sound)
        .map(|(_, problem)| *problem)
}

#[cfg(test)]
mod tests {
    use gifthorse_defense::detect::neural_cleanse::StepOutcome;
    use gifthorse_defense::verdict::{Confirmation, SourceRate};
    use serde_json::{Value, json};

    use super::*;

    const SHAPE: [usize; 3] = [1, 1, 2];

    /// A finding of class 3, and the trigger that the JSON of others is made with.
    fn finding() -> ClassFinding {
        let worst_source = SourceRate {
            source: 0,
            successes: 4,
            trials: 5,
        };
        let outcome = StepOutcome {
            success: 1.0,
            norm: 1.0,
            loss: 0.25,
        };
        serde_json::from_value(json!({
            "class": 3,
            "state": State::Reached,
            "norm": 1.0f64.to_bits(),
            "trigger": { "mask": "AACAPwAAAAA=", "pattern": "AACAPwAAAAA=" },
            "success_rate": 0.99f64.to_bits(),
            "holdout": Confirmation { successes: 9, trials: 10, worst_source: Some(worst_source) },
            "updates": 480,
            "trace": [outcome],
            "seconds": 1.5,
        }))
        .unwrap()
    }

    fn problem_with(path: &str, value: Value) -> Option<&'static str> {
        let mut changed = serde_json::to_value(finding()).unwrap();
        *changed.pointer_mut(path).unwrap() = value;
        let changed = serde_json::from_value(json!({ "finding": changed })).unwrap();
        problem(&changed, Stage::Full, 3, SHAPE)
    }

    #[test]
    fn findings_that_no_search_makes_are_refused() {
        let good = Contents::Finding(Box::new(finding()));
        assert_eq!(problem(&good, Stage::Full, 3, SHAPE), None);
        assert_eq!(
            problem(&good, Stage::Full, 2, SHAPE),
            Some("is of another class")
        );
        let larger = problem(&good, Stage::Full, 3, [1, 2, 2]);
        assert!(larger.is_some_and(|problem| problem.contains("another size")));
        for (path, value) in [
            ("/class", json!(4)),
            ("/state", json!(State::Skipped)),
            ("/norm", json!(0.5f64.to_bits())),
            ("/norm", json!(f64::NAN.to_bits())),
            ("/trigger/mask", json!("AACAPw==")),
            // [1.0, -1.0], and a value that is not a number.
            ("/trigger/pattern", json!("AACAPwAAgL8=")),
            ("/trigger/pattern", json!("AACAPwAAwH8=")),
            ("/success_rate", json!(1.5f64.to_bits())),
            ("/success_rate", json!(f64::NAN.to_bits())),
            ("/holdout/successes", json!(11)),
            ("/holdout/worst_source/successes", json!(6)),
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
}
