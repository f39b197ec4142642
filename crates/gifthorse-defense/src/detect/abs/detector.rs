//! ABS as a row of the table of detectors.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::class_search::{ClassSearch, IMAGES, UNITS};
use super::stimulation;
use super::unit_search::UPDATES;
use crate::detect::{About, Detector, Published, PublishedRule, Row, UnitStatistic};
use crate::error::Error;
use crate::finding::{Finding, State, Unit};
use crate::search::Search;
use crate::subject::Subject;
use crate::verdict::{Conviction, REQUIRED_RATE, Statistic, Tail};

/// The success rate above which the authors' program calls a model backdoored.
const THRESHOLD: f64 = 0.8;

/// What it is.
const ABOUT: About = About {
    name: "abs",
    title: "ABS (Y. Liu et al. 2019)",
    tested: "a small patch that wakes a single unit which leads images of all other classes to {targets}",
    not_tested: &[
        "backdoors that several units carry together, of which none leads to the target alone",
        "triggers that are spread over the image, such as blended pictures, filters, noise and reflections",
        "triggers that move or warp the image, and objects in the scene",
        "backdoors that only work on images of certain classes",
        "backdoors that lead each class to another one, or all classes to classes of their own",
        "models trained to evade this search",
    ],
    statistic: UnitStatistic {
        name: "success",
        meaning: "largest share of held-out images that a trigger leads to the class which was made to wake one unit",
        found: "reached by a unit's trigger with a success",
        unit: "of the images",
        suspicious: Tail::Large,
        extreme: Some(1.0),
        comparable: true,
        linear: true,
        of_model: false,
        conviction: Conviction::ByTrigger {
            rate: REQUIRED_RATE,
        },
    },
    by_default: false,
    by_margins: false,
    needs_images: true,
    presets: &["standard"],
};

/// The row.
pub const ROW: Row = Row {
    about: &ABOUT,
    make: |_, _| Box::new(Abs),
};

/// The detector; it has no settings.
#[derive(Clone, Copy, Debug)]
struct Abs;

impl Detector for Abs {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn preset(&self) -> &'static str {
        ABOUT.presets[0]
    }

    fn settings(&self) -> BTreeMap<String, Value> {
        BTreeMap::from([
            ("stimulated_images".to_owned(), json!(stimulation::IMAGES)),
            ("layers".to_owned(), json!(stimulation::LAYERS)),
            ("units_per_class".to_owned(), json!(UNITS)),
            ("images".to_owned(), json!(IMAGES)),
            ("updates".to_owned(), json!(UPDATES)),
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
        let kept = serde_json::from_str(kept)?;
        let search = ClassSearch::resume(*subject, unit.class()?, kept)?;
        Ok(Box::new(search))
    }

    fn most_updates(&self) -> usize {
        UNITS * UPDATES
    }

    fn batch(&self) -> usize {
        IMAGES
    }

    fn held_bytes(&self, shape: [usize; 3], _: usize, units: usize) -> usize {
        let [channels, height, width] = shape;
        // The triggers of a class's units, and that in the evidence.
        units * (UNITS + 1) * (channels + 1) * height * width * size_of::<f32>()
    }

    fn statistic(&self, _: [usize; 3]) -> Statistic {
        ABOUT.statistic.judged(1.0)
    }

    fn published(&self, compared: &[&Finding], _: [usize; 3]) -> Published {
        let reached = |finding: &&&Finding| finding.state == State::Reached;
        let rates = compared.iter().filter(reached).map(|it| it.statistic);
        let largest = rates.reduce(f64::max);
        Published {
            measures: vec![("reasr", largest)],
            rules: vec![PublishedRule {
                name: "REASR > 0.8",
                statistic: largest,
                threshold: THRESHOLD,
                flagged: largest.is_some_and(|rate| rate > THRESHOLD),
                source: "ABS (CCS 2019), as released",
            }],
            ..Published::default()
        }
    }
}
