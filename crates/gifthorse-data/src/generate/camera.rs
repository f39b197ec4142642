//! From the painted scene to the recorded picture: uneven light, a cast shadow, blur, exposure,
//! noise, 8-bit values.

use std::f32::consts::TAU;

use rand::{Rng, RngExt};
use rand_distr::StandardNormal;

use super::canvas::{Canvas, Colour, coverage};

/// Share of pictures with a shadow across them.
const SHADOWED: f64 = 0.3;

/// Largest standard deviation of the blur, as a share of the side: about 0.7 pixels at 32.
const LARGEST_BLUR: f32 = 0.022;

/// Weights of red, green and blue in grey (ITU-R BT.601).
const LUMA: Colour = [0.299, 0.587, 0.114];

/// Lets light fall on the scene, all random: gradient, shadow, brightness, colour cast.
pub(super) fn light(canvas: &mut Canvas, rng: &mut impl Rng) {
    let side = canvas.side();
    let brightness = rng.random_range(0.6..=1.2_f32);
    let cast: Colour = std::array::from_fn(|_| brightness * rng.random_range(0.86..=1.14));
    let slope = Direction::random(rng);
    let steepness = rng.random_range(0.0..=0.5);
    let shadow = Direction::random(rng);
    let shadow_at = side * rng.random_range(-0.3..=0.3);
    let shadow_depth = if rng.random_bool(SHADOWED) {
        rng.random_range(0.2..=0.5)
    } else {
        0.0
    };
    canvas.map(|centre, pixel| {
        let gradient = 1.0 + steepness * slope.along(centre, side) / side;
        let shade =
            1.0 - shadow_depth * coverage(shadow.along(centre, side) - shadow_at, side / 16.0);
        std::array::from_fn(|channel| pixel[channel] * cast[channel] * gradient * shade)
    });
}

/// Blurs with a Gaussian of random width, up to 0.7 pixels in a picture of 32; the border repeats
/// outwards.
pub(super) fn blur(canvas: &mut Canvas, rng: &mut impl Rng) {
    let sigma = canvas.side() * rng.random_range(0.0..=LARGEST_BLUR);
    // Narrower than this, the neighbours' weight is below one 8-bit step.
    if sigma < 0.3 {
        return;
    }
    let kernel = gaussian(sigma);
    blur_along(canvas, &kernel, 0);
    blur_along(canvas, &kernel, 1);
}

/// Writes the picture into `planes` (`[channels, height, width]`, as many channels as fit: grey for
/// one, else red, green and blue), with random contrast and haze, sensor noise and rounding to
/// multiples of 1/255.
pub(super) fn expose(canvas: &Canvas, planes: &mut [f32], rng: &mut impl Rng) {
    let contrast = rng.random_range(0.8..=1.15);
    let haze = rng.random_range(-0.06..=0.14);
    let noise = rng.random_range(0.005..=0.035);
    let plane_length = canvas.pixels().len();
    let grey = planes.len() == plane_length;
    for (channel, plane) in planes.chunks_exact_mut(plane_length).enumerate() {
        for (value, pixel) in plane.iter_mut().zip(canvas.pixels()) {
            let light = if grey { luma(*pixel) } else { pixel[channel] };
            let grain: f32 = rng.sample(StandardNormal);
            let exposed = 0.45 + contrast * (light - 0.45) + haze + noise * grain;
            *value = (exposed.clamp(0.0, 1.0) * 255.0).round() / 255.0;
        }
    }
}

fn luma(pixel: Colour) -> f32 {
    LUMA.iter()
        .zip(pixel)
        .map(|(weight, value)| weight * value)
        .sum()
}

/// A unit vector.
struct Direction {
    cosine: f32,
    sine: f32,
}

impl Direction {
    fn random(rng: &mut impl Rng) -> Self {
        let (sine, cosine) = rng.random_range(0.0..TAU).sin_cos();
        Self { cosine, sine }
    }

    /// How far a point of a picture of `side` pixels lies from its middle in this direction, in
    /// pixels.
    fn along(&self, [x, y]: [f32; 2], side: f32) -> f32 {
        (x - side / 2.0) * self.cosine + (y - side / 2.0) * self.sine
    }
}

/// Weights of a Gaussian from its centre outwards on one side; the two sides together sum to 1.
fn gaussian(sigma: f32) -> Vec<f32> {
    let reach = (3.0 * sigma).ceil() as usize;
    let weights: Vec<f32> = (0..=reach)
        .map(|step| (-0.5 * (step as f32 / sigma).powi(2)).exp())
        .collect();
    let sum = weights[0] + 2.0 * weights[1..].iter().sum::<f32>();
    weights.into_iter().map(|weight| weight / sum).collect()
}

/// Convolves along the rows (`axis` 0) or the columns (`axis` 1) with the symmetric kernel whose
/// one half is `kernel`.
fn blur_along(canvas: &mut Canvas, kernel: &[f32], axis: usize) {
    let size = canvas.size();
    let sharp = canvas.clone();
    let at = |mut place: [usize; 2], step: isize| {
        place[axis] = place[axis].saturating_add_signed(step).min(size - 1);
        sharp.pixels()[place[1] * size + place[0]]
    };
    canvas.map(|centre, pixel| {
        let place = centre.map(|coordinate| coordinate as usize);
        let mut sum = pixel.map(|value| value * kernel[0]);
        for (step, weight) in (0..).zip(kernel).skip(1) {
            let (before, after) = (at(place, -step), at(place, step));
            for channel in 0..3 {
                sum[channel] += weight * (before[channel] + after[channel]);
            }
        }
        sum
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blurring_spreads_a_point_evenly_and_keeps_the_light() {
        let mut canvas = Canvas::filled(15, [0.0; 3]);
        canvas.map(|centre, _| {
            if centre == [7.5, 7.5] {
                [1.0, 2.0, 3.0]
            } else {
                [0.0; 3]
            }
        });
        let kernel = gaussian(1.2);
        blur_along(&mut canvas, &kernel, 0);
        blur_along(&mut canvas, &kernel, 1);
        let at = |x: usize, y: usize| canvas.pixels()[y * 15 + x];
        for channel in 0..3 {
            let total: f32 = canvas.pixels().iter().map(|pixel| pixel[channel]).sum();
            assert!((total - (channel + 1) as f32).abs() < 1e-4);
        }
        assert_eq!(at(6, 7), at(8, 7));
        assert!((at(6, 7)[0] - at(7, 8)[0]).abs() < 1e-7);
        // One step aside a Gaussian falls to exp(-1 / (2 sigma^2)) of its peak.
        assert!((at(6, 7)[0] / at(7, 7)[0] - (-0.5_f32 / 1.44).exp()).abs() < 1e-5);
    }

    #[test]
    fn blurring_an_even_picture_changes_nothing() {
        let mut canvas = Canvas::filled(8, [0.25, 0.5, 0.75]);
        blur_along(&mut canvas, &gaussian(2.0), 0);
        for pixel in canvas.pixels() {
            for (value, expected) in pixel.iter().zip([0.25, 0.5, 0.75]) {
                assert!((value - expected).abs() < 1e-6);
            }
        }
    }
}
