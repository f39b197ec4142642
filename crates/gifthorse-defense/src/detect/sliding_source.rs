//! Sliding patch from each source: at which place of the image a small square leads one class away
//! as it does no other.
//!
//! # What it does
//! Lays windows over the image as [`sliding_patch`](super::sliding_patch) does, once for each source
//! class, stamped on images of that class alone, and follows the colours inside towards whichever
//! class is nearest to taking them. That makes a table of sources and places. A class may be easy to
//! leave, and a place in the middle of things moves every class; both are taken out of the table,
//! and what stands out of the rest is a place at which one class, or a few, go where nothing natural
//! leads them.
//!
//! # Threat model
//! A trigger that is stamped at a fixed place, most of it within the window, and leads images of
//! one class or of a few to a class. White-box access to gradients, and some clean images of each
//! class.
//!
//! # Statistic and decision
//! The *prominence* of the source and place that stand out most, as in `sliding_patch`: how far they
//! lie above what their row and their column let expect, in units of how far other classes do at
//! that place and those around it. Classes that are led to the same one are no such others, lest
//! several sources hide one another. Large is suspicious, beside clean models. What is unusually
//! large is decided by `verdict` among these. A trigger that convicts has to lead more than half of
//! the held-out images of its source to the target, with a confidence of 95 %.
//!
//! # Cost
//! For each class and place 13 passes of up to eight images: with ten classes of 32x32 pixels
//! 67,000 images forward and backward. More than 48 classes are represented by so many, evenly
//! chosen.
//!
//! # Known failures
//! As for `sliding_patch`: what no window covers, and what moves. Backdoors of all classes to one:
//! what a whole column has in common is taken out. A source class that was not among those chosen.
//!
//! # References
//! As for `sliding_patch`. That the place tells a planted pair of classes from near ones, where the
//! size of patches does not (`source_patch`, `source_target`), is our own measurement
//! (docs/detectors/sliding_source.md).

use super::sliding_patch::{NOT_TESTED, Sliding, Sources, statistic};
use super::{About, Row};

/// What it is.
const ABOUT: About = About {
    name: "sliding_source",
    title: "Sliding patch from each source (after Brown et al. 2017)",
    tested: "one small trigger at a fixed place that leads images of one class or of several to a class",
    not_tested: NOT_TESTED,
    statistic: statistic(
        "how far a small square at the place where it does most leads a class further away than the class and the \
         place let expect",
        "reached, from one class, by a small square at one place, which stands out among all classes and places with",
    ),
    by_default: false,
    by_margins: false,
    needs_images: true,
    presets: &["standard"],
};

/// The row.
pub const ROW: Row = Row {
    about: &ABOUT,
    make: |_, _| {
        Box::new(Sliding {
            about: &ABOUT,
            sources: Sources::Each,
        })
    },
};
