//! A set of images that a tiny network learns in a second: where is the bright spot?

use gifthorse_attack::trigger::{AnyTrigger, Square};
use gifthorse_data::{ImageShape, Images};
use gifthorse_train::Recipe;
use gifthorse_train::net::{Architecture, Net, SmallCnn};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

pub const SHAPE: ImageShape = ImageShape {
    channels: 1,
    height: 16,
    width: 16,
};
pub const CLASSES: usize = 4;

/// Noise with a soft spot in one of four quadrants, which is the class.
pub fn blobs(count: usize, seed: u64) -> Images {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut pixels = Vec::new();
    let labels: Vec<usize> = (0..count).map(|i| i % CLASSES).collect();
    for &label in &labels {
        let mut centre = |half: usize| 8.0 * half as f32 + rng.random_range(2.0..6.0);
        let (row, column) = (centre(label / 2), centre(label % 2));
        let strength = rng.random_range(0.3..0.6);
        for i in 0..SHAPE.values() {
            let (y, x) = ((i / SHAPE.width) as f32, (i % SHAPE.width) as f32);
            let distance = (y - row).powi(2) + (x - column).powi(2);
            let value: f32 = strength * (-distance / 4.0).exp() + rng.random_range(0.0..0.4);
            pixels.push(value.min(1.0));
        }
    }
    let names = (0..count).map(|i| format!("blob {i}")).collect();
    Images::new(SHAPE, pixels, Some(labels), Vec::new(), names).unwrap()
}

/// A network of a few thousand weights.
pub fn net(seed: u64) -> Net {
    let cnn = SmallCnn {
        channels: vec![4, 8],
        hidden: 16,
    };
    cnn.build(SHAPE, CLASSES, seed).unwrap()
}

pub fn recipe(epochs: usize) -> Recipe {
    Recipe {
        epochs,
        batch: 20,
        learning_rate: 0.01,
        ..Recipe::default()
    }
}

/// A white square at the bottom right.
pub fn square(size: usize) -> AnyTrigger {
    AnyTrigger::Square(Square {
        size,
        ..Square::default()
    })
}
