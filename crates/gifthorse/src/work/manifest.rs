//! What a scan was asked, as far as the searches depend on it.

use std::collections::BTreeMap;

use gifthorse_defense::detect::Detector;
use gifthorse_engine::Classifier;
use serde::{Deserialize, Serialize};

use crate::ScanRequest;
use crate::flags::flags;

/// Longest value that is quoted when it differs, in characters.
const LONGEST: usize = 80;

/// Everything that the searches depend on, each in words and by name. Time limits, threads and
/// outputs are left out: a scan may go on with others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    facts: BTreeMap<String, String>,
}

/// What goes by hash.
pub struct Hashes<'a> {
    /// The model file.
    pub model: &'a str,
    /// The decoded weights, wherever they are stored.
    pub weights: &'a str,
    /// Pixels and labels of the images, and how many are used if not all; `none` where there are
    /// none.
    pub images: &'a str,
}

impl Manifest {
    /// What the searches of a request depend on, with the preprocessing that was settled on.
    pub fn new(
        request: &ScanRequest,
        detectors: &[Box<dyn Detector>],
        classifier: &Classifier,
        hashes: &Hashes<'_>,
    ) -> Self {
        let [channels, height, width] = classifier.shape();
        let ends = classifier.network().ends();
        let classes = match &request.classes {
            None => "all".to_owned(),
            Some(classes) => {
                let classes: std::collections::BTreeSet<&usize> = classes.iter().collect();
                let numbers: Vec<String> = classes.iter().map(ToString::to_string).collect();
                numbers.join(",")
            }
        };
        let facts = [
            (
                "version of the program",
                env!("CARGO_PKG_VERSION").to_owned(),
            ),
            ("SHA-256 of the model file", hashes.model.to_owned()),
            ("SHA-256 of the model's weights", hashes.weights.to_owned()),
            ("SHA-256 of the images and labels", hashes.images.to_owned()),
            ("size of the images", format!("{channels}x{height}x{width}")),
            ("output that is scanned", ends.output.clone()),
            ("inputs beside the image", format!("{:?}", ends.given)),
            ("preprocessing", flags(classifier.preprocess(), channels)),
            ("seed", request.seed.to_string()),
            ("classes", classes),
            ("false-positive rate", request.fpr.to_string()),
        ];
        let facts = facts.map(|(name, value)| (name.to_owned(), value));
        let settings = detectors.iter().flat_map(|detector| {
            let name = detector.about().name;
            let settings = detector.settings().into_iter();
            let preset = (format!("preset of {name}"), detector.preset().to_owned());
            settings
                .map(move |(setting, value)| {
                    (format!("setting {setting} of {name}"), value.to_string())
                })
                .chain([preset])
        });
        Self {
            facts: facts.into_iter().chain(settings).collect(),
        }
    }

    /// What differs from another scan's, in words: there, and now.
    pub fn differences(&self, there: &Self) -> Vec<String> {
        let names = there.facts.keys().chain(self.facts.keys());
        let names: std::collections::BTreeSet<&String> = names.collect();
        let value = |facts: &BTreeMap<String, String>, name: &str| match facts.get(name) {
            Some(value) if value.chars().count() > LONGEST => {
                value.chars().take(LONGEST).chain("...".chars()).collect()
            }
            Some(value) => value.clone(),
            None => "none".to_owned(),
        };
        names
            .into_iter()
            .filter(|name| there.facts.get(*name) != self.facts.get(*name))
            .map(|name| {
                let (before, now) = (value(&there.facts, name), value(&self.facts, name));
                format!("its {name} is {before}, now {now}")
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(facts: &[(&str, &str)]) -> Manifest {
        let facts = facts.iter();
        Manifest {
            facts: facts
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
        }
    }

    #[test]
    fn differences_name_what_changed_came_and_went() {
        let there = of(&[("seed", "1"), ("classes", "all"), ("old", "x")]);
        let now = of(&[("seed", "2"), ("classes", "all"), ("new", "y")]);
        assert_eq!(
            now.differences(&there),
            [
                "its new is none, now y",
                "its old is x, now none",
                "its seed is 1, now 2"
            ]
        );
        assert!(now.differences(&now.clone()).is_empty());
    }

    #[test]
    fn long_values_are_cut() {
        let [there, now] = ["a", "b"].map(|letter| of(&[("seed", &letter.repeat(5000))]));
        assert!(now.differences(&there)[0].len() < 300);
    }
}
