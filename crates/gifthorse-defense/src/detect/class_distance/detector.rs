//! Class distance as a row of the table of detectors.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::class_search::{ClassSearch, IMAGES, STEPS};
use crate::detect::{About, Detector, Published, PublishedRule, Row, UnitStatistic};
use crate::error::Error;
use crate::finding::{Finding, Unit};
use crate::search::Search;
use crate::subject::Subject;
use crate::verdict::{Conviction, Statistic, Tail};

/// The share of pairs above which Xiang et al. (2022) call a model backdoored.
const THRESHOLD: f64 = 0.5;
/// Shorter changes count as this long.
const LEAST_DISTANCE: f64 = 1e-4;

/// What it is.
const ABOUT: About = About {
    name: "class_distance",
    title: "Class distance (after Moosavi-Dezfooli et al. 2016 and R. Wang et al. 2020)",
    tested: "a trigger of any kind that has drawn {targets} near to images of all others",
    not_tested: &[
        "backdoors that only work on images of certain classes",
        "backdoors that lead each class to another one, or all classes to classes of their own",
        "models trained to evade this search",
    ],
    statistic: UnitStatistic {
        name: "distance",
        meaning: "mean length of the changes that lead single images to the class",
        found: "at a distance",
        unit: "pixel values",
        suspicious: Tail::Small,
        extreme: None,
        comparable: false,
        linear: false,
        of_model: false,
        conviction: Conviction::ByStatistic,
    },
    by_default: false,
    by_margins: true,
    needs_images: true,
    presets: &["standard"],
};

/// The row.
pub const ROW: Row = Row {
    about: &ABOUT,
    make: |_, _| Box::new(ClassDistance),
};

/// The detector; it has no settings.
#[derive(Clone, Copy, Debug)]
struct ClassDistance;

impl Detector for ClassDistance {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn preset(&self) -> &'static str {
        ABOUT.presets[0]
    }

    fn settings(&self) -> BTreeMap<String, Value> {
        BTreeMap::from([
            ("images".to_owned(), json!(IMAGES)),
            ("most_steps".to_owned(), json!(STEPS)),
        ])
    }

    fn begin<'a>(
        &'a self,
        subject: &Subject<'a>,
        unit: Unit,
    ) -> Result<Box<dyn Search + 'a>, Error> {
        Ok(Box::new(ClassSearch::new(*subject, unit.class()?)?))
    }

    /// Begins anew.
    fn resume<'a>(
        &'a self,
        subject: &Subject<'a>,
        unit: Unit,
        _: &str,
    ) -> Result<Box<dyn Search + 'a>, Error> {
        self.begin(subject, unit)
    }

    fn most_updates(&self) -> usize {
        STEPS
    }

    fn batch(&self) -> usize {
        IMAGES
    }

    fn held_bytes(&self, _: [usize; 3], _: usize, _: usize) -> usize {
        0
    }

    fn statistic(&self, _: [usize; 3]) -> Statistic {
        ABOUT.statistic.judged(1.0)
    }

    fn value(&self, statistic: f64, shape: [usize; 3]) -> f64 {
        self.statistic(shape).value(statistic.max(LEAST_DISTANCE))
    }

    fn published(&self, compared: &[&Finding], _: [usize; 3]) -> Published {
        let shares = compared.iter().flat_map(|finding| &finding.measures);
        let shares = shares.filter(|measure| measure.name == "transferability");
        let largest = shares.map(|measure| measure.value).reduce(f64::max);
        Published {
            rules: vec![PublishedRule {
                name: "expected transferability > 1/2",
                statistic: largest,
                threshold: THRESHOLD,
                flagged: largest.is_some_and(|share| share > THRESHOLD),
                source: "Expected transferability (ICLR 2022)",
            }],
            ..Published::default()
        }
    }
}
