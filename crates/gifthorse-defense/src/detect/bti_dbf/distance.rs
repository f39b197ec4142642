//! How far images of different classes are from one another.

/// Images whose neighbours are looked for.
const LOOKED: usize = 64;

/// The median distance of an image to the nearest of another class, as the root of the mean squared
/// difference of a value; infinite if all are of one class.
pub fn between_classes(pixels: &[f32], labels: &[usize]) -> f64 {
    let size = (pixels.len() / labels.len().max(1)).max(1);
    let images: Vec<(&[f32], usize)> = pixels
        .chunks_exact(size)
        .zip(labels.iter().copied())
        .collect();
    let nearest = |&(image, label): &(&[f32], usize)| -> f64 {
        let others = images.iter().filter(|(_, other)| *other != label);
        let distances = others.map(|(other, _)| {
            let values = image.iter().zip(*other);
            let squares: f32 = values.map(|(a, b)| (a - b).powi(2)).sum();
            f64::from(squares)
        });
        (distances.fold(f64::INFINITY, f64::min) / size as f64).sqrt()
    };
    let mut nearest: Vec<f64> = images.iter().take(LOOKED).map(nearest).collect();
    nearest.sort_by(f64::total_cmp);
    nearest
        .get(nearest.len() / 2)
        .copied()
        .unwrap_or(f64::INFINITY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_of_another_class_counts() {
        let pixels = [0.0, 0.0, 0.1, 0.1, 0.6, 0.8, 0.0, 1.0];
        let labels = [0, 0, 1, 1];
        // Squared, from the images in turn: 1.0 to the second class, then 0.74, 0.74 and 0.82.
        let expected = (0.82_f64 / 2.0).sqrt();
        let found = between_classes(&pixels, &labels);
        assert!((found - expected).abs() < 1e-6, "{found} {expected}");
        assert_eq!(between_classes(&pixels, &[2; 4]), f64::INFINITY);
        assert_eq!(between_classes(&[], &[]), f64::INFINITY);
    }
}
