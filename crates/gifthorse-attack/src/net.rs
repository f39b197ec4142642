//! Networks to train, as ONNX graphs whose weights are known by name.

mod alexnet;
mod any;
mod architecture;
mod cla;
mod deep_id;
mod layers;
mod nin;
mod preact_resnet18;
mod resnet18;
mod small_cnn;
mod table7;
mod table8;
mod vgg16;
mod vit;

use gifthorse_data::ImageShape;
use gifthorse_onnx::Model;

pub use alexnet::AlexNet;
pub use any::AnyNet;
pub use architecture::Architecture;
pub use cla::Cla;
pub use deep_id::DeepId;
pub use layers::{Conv, Layers, Point, Pool};
pub use nin::Nin;
pub use preact_resnet18::PreActResNet18;
pub use resnet18::ResNet18;
pub use small_cnn::SmallCnn;
pub use table7::Table7;
pub use table8::Table8;
pub use vgg16::Vgg16;
pub use vit::Vit;

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
