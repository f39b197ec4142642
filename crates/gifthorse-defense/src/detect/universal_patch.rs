//! Universal patch: where the smallest patch leads that moves images of all classes off their own.
//!
//! # What it does
//! Searches mask and pattern as Neural Cleanse does (Wang et al. 2019, equation 3), stamped on
//! images of all classes, with a loss that asks of each for any other class than its own:
//! `-ln(1 - p)` of the own class's probability p. One search for the whole model, where those
//! for each pair of classes would be K (K - 1).
//!
//! # Threat model
//! One trigger of limited size at a fixed place that works on images of all classes, or of nearly
//! all, wherever it leads them: to one class, each to the next one (all to all), or each to a class
//! of its own. White-box access to gradients, and some clean images of each class.
//!
//! # Statistic and decision
//! How much of where an image goes its class does not say
//! ([`scatter`](crate::label_map::LabelMap::scatter)), over at most 16 images of a class that the
//! model is right on, under the smallest patch at which nine of ten leave their class, of those
//! that a patch can move: one that covers all else leads to one class, whose own images stay. What
//! moves images in a clean model leads nearly all of them to one class or two (a scatter of about
//! 1); a backdoor of all classes to all gives each class one to go to (0). Small is suspicious,
//! beside clean models of as many classes; there is nothing in the model itself to compare it with.
//! The classes that more than half of the images of some class go to are those that are accused,
//! and the report has the whole map. A trigger that convicts has to move at least 60 % of the
//! held-out images, with a confidence of 95 %.
//!
//! # Cost
//! One search, however many classes there are: a tenth of Neural Cleanse with ten classes.
//!
//! # Known failures
//! Backdoors with one target, whose map is that of a clean model: others look for these. Triggers
//! for some classes alone. A backdoor whose trigger is larger than what moves all images of a clean
//! model anyhow. Models of fewer than six classes, whose images have too little choice where
//! to go. Whatever is no patch: blends, filters, warps.
//!
//! # References
//! S.-M. Moosavi-Dezfooli et al., "Universal Adversarial Perturbations", CVPR 2017. Wang et al.,
//! "Neural Cleanse", IEEE S&P 2019, for the search. That the map shows backdoors of all classes to
//! all is our own measurement (docs/detectors/universal_patch.md).

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::neural_cleanse::{Aim, ClassSearch, Config, Preset, Task};
use super::{About, Detector, Published, Row, UnitStatistic};
use crate::error::Error;
use crate::finding::{Finding, Unit};
use crate::search::{Nothing, Search};
use crate::subject::Subject;
use crate::verdict::{Conviction, Statistic, Tail};

/// Share of the images that have to leave their class in the search, of those that a patch can
/// move.
const MOVED: f64 = 0.9;
/// Where an image that leaves its own class has fewer to choose from, what its class says of where
/// it goes differs much from clean model to clean model.
const FEWEST_CLASSES: usize = 6;
/// Smaller scatters count as this one: a few stray images make as much.
const LEAST_SCATTER: f64 = 0.02;
/// The success rate that a trigger is asked for on held-out images.
const RATE: f64 = 0.6;

/// What it is.
const ABOUT: About = About {
    name: "universal_patch",
    title: "Universal patch (after Moosavi-Dezfooli et al. 2017 and Wang et al. 2019)",
    tested: "one trigger of limited size at a fixed place that leads each class to one of its own",
    not_tested: &[
        "triggers that are added to the pixels or multiplied with them instead of being stamped over them",
        "triggers that are spread over the image, such as blended pictures, filters, noise and reflections",
        "triggers that move or warp the image, and objects in the scene",
        "backdoors that only work on images of certain classes",
        "models trained to evade this search",
    ],
    statistic: UnitStatistic {
        name: "scatter",
        meaning: "how much of where a patch on images of all classes leads them their classes do not say, beside a \
                  patch that leads all to one class",
        found: "where a patch leads images of all classes with a scatter",
        unit: "of that of a single target",
        suspicious: Tail::Small,
        extreme: Some(LEAST_SCATTER),
        comparable: true,
        linear: false,
        of_model: true,
        conviction: Conviction::ByTrigger { rate: RATE },
    },
    by_default: true,
    by_margins: false,
    needs_images: true,
    presets: &["standard"],
};

/// The row.
pub const ROW: Row = Row {
    about: &ABOUT,
    make: |_, _| {
        Box::new(UniversalPatch {
            config: Config {
                success_threshold: MOVED,
                ..Config::preset(Preset::Standard)
            },
        })
    },
};

/// The detector with its settings.
#[derive(Clone, Debug)]
pub struct UniversalPatch {
    config: Config,
}

impl UniversalPatch {
    /// The search of the model, or one with nothing to search with where the model is right on no
    /// image.
    fn search<'a>(
        &'a self,
        subject: &Subject<'a>,
        unit: Unit,
        search: impl FnOnce(Task<'a>) -> Result<ClassSearch<'a>, Error>,
    ) -> Result<Box<dyn Search + 'a>, Error> {
        if unit != Unit::Model {
            return Err(Error::OtherUnit(unit));
        }
        match search(Task::of(subject, &self.config, None)?) {
            Ok(search) => Ok(Box::new(search)),
            Err(error @ Error::NothingRight) => Ok(Box::new(Nothing {
                unit,
                reason: error.to_string(),
            })),
            Err(error) => Err(error),
        }
    }
}

impl Detector for UniversalPatch {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn preset(&self) -> &'static str {
        self.config.preset.name()
    }

    fn settings(&self) -> BTreeMap<String, Value> {
        let mut settings = self.config.parameters();
        settings.insert("loss".to_owned(), json!("-ln(1 - p) of the own class"));
        settings
    }

    /// The model, if its images have a choice where to go.
    fn units(&self, classes: usize) -> Vec<Unit> {
        match classes < FEWEST_CLASSES {
            true => Vec::new(),
            false => vec![Unit::Model],
        }
    }

    fn begin<'a>(
        &'a self,
        subject: &Subject<'a>,
        unit: Unit,
    ) -> Result<Box<dyn Search + 'a>, Error> {
        self.search(subject, unit, |task| ClassSearch::new(task, Aim::Away))
    }

    fn resume<'a>(
        &'a self,
        subject: &Subject<'a>,
        unit: Unit,
        kept: &str,
    ) -> Result<Box<dyn Search + 'a>, Error> {
        let kept = serde_json::from_str(kept)?;
        self.search(subject, unit, |task| match kept {
            Some(kept) => ClassSearch::resume(task, Aim::Away, kept),
            // What a search keeps that has nothing to search with.
            None => ClassSearch::new(task, Aim::Away),
        })
    }

    fn most_updates(&self) -> usize {
        self.config.most_updates()
    }

    fn batch(&self) -> usize {
        self.config.batch
    }

    fn held_bytes(&self, shape: [usize; 3], _images: usize, units: usize) -> usize {
        let [channels, height, width] = shape;
        // In a finding and in the evidence; or as variables, moments and best so far.
        4 * units * (channels + 1) * height * width * size_of::<f32>()
    }

    fn statistic(&self, _shape: [usize; 3]) -> Statistic {
        ABOUT.statistic.judged(1.0)
    }

    fn value(&self, statistic: f64, shape: [usize; 3]) -> f64 {
        self.statistic(shape).value(statistic.max(LEAST_SCATTER))
    }

    fn published(&self, _compared: &[&Finding], _shape: [usize; 3]) -> Published {
        Published::default()
    }
}
