//! How a generator of triggers is built and trained.

use serde::{Deserialize, Serialize};

use crate::Error;

/// Most feature maps of a stage, and most stages: a small network is meant.
const LARGEST: usize = 256;
const DEEPEST: usize = 5;
/// Most updates of the masks.
const MOST_STEPS: usize = 1_000_000;

/// A generator and how it is trained, with the numbers of the authors' program unless said
/// otherwise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GeneratorSettings {
    /// Feature maps of each stage on the way down, each at half the height and width of the last,
    /// and back up.
    pub channels: Vec<usize>,
    /// Share of each batch that carries the trigger of another image and keeps its label, from 0 to
    /// below 1.
    pub cross: f64,
    /// What each pixel of a mask may be without a loss, from 0 to 1.
    pub density: f32,
    /// What a mask's excess over `density` counts for, at least 0.
    pub bound: f32,
    /// What the loss counts for that drives the triggers of two images apart, at least 0.
    pub diversity: f32,
    /// Updates of the masks before training begins, at least 1; 25 epochs in the paper.
    pub mask_steps: usize,
    /// Length of a step of mask or pattern, above 0, which falls as training goes on: to nothing for
    /// the masks, with the schedule of the network for the patterns. 0.01 in the paper, whose
    /// generators have batch normalisations.
    pub learning_rate: f32,
}

impl Default for GeneratorSettings {
    fn default() -> Self {
        Self {
            channels: vec![16, 32],
            cross: 0.1,
            density: 0.032,
            bound: 100.0,
            diversity: 1.0,
            mask_steps: 800,
            learning_rate: 0.001,
        }
    }
}

impl GeneratorSettings {
    /// Refuses numbers that make no generator.
    ///
    /// # Errors
    /// [`Error::Poison`] naming the setting.
    pub(super) fn check(&self) -> Result<(), Error> {
        let Self {
            channels,
            cross,
            density,
            bound,
            diversity,
            mask_steps,
            learning_rate,
        } = self;
        let weight = |value: f32| value >= 0.0 && value.is_finite();
        let fits = |count: &usize| (1..=LARGEST).contains(count);
        let wanted = [
            (
                (1..=DEEPEST).contains(&channels.len()) && channels.iter().all(fits),
                format!(
                    "`channels` = {channels:?} are no 1 to {DEEPEST} stages of 1 to {LARGEST} feature maps"
                ),
            ),
            (
                (0.0..1.0).contains(cross),
                format!("`cross` = {cross} is no share from 0 to below 1"),
            ),
            (
                (0.0..=1.0).contains(density),
                format!("`density` = {density} is no share from 0 to 1"),
            ),
            (
                weight(*bound),
                format!("`bound` = {bound} is no number from 0"),
            ),
            (
                weight(*diversity),
                format!("`diversity` = {diversity} is no number from 0"),
            ),
            (
                (1..=MOST_STEPS).contains(mask_steps),
                format!("`mask_steps` = {mask_steps} are no 1 to {MOST_STEPS} updates"),
            ),
            (
                *learning_rate > 0.0 && learning_rate.is_finite(),
                format!("`learning_rate` = {learning_rate} is not above 0"),
            ),
        ];
        match wanted.into_iter().find(|(holds, _)| !holds) {
            Some((_, reason)) => Err(Error::Poison(format!("`generator`: {reason}"))),
            None => Ok(()),
        }
    }
}
