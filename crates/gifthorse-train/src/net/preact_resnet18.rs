//! ResNet-18 with its normalisations before its convolutions, as WaNet uses it.

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::net::resnet18::stages;
use crate::net::{Architecture, Conv, Layers};

/// [`ResNet18`](crate::net::ResNet18) whose blocks normalise and rectify before each convolution.
/// There is neither normalisation nor rectifier between the last block and the mean. Images may be
/// of any size.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PreActResNet18 {
    /// Channels of the first stage.
    pub width: usize,
}

impl Default for PreActResNet18 {
    /// 64 channels.
    fn default() -> Self {
        Self { width: 64 }
    }
}

impl Architecture for PreActResNet18 {
    fn title(&self) -> String {
        format!("preact-resnet18 width {}", self.width)
    }

    fn lay(&self, layers: &mut Layers, classes: usize) -> Result<(), Error> {
        layers.normalise(0.5, 0.25);
        layers.convolve("conv1", Conv::same(self.width, 3).no_bias());
        stages(layers, self.width, block);
        layers.global_average("pool").head("fc", classes);
        Ok(())
    }
}

/// Two convolutions, to which what came in is added; if the shape changes, what was rectified goes
/// through a convolution of one pixel instead.
fn block(layers: &mut Layers, name: &str, channels: usize, stride: usize) {
    let mut other = layers.here();
    let changes = stride != 1 || layers.shape()[0] != channels;
    layers
        .batch_norm(&format!("{name}.norm1"))
        .relu(&format!("{name}.relu1"));
    if changes {
        let active = layers.here();
        let shortcut = Conv::valid(channels, 1).stride(stride).no_bias();
        layers.convolve(&format!("{name}.shortcut"), shortcut);
        other = layers.here();
        layers.from(&active);
    }
    let first = Conv::same(channels, 3).stride(stride).no_bias();
    let second = Conv::same(channels, 3).no_bias();
    layers
        .convolve(&format!("{name}.conv1"), first)
        .batch_norm(&format!("{name}.norm2"))
        .relu(&format!("{name}.relu2"))
        .convolve(&format!("{name}.conv2"), second)
        .add(&format!("{name}.add"), &other);
}
