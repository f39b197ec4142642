//! MESA (Qiao, Yang, Li 2019): which squares of a few pixels, anywhere in the image, lead images to
//! a class?
//!
//! # What it does
//! For each class and each of a row of sizes, trains small generators that make squares out of
//! noise, which are stamped over images of all other classes, each at a place of its own. A
//! generator is rewarded up to a cap for the probability of the class, and for the information that
//! its squares have of the noise (MINE, Belghazi et al. 2018): so it does not stop at one trigger,
//! but makes as many different ones as reach the cap (*max-entropy staircase approximator*). One
//! generator for each cap. Of some squares of each the best is judged on further images.
//!
//! Generators have the paper's four layers, each given noise of its own. Two things differ under
//! both presets: the critic scores a square and a noise by a product of codes, so that all pairs of
//! a batch are used and it has learnt something after tens of updates; and it is shown the squares
//! as they are stamped, with noise on their values. `standard` has smaller nets and larger steps,
//! for a few hundred passes in all, and the logarithm of the probability as its reward, which has a
//! slope also where the model is sure of another class.
//!
//! # Threat model
//! A patch of a few pixels that works wherever it lies, on images of all other classes (BadNets
//! with a random place). White-box access to gradients and some clean images. As published, the
//! method has to be told the target class and the size of the trigger, which nobody has who looks
//! for a backdoor: it was made to remove a known one. So `standard` searches every class and
//! squares of 3, 5 and 8 pixels; whoever knows the target gives `--classes`, and with `--preset
//! paper` squares have the three pixels of those that the paper plants.
//!
//! # Statistic and decision
//! The mean logistic loss `ln(1 + exp(-margin))` of images under the best square of a size, and of
//! all sizes the geometric mean, each counted as at least 0.01. Small is suspicious, beside the
//! model's other classes: there is such a loss for each class, whether or not a square works. A
//! class is convicted by its square, of the smallest size that works or else of the lowest loss, at
//! the best of sixteen places: stamped there on held-out images of other classes it has to lead 60
//! % of them to the class, with a confidence of 95 %. The paper decides nothing: it has no
//! statistic.
//!
//! # Cost
//! For each class 480 passes of 32 images forwards and backwards, as many as Neural Cleanse takes
//! at most, and 110 forwards to judge the squares.
//!
//! # Known failures
//! Patches that work only at the place where they were planted, as most do whose place was the same
//! in all images: their class may stand out, but the squares are too weak to convict it. Patches
//! larger than the largest square, which in large images is small; whatever is no patch. Backdoors
//! of single source classes, and all to all.
//!
//! # References
//! X. Qiao, Y. Yang, H. Li, "Defending Neural Backdoors via Generative Distribution Modeling",
//! NeurIPS 2019, and its authors' released program (`paper`). M. I. Belghazi et al., "Mutual
//! Information Neural Estimation", ICML 2018. To search all classes, and the statistic, are ours
//! (docs/detectors/mesa.md).

mod class_search;
mod config;
mod dense;
mod generator;
mod judgement;
mod reward;
mod square;
mod task;
mod training;

use std::collections::BTreeMap;

use serde_json::Value;

use self::class_search::{ClassSearch, LEAST_LOSS, WORKS};
pub use self::config::{Config, Preset, Reward};
use super::{About, Detector, Published, Row, UnitStatistic};
use crate::error::Error;
use crate::finding::{Finding, Unit};
use crate::search::Search;
use crate::subject::Subject;
use crate::verdict::{Conviction, Statistic, Tail};

/// What it is.
const ABOUT: About = About {
    name: "mesa",
    title: "MESA, all classes and some sizes (after Qiao et al. 2019)",
    tested: "one square of up to 8 pixels that, anywhere in the image, leads images of all other classes to {targets}; \
             the published method has to be told class and size",
    not_tested: &[
        "patches that work at one place alone, or are larger than the squares searched",
        "triggers that are added to the pixels or multiplied with them instead of being stamped over them",
        "triggers that are spread over the image, such as blended pictures, filters, noise and reflections",
        "triggers that move or warp the image, and objects in the scene",
        "backdoors that only work on images of certain classes",
        "backdoors that lead each class to another one, or all classes to classes of their own",
        "models trained to evade this search",
    ],
    statistic: UnitStatistic {
        name: "loss",
        meaning: "mean logistic loss of the margins of images of other classes under the best square, of all sizes the geometric mean",
        found: "approached by a square up to a loss",
        unit: "nats",
        suspicious: Tail::Small,
        extreme: None,
        comparable: false,
        linear: false,
        of_model: false,
        conviction: Conviction::ByTrigger { rate: WORKS },
    },
    by_default: false,
    by_margins: false,
    needs_images: true,
    presets: &["standard", "paper"],
};

/// The row.
pub const ROW: Row = Row {
    about: &ABOUT,
    make: |preset, _| {
        let presets = [Preset::Standard, Preset::Paper];
        let named = presets.into_iter().find(|known| known.name() == preset);
        let preset = named.unwrap_or(Preset::Standard);
        Box::new(Mesa::new(Config::preset(preset)))
    },
};

/// The detector with its settings.
#[derive(Clone, Debug)]
pub struct Mesa {
    config: Config,
}

impl Mesa {
    /// With settings of any kind, such as the size of a trigger that is known.
    pub fn new(config: Config) -> Self {
        Self { config }
    }
}

impl Detector for Mesa {
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
        let search = ClassSearch::new(*subject, &self.config, unit.class()?)?;
        Ok(Box::new(search))
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
        self.config.updates * self.config.generators()
    }

    fn batch(&self) -> usize {
        self.config.batch
    }

    fn held_bytes(&self, shape: [usize; 3], _images: usize, units: usize) -> usize {
        // A net with two moments, and a patch in a finding and in the evidence.
        let [channels, height, width] = shape;
        let patch = 2 * (channels + 1) * height * width;
        units * (3 * self.config.weights(channels) + patch) * size_of::<f32>()
    }

    fn statistic(&self, _: [usize; 3]) -> Statistic {
        ABOUT.statistic.judged(1.0)
    }

    fn value(&self, statistic: f64, shape: [usize; 3]) -> f64 {
        self.statistic(shape).value(statistic.max(LEAST_LOSS))
    }

    fn published(&self, _: &[&Finding], _: [usize; 3]) -> Published {
        Published::default()
    }
}
