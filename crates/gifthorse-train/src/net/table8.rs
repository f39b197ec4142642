//! The network for GTSRB of Wang et al. 2019, table VIII.

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::net::{Architecture, Conv, Layers};

/// Three stages of two 3x3 convolutions, the first padded and the second not, 2x2 max pool and
/// dropout, then one hidden fully connected layer with dropout: Wang et al. 2019, table VIII. The
/// table leaves out padding and dropout, which its authors' code has. Images are at least 22x22.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Table8 {
    /// Output channels of both convolutions of each stage.
    pub channels: [usize; 3],
    /// Features of the hidden layer.
    pub hidden: usize,
    /// Share of values that is dropped after each pool, in `[0, 1)`.
    pub dropout: f32,
    /// Share of hidden features that is dropped, in `[0, 1)`.
    pub hidden_dropout: f32,
}

impl Default for Table8 {
    /// 32, 64 and 128 channels and 512 hidden features, as in the table; dropout of 0.2 and 0.5.
    fn default() -> Self {
        Self {
            channels: [32, 64, 128],
            hidden: 512,
            dropout: 0.2,
            hidden_dropout: 0.5,
        }
    }
}

impl Architecture for Table8 {
    fn title(&self) -> String {
        let [first, second, third] = self.channels;
        format!("table8 {first}-{second}-{third} fc{}", self.hidden)
    }

    fn lay(&self, layers: &mut Layers, classes: usize) -> Result<(), Error> {
        layers.normalise(0.5, 0.25);
        for (stage, channels) in (1..).zip(self.channels) {
            layers
                .convolve(&format!("conv{stage}a"), Conv::same(channels, 3))
                .relu(&format!("conv{stage}a.relu"))
                .convolve(&format!("conv{stage}b"), Conv::valid(channels, 3))
                .relu(&format!("conv{stage}b.relu"))
                .max_pool(&format!("pool{stage}"))
                .dropout(&format!("drop{stage}"), self.dropout);
        }
        layers
            .flatten("flatten")
            .linear("fc1", self.hidden)
            .relu("fc1.relu")
            .dropout("fc1.drop", self.hidden_dropout)
            .head("fc2", classes);
        Ok(())
    }
}
