//! Colour map: how far towards each class can one filter of limited strength lead all images?
//!
//! # What it does
//! For each class, searches a map of colours, the same for every pixel of every image
//! ([`ColourMap`]: an affine map of the channels, and a curve on each), that changes pixel values by
//! no more than a budget on average and makes the model as sure of the class as it can, on images of
//! all other classes at once.
//!
//! # Threat model
//! A filter as a trigger: one change of colours, brightness or contrast that works on images of all
//! other classes, as those of Instagram do (Y. Liu et al. 2019). White-box access to gradients; a
//! few clean images. Two classes are enough.
//!
//! # Statistic and decision
//! The mean logistic loss `ln(1 + exp(-margin))` of images of all other classes under the best
//! filter within the budget, with 8 bits a value. Small is suspicious, beside the model's other
//! classes. There is such a loss for each class whether or not its filter works, which a size of
//! the smallest working filter has not: most classes of a clean model are reached by none. Models
//! are not compared: how far their classes are from one another depends on the data. A class is
//! convicted by its filter, which has to lead at least 60 % of the held-out images of other classes
//! there, with a confidence of 95 %.
//!
//! # Cost
//! For each class as many passes of 32 images forwards and backwards as there are updates, and two
//! passes of all images forwards.
//!
//! # Known failures
//! Whatever is not the same change of colours everywhere: patches, blends, noise, warps. A filter
//! that changes images far more than the budget, of which less does nothing. Backdoors of single
//! source classes, and all to all. Classes that look like the others in another light.
//!
//! # References
//! Y. Liu et al., "ABS", CCS 2019, for filters as triggers and a search for them by a linear map of
//! each pixel. That a loss at a fixed budget tells a target from other classes is our own
//! measurement (docs/detectors/colour_map.md).

use super::transformation::{Budget, Config, TransformationSearch};
use super::{About, Row, UnitStatistic};
use crate::trigger::ColourMap;
use crate::verdict::{Conviction, Tail};

/// The success rate that a filter is asked for on held-out images.
const RATE: f64 = 0.6;

/// What it is.
const ABOUT: About = About {
    name: "colour_map",
    title: "Colour map (after Y. Liu et al. 2019)",
    tested: "one filter that changes the colours of all images alike and leads them to {targets}",
    not_tested: &[
        "triggers that change some pixels of an image and not others",
        "triggers that move or warp the image, and objects in the scene",
        "backdoors that only work on images of certain classes",
        "backdoors that lead each class to another one, or all classes to classes of their own",
        "models trained to evade this search",
    ],
    statistic: UnitStatistic {
        name: "loss",
        meaning: "mean logistic loss of the margins of images of other classes under the best filter",
        found: "approached by a filter up to a loss",
        unit: "nats",
        suspicious: Tail::Small,
        extreme: None,
        comparable: false,
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
    make: |_, _| {
        let config = Config {
            budget: Budget::Fixed(0.15),
            images: 256,
            batch: 32,
            updates: 120,
            learning_rate: 0.02,
            betas: (0.9, 0.99),
        };
        Box::new(TransformationSearch::<ColourMap>::new(&ABOUT, config))
    },
};
