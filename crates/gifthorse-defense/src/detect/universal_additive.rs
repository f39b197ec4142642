//! Universal additive change: how small a change, added to images of all classes, moves them off
//! their own?
//!
//! # What it does
//! Searches one change of the pixels, the same for all images and without a mask, under which nine
//! of ten leave their class, wherever they go: the universal perturbation of Moosavi-Dezfooli et
//! al. (2017), with the loss `-ln(1 - p)` of the own class's probability p as
//! its sister [`universal_patch`](super::universal_patch) has it. Its direction follows the slope
//! of the loss, and its length the border at which enough images are moved: a little shorter after
//! each step with enough, a little longer after each without (Rony et al. 2019). One search for the
//! whole model, from three starts.
//!
//! # Threat model
//! One trigger that is much the same change of all images, such as noise, waves, a blended picture,
//! or a faint or small patch, and works on images of all classes, or of nearly all, wherever it
//! leads them: to one class, each to the next one (all to all), or each to a class of its own.
//! White-box access to gradients, and some clean images of each class. Two classes are enough.
//!
//! # Statistic and decision
//! The L2 norm of the smallest change from any start, in pixel values over the whole image. Small
//! is suspicious, beside clean models of the same data: how large such changes are depends on what
//! the images are of, and there is nothing in the model itself to compare it with. One and a half
//! times the change is then added to all images that the model is right on, since at the border
//! they go by chance, and the report has the label map: where most of each class go, how many
//! classes they go to (`targets`), what share of the classes goes so many places on (`shifted`: 1
//! for all to all), and how much of where an image goes its class does not say (`scatter`: about 1
//! for one target, 0 where each class has one of its own). The classes that more than half of the
//! images of some class go to are those that are accused. A change that convicts has to move at
//! least 30 % of the held-out images, with a confidence of 95 %: with two classes, no change moves
//! more than those of one.
//!
//! # Cost
//! One search, however many classes there are: 240 passes of at most 256 images, six times what
//! Neural Cleanse takes for a class.
//!
//! # Known failures
//! Strong patches on dark or bright ground, whose change is larger than the one that moves the
//! images of a clean model. Which class a filter leads to. Triggers for some classes alone. Data of
//! which no clean model is at hand.
//!
//! # References
//! S.-M. Moosavi-Dezfooli et al., "Universal Adversarial Perturbations", CVPR 2017. J. Rony et al.,
//! "Decoupling Direction and Norm for Efficient Gradient-Based L2 Adversarial Attacks and
//! Defenses", CVPR 2019, for the length. That its size shows backdoors is our own measurement
//! (docs/detectors/universal_additive.md).

mod descent;
mod model_search;
mod pass;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use self::descent::STEPS;
use self::model_search::{IMAGES, MOVED, ModelSearch, STARTS, TRIED};
pub(super) use self::pass::Shown;
use super::{About, Detector, Published, Row, UnitStatistic};
use crate::error::Error;
use crate::finding::{Finding, Unit};
use crate::search::{Nothing, Search};
use crate::subject::Subject;
use crate::verdict::{Conviction, Statistic, Tail};

/// The success rate that a trigger is asked for on held-out images.
const RATE: f64 = 0.3;

/// Smaller norms count as this one.
const LEAST_NORM: f64 = 1e-3;

/// What it is.
const ABOUT: About = About {
    name: "universal_additive",
    title: "Universal additive change (after Moosavi-Dezfooli et al. 2017)",
    tested: "one small change that, added to images of all classes, leads them to other ones",
    not_tested: &[
        "triggers that are stamped over the image, such as patches",
        "triggers that move or warp the image, and objects in the scene",
        "backdoors that only work on images of certain classes",
        "models trained to evade this search",
    ],
    statistic: UnitStatistic {
        name: "norm",
        meaning: "L2 norm of the smallest change that, added to images of all classes, moves nine of ten off their own",
        found: "where images of all classes are led by a change",
        unit: "pixel values",
        suspicious: Tail::Small,
        extreme: None,
        comparable: true,
        linear: false,
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
    make: |_, _| Box::new(UniversalAdditive),
};

/// The detector; it has no settings.
#[derive(Clone, Copy, Debug)]
struct UniversalAdditive;

impl Detector for UniversalAdditive {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn preset(&self) -> &'static str {
        ABOUT.presets[0]
    }

    fn settings(&self) -> BTreeMap<String, Value> {
        BTreeMap::from([
            ("most_images".to_owned(), json!(IMAGES)),
            ("starts".to_owned(), json!(STARTS)),
            ("steps".to_owned(), json!(STEPS)),
            ("success_threshold".to_owned(), json!(MOVED)),
            ("times_tried".to_owned(), json!(f64::from(TRIED))),
            ("loss".to_owned(), json!("-ln(1 - p) of the own class")),
        ])
    }

    fn units(&self, classes: usize) -> Vec<Unit> {
        match classes < 2 {
            true => Vec::new(),
            false => vec![Unit::Model],
        }
    }

    fn begin<'a>(
        &'a self,
        subject: &Subject<'a>,
        unit: Unit,
    ) -> Result<Box<dyn Search + 'a>, Error> {
        or_nothing(unit, || ModelSearch::new(*subject))
    }

    fn resume<'a>(
        &'a self,
        subject: &Subject<'a>,
        unit: Unit,
        kept: &str,
    ) -> Result<Box<dyn Search + 'a>, Error> {
        or_nothing(unit, || match kept {
            // What a search keeps that has nothing to search with.
            "null" => ModelSearch::new(*subject),
            kept => ModelSearch::resume(*subject, kept),
        })
    }

    fn most_updates(&self) -> usize {
        STARTS * STEPS
    }

    fn batch(&self) -> usize {
        pass::BATCH
    }

    fn held_bytes(&self, shape: [usize; 3], _images: usize, _units: usize) -> usize {
        // The images, a change of each start, and those in the finding and in the evidence.
        (IMAGES + STARTS + 4) * shape.iter().product::<usize>() * size_of::<f32>()
    }

    fn statistic(&self, _shape: [usize; 3]) -> Statistic {
        ABOUT.statistic.judged(1.0)
    }

    fn value(&self, statistic: f64, shape: [usize; 3]) -> f64 {
        self.statistic(shape).value(statistic.max(LEAST_NORM))
    }

    fn published(&self, _compared: &[&Finding], _shape: [usize; 3]) -> Published {
        Published::default()
    }
}

/// The search of the model, or one with nothing to search with where the model is right on no
/// image.
fn or_nothing<'a>(
    unit: Unit,
    search: impl FnOnce() -> Result<ModelSearch<'a>, Error>,
) -> Result<Box<dyn Search + 'a>, Error> {
    if unit != Unit::Model {
        return Err(Error::OtherUnit(unit));
    }
    match search() {
        Ok(search) => Ok(Box::new(search)),
        Err(error @ Error::NothingRight) => Ok(Box::new(Nothing {
            unit,
            reason: error.to_string(),
        })),
        Err(error) => Err(error),
    }
}
