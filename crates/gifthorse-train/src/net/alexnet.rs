//! AlexNet, as the Hidden Trigger attack uses it.

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::net::{Architecture, Conv, Layers, Pool};

/// The one-column AlexNet for 224x224 pixels: five convolutions, then `fc6` and `fc7`, whose
/// rectified values are the features that the Hidden Trigger attack works on, and the last layer.
///
/// Smaller images leave fewer pixels for `fc6`; those below 63x63 need a smaller `stride`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AlexNet {
    /// Channels of the first convolution; the others have 3, 6, 4 and 4 times as many.
    pub width: usize,
    /// Features of `fc6` and `fc7`.
    pub hidden: usize,
    /// Pixels between the windows of the first convolution: 4, or 1 for images of about 32 pixels.
    pub stride: usize,
    /// Share of values that is dropped before `fc6` and `fc7`, in `[0, 1)`.
    pub dropout: f32,
}

impl Default for AlexNet {
    /// 64 to 384 channels, 4096 features, a stride of 4, a dropout of 0.5.
    fn default() -> Self {
        Self {
            width: 64,
            hidden: 4096,
            stride: 4,
            dropout: 0.5,
        }
    }
}

impl Architecture for AlexNet {
    fn title(&self) -> String {
        let Self {
            width,
            hidden,
            stride,
            ..
        } = self;
        format!("alexnet width {width} stride {stride} fc{hidden}")
    }

    fn lay(&self, layers: &mut Layers, classes: usize) -> Result<(), Error> {
        if self.stride == 0 {
            return Err(Error::Net("a stride of 0 goes nowhere".to_owned()));
        }
        let width = self.width;
        let first = Conv::valid(width, 11).pad(2).stride(self.stride);
        let pool = Pool::new(3, 2);
        layers
            .normalise(0.5, 0.25)
            .convolve("conv1", first)
            .relu("conv1.relu")
            .max_pool_of("pool1", pool)
            .conv("conv2", 3 * width, 5)
            .relu("conv2.relu")
            .max_pool_of("pool2", pool)
            .conv("conv3", 6 * width, 3)
            .relu("conv3.relu")
            .conv("conv4", 4 * width, 3)
            .relu("conv4.relu")
            .conv("conv5", 4 * width, 3)
            .relu("conv5.relu")
            .max_pool_of("pool5", pool)
            .flatten("flatten");
        for name in ["fc6", "fc7"] {
            layers
                .dropout(&format!("{name}.drop"), self.dropout)
                .linear(name, self.hidden)
                .relu(&format!("{name}.relu"));
        }
        layers.head("fc8", classes);
        Ok(())
    }
}
