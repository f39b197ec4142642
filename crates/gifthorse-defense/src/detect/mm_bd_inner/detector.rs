//! MM-BD from an inner layer on as a row of the table of detectors.

use std::collections::BTreeMap;

use serde_json::Value;

use super::class_search::ClassSearch;
use super::config::Config;
use crate::detect::mm_bd::GammaRule;
use crate::detect::{About, Detector, Published, PublishedRule, Row, UnitStatistic};
use crate::error::Error;
use crate::finding::{Finding, State, Unit};
use crate::search::{Nothing, Search};
use crate::subject::Subject;
use crate::verdict::{Conviction, Statistic, Tail};

/// Margins below this many logits count as this many.
const LEAST_MARGIN: f64 = 1e-6;

/// What it is.
const ABOUT: About = About {
    name: "mm_bd_inner",
    title: "MM-BD from an inner layer on (after H. Wang et al. 2024)",
    tested: "a trigger of any kind that makes the model far surer of {targets}, from what an inner layer gives, than \
             it is of the others without it",
    not_tested: &[
        "backdoors that only work on images of certain classes",
        "backdoors that lead each class to another one, or all classes to classes of their own",
        "models trained to evade this search",
    ],
    statistic: UnitStatistic {
        name: "margin",
        meaning: "largest margin of the class's logit over the best of the others, from an inner layer on",
        found: "given a margin",
        unit: "logits",
        suspicious: Tail::Large,
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
    make: |_, _| Box::new(MmBdInner::new(Config::default())),
};

/// The detector with its settings.
#[derive(Clone, Debug)]
pub struct MmBdInner {
    config: Config,
}

impl MmBdInner {
    /// With settings of any kind.
    pub fn new(config: Config) -> Self {
        Self { config }
    }
}

/// The search, or one with nothing to search in where the model has no layer to begin at.
fn or_nothing<'a>(search: Option<ClassSearch<'a>>, unit: Unit) -> Box<dyn Search + 'a> {
    match search {
        Some(search) => Box::new(search),
        None => Box::new(Nothing {
            unit,
            reason: "the model has no inner layer that everything passes through".to_owned(),
        }),
    }
}

impl Detector for MmBdInner {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn preset(&self) -> &'static str {
        ABOUT.presets[0]
    }

    fn settings(&self) -> BTreeMap<String, Value> {
        self.config.parameters()
    }

    fn begin<'a>(
        &'a self,
        subject: &Subject<'a>,
        unit: Unit,
    ) -> Result<Box<dyn Search + 'a>, Error> {
        let search = ClassSearch::new(*subject, &self.config, unit.class()?)?;
        Ok(or_nothing(search, unit))
    }

    fn resume<'a>(
        &'a self,
        subject: &Subject<'a>,
        unit: Unit,
        kept: &str,
    ) -> Result<Box<dyn Search + 'a>, Error> {
        let search = ClassSearch::resume(*subject, &self.config, unit.class()?, kept)?;
        Ok(or_nothing(search, unit))
    }

    fn most_updates(&self) -> usize {
        self.config.climb.steps
    }

    fn batch(&self) -> usize {
        self.config.climb.starts
    }

    fn held_bytes(&self, shape: [usize; 3], _: usize, _: usize) -> usize {
        // Numbers, two moments, values and slopes of each thread's starts, if the layer has as many
        // values as the image.
        let starts = self.config.climb.starts * rayon::current_num_threads();
        5 * starts * shape.iter().product::<usize>() * size_of::<f32>()
    }

    fn statistic(&self, _: [usize; 3]) -> Statistic {
        ABOUT.statistic.judged(1.0)
    }

    fn value(&self, statistic: f64, shape: [usize; 3]) -> f64 {
        let margin = if statistic.is_finite() {
            statistic
        } else {
            LEAST_MARGIN
        };
        self.statistic(shape).value(margin.max(LEAST_MARGIN))
    }

    fn published(&self, compared: &[&Finding], _: [usize; 3]) -> Published {
        let reached = compared
            .iter()
            .filter(|finding| finding.state == State::Reached);
        let margins: Vec<f64> = reached.map(|finding| finding.statistic).collect();
        let rule = GammaRule::apply(&margins);
        Published {
            measures: vec![("gamma_p_value", rule.map(|rule| rule.p_value))],
            rules: vec![PublishedRule {
                name: "p-value of a gamma distribution <= 0.05",
                statistic: rule.map(|rule| rule.p_value),
                threshold: GammaRule::LEVEL,
                flagged: rule.is_some_and(|rule| rule.is_flagged()),
                source: "MM-BD (IEEE S&P 2024), as released for images",
            }],
            ..Published::default()
        }
    }
}
