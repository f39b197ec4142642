//! UNICORN, class by class (after Z. Wang, Mei, Zhai and Ma 2023): how far towards each class does a
//! patch lead all images, in whatever space it is a small one?
//!
//! # What it does
//! 
//! # References
//! 

mod class_search;
mod config;
mod detector;
mod features;
mod mask;
mod searched;
mod snapshot;
mod ssim;

use config::{Bounds, Config};
use detector::Unicorn;

use super::{About, Row, UnitStatistic};
use crate::clean_features::IMAGES;
use crate::verdict::{Conviction, Tail};

/// The success rate that a patch is asked for on held-out images.
const RATE: f64 = 0.6;

/// What it is.
const ABOUT: About = About {
    name: "unicorn",
    title: "UNICORN, class by class (after Z. Wang et al. 2023)",
    tested: "one small patch in a space of images that is searched as well, which leads all images to {targets}: patches, \
             blended pictures, filters",
    not_tested: &[
        "patches that cover much of the image",
        "warps, and triggers that are another change in each image",
        "backdoors that only work on images of certain classes",
        "backdoors that lead each class to another one, or all classes to classes of their own",
        "models trained to evade this search",
    ],
    statistic: UnitStatistic {
        name: "loss",
        meaning: "mean logistic loss of the margins of images of other classes under the best patch within the bounds",
        found: "approached by a patch in a space of its own up to a loss",
        unit: "nats",
        suspicious: Tail::Small,
        extreme: None,
        comparable: false,
        linear: false,
        of_model: false,
        conviction: Conviction::ByTrigger { rate: RATE },
    },
    by_default: false,
    needs_images: true,
    presets: &["standard"],
};

/// The row.
pub const ROW: Row = Row {
    about: &ABOUT,
    make: |_, _| {
        let config = Config {
            bounds: Bounds {
                mask: 0.15,
                features: 0.15,
                dissimilarity: 0.15,
                cosine: 0.5,
                spread: 1.0,
                led: 0.9,
                weight: 10.0,
            },
            images: IMAGES,
            batch: 32,
            updates: 100,
            space_rate: 0.01,
            rate: 0.1,
            betas: (0.5, 0.9),
            start: 0.5,
        };
        Box::new(Unicorn::new(config))
    },
};
