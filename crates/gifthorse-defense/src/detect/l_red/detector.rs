//! L-RED as a row of the table of detectors.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::class_search::{ClassSearch, IMAGES, IMAGES_OF_ONE, RATE};
use super::perturbation::STEPS;
use crate::detect::mm_bd::GammaRule;
use crate::detect::{About, Detector, Published, PublishedRule, Row, UnitStatistic};
use crate::error::Error;
use crate::finding::{Finding, State, Unit};
use crate::search::Search;
use crate::subject::Subject;
use crate::verdict::{Conviction, Statistic, Tail};

/// All source classes count alike; or, as in the paper, those more of which more images go.
const PRESETS: &[&str] = &["standard", "paper"];
/// Smaller norms count as this one.
const LEAST_NORM: f64 = 1e-3;

/// What it is.
const ABOUT: About = About {
    name: "l_red",
    title: "L-RED (Xiang et al. 2021)",
    tested: "a trigger that is a small change of all images and leads those of some class or of all to {targets}",
    not_tested: &[
        "triggers that are stamped over the image, such as patches",
        "triggers that move or warp the image, and objects in the scene",
        "backdoors that lead each class to another one, or all classes to classes of their own",
        "models trained to evade this search",
    ],
    statistic: UnitStatistic {
        name: "norm",
        meaning: "L2 norm of one change of images of other classes that leads to the class",
        found: "reached by a change of the images",
        unit: "pixel values",
        suspicious: Tail::Small,
        extreme: None,
        comparable: false,
        linear: false,
        of_model: false,
        conviction: Conviction::ByStatistic,
    },
    by_default: false,
    by_margins: false,
    needs_images: true,
    presets: PRESETS,
};

/// The row.
pub const ROW: Row = Row {
    about: &ABOUT,
    make: |preset, _| {
        Box::new(LRed {
            weighs: preset == PRESETS[1],
        })
    },
};

/// The detector with its setting.
#[derive(Clone, Copy, Debug)]
struct LRed {
    /// Whether source classes of which more images go count more.
    weighs: bool,
}

impl Detector for LRed {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn preset(&self) -> &'static str {
        PRESETS[usize::from(self.weighs)]
    }

    fn settings(&self) -> BTreeMap<String, Value> {
        BTreeMap::from([
            ("images".to_owned(), json!(IMAGES)),
            ("images_of_a_class".to_owned(), json!(IMAGES_OF_ONE)),
            ("most_steps".to_owned(), json!(STEPS)),
            ("success_threshold".to_owned(), json!(RATE)),
            ("weighs_sources".to_owned(), json!(self.weighs)),
        ])
    }

    fn begin<'a>(
        &'a self,
        subject: &Subject<'a>,
        unit: Unit,
    ) -> Result<Box<dyn Search + 'a>, Error> {
        let search = ClassSearch::new(*subject, unit.class()?, self.weighs)?;
        Ok(Box::new(search))
    }

    fn resume<'a>(
        &'a self,
        subject: &Subject<'a>,
        unit: Unit,
        kept: &str,
    ) -> Result<Box<dyn Search + 'a>, Error> {
        let search = ClassSearch::resume(*subject, unit.class()?, self.weighs, kept)?;
        Ok(Box::new(search))
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
        self.statistic(shape).value(statistic.max(LEAST_NORM))
    }

    fn published(&self, compared: &[&Finding], _: [usize; 3]) -> Published {
        let reached = compared
            .iter()
            .filter(|found| found.state == State::Reached);
        let inverse: Vec<f64> = reached.map(|found| 1.0 / found.statistic).collect();
        let rule = GammaRule::apply(&inverse);
        Published {
            measures: vec![("gamma_p_value", rule.map(|rule| rule.p_value))],
            rules: vec![PublishedRule {
                name: "p-value of a gamma distribution of inverse norms <= 0.05",
                statistic: rule.map(|rule| rule.p_value),
                threshold: GammaRule::LEVEL,
                flagged: rule.is_some_and(|rule| rule.is_flagged()),
                source: "L-RED (ICASSP 2021)",
            }],
            ..Published::default()
        }
    }
}
