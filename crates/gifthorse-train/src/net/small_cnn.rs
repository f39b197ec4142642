//! A small convolutional network for images of a few tens of pixels.

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::net::{Architecture, Layers};

/// Stages of 3x3 convolution, rectifier and 2x2 max pool, then one hidden fully connected layer.
///
/// It is the kind of network that Wang et al. 2019 use for small images (their tables VII and
/// VIII), made narrow enough to be trained in seconds. Each stage halves height and width.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SmallCnn {
    /// Output channels of each stage, at least one stage.
    pub channels: Vec<usize>,
    /// Features of the hidden layer.
    pub hidden: usize,
}

impl Default for SmallCnn {
    /// Three stages of 16, 32 and 64 channels and 128 hidden features.
    fn default() -> Self {
        Self {
            channels: vec![16, 32, 64],
            hidden: 128,
        }
    }
}

impl Architecture for SmallCnn {
    /// Such as `small-cnn 16-32-64 fc128`.
    fn title(&self) -> String {
        let channels: Vec<String> = self.channels.iter().map(ToString::to_string).collect();
        format!("small-cnn {} fc{}", channels.join("-"), self.hidden)
    }

    fn lay(&self, layers: &mut Layers, classes: usize) -> Result<(), Error> {
        if self.channels.is_empty() {
            return Err(Error::Net("there is not one stage".to_owned()));
        }
        layers.normalise(0.5, 0.25);
        for (index, &channels) in self.channels.iter().enumerate() {
            let stage = index + 1;
            layers
                .conv(&format!("conv{stage}"), channels, 3)
                .relu(&format!("conv{stage}.relu"))
                .max_pool(&format!("pool{stage}"));
        }
        layers
            .flatten("flatten")
            .linear("hidden", self.hidden)
            .relu("hidden.relu")
            .head("classes", classes);
        Ok(())
    }
}
