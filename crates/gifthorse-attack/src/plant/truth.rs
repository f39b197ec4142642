//! The truth about a model, to be kept beside it and away from whoever scans it.

use serde::{Deserialize, Serialize};

use crate::measure::AttackSuccess;
use crate::trigger::AnyTrigger;

/// What is in a model, as its maker knows and has measured it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Truth {
    /// Share of clean test images that the model gives their label.
    pub clean_accuracy: f64,
    /// What was planted; `null` in a clean model.
    pub backdoor: Option<Backdoor>,
}

/// A planted backdoor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Backdoor {
    /// How it was planted.
    pub method: Method,
    /// The class that it leads to.
    pub target: usize,
    /// What it answers to.
    pub trigger: AnyTrigger,
    /// Share of the training images that were poisoned.
    pub poison_rate: f64,
    /// Indices of those images in the training set, ascending.
    pub poisoned: Vec<usize>,
    /// How often it works on test images.
    pub attack_success: AttackSuccess,
}

/// How a backdoor is planted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Method {
    /// Stamped and relabelled training images ([`super::BadNets`]).
    Badnets,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trigger::{Corner, Place, Square};

    #[test]
    fn the_record_reads_as_it_was_written() {
        let place = Place::Corner {
            corner: Corner::BottomRight,
            margin: 1,
        };
        let square = Square {
            size: 4,
            colour: vec![1.0, 0.5, 0.0],
            place,
        };
        let backdoor = Backdoor {
            method: Method::Badnets,
            target: 7,
            trigger: AnyTrigger::Square(square),
            poison_rate: 0.125,
            poisoned: vec![3, 14],
            attack_success: AttackSuccess {
                other_classes: 0.75,
                all_classes: 0.875,
            },
        };
        let truth = Truth {
            clean_accuracy: 0.5,
            backdoor: Some(backdoor),
        };
        let json = serde_json::to_string(&truth).unwrap();
        let trigger = r#""trigger":{"kind":"square","size":4,"colour":[1.0,0.5,0.0],"#;
        let place = r#""place":{"corner":{"corner":"bottom_right","margin":1}}}"#;
        assert!(json.contains(trigger) && json.contains(place), "{json}");
        assert_eq!(serde_json::from_str::<Truth>(&json).unwrap(), truth);
        let clean = serde_json::to_string(&Truth {
            backdoor: None,
            ..truth
        })
        .unwrap();
        assert_eq!(clean, r#"{"clean_accuracy":0.5,"backdoor":null}"#);
    }
}
