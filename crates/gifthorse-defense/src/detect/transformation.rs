//! The search that detectors of filters and warps share: of all transformations of one family that
//! change images no more than a budget allows, the one that leads images of all other classes the
//! furthest towards a class.
//!
//! A family is a [`Transformation`](crate::trigger::Transformation): few numbers, the same for all
//! images. They begin at 0, where nothing is changed, and are moved by Adam along the slope of the
//! mean logistic loss of the margins, `ln(1 + exp(-margin))`. After each update they are brought
//! back within the budget. There is no chance in it: images are walked through in turn, class by
//! class.
//!
//! With [`Budget::Decoupled`] what the answers on clean images hang on must not move much either.

mod class_search;
mod config;
mod detector;
mod snapshot;

pub(super) use config::{Budget, Config};
pub(super) use detector::TransformationSearch;
