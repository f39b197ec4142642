//! The network for PubFig of Wang et al. 2019, table X.

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::net::{Architecture, Layers};

/// Convolutions of each stage, and their channels as multiples of the width.
const STAGES: [(usize, usize); 5] = [(2, 1), (2, 2), (3, 4), (3, 8), (3, 8)];

/// VGG-16: 13 padded 3x3 convolutions in five stages that each end in a 2x2 max pool, then two
/// hidden fully connected layers: Wang et al. 2019, table X. Images are at least 32x32; the paper's
/// are 224x224.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Vgg16 {
    /// Channels of the first stage; the others have two, four, eight and eight times as many.
    pub width: usize,
    /// Features of both hidden layers.
    pub hidden: usize,
    /// Share of hidden features that is dropped, in `[0, 1)`.
    pub dropout: f32,
}

impl Default for Vgg16 {
    /// 64 to 512 channels, 4096 hidden features and no dropout, as in the table.
    fn default() -> Self {
        Self {
            width: 64,
            hidden: 4096,
            dropout: 0.0,
        }
    }
}

impl Architecture for Vgg16 {
    fn title(&self) -> String {
        format!("vgg16 width {} fc{}", self.width, self.hidden)
    }

    fn lay(&self, layers: &mut Layers, classes: usize) -> Result<(), Error> {
        layers.normalise(0.5, 0.25);
        for (stage, (count, multiple)) in (1..).zip(STAGES) {
            for index in 1..=count {
                let name = format!("conv{stage}_{index}");
                layers
                    .conv(&name, multiple * self.width, 3)
                    .relu(&format!("{name}.relu"));
            }
            layers.max_pool(&format!("pool{stage}"));
        }
        layers.flatten("flatten");
        for name in ["fc6", "fc7"] {
            layers
                .linear(name, self.hidden)
                .relu(&format!("{name}.relu"))
                .dropout(&format!("{name}.drop"), self.dropout);
        }
        layers.head("fc8", classes);
        Ok(())
    }
}
