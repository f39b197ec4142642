//! How far each class stands below the others of its model, measured by these others alone.
//!
//! The standing of a class is the median of the other classes less its own value, over their scale:
//! the root of the mean of their variance and of their squared median deviation. The median
//! deviation does not see a few infected classes among the others, the variance sees that clean
//! ones have tails. The median deviation alone raises more false alarms; the variance alone is as
//! good as both within what the hold-outs can tell (decision 0017). The scale is that of the model
//! at hand. It is drawn towards that of clean models only where there are so few classes that it
//! would mean nothing by itself: how unequal its classes are differs from model to model by more
//! than a common scale could take in.

use crate::verdict::calibration::ScalePrior;

/// The median deviation of a normal distribution, in standard deviations, is one over this.
const NORMAL: f64 = 1.4826;
/// Scales below this, in natural logarithms, are no spread at all: values equal to one part in a
/// million.
const NO_SPREAD: f64 = 1e-6;
/// The fewest other classes that a class is measured by, where nothing is known of their scale.
const FEWEST_OTHERS: usize = 2;
/// From so many classes on their scale is their own.
const ENOUGH: usize = 6;

/// The classes of one model, each beside the others.
#[derive(Debug, Clone)]
pub(in crate::verdict) struct Standing {
    /// Of each class, smallest value first: what the others have for a middle, and their scale.
    others: Vec<(f64, f64)>,
    ascending: Vec<f64>,
}

impl Standing {
    /// Measures each of the values, given in rising order, by the others; `None` if there are too
    /// few of these.
    pub(in crate::verdict) fn new(ascending: &[f64], prior: Option<ScalePrior>) -> Option<Self> {
        let prior = prior.filter(|_| ascending.len() < ENOUGH);
        let fewest = if prior.is_some() { 1 } else { FEWEST_OTHERS };
        if ascending.len() <= fewest {
            return None;
        }
        let mut beside = Beside::new(ascending, prior);
        Some(Self {
            others: (0..ascending.len())
                .map(|class| beside.others(class))
                .collect(),
            ascending: ascending.to_vec(),
        })
    }

    /// The values, in rising order.
    pub(in crate::verdict) fn ascending(&self) -> &[f64] {
        &self.ascending
    }

    /// How many classes there are.
    pub(in crate::verdict) fn classes(&self) -> usize {
        self.ascending.len()
    }

    /// The standing of each class, smallest value first: it never rises. Infinite if the others are
    /// all equal and it is smaller.
    pub(in crate::verdict) fn scores(&self) -> Vec<f64> {
        let mut lowest = f64::INFINITY;
        let scores = self.ascending.iter().enumerate().map(|(class, &value)| {
            // Each has a scale of its own, so that of two values that are nearly equal the larger
            // could stand further out.
            lowest = self.at(class, value).min(lowest);
            lowest
        });
        scores.collect()
    }

    /// The standing that the class of this place would have if its value were another.
    pub(in crate::verdict) fn at(&self, class: usize, value: f64) -> f64 {
        let (middle, scale) = self.others[class];
        standing(middle - value, scale)
    }

    /// What the other classes have for a middle, and their scale.
    pub(in crate::verdict) fn others(&self, class: usize) -> (f64, f64) {
        self.others[class]
    }
}

/// So far below the middle of the others, in their scale.
fn standing(below: f64, scale: f64) -> f64 {
    match (scale > NO_SPREAD, below > NO_SPREAD) {
        (true, _) => below / scale,
        (false, true) => f64::INFINITY,
        (false, false) => 0.0,
    }
}

/// Middle and scale of all classes of a model but one.
struct Beside<'a> {
    ascending: &'a [f64],
    prior: Option<ScalePrior>,
    sum: f64,
    squares: f64,
    /// A middle, and how far all classes are from it, in rising order. There are three middles at
    /// most, whichever class is left out.
    deviations: Option<(f64, Vec<f64>)>,
}

impl<'a> Beside<'a> {
    fn new(ascending: &'a [f64], prior: Option<ScalePrior>) -> Self {
        let centre = ascending[ascending.len() / 2];
        let centred = ascending.iter().map(|value| value - centre);
        Self {
            ascending,
            prior,
            sum: centred.clone().sum(),
            squares: centred.map(|x| x * x).sum(),
            deviations: None,
        }
    }

    /// Middle and scale without the class of this place.
    fn others(&mut self, class: usize) -> (f64, f64) {
        let value = self.ascending[class];
        let middle = median_without(self.ascending, class);
        let deviations = match self.deviations.take() {
            Some((of, deviations)) if of == middle => deviations,
            _ => {
                let values = self.ascending.iter();
                let mut deviations: Vec<f64> = values.map(|value| (value - middle).abs()).collect();
                deviations.sort_unstable_by(f64::total_cmp);
                deviations
            }
        };
        let own = (value - middle).abs();
        let place = deviations.partition_point(|&deviation| deviation < own);
        let robust = (NORMAL * median_without(&deviations, place)).powi(2);
        self.deviations = Some((middle, deviations));

        let count = (self.ascending.len() - 1) as f64;
        let x = value - self.ascending[self.ascending.len() / 2];
        let (sum, squares) = (self.sum - x, self.squares - x * x);
        let squares = (squares - sum * sum / count).max(0.0);
        let degrees = count - 1.0;
        let own = f64::midpoint(squares, degrees * robust);
        let variance = match self.prior {
            Some(prior) => {
                let weight = prior.degrees_of_freedom();
                (weight * prior.scale().powi(2) + own) / (weight + degrees)
            }
            None => own / degrees,
        };
        (middle, variance.sqrt())
    }
}

/// The middle of numbers in rising order, all but the one at a place; there are two at least.
fn median_without(ascending: &[f64], place: usize) -> f64 {
    let at = |rank: usize| ascending[rank + usize::from(rank >= place)];
    let count = ascending.len() - 1;
    let half = count / 2;
    if count % 2 == 1 {
        at(half)
    } else {
        f64::midpoint(at(half - 1), at(half))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_is_measured_by_the_others() {
        // Others: 1, 2, 3, 6: median 2.5, variance 14 / 3, deviations 0.5, 0.5, 1.5, 3.5.
        let standing = Standing::new(&[-2.0, 1.0, 2.0, 3.0, 6.0], None).unwrap();
        let scale = ((14.0f64 / 3.0 + NORMAL.powi(2)) / 2.0).sqrt();
        let scores = standing.scores();
        assert!((scores[0] - 4.5 / scale).abs() < 1e-12);
        assert!(scores.windows(2).all(|pair| pair[0] >= pair[1]));
        assert!(scores[4] < 0.0);
        assert_eq!(standing.at(0, -2.0), scores[0]);
        assert!((standing.at(0, -2.0 - scale) - scores[0] - 1.0).abs() < 1e-12);
    }

    #[test]
    fn one_infected_class_does_not_hide_another() {
        let clean: Vec<f64> = (0..10).map(f64::from).collect();
        let standing = |infected: &[f64]| {
            let ascending = [infected, &clean].concat();
            Standing::new(&ascending, None).unwrap().scores()
        };
        let alone = standing(&[-20.0]);
        let two = standing(&[-20.0, -20.0]);
        assert!(alone[0] > 6.0, "{alone:?}");
        // By the variance alone it would be 2.6.
        assert!(two[1] > 3.5 && two[2] < 1.0, "{two:?}");
    }

    #[test]
    fn few_classes_need_a_scale_from_elsewhere() {
        let prior = ScalePrior::new(0.5, 4.0).unwrap();
        assert!(Standing::new(&[], Some(prior)).is_none());
        assert!(Standing::new(&[0.0], Some(prior)).is_none());
        assert!(Standing::new(&[0.0, 1.0], None).is_none());
        let two = Standing::new(&[0.0, 1.0], Some(prior)).unwrap();
        assert_eq!(two.scores(), [2.0, -2.0]);
        // Variance 2, robust (1.4826)^2: degrees 1.
        let three = Standing::new(&[0.0, 1.0, 3.0], Some(prior)).unwrap();
        let variance = (4.0 * 0.25 + f64::midpoint(2.0, NORMAL.powi(2))) / 5.0;
        assert!((three.scores()[0] - 2.0 / variance.sqrt()).abs() < 1e-12);
    }

    #[test]
    fn equal_others_have_no_scale() {
        let standing = Standing::new(&[0.0, 1.0, 1.0, 1.0], None).unwrap();
        assert_eq!(standing.scores()[0], f64::INFINITY);
        let equal = Standing::new(&[1.0; 4], None).unwrap();
        assert_eq!(equal.scores(), [0.0; 4]);
    }
}
