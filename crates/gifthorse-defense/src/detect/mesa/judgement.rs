//! What a trained generator comes to.

use gifthorse_engine::Array;
use serde::{Deserialize, Serialize};

use super::dense::matrix;
use super::generator::squares;
use super::task::{Draw, Task};
use super::training::{Training, Which, noise};
use crate::error::Error;
use crate::exact;

/// Squares of a generator of which the best one is taken,
const CANDIDATES: usize = 8;
/// and images that it is then judged on.
const JUDGED: usize = 256;
/// Grey levels above black.
const LEVELS: f32 = 255.0;

/// What a generator came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ended {
    /// The best square that it made, `[channels, side, side]`, in whole multiples of 1/255.
    #[serde(with = "exact::singles")]
    pub square: Vec<f32>,
    /// Mean logistic loss of the margins of images that it is stamped on anywhere.
    #[serde(with = "exact::double")]
    pub loss: f64,
    /// Share of these images that go to the class.
    #[serde(with = "exact::double")]
    pub success: f64,
    /// Information that the squares had of their noise, in nats.
    #[serde(with = "exact::double")]
    pub information: f64,
}

impl Training {
    /// The best of some squares that it makes, on images to try them on, and how that does.
    ///
    /// # Errors
    /// A model that cannot be run.
    pub fn judged(&self, task: &Task<'_>, which: Which) -> Result<Ended, Error> {
        let config = task.config;
        let device = task.classifier().device();
        let mut random = task.random(which.number, Draw::Judgement);
        let noise = matrix(
            noise(config, config.batch, &mut random),
            config.batch,
            device,
        );
        let values = which.squares.values();
        let made = squares(self.generator.weights(), &noise, (config.width, values));
        let made = Array::from_tensor(made).into_vec();
        let made: Vec<f32> = made.iter().map(|v| (v * LEVELS).round() / LEVELS).collect();
        let images = task.batch(which.number * config.updates)?;
        let at = which.squares.places(config.batch, &mut random);
        let mut best: Option<(&[f32], f64)> = None;
        for square in made.chunks_exact(values).take(CANDIDATES) {
            let loss = task.tried(which.squares, square, (&images, &at))?.loss;
            if best.is_none_or(|(_, least)| loss < least) {
                best = Some((square, loss));
            }
        }
        let square = best.map(|(square, _)| square.to_vec()).unwrap_or_default();
        let images = task.first(JUDGED)?;
        let count = JUDGED.min(task.images.len());
        let at = which.squares.places(count, &mut random);
        let tried = task.tried(which.squares, &square, (&images, &at))?;
        Ok(Ended {
            square,
            loss: tried.loss,
            success: tried.success,
            information: self.information,
        })
    }
}
