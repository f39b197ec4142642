//! Whether a group of a class's images belongs to the class, asked from outside the model.
//!
//! What a poisoned model has learnt, a trigger and its class, is as true to it as all else, so that
//! it is asked of something that has not learnt it: a linear classifier on small, evenly lit
//! pictures, fitted to the training set without the group. Images of a class that merely has two
//! kinds are given the class all the same, as images of other classes are given theirs; images that
//! are labelled so for the trigger are given what they show. (Chen et al. 2018 train the whole model
//! anew without the group and ask that: their exclusionary reclassification.)
//!
//! That alone would accuse kinds of a class that look like another class, and does not say which of
//! two groups is the stamped one: without its own images a class is the trigger alone, and they do
//! not belong to that either. But stamped images are of several classes, so that what the classifier
//! says of them varies as that of no class does; what is on all of them takes nothing from that.

mod picture;
mod ridge;

use gifthorse_data::Images;
use rayon::prelude::*;

use crate::count::Count;
use crate::error::Error;
use picture::small;
use ridge::Fit;

/// A group does not belong if it is given the class by less than this share of how often images
/// are given their own.
const FOREIGN: f64 = 0.4;
/// A group is of several classes if it varies by so much more than groups of classes do, in the
/// median.
const VARIED: f64 = 2.0;
/// Images that are worked on together.
const PART: usize = 512;

/// The training set as seen from outside, and the sums that all fits are made of.
pub struct Exclusion {
    /// `[images][numbers]`, the last of which is 1.
    pictures: Vec<Vec<f32>>,
    /// Of each class the places of its images.
    places: Vec<Vec<usize>>,
    /// The products of all pictures, each class counting alike,
    products: Vec<f64>,
    /// and of each class the sum of its pictures.
    sums: Vec<Vec<f64>>,
    /// Share of images that are given their class by a fit to others.
    belonging: f64,
}

/// What a look from outside says of two groups of a class.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    /// Which images are of the group that does not belong or, if both belong, of the smaller one.
    pub group: Vec<bool>,
    /// The share of the group that is given the class by a fit without it; `None` of no images.
    pub kept: Option<f64>,
    /// How much the group varies as seen by that fit, in units of what groups do in the median.
    pub variety: f64,
    /// Whether the two do not belong together, and the group is of several classes.
    pub foreign: bool,
}

impl Judged {
    /// Mean and variance of the numbers of the images that belong: all, where no group is foreign.
    pub fn own(&self, numbers: &[f64]) -> (f64, f64) {
        let each = numbers.iter().zip(&self.group);
        let own = each.filter(|(_, of_group)| !(self.foreign && **of_group));
        let own: Vec<f64> = own.map(|(number, _)| *number).collect();
        let count = own.len().max(1) as f64;
        let mean = own.iter().sum::<f64>() / count;
        let squares: f64 = own.iter().map(|number| (number - mean).powi(2)).sum();
        (mean, squares / count)
    }
}

/// What one group comes to.
struct Group {
    kept: Count,
    /// How much the scores of other classes vary within the group, all classes together: images of
    /// several classes are as unlike one another as these are, whatever is on all of them.
    variety: f64,
}

impl Exclusion {
    /// Of a training set, the places of whose classes are known.
    ///
    /// # Errors
    /// [`Error::CannotAudit`] if fewer than two classes have two images.
    pub fn of(images: &Images, places: &[Vec<usize>]) -> Result<Self, Error> {
        if places.iter().filter(|of_class| of_class.len() > 1).count() < 2 {
            let reason =
                "there are not two classes of two images: an audit is of a whole training set";
            return Err(Error::CannotAudit(reason.to_owned()));
        }
        let shape = images.shape();
        let pictures: Vec<Vec<f32>> = (0..images.len())
            .into_par_iter()
            .map(|image| small(images.image(image), shape))
            .collect();
        let mut whole = Self {
            pictures,
            places: places.to_vec(),
            products: Vec::new(),
            sums: Vec::new(),
            belonging: 0.0,
        };
        whole.belonging = whole.crossed();
        (whole.products, whole.sums) = whole.fitted_to(places);
        Ok(whole)
    }

    /// Share of images that are given their class by a fit to others, each class counting alike.
    pub fn belonging(&self) -> f64 {
        self.belonging
    }

    /// Of each of some classes, which of its two groups does not belong to it, if one does; beside the
    /// class it says for each image of it which group that is in.
    pub fn judge(&self, split: &[(usize, &[bool])]) -> Vec<Judged> {
        let seen: Vec<[Group; 2]> = split
            .par_iter()
            .map(|&(class, sides)| {
                let places = &self.places[class];
                [false, true].map(|side| {
                    let own = places.iter().zip(sides).filter(|(_, of)| **of == side);
                    let own: Vec<usize> = own.map(|(place, _)| *place).collect();
                    self.without(class, &own)
                })
            })
            .collect();
        let mut varieties: Vec<f64> = (seen.iter().flatten())
            .filter(|group| group.kept.trials > 1)
            .map(|group| group.variety)
            .collect();
        varieties.sort_by(f64::total_cmp);
        let usual = varieties.get(varieties.len() / 2).copied().unwrap_or(0.0);
        let judged = split.iter().zip(&seen);
        judged
            .map(|((_, sides), groups)| self.judged(sides, groups, usual))
            .collect()
    }

    fn judged(&self, sides: &[bool], groups: &[Group; 2], usual: f64) -> Judged {
        let is_strange = |group: &Group| {
            // The upper end: few images say little.
            let most = group.kept.interval().map_or(1.0, |interval| interval.upper);
            group.kept.trials > 0 && most < FOREIGN * self.belonging
        };
        let varied = groups[1].variety > groups[0].variety;
        let variety = groups[usize::from(varied)].variety;
        let foreign = groups.iter().any(is_strange) && variety > VARIED * usual;
        let smaller = groups[1].kept.trials <= groups[0].kept.trials;
        let second = if foreign { varied } else { smaller };
        let chosen = &groups[usize::from(second)];
        Judged {
            group: sides.iter().map(|&side| side == second).collect(),
            kept: chosen.kept.rate(),
            variety: if usual > 0.0 {
                chosen.variety / usual
            } else {
                0.0
            },
            foreign,
        }
    }

    /// What a fit without a group gives its images.
    fn without(&self, class: usize, group: &[usize]) -> Group {
        let is_left: Vec<usize> = {
            let mut group = group.iter().peekable();
            let places = self.places[class].iter().copied();
            // Both ascend.
            places
                .filter(|place| group.next_if_eq(&place).is_none())
                .collect()
        };
        let (own, _) = weighted(
            self.products_of(&self.places[class]),
            self.places[class].len(),
        );
        let (left, weight) = weighted(self.products_of(&is_left), is_left.len());
        let products = (self.products.iter().zip(&own).zip(&left))
            .map(|((all, own), left)| all - own + left)
            .collect();
        let mut sums = self.sums.clone();
        sums[class] = self.sum_of(&is_left);
        sums[class].iter_mut().for_each(|sum| *sum *= weight);
        let fit = Fit::of(products, &sums);
        let mut hits = 0;
        let mut moments = vec![(0.0, 0.0); sums.len()];
        for &place in group {
            let scores = fit.scores(&self.pictures[place]);
            let others = scores.iter().enumerate().filter(|(of, _)| *of != class);
            let best = others
                .map(|(_, score)| *score)
                .fold(f64::NEG_INFINITY, f64::max);
            hits += u64::from(scores[class] > best);
            for ((sum, squares), score) in moments.iter_mut().zip(&scores) {
                *sum += score;
                *squares += score * score;
            }
        }
        let count = group.len().max(1) as f64;
        let variance = |(sum, squares): (f64, f64)| squares / count - (sum / count).powi(2);
        moments.remove(class);
        Group {
            kept: Count {
                hits,
                trials: group.len() as u64,
            },
            variety: moments.into_iter().map(variance).sum(),
        }
    }

    /// The share of images that are given their class by a fit to every other image, both ways.
    fn crossed(&self) -> f64 {
        let half = |odd: usize| -> Vec<Vec<usize>> {
            let of_class =
                |places: &Vec<usize>| places.iter().copied().skip(odd).step_by(2).collect();
            self.places.iter().map(of_class).collect()
        };
        let halves = [half(0), half(1)];
        let mut rates = vec![Count::default(); self.places.len()];
        for (fitted, asked) in [(0, 1), (1, 0)] {
            let (products, sums) = self.fitted_to(&halves[fitted]);
            let fit = Fit::of(products, &sums);
            for (class, places) in halves[asked].iter().enumerate() {
                let hits = places.par_iter().filter(|&&place| {
                    let scores = fit.scores(&self.pictures[place]);
                    let best = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                    scores[class] >= best
                });
                rates[class].hits += hits.count() as u64;
                rates[class].trials += places.len() as u64;
            }
        }
        let rates: Vec<f64> = rates.into_iter().filter_map(Count::rate).collect();
        rates.iter().sum::<f64>() / rates.len().max(1) as f64
    }

    /// The products of these images of each class and the sums of their pictures, each class
    /// counting alike.
    fn fitted_to(&self, places: &[Vec<usize>]) -> (Vec<f64>, Vec<Vec<f64>>) {
        let numbers = self.numbers();
        let mut products = vec![0.0; numbers * numbers];
        let mut sums = Vec::with_capacity(places.len());
        for places in places {
            let (own, weight) = weighted(self.products_of(places), places.len());
            products
                .iter_mut()
                .zip(own)
                .for_each(|(all, own)| *all += own);
            let mut sum = self.sum_of(places);
            sum.iter_mut().for_each(|sum| *sum *= weight);
            sums.push(sum);
        }
        (products, sums)
    }

    fn numbers(&self) -> usize {
        self.pictures.first().map_or(0, Vec::len)
    }

    fn sum_of(&self, places: &[usize]) -> Vec<f64> {
        let mut sum = vec![0.0; self.numbers()];
        for &place in places {
            let both = sum.iter_mut().zip(&self.pictures[place]);
            both.for_each(|(sum, value)| *sum += f64::from(*value));
        }
        sum
    }

    /// The sum of the products of each picture with itself, `[numbers][numbers]`; parts of a fixed
    /// size are added in their order.
    fn products_of(&self, places: &[usize]) -> Vec<f64> {
        let numbers = self.numbers();
        let of_part = |part: &[usize]| {
            let mut sums = vec![0.0; numbers * numbers];
            for &place in part {
                let picture = &self.pictures[place];
                for (line, &a) in sums.chunks_exact_mut(numbers).zip(picture) {
                    let both = line.iter_mut().zip(picture);
                    both.for_each(|(sum, &b)| *sum += f64::from(a) * f64::from(b));
                }
            }
            sums
        };
        let parts: Vec<Vec<f64>> = places.par_chunks(PART).map(of_part).collect();
        let mut whole = vec![0.0; numbers * numbers];
        for part in parts {
            whole
                .iter_mut()
                .zip(part)
                .for_each(|(all, part)| *all += part);
        }
        whole
    }
}

/// Products of a class weighted so that each class counts alike, and that weight.
fn weighted(mut products: Vec<f64>, images: usize) -> (Vec<f64>, f64) {
    let weight = if images == 0 {
        0.0
    } else {
        1.0 / images as f64
    };
    products.iter_mut().for_each(|product| *product *= weight);
    (products, weight)
}

#[cfg(test)]
mod tests {
    use super::*;
    use gifthorse_data::ImageShape;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    const SHAPE: ImageShape = ImageShape {
        channels: 1,
        height: 8,
        width: 8,
    };

    /// A bright row in noise, of one of four classes.
    fn picture(class: usize, rng: &mut ChaCha8Rng) -> Vec<f32> {
        let light = |at: usize| if at / 16 == class { 0.5 } else { 0.0 };
        (0..64)
            .map(|at| light(at) + rng.random_range(0.0..0.4))
            .collect()
    }

    /// Class 0 with `foreign` images of other classes behind its own 60, which have a corner, and the
    /// others with 60 each.
    fn set(foreign: usize) -> (Images, Vec<Vec<usize>>) {
        let mut rng = ChaCha8Rng::seed_from_u64(4);
        let (mut pixels, mut labels) = (Vec::new(), Vec::new());
        for class in 0..4 {
            for _ in 0..60 {
                pixels.extend(picture(class, &mut rng));
                labels.push(class);
            }
        }
        for place in 0..foreign {
            let mut stamped = picture(1 + place % 3, &mut rng);
            stamped[63] = 1.0;
            pixels.extend(stamped);
            labels.push(0);
        }
        let names = labels.iter().map(ToString::to_string).collect();
        let places =
            (0..4).map(|class| (0..labels.len()).filter(|&i| labels[i] == class).collect());
        let places = places.collect();
        let images = Images::new(SHAPE, pixels, Some(labels), Vec::new(), names).unwrap();
        (images, places)
    }

    #[test]
    fn images_of_other_classes_do_not_belong_however_many_they_are() {
        for foreign in [12, 60, 90] {
            let (images, places) = set(foreign);
            let exclusion = Exclusion::of(&images, &places).unwrap();
            let sides: Vec<bool> = (0..60 + foreign).map(|at| at >= 60).collect();
            for sides in [sides.clone(), sides.iter().map(|side| !side).collect()] {
                let halves: Vec<bool> = (0..60).map(|at| at % 2 == 0).collect();
                let others = (1..4).map(|class| (class, &halves[..]));
                let split: Vec<_> = [(0, &sides[..])].into_iter().chain(others).collect();
                let judged = exclusion.judge(&split);
                assert!(judged[1..].iter().all(|other| !other.foreign));
                let judged = &judged[0];
                assert!(
                    judged.foreign,
                    "{foreign}: {:?} {}",
                    judged.kept, judged.variety
                );
                let group: Vec<bool> = (0..60 + foreign).map(|at| at >= 60).collect();
                assert_eq!(judged.group, group, "{foreign}");
            }
        }
    }

    #[test]
    fn halves_of_a_class_belong_to_it() {
        let (images, places) = set(0);
        let exclusion = Exclusion::of(&images, &places).unwrap();
        assert!(exclusion.belonging() > 0.95);
        let sides: Vec<bool> = (0..60).map(|at| at % 3 == 0).collect();
        let judged = &exclusion.judge(&[(1, &sides), (2, &[false; 60])]);
        assert!(!judged[0].foreign && judged[0].kept.unwrap() > 0.9);
        assert_eq!(judged[0].group, sides);
        assert!(!judged[1].foreign);
        assert!(Exclusion::of(&images, &places[..1]).is_err());
    }
}
