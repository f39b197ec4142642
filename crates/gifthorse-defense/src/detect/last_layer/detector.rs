//! The last layer as a row of the table of detectors.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::LastLayer;
use super::indicators::Indicators;
use super::reading::Reading;
use crate::detect::{About, Detector, Published, Row, UnitMeasure, UnitStatistic};
use crate::error::Error;
use crate::finding::{Finding, State, Unit};
use crate::search::Search;
use crate::subject::Subject;
use crate::verdict::{Conviction, Statistic, Tail};

/// Reaches below this many logits count as this many.
const LEAST_REACH: f64 = 1e-6;

/// What it is.
const ABOUT: About = About {
    name: "last_layer",
    title: "Last layer (after DFBScanner and HTell 2026)",
    tested: "a trigger of any kind for which the model's last layer gives {targets} more room than it gives the others",
    not_tested: &[
        "backdoors that only work on images of certain classes",
        "backdoors that lead each class to another one, or all classes to classes of their own",
        "models trained to evade this search",
    ],
    statistic: UnitStatistic {
        name: "reach",
        meaning: "largest logit, above the mean of all classes, that units within the range of clean images could give",
        found: "given a reach",
        unit: "logits",
        suspicious: Tail::Large,
        extreme: None,
        comparable: false,
        linear: false,
        of_model: false,
        conviction: Conviction::ByStatistic,
    },
    by_default: true,
    by_margins: true,
    needs_images: true,
    presets: &["standard"],
};

/// The row.
pub const ROW: Row = Row {
    about: &ABOUT,
    make: |_, _| {
        Box::new(LastLayerNumber {
            about: &ABOUT,
            number: |of_class| of_class.reach,
            tells: true,
        })
    },
};

/// A detector by one of the numbers of the last layer; it has no settings.
#[derive(Clone, Copy, Debug)]
pub struct LastLayerNumber {
    /// What the detector is.
    pub about: &'static About,
    /// Its statistic.
    pub number: fn(&Indicators) -> f64,
    /// Whether the numbers that no detector has for its own are told beside it.
    pub tells: bool,
}

impl Detector for LastLayerNumber {
    fn about(&self) -> &'static About {
        self.about
    }

    fn preset(&self) -> &'static str {
        self.about.presets[0]
    }

    fn settings(&self) -> BTreeMap<String, Value> {
        BTreeMap::from([("most_images".to_owned(), json!(LastLayer::MOST_IMAGES))])
    }

    fn units(&self, classes: usize) -> Vec<Unit> {
        LastLayer::units_of(classes)
    }

    fn lacks(&self, _: Unit, _: &[usize]) -> Option<String> {
        // Images of whatever class show the range of units.
        None
    }

    fn begin<'a>(
        &'a self,
        subject: &Subject<'a>,
        unit: Unit,
    ) -> Result<Box<dyn Search + 'a>, Error> {
        Reading::of(subject, unit, self.number, self.tells)
    }

    /// Begins anew: a reading is quicker made than kept.
    fn resume<'a>(
        &'a self,
        subject: &Subject<'a>,
        unit: Unit,
        _: &str,
    ) -> Result<Box<dyn Search + 'a>, Error> {
        self.begin(subject, unit)
    }

    fn most_updates(&self) -> usize {
        1
    }

    fn batch(&self) -> usize {
        gifthorse_engine::Classifier::EVALUATION_BATCH
    }

    fn held_bytes(&self, _: [usize; 3], _: usize, _: usize) -> usize {
        0
    }

    fn statistic(&self, _: [usize; 3]) -> Statistic {
        self.about.statistic.judged(1.0)
    }

    fn value(&self, statistic: f64, shape: [usize; 3]) -> f64 {
        let read = self.statistic(shape);
        read.value(match read.linear {
            true => statistic,
            // A logarithm needs a number above 0.
            false => statistic.max(LEAST_REACH),
        })
    }

    fn published(&self, compared: &[&Finding], shape: [usize; 3]) -> Published {
        // Of numbers that may be negative, none is a share of another.
        if self.statistic(shape).linear {
            return Published::default();
        }
        let largest = compared
            .iter()
            .filter(|finding| finding.state == State::Reached)
            .map(|finding| finding.statistic)
            .fold(f64::NEG_INFINITY, f64::max);
        let share = |finding: &&Finding| {
            (finding.state == State::Reached).then(|| finding.statistic / largest)
        };
        Published {
            unit_measures: vec![UnitMeasure {
                name: "share_of_largest",
                unit: "share",
                values: compared.iter().map(share).collect(),
            }],
            ..Published::default()
        }
    }
}
