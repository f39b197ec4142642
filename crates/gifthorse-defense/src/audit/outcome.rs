//! What an audit says.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::exclusion::Judged;

/// What an audit says of a training set.
#[derive(Clone, Debug, PartialEq)]
pub struct Audited {
    /// What it says of each image, in their order.
    pub images: Vec<Suspicion>,
    /// What it says of each class that there are images of.
    pub classes: Vec<OfClass>,
    /// Share of images of other classes that the look from outside gives their label, each class
    /// counting alike; what `kept` is held against.
    pub belonging: f64,
    /// What the user should know, in sentences.
    pub notes: Vec<String>,
}

/// What an audit says of an image.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Suspicion {
    /// How suspicious it is; larger is more.
    pub score: f64,
    /// Whether it is to be removed.
    pub removed: bool,
}

/// What an audit says of a class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OfClass {
    /// The class.
    pub class: usize,
    /// Images that are labelled so.
    pub images: usize,
    /// Those of the group that is looked at.
    pub group: usize,
    /// The share of the group that is given the class by what knows none of the group; null where
    /// nothing was looked at.
    pub kept: Option<f64>,
    /// How much what that says of the group varies, in units of what it does in groups of all classes
    /// in the median: stamped images are of several classes.
    pub variety: f64,
    /// Whether the group does not belong to the class.
    pub suspicious: bool,
    /// Images that are to be removed.
    pub removed: usize,
    /// The method's own numbers, by name; none decides.
    pub measures: BTreeMap<String, f64>,
}

impl OfClass {
    /// What was found in a class, with a suspicion for each of its images.
    pub(super) fn of(
        class: usize,
        judged: &Judged,
        suspicions: &[Suspicion],
        measures: &[(&str, f64)],
    ) -> Self {
        let measures = measures
            .iter()
            .map(|(name, value)| ((*name).to_owned(), *value));
        Self {
            class,
            images: suspicions.len(),
            group: judged.group.iter().filter(|of_group| **of_group).count(),
            kept: judged.kept,
            variety: judged.variety,
            suspicious: judged.foreign,
            removed: suspicions.iter().filter(|it| it.removed).count(),
            measures: measures.collect(),
        }
    }
}

impl Audited {
    /// Of what was found in each class, with a suspicion for each of its images.
    pub(super) fn of_classes(
        images: usize,
        by_class: &[Vec<usize>],
        found: Vec<(OfClass, Vec<Suspicion>)>,
        belonging: f64,
    ) -> Self {
        let mut suspicions = vec![Suspicion::default(); images];
        for (of_class, own) in &found {
            for (&place, &suspicion) in by_class[of_class.class].iter().zip(own) {
                suspicions[place] = suspicion;
            }
        }
        Self {
            images: suspicions,
            classes: found.into_iter().map(|(of_class, _)| of_class).collect(),
            belonging,
            notes: Vec::new(),
        }
    }

    /// Places of the images that are to be removed, ascending.
    #[must_use]
    pub fn removed(&self) -> Vec<usize> {
        let images = self.images.iter().enumerate();
        let removed = images.filter(|(_, image)| image.removed);
        removed.map(|(place, _)| place).collect()
    }
}
