//! Expected transferability as a row of the table of detectors.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::class_search::{CONFIDENCE, ClassSearch, IMAGES};
use super::runs::PATIENCE;
use crate::detect::l_red::STEPS;
use crate::detect::{About, Detector, Published, PublishedRule, Row, UnitStatistic};
use crate::error::Error;
use crate::finding::{Finding, State, Unit};
use crate::search::Search;
use crate::subject::Subject;
use crate::verdict::{Conviction, Statistic, Tail};

/// A class of more is a target, as published.
const THRESHOLD: f64 = 0.5;

/// What it is.
const ABOUT: About = About {
    name: "expected_transferability",
    title: "Expected transferability (Xiang et al. 2022)",
    tested: "a trigger that is a small change of all images and leads those of all other classes to {targets}",
    not_tested: &[
        "triggers that are stamped over the image, such as patches",
        "triggers that move or warp the image, and objects in the scene",
        "backdoors that only work on images of certain classes",
        "backdoors that lead each class to another one, or all classes to classes of their own",
        "models trained to evade this search",
    ],
    statistic: UnitStatistic {
        name: "transferability",
        meaning: "mean share of other images that a change which leads one image to the class leads there as well",
        found: "reached by changes that work on one another's images, with a transferability",
        unit: "share",
        suspicious: Tail::Large,
        extreme: None,
        comparable: true,
        linear: true,
        of_model: false,
        conviction: Conviction::ByStatistic,
    },
    by_default: false,
    by_margins: false,
    needs_images: true,
    presets: &["standard"],
};

/// The row.
pub const ROW: Row = Row {
    about: &ABOUT,
    make: |_, _| Box::new(ExpectedTransferability),
};

/// The detector; it has no settings.
#[derive(Clone, Copy, Debug)]
struct ExpectedTransferability;

impl Detector for ExpectedTransferability {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn preset(&self) -> &'static str {
        ABOUT.presets[0]
    }

    fn settings(&self) -> BTreeMap<String, Value> {
        BTreeMap::from([
            ("images".to_owned(), json!(IMAGES)),
            ("least_probability".to_owned(), json!(CONFIDENCE)),
            ("most_steps_of_a_run".to_owned(), json!(STEPS)),
            ("patience".to_owned(), json!(PATIENCE)),
        ])
    }

    fn begin<'a>(
        &'a self,
        subject: &Subject<'a>,
        unit: Unit,
    ) -> Result<Box<dyn Search + 'a>, Error> {
        Ok(Box::new(ClassSearch::new(*subject, unit.class()?)?))
    }

    fn resume<'a>(
        &'a self,
        subject: &Subject<'a>,
        unit: Unit,
        kept: &str,
    ) -> Result<Box<dyn Search + 'a>, Error> {
        let search = ClassSearch::resume(*subject, unit.class()?, kept)?;
        Ok(Box::new(search))
    }

    /// The fewest runs of an image, each of the most steps: more are rare, and so are that many
    /// steps.
    fn most_updates(&self) -> usize {
        (PATIENCE + 1) * STEPS
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

    fn published(&self, compared: &[&Finding], _: [usize; 3]) -> Published {
        let reached = compared
            .iter()
            .filter(|found| found.state == State::Reached);
        let largest = reached.map(|found| found.statistic).reduce(f64::max);
        Published {
            rules: vec![PublishedRule {
                name: "expected transferability > 1/2",
                statistic: largest,
                threshold: THRESHOLD,
                flagged: largest.is_some_and(|largest| largest > THRESHOLD),
                source: "Expected transferability (ICLR 2022)",
            }],
            ..Published::default()
        }
    }
}
