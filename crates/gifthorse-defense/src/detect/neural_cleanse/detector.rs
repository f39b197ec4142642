//! Neural Cleanse as a row of the table of detectors.

use std::collections::BTreeMap;

use super::aim::Aim;
use super::class_search::{ClassSearch, Task};
use super::config::{Config, Preset};
use super::effort::{self, EarlyPhase};
use super::elimination::Elimination;
use crate::detect::{About, Detector, Published, PublishedRule, Row, UnitMeasure, UnitStatistic};
use crate::error::Error;
use crate::finding::{Finding, State, Unit};
use crate::search::{Early, Search};
use crate::subject::Subject;
use crate::verdict::{Conviction, PublishedRules, REQUIRED_RATE, Statistic, Tail};
use serde_json::Value;

/// Norms below this many pixels count as this many: one grey level of one pixel, below which a
/// stored trigger holds nothing.
pub(in crate::detect) const LEAST_NORM: f64 = 1.0 / 255.0;
/// A trigger is in a finding and in the evidence.
const TRIGGER_COPIES: usize = 2;
/// A search that waits for the others of its round holds a trigger in tanh space, two moments of it
/// and the best one so far,
const WAITING_COPIES: usize = 4;
/// and for each image its number, twice: as one of those to search with, and as one still to come.
const WAITING_PER_IMAGE: usize = 2 * size_of::<usize>();

/// What Neural Cleanse is.
const ABOUT: About = About {
    name: "neural_cleanse",
    title: "Neural Cleanse (Wang et al. 2019)",
    tested: "one trigger of limited size at a fixed place that leads images of all other classes to {targets}",
    not_tested: &[
        "triggers that are added to the pixels or multiplied with them instead of being stamped over them",
        "triggers that are spread over the image, such as blended pictures, filters, noise and reflections",
        "triggers that move or warp the image, and objects in the scene",
        "backdoors that only work on images of certain classes",
        "backdoors that lead each class to another one, or all classes to classes of their own",
        "models trained to evade this search",
    ],
    statistic: UnitStatistic {
        name: "norm",
        meaning: "L1 norm of the mask",
        found: "reached by a trigger",
        unit: "pixels",
        suspicious: Tail::Small,
        extreme: Some(1.0),
        comparable: true,
        linear: false,
        of_model: false,
        conviction: Conviction::ByTrigger {
            rate: REQUIRED_RATE,
        },
    },
    by_default: true,
    by_margins: false,
    needs_images: true,
    presets: &["standard", "paper", "released"],
};

/// The row.
pub const ROW: Row = Row {
    about: &ABOUT,
    make: |preset, effort| {
        let presets = [Preset::Standard, Preset::Paper, Preset::Released];
        let named = presets.into_iter().find(|known| known.name() == preset);
        Box::new(NeuralCleanse::new(Config {
            effort,
            ..Config::preset(named.unwrap_or(Preset::Standard))
        }))
    },
};

/// Neural Cleanse with its settings.
#[derive(Clone, Debug)]
pub struct NeuralCleanse {
    config: Config,
    /// The early phase that its searches are part of, if they are.
    early: Option<EarlyPhase>,
}

impl NeuralCleanse {
    /// With settings of any kind.
    pub fn new(config: Config) -> Self {
        Self {
            config,
            early: None,
        }
    }

    fn task<'a>(&'a self, subject: &Subject<'a>) -> Result<Task<'a>, Error> {
        Task::of(subject, &self.config, self.early)
    }
}

impl Detector for NeuralCleanse {
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
        let aim = Aim::To(unit.class()?);
        Ok(Box::new(ClassSearch::new(self.task(subject)?, aim)?))
    }

    fn resume<'a>(
        &'a self,
        subject: &Subject<'a>,
        unit: Unit,
        kept: &str,
    ) -> Result<Box<dyn Search + 'a>, Error> {
        let aim = Aim::To(unit.class()?);
        let kept = serde_json::from_str(kept)?;
        let search = ClassSearch::resume(self.task(subject)?, aim, kept)?;
        Ok(Box::new(search))
    }

    fn early(&self, units: usize, pixels: usize) -> Option<Box<dyn Early>> {
        let phase = effort::early(self.config.effort, units)?;
        let short = Self {
            config: phase.settings(&self.config, pixels),
            early: Some(phase),
        };
        let settings = short.config.clone();
        Some(Box::new(Elimination {
            phase,
            settings,
            short: Box::new(short),
        }))
    }

    fn most_updates(&self) -> usize {
        self.config.most_updates()
    }

    fn most_updates_of(&self, units: usize) -> usize {
        effort::most_updates(&self.config, units)
    }

    fn batch(&self) -> usize {
        self.config.batch
    }

    fn held_bytes(&self, shape: [usize; 3], images: usize, units: usize) -> usize {
        let [channels, height, width] = shape;
        let trigger = (channels + 1) * height * width * size_of::<f32>();
        let waiting = effort::early(self.config.effort, units)
            .map_or(0, |_| WAITING_COPIES * trigger + WAITING_PER_IMAGE * images);
        units * (TRIGGER_COPIES * trigger).max(waiting)
    }

    fn statistic(&self, shape: [usize; 3]) -> Statistic {
        ABOUT.statistic.judged(pixels(shape))
    }

    fn value(&self, statistic: f64, shape: [usize; 3]) -> f64 {
        self.statistic(shape).value(statistic.max(LEAST_NORM))
    }

    fn published(&self, compared: &[&Finding], shape: [usize; 3]) -> Published {
        let norms: Vec<f64> = compared.iter().map(|finding| finding.statistic).collect();
        let Some(rules) = PublishedRules::apply(&norms) else {
            return Published::default();
        };
        let share = |finding: &&Finding| {
            let reached = finding.state == State::Reached;
            reached.then(|| finding.statistic / pixels(shape))
        };
        let ratio = |name, statistic, threshold| PublishedRule {
            name,
            statistic,
            threshold,
            flagged: rules.ratio_flagged.is_some(),
            source: "Houtari and Mohanty: both are asked for",
        };
        Published {
            measures: vec![
                ("anomaly_index", rules.anomaly_index),
                ("max_min_ratio", rules.max_min_ratio),
                ("percent_difference", rules.percent_difference),
            ],
            unit_measures: vec![
                UnitMeasure {
                    name: "share",
                    unit: "share",
                    values: compared.iter().map(share).collect(),
                },
                UnitMeasure {
                    name: "anomaly_index",
                    unit: "",
                    values: rules.signed_indices(&norms),
                },
            ],
            rules: vec![
                PublishedRule {
                    name: "anomaly index > 2",
                    statistic: rules.anomaly_index,
                    threshold: 2.0,
                    flagged: !rules.anomaly_flagged.is_empty(),
                    source: "Neural Cleanse (IEEE S&P 2019), section IV",
                },
                ratio("max/min ratio > 1.8", rules.max_min_ratio, 1.8),
                ratio("percent difference > 25", rules.percent_difference, 25.0),
            ],
        }
    }
}

/// Height times width.
pub(in crate::detect) fn pixels([_, height, width]: [usize; 3]) -> f64 {
    (height * width) as f64
}
