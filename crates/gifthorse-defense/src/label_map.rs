//! Where a trigger leads the images of each class.

use std::collections::BTreeSet;

use gifthorse_data::Images;
use gifthorse_engine::Classifier;

use crate::error::Error;
use crate::finding::{Destination, Measure};
use crate::search::answers;
use crate::trigger::Trigger;

/// How many images of each class go to each class under a trigger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelMap {
    classes: usize,
    /// `[class of the image, class that it goes to]`.
    counts: Vec<u64>,
}

impl LabelMap {
    /// Tries a trigger on the images of these places.
    ///
    /// # Errors
    /// Images of another shape than the model's, or without labels.
    pub fn of(
        classifier: &Classifier,
        images: &Images,
        places: &[usize],
        trigger: &Trigger,
    ) -> Result<Self, Error> {
        let labels = images.labels().ok_or(Error::NoLabels)?;
        let answers = answers(classifier, images, places, trigger)?;
        let from = places.iter().map(|&place| labels[place]);
        Ok(Self::new(classifier.classes(), from.zip(answers)))
    }

    /// Of pairs of an image's class and the class that it goes to; those of classes that the model
    /// does not have are left out.
    pub fn new(classes: usize, pairs: impl Iterator<Item = (usize, usize)>) -> Self {
        let mut counts = vec![0; classes * classes];
        for (from, to) in pairs.filter(|&(_, to)| to < classes) {
            if let Some(count) = counts.get_mut(from * classes + to) {
                *count += 1;
            }
        }
        Self { classes, counts }
    }

    /// How many images of one class go to another, or stay.
    pub fn count(&self, from: usize, to: usize) -> u64 {
        let row = (from < self.classes && to < self.classes).then(|| self.row(from));
        row.map_or(0, |row| row[to])
    }

    /// Where most of the images of a class go, be it to the class itself; of several classes with
    /// as many, the first. `None` if there are no images of it.
    pub fn most_frequent_of(&self, class: usize) -> Option<Destination> {
        let row = self.row(class);
        let all: u64 = row.iter().sum();
        let most = row.iter().copied().max().filter(|&most| most > 0)?;
        let class = row.iter().position(|&count| count == most)?;
        Some(Destination {
            class,
            share: most as f64 / all as f64,
        })
    }

    /// Where most of the images of a class go that leave it; of several classes with as many, the
    /// first. `None` if none leaves.
    pub fn destination(&self, class: usize) -> Option<Destination> {
        let row = self.row(class);
        let all: u64 = row.iter().sum();
        let others = row.iter().enumerate().filter(|&(to, _)| to != class);
        let most = others.fold(
            None,
            |most: Option<(usize, u64)>, (to, &count)| match most {
                Some((_, known)) if known >= count => most,
                _ => Some((to, count)),
            },
        );
        let (to, count) = most.filter(|&(_, count)| count > 0)?;
        Some(Destination {
            class: to,
            share: count as f64 / all as f64,
        })
    }

    /// The class that most of all images go to that leave their own; of several with as many, the
    /// first. `None` if none leaves.
    pub fn most_frequent(&self) -> Option<usize> {
        let into = |to: usize| -> u64 {
            let from = (0..self.classes).filter(|&from| from != to);
            from.map(|from| self.counts[from * self.classes + to]).sum()
        };
        let most = (0..self.classes).map(into).max().filter(|&most| most > 0)?;
        (0..self.classes).find(|&to| into(to) == most)
    }

    /// Where most of the images of each class go, in class order.
    pub fn destinations(&self) -> Vec<Option<Destination>> {
        (0..self.classes)
            .map(|class| self.destination(class))
            .collect()
    }

    /// How many different classes the classes lead to, each to the one that most of its images go to.
    pub fn targets(&self) -> usize {
        let led = self.destinations().into_iter().flatten();
        let targets: BTreeSet<usize> = led.map(|destination| destination.class).collect();
        targets.len()
    }

    /// What share of the classes whose images leave them lead to the class so many places further
    /// on, from the last one to the first again; for the number of places of which that is most.
    /// `None` if none leaves.
    pub fn shifted(&self) -> Option<f64> {
        let mut shifts = vec![0_usize; self.classes];
        for (class, led) in self.destinations().into_iter().enumerate() {
            if let Some(led) = led {
                shifts[(led.class + self.classes - class) % self.classes] += 1;
            }
        }
        let led: usize = shifts.iter().sum();
        let most = shifts.into_iter().max().filter(|&most| most > 0)?;
        Some(most as f64 / led as f64)
    }

    /// What [`Self::targets`] and [`Self::shifted`] say, to be told beside a statistic.
    pub fn measures(&self) -> Vec<Measure> {
        let measure = |name: &str, value: f64, unit: &str| Measure {
            name: name.to_owned(),
            value,
            unit: unit.to_owned(),
        };
        let shifted = self.shifted();
        let shifted = shifted.map(|share| measure("shifted", share, "share"));
        let targets = measure("targets", self.targets() as f64, "classes");
        [targets].into_iter().chain(shifted).collect()
    }

    /// How much of where an image goes its class does not say, beside a trigger that leads all
    /// classes to one and that one to another: about 1 for such a trigger, 0 where each class has
    /// one of its own to go to, and more than 1 where images of one class go to many.
    ///
    /// It is `(1 - I) / (1 - I0)`: I is the mutual information of an image's class and the class
    /// that it goes to, over the images that leave theirs, each class counted alike, as a share of
    /// the logarithm of the number of classes; I0 is that of the trigger with one target, which is
    /// not 0, since the target itself goes elsewhere. `None` if images of fewer than three classes
    /// leave: two have no choice.
    pub fn scatter(&self) -> Option<f64> {
        let moved: Vec<Vec<f64>> = (0..self.classes)
            .filter_map(|class| self.shares_of_moved(class))
            .collect();
        if moved.len() < 3 {
            return None;
        }
        let classes = moved.len() as f64;
        let into = |to: usize| moved.iter().map(|row| row[to]).sum::<f64>() / classes;
        let overall = entropy((0..self.classes).map(into));
        let within = moved.iter().map(|row| entropy(row.iter().copied()));
        let within = within.sum::<f64>() / classes;
        let of_one_target = entropy([1.0 / classes, 1.0 - 1.0 / classes].into_iter());
        let most = classes.ln();
        Some((most - (overall - within)) / (most - of_one_target))
    }

    /// Where the images of a class go that leave it, in shares; `None` if none leaves.
    fn shares_of_moved(&self, class: usize) -> Option<Vec<f64>> {
        let row = self.row(class);
        let leave = row.iter().sum::<u64>() - row[class];
        let share = |(to, &count): (usize, &u64)| match to == class {
            true => 0.0,
            false => count as f64 / leave as f64,
        };
        (leave > 0).then(|| row.iter().enumerate().map(share).collect())
    }

    fn row(&self, class: usize) -> &[u64] {
        &self.counts[class * self.classes..(class + 1) * self.classes]
    }
}

/// The entropy of shares that sum to 1, in natural units.
fn entropy(shares: impl Iterator<Item = f64>) -> f64 {
    shares.filter(|&p| p > 0.0).map(|p| -p * p.ln()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn led(class: usize, share: f64) -> Option<Destination> {
        Some(Destination { class, share })
    }

    #[test]
    fn a_map_to_the_next_class_has_no_scatter_and_one_to_a_single_class_all() {
        let shifted = LabelMap::new(5, (0..50).map(|i| (i % 5, (i + 1) % 5)));
        assert!(shifted.scatter().unwrap().abs() < 1e-12);
        assert_eq!((shifted.targets(), shifted.shifted()), (5, Some(1.0)));
        let next = [1, 2, 3, 4, 0].map(|class| led(class, 1.0));
        assert_eq!(shifted.destinations(), next);
        let one_target = |i: usize| (i % 5, if i % 5 == 2 { 4 } else { 2 });
        let to_one = LabelMap::new(5, (0..50).map(one_target));
        assert!((to_one.scatter().unwrap() - 1.0).abs() < 1e-12);
        assert_eq!(to_one.most_frequent(), Some(2));
        assert_eq!((to_one.targets(), to_one.shifted()), (2, Some(0.4)));
    }

    #[test]
    fn images_that_scatter_over_all_classes_have_more_than_one_target_has() {
        let pairs = (0..80).map(|i| (i % 5, (i % 5 + 1 + i / 5 % 4) % 5));
        let scattered = LabelMap::new(5, pairs).scatter().unwrap();
        assert!(scattered > 1.2, "{scattered}");
    }

    #[test]
    fn images_that_stay_count_against_a_destination_and_not_in_the_scatter() {
        let pairs = [(0, 0), (0, 1), (0, 1), (0, 2), (1, 0), (1, 1)];
        let map = LabelMap::new(3, pairs.into_iter());
        assert_eq!(map.destination(0), led(1, 0.5));
        assert_eq!(map.most_frequent_of(1), led(0, 0.5));
        assert_eq!((map.most_frequent_of(2), map.count(0, 1)), (None, 2));
        let with_stays = [(0, 1), (0, 0), (1, 2), (2, 0), (2, 2)];
        let without = [(0, 1), (1, 2), (2, 0)];
        let scatter = |pairs: &[(usize, usize)]| LabelMap::new(3, pairs.iter().copied()).scatter();
        assert_eq!(scatter(&with_stays), scatter(&without));
    }

    #[test]
    fn of_two_classes_nothing_can_be_said() {
        let two = LabelMap::new(2, [(0, 1), (1, 0)].into_iter());
        assert_eq!(two.scatter(), None);
        let nothing = LabelMap::new(3, [(0, 0), (2, 2)].into_iter());
        assert_eq!((nothing.scatter(), nothing.most_frequent()), (None, None));
        assert_eq!((nothing.targets(), nothing.shifted()), (0, None));
    }
}
