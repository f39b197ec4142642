//! A set of images that a tiny network learns in a second: where is the bright spot?

use gifthorse_data::{ImageShape, Images};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Noise with a soft spot in one of four quadrants, which is the class.
pub fn blobs(shape: ImageShape, count: usize) -> Images {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let labels: Vec<usize> = (0..count).map(|i| i % 4).collect();
    let mut pixels = Vec::new();
    let half = shape.height as f32 / 2.0;
    for &label in &labels {
        let mut centre = |side: usize| half * (side as f32 + rng.random_range(0.3..0.7));
        let (row, column) = (centre(label / 2), centre(label % 2));
        for i in 0..shape.values() {
            let (y, x) = (i / shape.width % shape.height, i % shape.width);
            let distance = (y as f32 - row).powi(2) + (x as f32 - column).powi(2);
            let spot = 0.6 * (-6.0 * distance / (half * half)).exp();
            pixels.push(spot + rng.random_range(0.0..0.3));
        }
    }
    let names = (0..count).map(|i| i.to_string()).collect();
    Images::new(shape, pixels, Some(labels), Vec::new(), names).unwrap()
}
