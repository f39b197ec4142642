//! The network for MNIST of Wang et al. 2019, table VII.

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::net::{Architecture, Conv, Layers};

/// Two stages of 5x5 convolution without padding and 2x2 max pool, then one hidden fully connected
/// layer: Wang et al. 2019, table VII. Images are at least 16x16.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Table7 {
    /// Output channels of the two convolutions.
    pub channels: [usize; 2],
    /// Features of the hidden layer.
    pub hidden: usize,
}

impl Default for Table7 {
    /// 16 and 32 channels, 512 hidden features, as in the table.
    fn default() -> Self {
        Self {
            channels: [16, 32],
            hidden: 512,
        }
    }
}

impl Architecture for Table7 {
    fn title(&self) -> String {
        let [first, second] = self.channels;
        format!("table7 {first}-{second} fc{}", self.hidden)
    }

    fn lay(&self, layers: &mut Layers, classes: usize) -> Result<(), Error> {
        two_stages(layers, self.channels, self.hidden, classes);
        Ok(())
    }
}

/// The layers of such a network.
pub fn two_stages(layers: &mut Layers, channels: [usize; 2], hidden: usize, classes: usize) {
    layers.normalise(0.5, 0.25);
    for (stage, channels) in (1..).zip(channels) {
        layers
            .convolve(&format!("conv{stage}"), Conv::valid(channels, 5))
            .relu(&format!("conv{stage}.relu"))
            .max_pool(&format!("pool{stage}"));
    }
    layers
        .flatten("flatten")
        .linear("fc1", hidden)
        .relu("fc1.relu")
        .head("fc2", classes);
}
