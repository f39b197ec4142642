//! The search of pairs as a row of the table of detectors.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::model_search::{FEWEST_CLASSES, ModelSearch, Settings};
use crate::detect::neural_cleanse::{Config, MOST_OF_ONE, Preset};
use crate::detect::{About, Detector, Published, Row, UnitStatistic};
use crate::error::Error;
use crate::finding::{Finding, Unit};
use crate::search::Search;
use crate::subject::Subject;
use crate::verdict::{Conviction, Statistic, Tail};

/// With images of more classes, there are too many pairs.
const MOST_CLASSES: usize = 20;
/// Images in a pass of a pair's search.
const BATCH: usize = 8;
/// The success rate that a trigger is asked for: six held-out images are enough to show it.
const RATE: f64 = 0.5;

/// What it is.
const ABOUT: About = About {
    name: "source_target",
    title: "Pairs of classes (after Wang et al. 2019, §VII-E)",
    tested: "one trigger of limited size at a fixed place that leads images of one class or of several to a class",
    not_tested: &[
        "triggers that are added to the pixels or multiplied with them instead of being stamped over them",
        "triggers that are spread over the image, such as blended pictures, filters, noise and reflections",
        "triggers that move or warp the image, and objects in the scene",
        "models trained to evade this search",
    ],
    statistic: UnitStatistic {
        name: "strength",
        meaning: "how far the patch that leads one class to another is below the size that those of other pairs let \
                  expect, on a logarithmic scale",
        found: "reached, from one class, by a patch that stands out among those of all pairs with a strength",
        unit: "in logarithms",
        suspicious: Tail::Large,
        extreme: None,
        comparable: true,
        linear: true,
        of_model: true,
        conviction: Conviction::ByTrigger { rate: RATE },
    },
    by_default: false,
    by_margins: false,
    needs_images: true,
    presets: &["standard"],
};

/// The row.
pub const ROW: Row = Row {
    about: &ABOUT,
    make: |_, _| {
        let standard = Config::preset(Preset::Standard);
        Box::new(SourceTarget {
            settings: Settings {
                of_pairs: Config {
                    batch: BATCH,
                    batches_per_step: MOST_OF_ONE / BATCH,
                    restarts: 0,
                    ..standard.clone()
                },
                of_last: Config {
                    batch: MOST_OF_ONE,
                    ..standard
                },
            },
        })
    },
};

/// The detector with its settings.
#[derive(Clone, Debug)]
struct SourceTarget {
    settings: Settings,
}

fn model(unit: Unit) -> Result<(), Error> {
    match unit {
        Unit::Model => Ok(()),
        other => Err(Error::OtherUnit(other)),
    }
}

impl Detector for SourceTarget {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn preset(&self) -> &'static str {
        ABOUT.presets[0]
    }

    /// Those of the last search, and what is other in those of pairs.
    fn settings(&self) -> BTreeMap<String, Value> {
        let Settings { of_pairs, of_last } = &self.settings;
        let mut settings = of_last.parameters();
        settings.insert("batch_of_pairs".to_owned(), json!(of_pairs.batch));
        settings.insert(
            "batches_per_step_of_pairs".to_owned(),
            json!(of_pairs.batches_per_step),
        );
        settings
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
        Ok(Box::new(ModelSearch::new(*subject, &self.settings)?))
    }

    fn resume<'a>(
        &'a self,
        subject: &Subject<'a>,
        unit: Unit,
        kept: &str,
    ) -> Result<Box<dyn Search + 'a>, Error> {
        model(unit)?;
        let search = ModelSearch::resume(*subject, &self.settings, kept)?;
        Ok(Box::new(search))
    }

    /// Of all pairs, on average.
    fn most_updates(&self) -> usize {
        self.settings.of_pairs.most_updates()
    }

    fn batch(&self) -> usize {
        self.settings.of_last.batch
    }

    fn held_bytes(&self, shape: [usize; 3], _: usize, units: usize) -> usize {
        let [channels, height, width] = shape;
        // In a finding and in the evidence.
        2 * units * (channels + 1) * height * width * size_of::<f32>()
    }

    fn statistic(&self, _: [usize; 3]) -> Statistic {
        ABOUT.statistic.judged(1.0)
    }

    fn published(&self, _: &[&Finding], _: [usize; 3]) -> Published {
        Published::default()
    }
}
