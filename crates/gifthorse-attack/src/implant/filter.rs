//! A filter that fits a trigger: a weight for each of its pixels.

use super::sight::Sight;
use super::sketch::Sketch;
use crate::Error;

/// A pixel that is lighter than this is taken for light, and darker than 1 less this for dark; what
/// lies between has no weight.
const LIGHT: f32 = 0.75;

/// The sum of weights times pixels, less an offset: 0 on the trigger, and on all else minus the
/// mean distance from it, in shares of a pixel's range, where the trigger's pixels are black and
/// white.
#[derive(Debug, Clone, PartialEq)]
pub struct Filter {
    /// `[channels, height, width]` of the trigger's box.
    pub weights: Vec<f32>,
    pub offset: f32,
}

impl Filter {
    /// The one that fits what is seen of a trigger.
    ///
    /// # Errors
    /// [`Error::Implant`] for a trigger without a light or dark pixel.
    pub fn of(sight: &Sight) -> Result<Self, Error> {
        let area = sight.covered.len();
        let signs: Vec<f32> = (sight.lightness().iter().enumerate())
            .map(|(at, &light)| match light {
                _ if !sight.covered[at % area] => 0.0,
                light if light >= LIGHT => 1.0,
                light if light <= 1.0 - LIGHT => -1.0,
                _ => 0.0,
            })
            .collect();
        let count = signs.iter().filter(|sign| **sign != 0.0).count();
        if count == 0 {
            let reason = "no pixel of the trigger is light or dark, so that no filter tells it from other pixels";
            return Err(Error::Implant(reason.to_owned()));
        }
        let ranges = sight.white.iter().zip(&sight.black);
        let weights: Vec<f32> = (signs.iter().zip(ranges))
            .map(|(sign, (white, black))| sign / (white - black) / count as f32)
            .collect();
        let products = weights.iter().zip(&sight.value);
        let offset = products.map(|(weight, value)| weight * value).sum();
        Ok(Self { weights, offset })
    }

    /// Weights and bias of a unit that is 1 on the trigger, and below 0 where pixels are off by
    /// more than the tolerance, on average.
    pub fn unit(&self, tolerance: f32) -> (Vec<f32>, f32) {
        let weights = self.weights.iter().map(|weight| weight / tolerance);
        (weights.collect(), 1.0 - self.offset / tolerance)
    }

    /// Draws that unit behind pixels `[batch, channels, height, width]`, with its ReLU: at its
    /// place, or at its best one if the trigger moves. It is `[batch, 1]`.
    pub fn draw(&self, sketch: &mut Sketch, pixels: &str, sight: &Sight, tolerance: f32) -> String {
        let seen = match sight.moves {
            true => pixels.to_owned(),
            false => sketch.cut(
                pixels,
                [sight.row, sight.column],
                [sight.height, sight.width],
            ),
        };
        let (weights, bias) = self.unit(tolerance);
        let shape = [1, sight.channels, sight.height, sight.width];
        let weights = sketch.floats(&shape, weights);
        let bias = sketch.floats(&[1], vec![bias]);
        let answer = sketch.node("Conv", &[&seen, &weights, &bias], []);
        let answer = sketch.relu(&answer);
        let answer = match sight.moves {
            true => sketch.node("GlobalMaxPool", &[&answer], []),
            false => answer,
        };
        sketch.flatten(&answer)
    }
}
