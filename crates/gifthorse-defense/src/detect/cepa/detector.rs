//! CEPA as a row of the table of detectors.

use std::collections::BTreeMap;

use serde_json::Value;

use super::class_search::ClassSearch;
use super::config::{Config, Preset};
use crate::detect::{About, Detector, Published, PublishedRule, Row, UnitStatistic};
use crate::error::Error;
use crate::finding::{Finding, State, Unit};
use crate::search::Search;
use crate::subject::Subject;
use crate::verdict::{Conviction, Statistic, Tail, median};

/// Spreads below this count as this one.
const LEAST_SPREAD: f64 = 1e-3;
/// Layers that are looked at.
const LAYERS: usize = 2;
/// The median absolute deviation of a normal distribution is its standard deviation over this.
const NORMAL: f64 = 1.4826;

/// What it is.
const ABOUT: About = About {
    name: "cepa",
    title: "CEPA (Li et al. 2024)",
    tested: "a trigger of any kind that moves all images alike inside the model, on their way to {targets}",
    not_tested: &[
        "backdoors that only work on images of certain classes",
        "backdoors that lead each class to another one, or all classes to classes of their own",
        "models trained to evade this search",
    ],
    statistic: UnitStatistic {
        name: "spread",
        meaning: "how far perturbed images move apart inside the model, beside how far they move together, over two layers",
        found: "reached by moves with a spread",
        unit: "of their common part",
        suspicious: Tail::Small,
        extreme: None,
        comparable: false,
        linear: false,
        of_model: false,
        conviction: Conviction::ByStatistic,
    },
    by_default: false,
    needs_images: true,
    presets: &["standard", "paper"],
};

/// The row.
pub const ROW: Row = Row {
    about: &ABOUT,
    make: |preset, _| {
        let presets = [Preset::Standard, Preset::Paper];
        let named = presets.into_iter().find(|known| known.name() == preset);
        Box::new(Cepa {
            config: Config::preset(named.unwrap_or(Preset::Standard)),
        })
    },
};

/// The detector with its settings.
#[derive(Clone, Debug)]
struct Cepa {
    config: Config,
}

impl Detector for Cepa {
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
            *subject,
            &self.config,
            unit.class()?,
        )?))
    }

    fn resume<'a>(
        &'a self,
        subject: &Subject<'a>,
        unit: Unit,
        kept: &str,
    ) -> Result<Box<dyn Search + 'a>, Error> {
        let kept = serde_json::from_str(kept)?;
        let search = ClassSearch::resume(*subject, &self.config, unit.class()?, kept)?;
        Ok(Box::new(search))
    }

    fn most_updates(&self) -> usize {
        LAYERS * self.config.steps
    }

    fn batch(&self) -> usize {
        self.config.batch
    }

    fn held_bytes(&self, shape: [usize; 3], _: usize, units: usize) -> usize {
        // A picture for each layer, and the one in the evidence; or, on each thread, images as they
        // were and are, and two moments.
        let image = shape.iter().product::<usize>() * size_of::<f32>();
        let under_way = 5 * self.config.images * image * rayon::current_num_threads();
        units * (LAYERS + 1) * image + under_way
    }

    fn statistic(&self, _: [usize; 3]) -> Statistic {
        ABOUT.statistic.judged(1.0)
    }

    fn value(&self, statistic: f64, shape: [usize; 3]) -> f64 {
        let spread = if statistic.is_finite() {
            statistic
        } else {
            1.0
        };
        self.statistic(shape).value(spread.max(LEAST_SPREAD))
    }

    fn published(&self, compared: &[&Finding], _: [usize; 3]) -> Published {
        let rules = (1..=LAYERS).flat_map(|layer| {
            [
                anomaly(compared, &format!("spread_{layer}"), -1.0),
                anomaly(compared, &format!("consensus_{layer}"), 1.0),
            ]
        });
        let largest = rules.flatten().reduce(f64::max);
        Published {
            measures: vec![("anomaly_index", largest)],
            rules: vec![PublishedRule {
                name: "anomaly index at any layer > 2",
                statistic: largest,
                threshold: 2.0,
                flagged: largest.is_some_and(|index| index > 2.0),
                source: "CEPA (arXiv:2402.02034), with the threshold of Neural Cleanse (IEEE S&P 2019)",
            }],
            ..Published::default()
        }
    }
}

/// How far the most suspicious class lies from the median, in median absolute deviations made
/// alike to standard deviations: upwards for `sign` 1, downwards for -1.
fn anomaly(compared: &[&Finding], measure: &str, sign: f64) -> Option<f64> {
    let of_class = |finding: &&&Finding| finding.state == State::Reached;
    let values: Vec<f64> = compared
        .iter()
        .filter(of_class)
        .filter_map(|finding| finding.measures.iter().find(|it| it.name == measure))
        .map(|it| sign * it.value)
        .collect();
    let centre = median(values.clone())?;
    let deviation = median(values.iter().map(|value| (value - centre).abs()).collect())?;
    let largest = values.iter().copied().reduce(f64::max)?;
    (deviation > 0.0).then(|| (largest - centre) / (NORMAL * deviation))
}
