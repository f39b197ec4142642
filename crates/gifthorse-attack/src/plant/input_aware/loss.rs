//! The losses of a generator, and their gradients to what it gives (Nguyen and Tran 2020, section
//! 3).

/// Keeps two triggers that are the same from an infinite loss, as in the authors' program.
const LEAST: f64 = 1e-7;

/// Adds to `to` the gradient to a trigger, mask and pattern in a row, of a loss whose gradient to the
/// image under it is `under`; `image` is the one without it.
pub fn through_blend(trigger: &[f32], image: &[f32], under: &[f32], to: &mut [f32]) {
    let plane = trigger.len() - image.len();
    let pattern = &trigger[plane..];
    for (place, (pixel, under)) in image.iter().zip(under).enumerate() {
        let at = place % plane;
        to[at] += under * (pattern[place] - pixel);
        to[plane + place] += under * trigger[at];
    }
}

/// How far two images are apart: the root of the mean squared difference.
pub fn distance(a: &[f32], b: &[f32]) -> f64 {
    let squares = a.iter().zip(b).map(|(a, b)| f64::from(a - b).powi(2));
    (squares.sum::<f64>() / a.len().max(1) as f64).sqrt()
}

/// The loss that drives apart what was made of two images: the distance of the images over that of
/// what was made. Adds its gradient, times `weight`, to `to`.
pub fn apart(images: f64, made: [&[f32]; 2], weight: f64, to: [&mut [f32]; 2]) -> f64 {
    let [a, b] = made;
    let between = distance(a, b);
    let loss = images / (between + LEAST);
    let slope = -weight * loss / (between + LEAST) / (a.len() as f64 * between.max(LEAST));
    let [to_a, to_b] = to;
    for (place, (a, b)) in a.iter().zip(b).enumerate() {
        let gradient = (slope * f64::from(a - b)) as f32;
        to_a[place] += gradient;
        to_b[place] -= gradient;
    }
    loss
}

/// The loss that keeps a mask small: the mean excess of its pixels over `density`. Adds its gradient,
/// times `weight`, to `to`.
pub fn excess(mask: &[f32], density: f32, weight: f64, to: &mut [f32]) -> f64 {
    let each = weight / mask.len().max(1) as f64;
    let mut sum = 0.0;
    for (pixel, to) in mask.iter().zip(to) {
        if *pixel > density {
            sum += f64::from(pixel - density);
            *to += each as f32;
        }
    }
    sum / mask.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Purpose;
    use crate::trigger::{Rounding, blend};
    use rand::RngExt;

    /// Numbers from 0 to 1.
    fn shares(count: usize, seed: u64) -> Vec<f32> {
        let mut rng = Purpose::Probe.rng(seed);
        (0..count).map(|_| rng.random_range(0.0..1.0)).collect()
    }

    fn assert_slopes(at: &[f32], gradient: &[f32], loss: impl Fn(&[f32]) -> f64) {
        for place in 0..at.len() {
            let moved = |by: f32| {
                let mut moved = at.to_vec();
                moved[place] += by;
                loss(&moved)
            };
            let slope = (moved(1e-3) - moved(-1e-3)) / 2e-3;
            let found = f64::from(gradient[place]);
            assert!(
                (slope - found).abs() < 2e-3 * (1.0 + slope.abs()),
                "{found}, not {slope}"
            );
        }
    }

    #[test]
    fn gradients_through_the_blend_are_those_of_finite_differences() {
        let (trigger, image, under) = (shares(24, 1), shares(18, 2), shares(18, 3));
        let mut gradient = vec![0.0; 24];
        through_blend(&trigger, &image, &under, &mut gradient);
        assert_slopes(&trigger, &gradient, |trigger| {
            let mut image = image.to_vec();
            blend(trigger, &mut image, Rounding::None);
            let terms = image.iter().zip(&under);
            terms.map(|(x, g)| f64::from(*x) * f64::from(*g)).sum()
        });
    }

    #[test]
    fn gradients_of_the_distance_are_those_of_finite_differences() {
        let (a, b) = (shares(12, 4), shares(12, 5));
        let (mut to_a, mut to_b) = (vec![0.0; 12], vec![0.0; 12]);
        let loss = apart(0.7, [&a, &b], 1.0, [&mut to_a, &mut to_b]);
        assert!((loss - 0.7 / distance(&a, &b)).abs() < 1e-4);
        let of = |a: &[f32], b: &[f32]| apart(0.7, [a, b], 1.0, [&mut [0.0; 12], &mut [0.0; 12]]);
        assert_slopes(&a, &to_a, |a| of(a, &b));
        assert_slopes(&b, &to_b, |b| of(&a, b));
        // The same twice is no infinity.
        let (mut to_a, mut to_b) = (vec![0.0; 12], vec![0.0; 12]);
        assert!(apart(0.7, [&a, &a], 1.0, [&mut to_a, &mut to_b]).is_finite());
        assert!(to_a.iter().chain(&to_b).all(|g| g.is_finite()));
    }

    #[test]
    fn gradients_of_the_excess_are_those_of_finite_differences() {
        let mask = [0.0, 0.01, 0.5, 1.0];
        let mut gradient = [0.0; 4];
        let loss = excess(&mask, 0.032, 100.0, &mut gradient);
        assert!((loss - (0.468 + 0.968) / 4.0).abs() < 1e-6);
        assert_eq!(gradient, [0.0, 0.0, 25.0, 25.0]);
        assert_slopes(&mask, &gradient, |mask| {
            100.0 * excess(mask, 0.032, 1.0, &mut [0.0; 4])
        });
    }
}
