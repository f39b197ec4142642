//! Expected transferability (Xiang et al. 2022): does what leads one image to a class lead others?
//!
//! # What it does
//! For each class, grows for each of ten images of other classes a change of its own that just
//! leads it to the class, and adds it to the other nine. Without a backdoor such changes have
//! little to do with one another; in a model with one, they are all something like the trigger.
//! Each image is tried again from other random starts, and counts what any of its changes led,
//! until four in a row lead no image that was not led before.
//!
//! # Threat model
//! One trigger that is much the same change of all images and leads images of all other classes to
//! the target, in models of any number of classes from two on. Each class is judged by itself, so
//! there may be several targets. White-box access to gradients, and ten clean images of other
//! classes.
//!
//! # Statistic and decision
//! The mean share of the other images that an image's changes lead to the class. Large is
//! suspicious; the scale is the same for all models, so that the classes of one are held against
//! those of clean ones by `verdict`. The paper's own rule, more than one half for some class, is
//! reported beside it as published. Of the two searches that the paper tries it is that for an
//! added change, with steps of a given length (a twentieth of the change so far) instead of a rate
//! for each data set, from random starts of one such length.
//!
//! # Cost
//! For each class ten images, each changed five times or more by up to 100 passes of one image
//! forwards and backwards, most of them far fewer.
//!
//! # Known failures
//! Classes that images are led to as easily by nature; patches and other triggers of which a small
//! change of one image is no part (docs/detectors/expected_transferability.md). Backdoors of a
//! single source class among many, since most of the images are of others.
//!
//! # References
//! Z. Xiang, D. J. Miller, G. Kesidis, "Post-Training Detection of Backdoor Attacks for Two-Class
//! and Multi-Attack Scenarios", ICLR 2022, and its authors' released program.

mod class_search;
mod detector;
mod runs;

pub(super) use detector::ROW;
