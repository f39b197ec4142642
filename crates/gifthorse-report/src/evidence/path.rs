//! Where trigger files lie: one file for each unit of each detector.

use thiserror::Error;

use crate::report::Unit;

/// Longest name of a detector, in characters.
const LONGEST_NAME: usize = 64;

/// A detector whose name makes no folder.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "the detector name {name:?} makes no folder: use 1 to {LONGEST_NAME} of the characters a-z, 0-9 and _"
)]
pub struct TriggerPathError {
    /// The name.
    pub name: String,
}

/// The path of the trigger file of `unit` of the detector with the name `detector`, relative to the
/// report, with `/` on every system: `triggers/DETECTOR/CLASS.npz`, or for a pair of classes
/// `triggers/DETECTOR/SOURCE-CLASS.npz`.
///
/// It is made of indices and the detector's name alone, because names of classes come from the
/// model.
///
/// # Errors
/// A name that is empty, longer than 64 characters or has others than `a` to `z`, `0` to `9` and
/// `_`.
pub fn trigger_path(detector: &str, unit: Unit) -> Result<String, TriggerPathError> {
    let plain = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_');
    if !(1..=LONGEST_NAME).contains(&detector.len()) || !detector.bytes().all(plain) {
        return Err(TriggerPathError {
            name: detector.to_owned(),
        });
    }
    let class = unit.class;
    Ok(match unit.source {
        None => format!("triggers/{detector}/{class}.npz"),
        Some(source) => format!("triggers/{detector}/{source}-{class}.npz"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_has_a_file_of_its_own() {
        let pair = |source, class| Unit {
            class,
            source: Some(source),
        };
        let units = [
            Unit::class(1),
            Unit::class(11),
            pair(1, 11),
            pair(11, 1),
            pair(1, 1),
        ];
        let mut paths: Vec<String> = ["one", "one_1"]
            .iter()
            .flat_map(|name| units.map(|unit| trigger_path(name, unit).unwrap()))
            .collect();
        assert_eq!(paths[0], "triggers/one/1.npz");
        assert_eq!(paths[2], "triggers/one/1-11.npz");
        paths.sort();
        paths.dedup();
        assert_eq!(paths.len(), 10);
    }

    #[test]
    fn names_that_are_no_folder_are_refused() {
        let long = "a".repeat(65);
        for name in [
            "", "..", "a/b", "a\\b", "A", "a b", "ä", "a.b", "a-b", "a\0", &long,
        ] {
            let refused = trigger_path(name, Unit::class(0));
            assert_eq!(refused.unwrap_err().name, name);
        }
    }
}
