//! One start of the search for the smallest change of all images: its direction follows the slope of
//! the loss, and its length the border at which enough of them are moved.

use std::f64::consts::PI;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::trigger::Additive;

/// Steps from a start.
pub const STEPS: usize = 80;
/// Length of a change that begins, a value.
const FIRST: f64 = 0.02;
/// How far a step turns the change, as a part of its length; at the beginning and at the end.
const TURN: (f64, f64) = (0.5, 0.05);
/// The part of its length by which a change grows or shrinks, likewise.
const GROWTH: (f64, f64) = (0.1, 0.01);

/// A change on its way from one start.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Descent {
    change: Additive,
    /// Steps made.
    pub steps: usize,
    /// The smallest change so far that moves enough images.
    pub best: Option<Additive>,
}

impl Descent {
    /// From no change of images of so many values.
    pub fn from_nothing(size: usize) -> Self {
        let values = vec![0.0; size];
        Self {
            change: Additive { values },
            steps: 0,
            best: None,
        }
    }

    /// From a short change in a direction drawn at random.
    pub fn from_random(size: usize, random: &mut ChaCha8Rng) -> Self {
        // A sum of uniform numbers is normal enough for a direction.
        let mut normal = || (0..6).map(|_| random.random::<f32>() - 0.5).sum::<f32>();
        let values = (0..size).map(|_| normal()).collect();
        let mut new = Self {
            change: Additive { values },
            ..Self::from_nothing(size)
        };
        new.scale_to(first(size));
        new
    }

    /// What images are to be shown next.
    pub fn change(&self) -> &Additive {
        &self.change
    }

    /// Whether it is over.
    pub fn has_ended(&self) -> bool {
        self.steps >= STEPS
    }

    /// Whether it is one of images of so many values.
    pub fn fits(&self, size: usize) -> bool {
        let mut changes = self.best.iter().chain([&self.change]);
        let fits = |change: &Additive| {
            change.values.len() == size && change.values.iter().all(|value| value.is_finite())
        };
        changes.all(fits)
    }

    /// A step against the slope of the loss at the present change, of which is known whether it
    /// moves `enough` images: then it becomes a little shorter, else a little longer (Rony et al.
    /// 2019). Steps become smaller towards the end.
    pub fn step(&mut self, slope: &[f32], enough: bool) {
        let norm = self.change.norm();
        let smallest = self.best.as_ref().map_or(f64::INFINITY, Additive::norm);
        if enough && norm < smallest {
            self.best = Some(self.change.clone());
        }
        let pace = 0.5 * (1.0 + (PI * self.steps as f64 / STEPS as f64).cos());
        let at = |(begin, end): (f64, f64)| end + (begin - end) * pace;
        self.steps += 1;
        let steepness = slope.iter().map(|&it| f64::from(it).powi(2)).sum::<f64>();
        // Without a slope there is no way to go.
        if !(steepness > 0.0 && steepness.is_finite()) {
            return;
        }
        let norm = norm.max(first(slope.len()));
        let turn = (at(TURN) * norm / steepness.sqrt()) as f32;
        for (value, slope) in self.change.values.iter_mut().zip(slope) {
            *value -= turn * slope;
        }
        self.scale_to(match enough {
            true => norm * (1.0 - at(GROWTH)),
            false => norm * (1.0 + at(GROWTH)),
        });
    }

    fn scale_to(&mut self, norm: f64) {
        let now = self.change.norm();
        if now > 0.0 {
            let factor = (norm / now) as f32;
            let values = self.change.values.iter_mut();
            values.for_each(|value| *value *= factor);
        }
    }
}

/// The length of the first change of images of so many values.
fn first(size: usize) -> f64 {
    FIRST * (size as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    /// Enough is moved once the change has come a length of 1 along the first axis.
    fn moves(descent: &Descent) -> bool {
        descent.change().values[0] >= 1.0
    }

    #[test]
    fn it_ends_at_the_smallest_change_from_nothing_and_from_anywhere() {
        let size = 9;
        let slope: Vec<f32> = (0..size).map(|i| if i == 0 { -3.0 } else { 0.0 }).collect();
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let starts = [
            Descent::from_nothing(size),
            Descent::from_random(size, &mut random),
        ];
        for mut descent in starts {
            while !descent.has_ended() {
                let enough = moves(&descent);
                descent.step(&slope, enough);
            }
            let best = descent.best.unwrap();
            assert!((1.0..1.05).contains(&best.norm()), "{}", best.norm());
            assert!(best.values[0] >= 1.0);
        }
    }

    #[test]
    fn without_a_slope_it_stays_and_comes_to_its_end() {
        let mut descent = Descent::from_nothing(2);
        for slope in [[0.0, 0.0], [f32::NAN, 1.0], [f32::INFINITY, 1.0]] {
            descent.step(&slope, false);
        }
        assert_eq!(descent.change().values, [0.0, 0.0]);
        assert_eq!((descent.steps, descent.best.clone()), (3, None));
        assert!(descent.fits(2) && !descent.fits(3));
    }
}
