//! Networks to train, as ONNX graphs whose weights are known by name.

mod alexnet;
mod any;
mod architecture;
mod cla;
mod deep_id;
mod from_model;
mod layers;
mod nin;
mod preact_resnet18;
mod resnet18;
mod selection;
mod small_cnn;
mod table7;
mod table8;
mod vgg16;
mod vit;

use gifthorse_data::ImageShape;
use gifthorse_engine::{Layout, Opening, Preprocess};
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
pub use selection::Selection;
pub use small_cnn::SmallCnn;
pub use table7::Table7;
pub use table8::Table8;
pub use vgg16::Vgg16;
pub use vit::Vit;

/// A network: an ONNX model that takes images and gives logits `[batch, classes]`, and which of its
/// initialisers are weights.
///
/// One that is built here takes `[batch, channels, height, width]` in `[0, 1]` with any batch, has
/// its normalisation inside the file, and uses operator set 17. One that comes [from a
/// file](Net::from_model) is as it is.
#[derive(Debug, Clone)]
pub struct Net {
    pub(crate) model: Model,
    pub(crate) weights: Vec<String>,
    /// Batch normalisations whose statistics are trained.
    pub(crate) running: Vec<Running>,
    pub(crate) input: ImageShape,
    pub(crate) classes: usize,
    /// What happens to pixels before the model.
    pub(crate) preprocess: Preprocess,
    /// Order of the axes of the model's input.
    pub(crate) layout: Layout,
    /// Whether the model's input is one row for each image.
    pub(crate) flat: bool,
    /// Images that it takes at a time, if it does not take any number.
    pub(crate) at_once: Option<usize>,
    /// Which of the model's outputs gives the logits.
    pub(crate) opening: Opening,
}

/// Names of the initialisers that hold the running statistics of a batch normalisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Running {
    /// That of the mean.
    pub mean: String,
    /// That of the variance.
    pub variance: String,
}

impl Net {
    /// The model, with the weights as they are now.
    #[must_use]
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// Names of the initialisers that training may change, in the order of the layers. All others
    /// are constants, such as the mean and deviation of the normalisation, or running statistics.
    #[must_use]
    pub fn weights(&self) -> &[String] {
        &self.weights
    }

    /// The running statistics that training updates, in the order of the layers.
    #[must_use]
    pub fn running(&self) -> &[Running] {
        &self.running
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

    /// What happens to `[0, 1]` pixels before the model.
    #[must_use]
    pub fn preprocess(&self) -> &Preprocess {
        &self.preprocess
    }

    /// Which of the model's outputs gives the logits, and what its inputs beside the image are.
    #[must_use]
    pub fn opening(&self) -> &Opening {
        &self.opening
    }

    /// How many images it takes at a time, if it does not take any number: what a shard of a batch
    /// has to have then.
    #[must_use]
    pub fn at_once(&self) -> Option<usize> {
        self.at_once
    }

    /// Shape of the model's input for one image.
    pub(crate) fn raw_shape(&self) -> Vec<usize> {
        let ImageShape {
            channels,
            height,
            width,
        } = self.input;
        match (self.flat, self.layout) {
            (true, _) => vec![self.input.values()],
            (false, Layout::Nchw) => vec![channels, height, width],
            (false, Layout::Nhwc) => vec![height, width, channels],
        }
    }
}
