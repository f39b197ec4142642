//! PT-RED as a row of the table of detectors.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::order_statistics::OrderStatistics;
use super::target_search::{BATCH, IMAGES, LEAST_NORM, RATE, TargetSearch, of_target};
use crate::detect::l_red::STEPS;
use crate::detect::{About, Detector, Published, PublishedRule, Row, UnitMeasure, UnitStatistic};
use crate::error::Error;
use crate::finding::{Finding, Unit};
use crate::search::Search;
use crate::subject::Subject;
use crate::verdict::{Conviction, Statistic, Tail};

/// With images of more classes, there are too many pairs.
const MOST_CLASSES: usize = 50;

/// What it is.
const ABOUT: About = About {
    name: "pt_red",
    title: "PT-RED (Xiang et al. 2020)",
    tested: "a trigger that is a small change of all images and leads those of any one class to {targets}",
    not_tested: &[
        "triggers that are stamped over the image, such as patches",
        "triggers that move or warp the image, and objects in the scene",
        "models trained to evade this search",
    ],
    statistic: UnitStatistic {
        name: "norm",
        meaning: "L2 norm of the smallest change of images of one other class that leads to the class",
        found: "reached, from one class alone, by a change of the images",
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
    presets: &["standard"],
};

/// The row.
pub const ROW: Row = Row {
    about: &ABOUT,
    make: |_, _| Box::new(PtRed),
};

/// The detector; it has no settings.
#[derive(Clone, Copy, Debug)]
struct PtRed;

impl Detector for PtRed {
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
        ])
    }

    fn lacks(&self, unit: Unit, labels: &[usize]) -> Option<String> {
        let classes: BTreeSet<usize> = labels.iter().copied().collect();
        let count = classes.len();
        if unit
            .target()
            .is_some_and(|target| classes == BTreeSet::from([target]))
        {
            return Some(
                "not searched, since all images are of this class: give images of another"
                    .to_owned(),
            );
        }
        (count > MOST_CLASSES).then(|| {
            format!(
                "not searched, since the images are of {count} classes, which make {} pairs to search: give images \
                 of at most {MOST_CLASSES} classes",
                count * (count - 1)
            )
        })
    }

    fn begin<'a>(
        &'a self,
        subject: &Subject<'a>,
        unit: Unit,
    ) -> Result<Box<dyn Search + 'a>, Error> {
        Ok(Box::new(TargetSearch::new(*subject, unit.class()?)?))
    }

    fn resume<'a>(
        &'a self,
        subject: &Subject<'a>,
        unit: Unit,
        kept: &str,
    ) -> Result<Box<dyn Search + 'a>, Error> {
        let search = TargetSearch::resume(*subject, unit.class()?, kept)?;
        Ok(Box::new(search))
    }

    /// Of all sources together.
    fn most_updates(&self) -> usize {
        STEPS
    }

    fn batch(&self) -> usize {
        BATCH
    }

    /// While it is searched, a target holds a change for each source.
    fn held_bytes(&self, shape: [usize; 3], images: usize, _: usize) -> usize {
        let sources = images.min(MOST_CLASSES);
        sources * shape.iter().product::<usize>() * size_of::<f32>()
    }

    fn statistic(&self, _: [usize; 3]) -> Statistic {
        ABOUT.statistic.judged(1.0)
    }

    fn value(&self, statistic: f64, shape: [usize; 3]) -> f64 {
        self.statistic(shape).value(statistic.max(LEAST_NORM))
    }

    fn published(&self, compared: &[&Finding], _: [usize; 3]) -> Published {
        let known = compared.iter().map(|found| of_target(found));
        let known: Vec<_> = known.collect();
        let targets: Vec<_> = known.iter().copied().flatten().collect();
        let rule = OrderStatistics::apply(&targets);
        let mut of_targets = rule.iter().flat_map(|rule| rule.of_targets.iter().copied());
        let p_values = known.iter().map(|known| {
            known.as_ref()?;
            of_targets.next().flatten()
        });
        let p_value = rule.as_ref().map(|rule| rule.p_value);
        Published {
            unit_measures: vec![UnitMeasure {
                name: "order_statistic_p_value",
                unit: "",
                values: p_values.collect(),
            }],
            rules: vec![PublishedRule {
                name: "p-value of the least likely of the largest inverse norms <= 0.05",
                statistic: p_value,
                threshold: OrderStatistics::LEVEL,
                flagged: rule.is_some_and(|rule| rule.is_flagged()),
                source: "PT-RED (IEEE TNNLS 2022)",
            }],
            ..Published::default()
        }
    }
}
