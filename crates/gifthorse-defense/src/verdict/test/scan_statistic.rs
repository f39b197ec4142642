//! The statistic: how far the smallest classes lie below the rest, over every number of suspects.
//!
//! For k = 1, 2, 3, ... the k smallest classes are suspects. The classes above them give location
//! and scale, and the k-th smallest, the nearest of the suspects, is measured against these: a t
//! statistic with its nominal p-value, corrected for being the smallest of its number of classes
//! (one-sided, after Rosner's many-outlier procedure and Grubbs' test). So no infected class spoils
//! the scale, as long as they are fewer than half; and with one suspect nearly the whole sample
//! estimates the scale. Each k is done twice, with and without the largest fifth of the classes,
//! lest a few classes that are hard to reach hide what lies below. The model's score is the best of
//! them all; [`Null`](super::Null) says what it is worth.
//!
//! Classes that were never reached, and those set aside, count as lying above all others: the mean
//! and standard deviation of the classes kept are corrected by those of a normal distribution cut
//! at that quantile.

use super::moments::{Sums, cut_normal};
use super::student::Tail;
use crate::verdict::calibration::ScalePrior;

/// Scales below this, in natural logarithms, are no spread at all: sizes equal to one part in a
/// million.
const NO_SPREAD: f64 = 1e-6;
/// Every number of suspects is tried up to here, then every tenth part more.
const DENSE: usize = 32;
/// Part of the classes above the suspects that the second fit sets aside.
const ASIDE: f64 = 0.2;

/// The fits to try for one number of classes, of which some may be unreached.
#[derive(Debug, Clone)]
pub struct Scan {
    fits: Vec<Fit>,
    tails: Vec<(f64, Tail)>,
    prior: Option<ScalePrior>,
    searched: usize,
    reached: usize,
}

/// One number of suspects and one number of large classes set aside.
#[derive(Debug, Clone)]
struct Fit {
    suspects: usize,
    kept: usize,
    /// Location is the mean of the classes kept plus this many scales.
    shift: f64,
    /// Scale is their standard deviation times this.
    stretch: f64,
    /// Standard error of a further class's residual, in scales.
    reach: f64,
    /// Logarithm of the number of classes that the nearest suspect is the smallest of.
    log_classes: f64,
    tail: usize,
}

/// The outcome of one fit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// How many of the smallest classes are suspects.
    pub suspects: usize,
    /// How many classes location and scale were taken from.
    pub kept: usize,
    /// Location of the values of the classes above the suspects.
    pub location: f64,
    /// Their scale, with the uncertainty of the location in it: what residuals are measured in.
    pub scale: f64,
    /// How many scales the nearest suspect lies below the location. Infinite if the classes kept
    /// are all of one size and the suspect is smaller, in which case there is nothing to measure it
    /// by.
    pub residual: f64,
    /// Minus the natural logarithm of the nominal p-value, by which fits are compared with one
    /// another.
    pub score: f64,
    fit: usize,
}

impl Scan {
    /// Lays out the fits for `searched` classes of which the largest `unreached` have no size. With
    /// a prior of the scale, a single class is enough to measure another by, else it takes two.
    ///
    /// `None` if there are too few classes for any fit.
    #[must_use]
    pub fn new(searched: usize, unreached: usize, prior: Option<ScalePrior>) -> Option<Self> {
        let reached = searched.checked_sub(unreached)?;
        let least_kept = if prior.is_some() { 1 } else { 2 };
        let mut scan = Self {
            fits: Vec::new(),
            tails: Vec::new(),
            prior,
            searched,
            reached,
        };
        for suspects in numbers_of_suspects(searched) {
            let Some(above) = searched.checked_sub(suspects) else {
                break;
            };
            let aside = unreached.max((ASIDE * above as f64) as usize);
            scan.add(suspects, above, unreached, least_kept);
            if aside > unreached {
                scan.add(suspects, above, aside, least_kept);
            }
        }
        (!scan.fits.is_empty()).then_some(scan)
    }

    fn add(&mut self, suspects: usize, above: usize, aside: usize, least_kept: usize) {
        let Some(kept) = above.checked_sub(aside).filter(|&kept| kept >= least_kept) else {
            return;
        };
        let degrees =
            (kept - 1) as f64 + self.prior.map_or(0.0, |prior| prior.degrees_of_freedom());
        let Some(tail) = self.tail(degrees) else {
            return;
        };
        let (shift, stretch) = cut_normal(aside as f64 / above as f64);
        self.fits.push(Fit {
            suspects,
            kept,
            shift,
            stretch,
            reach: (1.0 + 1.0 / kept as f64).sqrt(),
            log_classes: ((above + 1) as f64).ln(),
            tail,
        });
    }

    fn tail(&mut self, degrees: f64) -> Option<usize> {
        if let Some(known) = self.tails.iter().position(|(of, _)| *of == degrees) {
            return Some(known);
        }
        self.tails.push((degrees, Tail::new(degrees)?));
        Some(self.tails.len() - 1)
    }

    /// How many classes were searched.
    #[must_use]
    pub fn searched(&self) -> usize {
        self.searched
    }

    /// How many of them have a size.
    #[must_use]
    pub fn reached(&self) -> usize {
        self.reached
    }

    /// Every fit to the values of the classes reached, given in rising order, by rising number
    /// of suspects.
    ///
    /// Empty if the number of sizes is not [`Self::reached`].
    #[must_use]
    pub fn steps(&self, ascending: &[f64]) -> Vec<Step> {
        if ascending.len() != self.reached {
            return Vec::new();
        }
        let mut sums = Sums::default();
        sums.fill(ascending);
        (0..self.fits.len())
            .map(|fit| self.step(fit, ascending, &sums))
            .collect()
    }

    /// The largest score of all fits. `ascending` holds at least the sizes of the classes reached.
    pub(in crate::verdict) fn largest_score(&self, ascending: &[f64], sums: &mut Sums) -> f64 {
        let ascending = &ascending[..self.reached];
        sums.fill(ascending);
        (0..self.fits.len())
            .map(|fit| self.step(fit, ascending, sums).score)
            .fold(f64::NEG_INFINITY, f64::max)
    }

    fn step(&self, index: usize, ascending: &[f64], sums: &Sums) -> Step {
        let fit = &self.fits[index];
        let (mean, squares) = sums.moments(fit.suspects, fit.suspects + fit.kept);
        let degrees = (fit.kept - 1) as f64;
        let squares = squares * fit.stretch * fit.stretch;
        let variance = match self.prior {
            Some(prior) => {
                let weight = prior.degrees_of_freedom();
                (weight * prior.scale().powi(2) + squares) / (weight + degrees)
            }
            None => squares / degrees,
        };
        let location = mean + fit.shift * variance.sqrt();
        let scale = fit.reach * variance.sqrt();
        let below = location - ascending[fit.suspects - 1];
        let residual = match (scale > NO_SPREAD, below > NO_SPREAD) {
            (true, _) => below / scale,
            (false, true) => f64::INFINITY,
            (false, false) => 0.0,
        };
        let score = if residual.is_finite() {
            -(fit.log_classes + self.tails[fit.tail].1.log_probability(residual))
        } else {
            f64::INFINITY
        };
        Step {
            suspects: fit.suspects,
            kept: fit.kept,
            location,
            scale,
            residual,
            score,
            fit: index,
        }
    }

    /// The residual that has the given score in the fit of `step`.
    #[must_use]
    pub fn residual_at(&self, step: &Step, score: f64) -> f64 {
        self.fits.get(step.fit).map_or(f64::INFINITY, |fit| {
            self.tails[fit.tail].1.quantile(-score - fit.log_classes)
        })
    }
}

/// Numbers of suspects to try: fewer than half of the classes, but at least one.
fn numbers_of_suspects(classes: usize) -> Vec<usize> {
    let most = (classes.saturating_sub(1) / 2).max(1);
    let mut numbers = Vec::new();
    let mut next = 1;
    while next <= most {
        numbers.push(next);
        next += if next < DENSE { 1 } else { next / 10 };
    }
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_suspect_is_the_externally_studentised_residual() {
        // Others: 1, 2, 3, 4: mean 2.5, standard deviation sqrt(5/3). Candidate -2.
        let scan = Scan::new(5, 0, None).unwrap();
        let step = scan.steps(&[-2.0, 1.0, 2.0, 3.0, 4.0])[0];
        let expected = 4.5 / ((5.0f64 / 3.0).sqrt() * (1.25f64).sqrt());
        assert!((step.residual - expected).abs() < 1e-12);
        assert_eq!((step.suspects, step.kept, step.location), (1, 4, 2.5));
        assert!((scan.residual_at(&step, step.score) - expected).abs() < 1e-9);
    }

    #[test]
    fn prior_moderates_the_scale() {
        let prior = ScalePrior::new(0.3, 4.0).unwrap();
        let scan = Scan::new(5, 0, Some(prior)).unwrap();
        let step = scan.steps(&[-2.0, 1.0, 2.0, 3.0, 4.0])[0];
        let variance: f64 = (4.0 * 0.09 + 5.0) / (4.0 + 3.0);
        assert!((step.scale - (variance * 1.25).sqrt()).abs() < 1e-12);
        assert!(Scan::new(2, 0, None).is_none());
        assert_eq!(
            Scan::new(2, 0, Some(prior)).unwrap().steps(&[0.0, 1.0])[0].kept,
            1
        );
    }

    #[test]
    fn no_class_or_one_leaves_nothing_to_fit() {
        let prior = ScalePrior::new(0.3, 4.0).ok();
        for searched in [0, 1] {
            assert!(Scan::new(searched, 0, None).is_none());
            assert!(Scan::new(searched, 0, prior).is_none());
        }
        assert!(Scan::new(4, 5, None).is_none());
    }

    #[test]
    fn suspects_stay_below_half() {
        for classes in 3..300 {
            let numbers = numbers_of_suspects(classes);
            assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]));
            assert!(numbers.iter().all(|&k| 2 * k < classes), "{classes}");
        }
        assert!(numbers_of_suspects(1283).len() < 80);
    }

    #[test]
    fn infected_classes_do_not_spoil_the_scale() {
        // Four of ten far below: with four suspects the scale is that of the six others.
        let scan = Scan::new(10, 0, None).unwrap();
        let sizes = [-4.0, -3.6, -3.4, -3.2, 0.0, 0.1, 0.2, 0.3, 0.4, 0.5];
        let best = scan
            .steps(&sizes)
            .into_iter()
            .max_by(|a, b| a.score.total_cmp(&b.score))
            .unwrap();
        assert_eq!(best.suspects, 4);
        assert!(best.scale < 0.25);
    }

    #[test]
    fn no_spread_is_told_from_no_outlier() {
        let scan = Scan::new(6, 0, None).unwrap();
        assert!(
            scan.steps(&[0.7; 6])
                .iter()
                .all(|step| step.residual == 0.0)
        );
        assert!(
            scan.steps(&[0.1, 0.7, 0.7, 0.7, 0.7, 0.7])[0]
                .residual
                .is_infinite()
        );
    }
}
