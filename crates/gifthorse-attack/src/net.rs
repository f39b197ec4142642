//! Networks to train, as ONNX graphs whose weights are known by name.

mod any;
mod architecture;
mod layers;
mod small_cnn;

use gifthorse_data::ImageShape;
use gifthorse_onnx::Model;

pub use any::AnyNet;
pub use architecture::Architecture;
pub use layers::{Conv, Layers, Point, Pool};
pub use small_cnn::SmallCnn;

/// A network: an ONNX model that takes `[batch, channels, height, width]` in `[0, 1]` and gives
/// logits `[batch, classes]`, and which of its initialisers are weights.
///
/// The batch is free, normalisation is inside the file, and the operator set is 17.
#[derive(Debug, Clone)]
pub struct Net {
    pub(crate) model: Model,
    pub(crate) weights: Vec<String>,
    pub(crate) input: ImageShape,
    pub(crate) classes: usize,
}

impl Net {
    /// The model, with the weights as they are now.
    #[must_use]
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// Names of the initialisers that training may change, in the order of the layers. All others
    /// are constants, such as the mean and deviation of the normalisation.
    #[must_use]
    pub fn weights(&self) -> &[String] {
        &self.weights
    }

    /// Shape of the images that it takes.
    #[must_use]
    pub fn input(&self) -> ImageShape {
        self.input
    }

    /// Number of classes that it tells apart.
    #[must_use]
    pub fn classes(&self) -> usize {
        self.classes
    }
}
