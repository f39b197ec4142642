//! What the search for a unit's trigger maximises, and its gradient.

use gifthorse_engine::{Array, Classifier, Layer, Taps, Tensor};

use super::stimulation::Candidate;
use crate::detect::neural_cleanse::{Variables, to_unit};
use crate::error::Error;

/// Weight of the other units of the layer, as released.
const OTHERS: f32 = 1e-4;
/// Pixels whose mask is above this are covered, as released.
const COVERED: f32 = 0.01;
/// The side of the square that a trigger may cover before its mask has to shrink, as a part of the
/// image's: 8 of 32 pixels, as released.
const USUAL_SIDE: f64 = 8.0 / 32.0;
/// The side of the largest square that it may cover: 10 of 32 pixels, as released.
const LARGEST_SIDE: f64 = 10.0 / 32.0;
/// Weight of the mask's sum, in units of what it usually may cover, where it covers more; three
/// times that where it covers too much.
const WEIGHT: f32 = 10.0;

/// How many pixels a trigger may cover.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// More than this, and its mask has to shrink.
    pub usual: usize,
    /// More than this are too many.
    pub most: usize,
}

impl Room {
    /// In an image of so many pixels.
    pub fn of(pixels: usize) -> Self {
        let side = (pixels as f64).sqrt();
        let within = |side: f64| (side.round() as usize).max(1).pow(2);
        Self {
            usual: within(side * USUAL_SIDE),
            most: within(side * LARGEST_SIDE),
        }
    }

    /// The side of a square that is as large as usual.
    pub fn side(self) -> usize {
        self.usual.isqrt()
    }

    /// The weight of the mask's sum while it covers so many pixels.
    fn weight(self, covered: usize) -> f32 {
        let unit = WEIGHT / self.usual as f32;
        let times = f32::from(u8::from(covered > self.usual) + 2 * u8::from(covered > self.most));
        times * unit
    }
}

/// Images under one trigger.
pub struct Outcome {
    /// What the unit gives, in units of the largest value of its layer on clean images: the mean
    /// over images and positions.
    pub activation: f64,
    /// Pixels that are covered.
    pub covered: usize,
    /// Gradient to the mask's variables.
    pub mask_gradient: Tensor<2>,
    /// Gradient to the pattern's variables.
    pub pattern_gradient: Tensor<3>,
}

/// One pass over images `[images, channels, height, width]`.
///
/// # Errors
/// A model that cannot be run, or passes no gradient back.
pub fn pass(
    classifier: &Classifier,
    candidate: &Candidate,
    images: &Tensor<4>,
    variables: &Variables,
    room: Room,
) -> Result<Outcome, Error> {
    let mask_variable = variables.mask.clone().autodiff().require_grad();
    let pattern_variable = variables.pattern.clone().autodiff().require_grad();
    let mask = to_unit(mask_variable.clone());
    let pattern = to_unit(pattern_variable.clone());
    let values = Array::from_tensor(mask.clone().inner()).into_vec();
    let covered = values.iter().filter(|&&value| value > COVERED).count();
    let mask_4d = mask.clone().unsqueeze::<4>();
    let kept = mask_4d.clone().neg().add_scalar(1.0);
    let images = images.clone().autodiff();
    let blended = images.mul(kept).add(pattern.unsqueeze::<4>().mul(mask_4d));
    // Before the activation too: where that is flat, no gradient comes back through it.
    let layers = [
        candidate.hinge.before.clone(),
        candidate.hinge.after.clone(),
    ];
    let made = classifier.run(blended, &Taps::values(&layers))?;
    let mut loss = mask.sum().mul_scalar(room.weight(covered));
    let mut activation = 0.0;
    for (feature, layer) in made.features.iter().zip(&layers) {
        let (own, others) = means(feature.value().clone(), layer, candidate.channel);
        if !own.is_tracked() {
            return Err(Error::NoGradient);
        }
        activation = first(&own) / f64::from(candidate.largest);
        let raise = own.sub(others.mul_scalar(OTHERS));
        loss = loss.sub(raise.div_scalar(candidate.largest));
    }
    let mut gradients = loss.backward();
    let missing = || Error::NoGradient;
    Ok(Outcome {
        activation,
        covered,
        mask_gradient: mask_variable
            .grad_remove(&mut gradients)
            .ok_or_else(missing)?,
        pattern_gradient: pattern_variable
            .grad_remove(&mut gradients)
            .ok_or_else(missing)?,
    })
}

/// The mean of a channel over images and positions, and the sum of those of the others.
fn means(value: Array, layer: &Layer, channel: usize) -> (Tensor<1>, Tensor<1>) {
    let rows = value.shape()[0];
    let before: usize = layer.shape()[..layer.channel_axis() - 1].iter().product();
    let behind: usize = layer.shape().iter().skip(layer.channel_axis()).product();
    let shape = [rows, before, layer.channels(), behind];
    let value: Tensor<4> = value.reshape(&shape).into_tensor();
    let each = (rows * before * behind).max(1) as f32;
    let own = value.clone().narrow(2, channel, 1).sum().div_scalar(each);
    let others = value.sum().div_scalar(each).sub(own.clone());
    (own, others)
}

/// The value of a tensor of one element.
fn first(tensor: &Tensor<1>) -> f64 {
    let values = Array::from_tensor(tensor.clone().inner()).into_vec();
    f64::from(values.first().copied().unwrap_or(f32::NAN))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bounds_are_those_published_for_small_images() {
        let room = Room::of(32 * 32);
        assert_eq!((room.usual, room.most, room.side()), (64, 100, 8));
        assert_eq!(room.weight(64), 0.0);
        assert!(room.weight(65) > 0.0 && room.weight(101) > 2.0 * room.weight(100));
        assert_eq!(Room::of(4).usual, 1);
    }
}
