//! Source patch: the smallest patch that leads the images of one class away from it.
//!
//! # What it does
//! For each class, searches mask and pattern as Neural Cleanse does (Wang et al. 2019, equation 3),
//! stamped on images of that class alone, and with a loss that asks for any other class instead of
//! a given one: `-ln(1 - p)` of the class's own probability p. The class that most images then go
//! to is the one that is accused. K searches see what K (K - 1) pairs would have to be searched
//! for.
//!
//! # Threat model
//! One trigger of limited size at a fixed place, which works on images of one class, of some, or of
//! all, and leads them to one class or each to one of its own: one to one, several to one, all to
//! all. White-box access to gradients, and some clean images of each class.
//!
//! # Statistic and decision
//! The L1 norm of the mask, in pixels, over at most 16 images of the class that the model is right
//! on. Small is suspicious, beside the model's other classes (one source) and beside those of clean
//! models (all of them). A class that is hard to leave counts for nothing. What is unusually small
//! is decided by `verdict` among clean models. A trigger that convicts has to lead more than half
//! of the held-out images of its class to one and the same class, with a confidence of 95 %: a
//! class has too few images to ask for more.
//!
//! # Cost
//! One search a class, with half the images of Neural Cleanse in each update. With more than a
//! hundred classes only some are searched to the end, as there.
//!
//! # Known failures
//! Classes that are near one another by nature: in small nets on GTSRB with 12 classes, one clean
//! speed limit is led to another by 2 to 5 pixels, beside which a square of 16 pixels from one
//! class to an unlike one does not stand out; in Fashion-MNIST and MNIST it does
//! (docs/detectors/source_patch.md). Whatever is no patch: blends, filters, warps. Sizes depend on
//! how many images of the class there are: of fewer than 16 they are smaller.
//!
//! # References
//! Wang et al., "Neural Cleanse", IEEE S&P 2019, §VII-E (backdoors of a source class). S.-M.
//! Moosavi-Dezfooli et al., "Universal Adversarial Perturbations", CVPR 2017: one perturbation that
//! leads images away from whatever class they are of. That a search from each source shows what the
//! search over all pairs would is our own measurement.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::neural_cleanse::{
    Aim, ClassSearch, Config, EarlyPhase, Elimination, LEAST_NORM, MOST_OF_ONE, Preset, Task,
    early, most_updates, pixels,
};
use super::{About, Detector, Published, Row, UnitStatistic};
use crate::error::Error;
use crate::finding::{Finding, Unit};
use crate::search::{Early, Nothing, Search};
use crate::subject::Subject;
use crate::verdict::{Conviction, Statistic, Tail};

/// Images of a class that are needed to search with: with fewer, any speck leads them away.
const FEWEST_OF_ONE: usize = 6;
/// The success rate that a trigger is asked for: six held-out images are enough to show it.
const RATE: f64 = 0.5;

/// What it is.
const ABOUT: About = About {
    name: "source_patch",
    title: "Source patch (after Wang et al. 2019 and Moosavi-Dezfooli et al. 2017)",
    tested: "one trigger of limited size at a fixed place that leads images of {targets} to another one",
    not_tested: &[
        "triggers that are added to the pixels or multiplied with them instead of being stamped over them",
        "triggers that are spread over the image, such as blended pictures, filters, noise and reflections",
        "triggers that move or warp the image, and objects in the scene",
        "models trained to evade this search",
    ],
    statistic: UnitStatistic {
        name: "norm",
        meaning: "L1 norm of the mask",
        found: "reached, from one class alone, by a trigger",
        unit: "pixels",
        suspicious: Tail::Small,
        extreme: Some(1.0),
        comparable: true,
        linear: false,
        of_model: false,
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
    make: |_, effort| {
        Box::new(SourcePatch {
            config: Config {
                batch: MOST_OF_ONE,
                effort,
                ..Config::preset(Preset::Standard)
            },
            early: None,
        })
    },
};

/// The detector with its settings.
#[derive(Clone, Debug)]
pub struct SourcePatch {
    config: Config,
    /// The early phase that its searches are part of, if they are.
    early: Option<EarlyPhase>,
}

/// The class that a search is from.
fn source(unit: Unit) -> Result<Aim, Error> {
    match unit {
        Unit::Source(class) => Ok(Aim::From(class)),
        other => Err(Error::OtherUnit(other)),
    }
}

/// The search, or one with nothing to search with where the model is right on no image of the
/// class.
fn or_nothing<'a>(
    search: Result<ClassSearch<'a>, Error>,
    unit: Unit,
) -> Result<Box<dyn Search + 'a>, Error> {
    match search {
        Ok(search) => Ok(Box::new(search)),
        Err(Error::NoneRight(_)) => Ok(Box::new(Nothing {
            unit,
            reason: "the model is right on no image of it".to_owned(),
        })),
        Err(error) => Err(error),
    }
}

impl Detector for SourcePatch {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn preset(&self) -> &'static str {
        self.config.preset.name()
    }

    fn settings(&self) -> BTreeMap<String, Value> {
        let mut settings = self.config.parameters();
        settings.insert("loss".to_owned(), json!("-ln(1 - p) of the source"));
        settings
    }

    fn units(&self, classes: usize) -> Vec<Unit> {
        (0..classes).map(Unit::Source).collect()
    }

    fn lacks(&self, unit: Unit, labels: &[usize]) -> Option<String> {
        let class = unit.class_of_search()?;
        let count = labels.iter().filter(|&&label| label == class).count();
        (count < FEWEST_OF_ONE).then(|| {
            format!(
                "not searched, since there are {count} images of it to search with, where {FEWEST_OF_ONE} \
                 are needed"
            )
        })
    }

    fn begin<'a>(
        &'a self,
        subject: &Subject<'a>,
        unit: Unit,
    ) -> Result<Box<dyn Search + 'a>, Error> {
        let task = Task::of(subject, &self.config, self.early)?;
        or_nothing(ClassSearch::new(task, source(unit)?), unit)
    }

    fn resume<'a>(
        &'a self,
        subject: &Subject<'a>,
        unit: Unit,
        kept: &str,
    ) -> Result<Box<dyn Search + 'a>, Error> {
        let task = Task::of(subject, &self.config, self.early)?;
        match serde_json::from_str(kept)? {
            Some(kept) => or_nothing(ClassSearch::resume(task, source(unit)?, kept), unit),
            // What a search keeps that has nothing to search with.
            None => or_nothing(ClassSearch::new(task, source(unit)?), unit),
        }
    }

    fn early(&self, units: usize, pixels: usize) -> Option<Box<dyn Early>> {
        let phase = early(self.config.effort, units)?;
        let settings = phase.settings(&self.config, pixels);
        let short = Self {
            config: settings.clone(),
            early: Some(phase),
        };
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
        most_updates(&self.config, units)
    }

    fn batch(&self) -> usize {
        self.config.batch
    }

    fn held_bytes(&self, shape: [usize; 3], _images: usize, units: usize) -> usize {
        let [channels, height, width] = shape;
        // In a finding and in the evidence; or as variables, moments and best so far.
        4 * units * (channels + 1) * height * width * size_of::<f32>()
    }

    fn statistic(&self, shape: [usize; 3]) -> Statistic {
        ABOUT.statistic.judged(pixels(shape))
    }

    fn value(&self, statistic: f64, shape: [usize; 3]) -> f64 {
        self.statistic(shape).value(statistic.max(LEAST_NORM))
    }

    fn published(&self, _compared: &[&Finding], _shape: [usize; 3]) -> Published {
        Published::default()
    }
}
