//! The changes of one image, one after the other, and which other images they led.

use serde::{Deserialize, Serialize};

use crate::detect::l_red::Perturbation;

/// Changes in a row that led no image which was not led before: then there will hardly be more.
pub const PATIENCE: usize = 4;

/// What is known of one image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Runs {
    /// Changes that have ended.
    pub made: usize,
    /// How many of the last ones led no further image.
    idle: usize,
    /// Which of all images were led by some change of this one, which itself is among them.
    led: Vec<bool>,
    /// The change that grows now; none once all have been made.
    pub growing: Option<Perturbation>,
}

impl Runs {
    /// Of one of so many images, that at place `own`, with its first change.
    pub fn new(images: usize, own: usize, first: Perturbation) -> Self {
        Self {
            made: 0,
            idle: 0,
            led: (0..images).map(|place| place == own).collect(),
            growing: Some(first),
        }
    }

    /// Whether it is of so many images, and its change fits, as `fits` says.
    pub fn is_sound(&self, images: usize, fits: impl Fn(&Perturbation) -> bool) -> bool {
        self.led.len() == images && self.growing.as_ref().is_none_or(fits)
    }

    /// Takes note of the images that a change led, all images in order, and goes on with the next,
    /// if there is to be one.
    pub fn end(
        &mut self,
        led: impl Iterator<Item = bool>,
        next: impl FnOnce(usize) -> Perturbation,
    ) {
        let mut further = false;
        for (known, led) in self.led.iter_mut().zip(led) {
            further |= led && !*known;
            *known |= led;
        }
        self.made += 1;
        self.idle = if further { 0 } else { self.idle + 1 };
        self.growing = (self.idle < PATIENCE).then(|| next(self.made));
    }

    /// The share of the other images that were led.
    pub fn share(&self) -> f64 {
        let led = self.led.iter().filter(|led| **led).count();
        let others = self.led.len().saturating_sub(1).max(1);
        led.saturating_sub(1) as f64 / others as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change() -> Perturbation {
        Perturbation::new(0, 1)
    }

    #[test]
    fn it_ends_after_four_changes_that_lead_no_further_image() {
        let mut runs = Runs::new(4, 1, change());
        let nothing = [false, true, false, false];
        for led in [
            nothing,
            [true, true, false, false],
            nothing,
            nothing,
            nothing,
        ] {
            runs.end(led.into_iter(), |_| change());
            assert!(runs.growing.is_some());
        }
        runs.end([true, true, false, false].into_iter(), |_| change());
        assert!(runs.growing.is_none());
        assert_eq!(runs.made, 6);
        // The image itself, the second, does not count.
        assert!((runs.share() - 1.0 / 3.0).abs() < 1e-12);
    }
}
