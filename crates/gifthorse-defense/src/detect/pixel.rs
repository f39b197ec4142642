//! Pixel (Tao et al. 2022): the fewest pixels that, changed alike in all images, lead them to a
//! class.
//!
//! # What it does
//! For each class, searches for what to add to the pixels of images of all other classes and what
//! to take away from them, without a mask: `clip(x + p - q)`, with `p` and `q` in [0, 1]. The size
//! of both is a smooth sum over the pixels, `tanh(v / 10) / 2 + 1/2` of the largest channel of
//! each, which pulls every pixel alike, however little it changes, so that those that are not
//! needed come to nothing. Weight of the size and steps of Adam are those of Neural Cleanse, whose
//! search with a mask it replaces; after each round changes of less than a grey level become
//! nothing, and the search goes on from the smallest pattern that succeeded.
//!
//! # Threat model
//! One trigger that changes few pixels, at a fixed place, and works on images of all or most other
//! classes: a patch, or what is added to a part of the image. White-box access to gradients and
//! some clean images. Two classes are enough.
//!
//! # Statistic and decision
//! How many pixels the smallest change has that succeeded, stored with 8 bits. Small is suspicious.
//! `size` beside it is the sum over the pixels of the largest change of a channel, which is counted
//! as the L1 norm of a mask is. A class for which no change met the success threshold is
//! `Unreached`. A class is convicted by its change, which has to lead at least 90 % of the held-out
//! images of other classes there, with a confidence of 95 %, as the trigger of Neural Cleanse has.
//! One found with `paper`, for which 90 % of the images to search with are enough, seldom does.
//!
//! # Cost
//! One search a class, of 480 forward and backward passes of 32 images under `standard`: as many as
//! Neural Cleanse's longest, and 1.5 to 1.8 times what it took in the models of the page.
//!
//! # Known failures
//! Triggers that are spread over the image, that move, that warp it, that need a certain source
//! class. Opaque patches on images that differ where it lies: to add is to shift what is there, so
//! that a patch of middle grey is not one change of all images, and one of black or white needs the
//! largest.
//!
//! # References
//! G. Tao, G. Shen, Y. Liu, S. An, Q. Xu, S. Ma, P. Li, X. Zhang, "Better Trigger Inversion
//! Optimization in Backdoor Scanning", CVPR 2022, and its authors' released program (`paper`). How
//! it compares with Neural Cleanse is our own measurement (docs/detectors/pixel.md).

mod class_search;
mod config;
mod pattern;
mod snapshot;
mod weight;

use std::collections::BTreeMap;

use serde_json::Value;

use self::class_search::ClassSearch;
use self::config::{Config, Preset};
use super::neural_cleanse::pixels;
use super::{About, Detector, Published, Row, UnitStatistic};
use crate::error::Error;
use crate::finding::{Finding, Unit};
use crate::search::Search;
use crate::subject::Subject;
use crate::verdict::{Conviction, REQUIRED_RATE, Statistic, Tail};

/// Fewer pixels count as this many.
const LEAST: f64 = 1.0;
/// What a search holds for each value of an image: two numbers with two moments each, and the best
/// change in the search, in a finding and in the evidence.
const COPIES: usize = 9;

/// What it is.
const ABOUT: About = About {
    name: "pixel",
    title: "Pixel (Tao et al. 2022)",
    tested: "one change of few pixels, the same in all images of other classes, that leads them to {targets}",
    not_tested: &[
        "triggers that are spread over the image, such as blended pictures, filters, noise and reflections",
        "triggers that move or warp the image, and objects in the scene",
        "backdoors that only work on images of certain classes",
        "backdoors that lead each class to another one, or all classes to classes of their own",
        "models trained to evade this search",
    ],
    statistic: UnitStatistic {
        name: "pixels",
        meaning: "pixels that the smallest change of all images has",
        found: "reached by a change",
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
        Box::new(Pixel {
            config: Config::preset(named.unwrap_or(Preset::Standard)),
        })
    },
};

/// The detector with its settings.
#[derive(Clone, Debug)]
struct Pixel {
    config: Config,
}

impl Detector for Pixel {
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
        self.config.rounds * self.config.batches_per_round
    }

    fn batch(&self) -> usize {
        self.config.batch
    }

    fn held_bytes(&self, shape: [usize; 3], _images: usize, units: usize) -> usize {
        units * COPIES * shape.iter().product::<usize>() * size_of::<f32>()
    }

    fn statistic(&self, shape: [usize; 3]) -> Statistic {
        ABOUT.statistic.judged(pixels(shape))
    }

    fn value(&self, statistic: f64, shape: [usize; 3]) -> f64 {
        self.statistic(shape).value(statistic.max(LEAST))
    }

    fn published(&self, _: &[&Finding], _: [usize; 3]) -> Published {
        Published::default()
    }
}
