//! Images and a network on which an epoch takes a fraction of a second.

use gifthorse_data::{ImageShape, Images};
use gifthorse_train::Recipe;
use gifthorse_train::net::{Architecture, Net, SmallCnn};

use crate::blobs::blobs;

pub const SHAPE: ImageShape = ImageShape {
    channels: 1,
    height: 16,
    width: 16,
};
pub const CLASSES: usize = 4;

/// Labelled images, each class as often.
pub fn images(count: usize) -> Images {
    blobs(SHAPE, count)
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
