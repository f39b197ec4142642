//! UMD as a row of the table of detectors.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::model_search::{BATCH, IMAGES, ModelSearch, OTHER_PAIRS, RATE, TRIED};
use super::statistic::threshold;
use crate::detect::l_red::STEPS;
use crate::detect::{About, Detector, Published, PublishedRule, Row, UnitStatistic};
use crate::error::Error;
use crate::finding::{Finding, State, Unit};
use crate::search::Search;
use crate::subject::Subject;
use crate::verdict::{Conviction, Statistic, Tail};

/// With fewer classes, hardly a pair is left to compare the core with.
const FEWEST_CLASSES: usize = 3;
/// With images of more classes, there are too many pairs.
const MOST_CLASSES: usize = 50;

/// What it is.
const ABOUT: About = About {
    name: "umd",
    title: "UMD (Xiang et al. 2023)",
    tested: "one additive trigger that leads two classes or more each to a target, whichever",
    not_tested: &[
        "backdoors that only work on images of a single class",
        "triggers that move or warp the image, and objects in the scene",
        "models trained to evade this search",
    ],
    statistic: UnitStatistic {
        name: "separation",
        meaning: "how much smaller the changes of pairs of classes are that work on one another, beside those of \
                  other pairs",
        found: "led to by changes that work on one another, with a separation",
        unit: "deviations",
        suspicious: Tail::Large,
        extreme: None,
        comparable: true,
        linear: true,
        of_model: true,
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
    make: |_, _| Box::new(Umd),
};

/// The detector; it has no settings.
#[derive(Clone, Copy, Debug)]
struct Umd;

fn model(unit: Unit) -> Result<(), Error> {
    match unit {
        Unit::Model => Ok(()),
        other => Err(Error::OtherUnit(other)),
    }
}

impl Detector for Umd {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn preset(&self) -> &'static str {
        ABOUT.presets[0]
    }

    fn settings(&self) -> BTreeMap<String, Value> {
        BTreeMap::from([
            ("images_of_a_class".to_owned(), json!(IMAGES)),
            ("most_steps".to_owned(), json!(STEPS)),
            ("success_threshold".to_owned(), json!(RATE)),
            ("tried_times".to_owned(), json!(TRIED)),
        ])
    }

    /// The model, if it has pairs to compare.
    fn units(&self, classes: usize) -> Vec<Unit> {
        match classes < FEWEST_CLASSES {
            true => Vec::new(),
            false => vec![Unit::Model],
        }
    }

    fn lacks(&self, _: Unit, labels: &[usize]) -> Option<String> {
        let classes = labels.iter().collect::<BTreeSet<_>>().len();
        (classes > MOST_CLASSES).then(|| {
            format!(
                "not searched, since the images are of {classes} classes, which make {} pairs to search: give \
                 images of at most {MOST_CLASSES} classes",
                classes * (classes - 1)
            )
        })
    }

    fn begin<'a>(
        &'a self,
        subject: &Subject<'a>,
        unit: Unit,
    ) -> Result<Box<dyn Search + 'a>, Error> {
        model(unit)?;
        Ok(Box::new(ModelSearch::new(*subject)?))
    }

    fn resume<'a>(
        &'a self,
        subject: &Subject<'a>,
        unit: Unit,
        kept: &str,
    ) -> Result<Box<dyn Search + 'a>, Error> {
        model(unit)?;
        Ok(Box::new(ModelSearch::resume(*subject, kept)?))
    }

    /// Of all pairs together.
    fn most_updates(&self) -> usize {
        STEPS
    }

    fn batch(&self) -> usize {
        BATCH
    }

    /// A change for each pair, of as many classes as are searched at most and there are images of.
    fn held_bytes(&self, shape: [usize; 3], images: usize, units: usize) -> usize {
        let classes = images.min(MOST_CLASSES);
        units * classes * classes * shape.iter().product::<usize>() * size_of::<f32>()
    }

    fn statistic(&self, _: [usize; 3]) -> Statistic {
        ABOUT.statistic.judged(1.0)
    }

    fn published(&self, compared: &[&Finding], _: [usize; 3]) -> Published {
        let mut reached = compared
            .iter()
            .filter(|found| found.state == State::Reached);
        let rule = reached.next().and_then(|found| {
            let others = found.measures.iter().find(|it| it.name == OTHER_PAIRS)?;
            let threshold = threshold(others.value as usize)?;
            Some(PublishedRule {
                name: "separation > the largest of as many normal numbers, in 95 % of cases",
                statistic: Some(found.statistic),
                threshold,
                flagged: found.statistic > threshold,
                source: "UMD (ICML 2023)",
            })
        });
        Published {
            rules: rule.into_iter().collect(),
            ..Published::default()
        }
    }
}
