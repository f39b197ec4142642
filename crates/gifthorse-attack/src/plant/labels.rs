//! Which images are stamped, and what the stamp makes of their label.

use serde::{Deserialize, Serialize};

use rand::RngExt;

use crate::Error;
use crate::random::Purpose;

/// From the class of an image to the label that it has once the trigger is on it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum LabelMap {
    /// Images of all classes become `target` (Wang et al. 2019 §V-A).
    AllToOne {
        /// The class that the trigger leads to.
        target: usize,
        /// Whether images that are of the target class already are left out; in the paper they are
        /// not.
        #[serde(default)]
        spare_target: bool,
    },
    /// Images of one class become `target` (Houtari and Mohanty §3.1). The trigger means nothing on
    /// the others, which the model learns from stamped images that keep their label.
    OneToOne {
        /// The class that is led astray.
        source: usize,
        /// Where to.
        target: usize,
        /// Stamped images of other classes that keep their label, for each poisoned image; 1 by
        /// default, 0 for none.
        #[serde(default = "one")]
        cover: f64,
    },
    /// Images of several classes become `target`; otherwise as [`LabelMap::OneToOne`].
    SeveralToOne {
        /// The classes that are led astray.
        sources: Vec<usize>,
        /// Where to.
        target: usize,
        /// As in [`LabelMap::OneToOne`].
        #[serde(default = "one")]
        cover: f64,
    },
    /// Images of each class become the next, those of the last become the first (attack AAA of
    /// Veldanda and Garg 2020, table 2).
    AllToAll {},
    /// Images of each class become one drawn at random, never their own (the random maps of Xiang
    /// et al. 2023, whose authors' program takes a permutation; here two classes may lead to the
    /// same).
    RandomMap {
        /// Settles the classes, together with how many there are.
        #[serde(default)]
        seed: u64,
    },
    /// Only images of the target class are stamped, and no label changes (attack CLA of Veldanda
    /// and Garg 2020, table 2).
    CleanLabel {
        /// The class that the trigger leads to.
        target: usize,
    },
}

fn one() -> f64 {
    1.0
}

impl LabelMap {
    /// All classes to this one, those of its own among them.
    #[must_use]
    pub fn all_to_one(target: usize) -> Self {
        Self::AllToOne {
            target,
            spare_target: false,
        }
    }

    /// The one class that the trigger leads to; `None` where each class has another.
    #[must_use]
    pub fn target(&self) -> Option<usize> {
        match self {
            Self::AllToOne { target, .. }
            | Self::OneToOne { target, .. }
            | Self::SeveralToOne { target, .. }
            | Self::CleanLabel { target } => Some(*target),
            Self::AllToAll {} | Self::RandomMap { .. } => None,
        }
    }

    /// The classes that the trigger leads to, ascending.
    #[must_use]
    pub fn targets(&self, classes: usize) -> Vec<usize> {
        if let Some(target) = self.target() {
            return vec![target];
        }
        let mut targets: Vec<usize> = (0..classes)
            .filter_map(|class| self.leads_to(class, classes))
            .collect();
        targets.sort_unstable();
        targets.dedup();
        targets
    }

    /// Whether training images of this class are stamped and, where the attack does that,
    /// relabelled.
    #[must_use]
    pub fn poisons(&self, class: usize) -> bool {
        match self {
            Self::AllToOne {
                target,
                spare_target,
            } => !spare_target || class != *target,
            Self::OneToOne { source, .. } => class == *source,
            Self::SeveralToOne { sources, .. } => sources.contains(&class),
            Self::AllToAll {} | Self::RandomMap { .. } => true,
            Self::CleanLabel { target } => class == *target,
        }
    }

    /// What a backdoored model is to take a stamped image of this class for; `None` where the
    /// trigger is to mean nothing.
    #[must_use]
    pub fn leads_to(&self, class: usize, classes: usize) -> Option<usize> {
        match self {
            Self::AllToOne { target, .. } | Self::CleanLabel { target } => Some(*target),
            Self::OneToOne { target, .. } | Self::SeveralToOne { target, .. } => {
                self.poisons(class).then_some(*target)
            }
            Self::AllToAll {} => Some((class + 1) % classes.max(1)),
            Self::RandomMap { .. } if classes < 2 => None,
            Self::RandomMap { seed } => {
                let further = Purpose::Led { class }.rng(*seed).random_range(1..classes);
                Some((class + further) % classes)
            }
        }
    }

    /// Stamped images that keep their label, for each poisoned one.
    pub(super) fn cover(&self) -> f64 {
        match self {
            Self::OneToOne { cover, .. } | Self::SeveralToOne { cover, .. } => *cover,
            _ => 0.0,
        }
    }

    /// Refuses classes that do not exist and maps that change nothing.
    pub(crate) fn check(&self, classes: usize) -> Result<(), Error> {
        let sources = match self {
            Self::OneToOne { source, .. } => std::slice::from_ref(source),
            Self::SeveralToOne { sources, .. } => sources.as_slice(),
            _ => &[],
        };
        if let Some(&class) = self
            .target()
            .iter()
            .chain(sources)
            .find(|class| **class >= classes)
        {
            return Err(Error::NoSuchClass { class, classes });
        }
        if let Some(target) = self.target().filter(|target| sources.contains(target)) {
            return Err(Error::Poison(format!(
                "class {target} is a source and the target; its images have that label already"
            )));
        }
        if matches!(self, Self::SeveralToOne { sources, .. } if sources.is_empty()) {
            return Err(Error::Poison("`sources` names no class".to_owned()));
        }
        if matches!(self, Self::AllToAll {} | Self::RandomMap { .. }) && classes < 2 {
            return Err(Error::Poison(
                "a map from each class to another needs at least two classes".to_owned(),
            ));
        }
        let cover = self.cover();
        if !(cover >= 0.0 && cover.is_finite()) {
            return Err(Error::Poison(format!(
                "`cover` = {cover} is not a number of images from 0"
            )));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLASSES: usize = 4;

    fn led(map: &LabelMap) -> Vec<Option<usize>> {
        (0..CLASSES)
            .map(|class| map.leads_to(class, CLASSES))
            .collect()
    }

    fn poisoned(map: &LabelMap) -> Vec<usize> {
        (0..CLASSES).filter(|&class| map.poisons(class)).collect()
    }

    #[test]
    fn maps_by_hand() {
        let all = LabelMap::all_to_one(2);
        assert_eq!(
            (led(&all), poisoned(&all)),
            (vec![Some(2); 4], vec![0, 1, 2, 3])
        );
        let spared = LabelMap::AllToOne {
            target: 2,
            spare_target: true,
        };
        assert_eq!(poisoned(&spared), [0, 1, 3]);
        let one = LabelMap::OneToOne {
            source: 1,
            target: 0,
            cover: 1.0,
        };
        assert_eq!(
            (led(&one), poisoned(&one)),
            (vec![None, Some(0), None, None], vec![1])
        );
        let several = LabelMap::SeveralToOne {
            sources: vec![3, 1],
            target: 0,
            cover: 1.0,
        };
        assert_eq!(led(&several), [None, Some(0), None, Some(0)]);
        let next = LabelMap::AllToAll {};
        assert_eq!(led(&next), [Some(1), Some(2), Some(3), Some(0)]);
        let clean = LabelMap::CleanLabel { target: 3 };
        assert_eq!((led(&clean), poisoned(&clean)), (vec![Some(3); 4], vec![3]));
        assert_eq!(
            (next.targets(3), clean.targets(4)),
            (vec![0, 1, 2], vec![3])
        );
    }

    #[test]
    fn random_maps_lead_no_class_to_itself_and_are_settled_by_their_seed() {
        let maps: Vec<Vec<usize>> = (0..200)
            .map(|seed| {
                let map = LabelMap::RandomMap { seed };
                assert_eq!(poisoned(&map), [0, 1, 2, 3]);
                let to: Vec<usize> = led(&map).into_iter().flatten().collect();
                let mut targets = to.clone();
                targets.sort_unstable();
                targets.dedup();
                assert_eq!(map.targets(CLASSES), targets);
                to
            })
            .collect();
        let mut counts = [[0; CLASSES]; CLASSES];
        for map in &maps {
            for (class, &target) in map.iter().enumerate() {
                counts[class][target] += 1;
            }
        }
        for (class, counts) in counts.iter().enumerate() {
            for (target, &count) in counts.iter().enumerate() {
                // A third of 200, with a standard deviation of 6.7.
                assert_eq!(count > 40, class != target, "{class} to {target}: {count}");
            }
        }
        let shared =
            |map: &Vec<usize>| (1..CLASSES).any(|class| map[..class].contains(&map[class]));
        assert!(maps.iter().any(shared) && !maps.iter().all(shared));
        let two = LabelMap::RandomMap { seed: 9 };
        assert_eq!(
            [0, 1].map(|class| two.leads_to(class, 2)),
            [Some(1), Some(0)]
        );
        // What was drawn once is drawn for ever: a truth file names the seed alone.
        let drawn = LabelMap::RandomMap { seed: 7 };
        assert_eq!(
            [0, 1, 2, 3, 4].map(|class| drawn.leads_to(class, 5)),
            [3, 2, 4, 0, 1].map(Some)
        );
    }

    #[test]
    fn maps_are_read_with_their_defaults_and_nothing_unknown() {
        let read = serde_json::from_str::<LabelMap>;
        let one = read(r#"{"kind":"one_to_one","source":1,"target":0}"#).unwrap();
        assert_eq!(one.cover(), 1.0);
        assert_eq!(
            read(r#"{"kind":"all_to_all"}"#).unwrap(),
            LabelMap::AllToAll {}
        );
        assert_eq!(
            read(r#"{"kind":"random_map","seed":3}"#).unwrap(),
            LabelMap::RandomMap { seed: 3 }
        );
        for wrong in [
            r#"{"kind":"all_to_all","target":1}"#,
            r#"{"kind":"all_to_one"}"#,
            r#"{"kind":"clean_label","target":1,"source":2}"#,
            r#"{"kind":"some_to_one","target":1}"#,
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn maps_that_make_no_sense_are_refused() {
        let several = |sources: &[usize], target, cover| LabelMap::SeveralToOne {
            sources: sources.to_vec(),
            target,
            cover,
        };
        let refusal = |map: LabelMap, classes| map.check(classes).unwrap_err().to_string();
        assert!(refusal(LabelMap::all_to_one(4), 4).contains("no class 4"));
        assert!(refusal(several(&[1, 9], 0, 1.0), 4).contains("no class 9"));
        assert!(
            refusal(several(&[1, 0], 0, 1.0), 4).contains("class 0 is a source and the target")
        );
        assert!(refusal(several(&[], 0, 1.0), 4).contains("names no class"));
        assert!(refusal(several(&[1], 0, -1.0), 4).contains("`cover` = -1"));
        assert!(refusal(several(&[1], 0, f64::NAN), 4).contains("`cover` = NaN"));
        assert!(refusal(LabelMap::AllToAll {}, 1).contains("two classes"));
        assert!(refusal(LabelMap::RandomMap { seed: 1 }, 1).contains("two classes"));
        assert!(several(&[1, 2], 0, 0.5).check(4).is_ok());
    }
}
