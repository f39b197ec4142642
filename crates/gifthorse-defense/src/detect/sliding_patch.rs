//! Sliding patch: at which place of the image a small square leads images of all classes to one.
//!
//! # What it does
//! Lays a window of a sixth of the image's side over the image, at seven or eight places in each
//! direction. At each place it follows the best colours inside the window for twelve steps of Adam,
//! stamped on images of all classes, towards the class that they are led to furthest: by the mean
//! difference between the logit of that class and that of an image's own. That makes a table of
//! classes and places: how far images of the others are led to the class. A class may be easy to
//! reach, and a place in the middle of things moves every image; both are taken out of the table,
//! and what stands out of the rest is a class that a place leads to as it leads to no other. There
//! the search is made once more with more images and steps, and that patch is shown.
//!
//! # Threat model
//! Small triggers that are stamped at fixed places, most of one within the window, each of which
//! leads images of all classes to a class: one backdoor, or several with a target and a place each.
//! White-box access to gradients, and some clean images of each class.
//!
//! # Statistic and decision
//! The *prominence* of the class and place that stand out most: how far they lie above what their row
//! and their column of the table let expect (by a median polish), in units of how far other classes
//! do at that place and those around it, which is more in the middle of things than beside them. A
//! class whose places are all unequal has larger units, and images that are not led as far as clean
//! images lie from the next class count for less, by a factor of e for each such distance. Large is
//! suspicious, beside clean models; there is nothing in the model itself to compare it with. What
//! is unusually large is decided by `verdict` among these. A trigger that convicts has to move more
//! than half of the held-out images of all classes, with a confidence of 95 %.
//!
//! # Cost
//! For each place 13 passes of 36 images, or of two of each class where these are more, and for the
//! last search 100 of 96: with 64 places 40,000 images forward and backward, however many classes
//! there are. On an MNIST net of ten classes it took 0.4 of the time of Neural Cleanse.
//!
//! # Known failures
//! Triggers that no window covers: large squares, blends, filters, warps, frames; and ones that
//! stand at another place in each image. Backdoors of single sources, for which
//! `sliding_source` looks. Fewer than six classes with six images each that the model is right on.
//!
//! # References
//! Brown et al., "Adversarial Patch", 2017, for patches that move whatever they are put on; Gu et
//! al., "BadNets", 2017, for triggers of this kind. That the place tells planted ways to a class
//! from natural ones is our own measurement (docs/detectors/sliding_patch.md).

mod aim;
mod ascent;
mod detector;
mod images;
mod model_search;
mod table;
mod window;

pub(super) use aim::Sources;
pub(super) use detector::{NOT_TESTED, ROW, Sliding, statistic};
