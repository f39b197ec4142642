//! Weight sum: which class do the weights of the last layer favour, whatever goes into it?
//!
//! # What it does
//! Sums up the weights with which the last affine part of the model votes for each class
//! ([`last_layer`](super::last_layer) finds it). A backdoor drives many units in one direction for
//! images of all classes, so that the target has positive weights on units that no clean class
//! owns, among them such as are silent on clean images, which the reach of the last layer does not
//! count.
//!
//! # Threat model
//! One or a few classes are targets; the trigger may be of any kind or size. The weights, and a few
//! clean images, which say only that a channel's positions are one unit.
//!
//! # Statistic and decision
//! The sum of a class's weights, less the mean over classes, in units of what so many weights would
//! sum to if each had a sign of its own (the root of the sum of squares, mean over classes). Large
//! is suspicious, beside the model's other classes. What is unusually large is decided by `verdict`
//! among clean models.
//!
//! # Cost
//! None beside that of [`last_layer`](super::last_layer).
//!
//! # Known failures
//! As [`last_layer`](super::last_layer); units whose scale differs much, since it is not taken into
//! account: of clean models others measured sums of 4.9 and 9.2 median deviations.
//!
//! # References
//! As [`last_layer`](super::last_layer): "DFBScanner" (arXiv 2605.18907) and "HTell" (arXiv
//! 2605.18908), 2026, of which only the abstracts were at hand.

use super::last_layer::LastLayerNumber;
use super::{About, Row, UnitStatistic};
use crate::verdict::{Conviction, Tail};

/// What it is.
const ABOUT: About = About {
    name: "weight_sum",
    title: "Weight sum (after DFBScanner and HTell 2026)",
    tested: "a trigger of any kind for which the weights of the model's last layer favour {targets}",
    not_tested: &[
        "backdoors that only work on images of certain classes",
        "backdoors that lead each class to another one, or all classes to classes of their own",
        "models trained to evade this search",
    ],
    statistic: UnitStatistic {
        name: "sum",
        meaning: "sum of the last layer's weights for the class, in units of one of weights whose signs are independent",
        found: "favoured by a sum of weights",
        unit: "of independent weights",
        suspicious: Tail::Large,
        extreme: None,
        comparable: false,
        linear: true,
        of_model: false,
        conviction: Conviction::ByStatistic,
    },
    by_default: true,
    by_margins: true,
    needs_images: true,
    presets: &["standard"],
};

/// The row.
pub const ROW: Row = Row {
    about: &ABOUT,
    make: |_, _| {
        Box::new(LastLayerNumber {
            about: &ABOUT,
            number: |of_class| of_class.sum,
            tells: false,
        })
    },
};
