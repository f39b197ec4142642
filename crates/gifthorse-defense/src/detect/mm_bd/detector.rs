//! MM-BD as a row of the table of detectors.

use std::collections::BTreeMap;

use serde_json::Value;

use super::class_search::{ClassSearch, Task};
use super::config::{Config, Preset};
use super::early::Elimination;
use super::published::GammaRule;
use crate::detect::{About, Detector, Published, PublishedRule, Row, UnitMeasure, UnitStatistic};
use crate::error::Error;
use crate::finding::{Finding, State, Unit};
use crate::search::{Early, Search};
use crate::subject::Subject;
use crate::verdict::{Conviction, Statistic, Tail};

/// Margins below this many logits count as this many, so that a class that never gets ahead has a
/// finite value.
const LEAST_MARGIN: f64 = 1e-6;
/// Copies of a class's starts that its search holds: the pixels, two moments, and the best picture
/// twice.
const COPIES: usize = 3;

/// What MM-BD is.
const ABOUT: About = About {
    name: "mm_bd",
    title: "MM-BD (H. Wang et al. 2024)",
    tested: "a trigger of any kind that makes the model far surer of {targets} than it is of the others without it",
    not_tested: &[
        "triggers that move or warp the image, and objects in the scene",
        "backdoors that only work on images of certain classes",
        "backdoors that lead each class to another one, or all classes to classes of their own",
        "models trained to evade this search",
    ],
    statistic: UnitStatistic {
        name: "margin",
        meaning: "largest margin of the class's logit over the best of the others",
        found: "given a margin",
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
    needs_images: false,
    presets: &["standard", "paper"],
};

/// The row.
pub const ROW: Row = Row {
    about: &ABOUT,
    make: |preset, effort| {
        let presets = [Preset::Standard, Preset::Paper];
        let named = presets.into_iter().find(|known| known.name() == preset);
        Box::new(MmBd::new(Config {
            effort,
            ..Config::preset(named.unwrap_or(Preset::Standard))
        }))
    },
};

/// MM-BD with its settings.
#[derive(Clone, Debug)]
pub struct MmBd {
    config: Config,
}

impl MmBd {
    /// With settings of any kind.
    pub fn new(config: Config) -> Self {
        Self { config }
    }

    fn task<'a>(&'a self, subject: &Subject<'a>) -> Task<'a> {
        Task {
            classifier: subject.classifier,
            config: &self.config,
            seed: subject.seed,
        }
    }
}

impl Detector for MmBd {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn preset(&self) -> &'static str {
        self.config.preset.name()
    }

    fn settings(&self) -> BTreeMap<String, Value> {
        self.config.parameters()
    }

    fn begin<'a>(
        &'a self,
        subject: &Subject<'a>,
        unit: Unit,
    ) -> Result<Box<dyn Search + 'a>, Error> {
        Ok(Box::new(ClassSearch::new(
            self.task(subject),
            unit.class()?,
        )))
    }

    fn resume<'a>(
        &'a self,
        subject: &Subject<'a>,
        unit: Unit,
        kept: &str,
    ) -> Result<Box<dyn Search + 'a>, Error> {
        let kept = serde_json::from_str(kept)?;
        let search = ClassSearch::resume(self.task(subject), unit.class()?, kept)?;
        Ok(Box::new(search))
    }

    fn early(&self, units: usize, _pixels: usize) -> Option<Box<dyn Early>> {
        Some(Box::new(Elimination::of(&self.config, units)?))
    }

    fn most_updates(&self) -> usize {
        self.config.steps
    }

    fn most_updates_of(&self, units: usize) -> usize {
        match Elimination::of(&self.config, units) {
            Some(_) => Elimination::most_updates(&self.config, units),
            None => units * self.config.steps,
        }
    }

    fn batch(&self) -> usize {
        self.config.starts
    }

    fn held_bytes(&self, shape: [usize; 3], _images: usize, units: usize) -> usize {
        let image = shape.iter().product::<usize>() * size_of::<f32>();
        let waiting = Elimination::of(&self.config, units)
            .map_or(0, |early| COPIES * early.detector().batch() * image);
        // The picture of each class is in its finding and in the evidence.
        units * (2 * image).max(waiting)
    }

    fn statistic(&self, _shape: [usize; 3]) -> Statistic {
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

    fn published(&self, compared: &[&Finding], _shape: [usize; 3]) -> Published {
        let reached = |finding: &&&Finding| finding.state == State::Reached;
        let margins = compared
            .iter()
            .filter(reached)
            .map(|finding| finding.statistic);
        let margins: Vec<f64> = margins.collect();
        let rule = GammaRule::apply(&margins);
        let largest = margins.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let share = |finding: &&Finding| {
            (finding.state == State::Reached).then(|| finding.statistic / largest)
        };
        Published {
            measures: vec![("gamma_p_value", rule.map(|rule| rule.p_value))],
            unit_measures: vec![UnitMeasure {
                name: "share_of_largest",
                unit: "share",
                values: compared.iter().map(share).collect(),
            }],
            rules: vec![PublishedRule {
                name: "p-value of a gamma distribution <= 0.05",
                statistic: rule.map(|rule| rule.p_value),
                threshold: GammaRule::LEVEL,
                flagged: rule.is_some_and(|rule| rule.is_flagged()),
                source: "MM-BD (IEEE S&P 2024), as released",
            }],
        }
    }
}
