//! UNICORN, class by class (after Z. Wang, Mei, Zhai and Ma 2023): how far towards each class does a
//! small patch lead all images, in a space of images that is searched with it?
//!
//! # What it does
//! For each class searches a map `P` of images into a space with its inverse `Q`, and there a mask
//! `m` and a pattern `D`, so that the model takes `Q((1 - m) P(x) + m D)` for that class, whatever
//! image `x` of another class is. In the space of pixels that is a patch, and with a mask that is a
//! little of everywhere a blended picture; where `P` mixes and bends channels it is a filter; where
//! it takes differences of neighbours, a change of edges or textures.
//!
//! `P` ([`SpacePatch`](crate::trigger::SpacePatch)) is a curve for each channel and a few steps of
//! lifting, as wavelets are made by (Sweldens 1998): to the even fields of a chequerboard weighted
//! sums of their neighbours are added, then to the odd ones, then to each channel the others. Each
//! step can be subtracted again, so that `Q` undoes `P` whatever their 9 or 81 numbers (for one
//! channel and three) are, and they begin as nothing. The published `P` and `Q` are two U-Nets that
//! first learn for 500 epochs to undo one another, and are held to it by a penalty from then on.
//! What is lost with them are changes that they make without the patch: theirs need not undo one
//! another by more than a penalty asks, and a warp can hide in the difference.
//!
//! What a trigger must keep to is that of the paper and its authors' program:
//!
//! - **The answer hangs on few features.** What the last activation with places in it gives for a
//!   changed image is mixed with what it gives for another clean one, `m_f f(x') + (1 - m_f) f(y)`,
//!   by a mask that is searched as well; of this the cross entropy is. The mask may cover 15 % of
//!   the features.
//! - **It does not make images into some of the class.** The cosine between the mean features of
//!   changed images and those of clean ones of the class counts once it is beyond 0.5.
//! - **It does the same to all images.** The standard deviation of the features under their mask
//!   counts tenfold once it is larger than that of clean images' features, here in units of the
//!   latter.
//! - **Images look like themselves.** 1 minus the structural similarity (Z. Wang et al. 2004) counts
//!   tenfold beyond its bound.
//! - **The mask is small.** Beyond its share of the image, and likewise that of the features, each
//!   value has a price, so that only what does more than most others goes on growing.
//! - **It works.** The cross entropy counts the more, the further the share of images that are led
//!   there is from 90 %.
//!
//! What is missed in one update counts the more in the next, as published from epoch to epoch. Other
//! than published: all numbers move at once, where the program alternates one step of `P` and `Q`
//! with ten of each mask; prices of masks go by the slopes, where a price of 10 would be all that a
//! short search sees; the cross entropy does not stop at 90 %, since it is what classes are compared
//! by; similarity and mask are bounded by 0.05, where the program has 0.15, since clean nets of
//! small images are led anywhere by as much; and at the end the mask is made fainter until both
//! bounds are met.
//!
//! # Threat model
//! Patches, blended pictures, added noise and filters that work on images of all other classes.
//! White-box access to gradients and to an inner layer; a few clean images of each class. Two
//! classes are enough.
//!
//! # Statistic and decision
//! The mean logistic loss `ln(1 + exp(-margin))` of images of all other classes under the patch that
//! was found, with the bounds met and 8 bits a value, as that of [`bti_dbf`](super::bti_dbf): small
//! is suspicious, beside the model's other classes. All classes have the same bounds and updates and
//! nearly the same images, so that what differs is how far the model goes along. The size of the
//! mask at which 90 % are led would be no such number: a blend needs a little of all of it. A class
//! is convicted by its patch, which has to lead at least 60 % of the held-out images of other
//! classes there, with a confidence of 95 %.
//!
//! The paper inverts triggers of a class that it is given, and decides nothing.
//!
//! # Cost
//! For each class 100 passes of 32 images forwards and backwards, and two of all images forwards; the
//! map and the similarity add as much as half of it in small nets.
//!
//! # Known failures
//! Patches larger than 5 % of the image. What is blended into images with an even ground, as of
//! digits: there the structural similarity falls with the faintest change (this follows from its
//! formula, and was not measured). Warps. Triggers that differ from image to image. Backdoors of
//! single source classes, and all to all. Models without an activation that everything passes
//! through. Within the published bounds, most classes of small clean nets are reached as well, and
//! within these bounds some of them.
//!
//! # References
//! Z. Wang, K. Mei, J. Zhai, S. Ma, "UNICORN: A Unified Backdoor Trigger Inversion Framework", ICLR
//! 2023, and its authors' released program, for constants. Z. Wang, A. C. Bovik, H. R. Sheikh, E. P.
//! Simoncelli, "Image Quality Assessment: From Error Visibility to Structural Similarity", IEEE TIP
//! 13(4), 2004. W. Sweldens, "The Lifting Scheme: A Construction of Second Generation Wavelets",
//! SIAM J. Math. Anal. 29(2), 1998.

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
        "triggers that move or warp the image, and objects in the scene",
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
    by_margins: false,
    needs_images: true,
    presets: &["standard"],
};

/// The row.
pub const ROW: Row = Row {
    about: &ABOUT,
    make: |_, _| {
        let config = Config {
            bounds: Bounds {
                mask: 0.05,
                features: 0.15,
                dissimilarity: 0.05,
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
