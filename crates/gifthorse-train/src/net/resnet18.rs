//! ResNet-18 as it is used on CIFAR.

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::net::{Architecture, Conv, Layers};

/// A 3x3 convolution, four stages of two residual blocks with 1, 2, 4 and 8 times its channels, the
/// mean of each channel, and one fully connected layer. Each convolution has a batch normalisation
/// and no bias. Images may be of any size.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ResNet18 {
    /// Channels of the first stage.
    pub width: usize,
}

impl Default for ResNet18 {
    /// 64 channels.
    fn default() -> Self {
        Self { width: 64 }
    }
}

impl Architecture for ResNet18 {
    fn title(&self) -> String {
        format!("resnet18 width {}", self.width)
    }

    fn lay(&self, layers: &mut Layers, classes: usize) -> Result<(), Error> {
        layers.normalise(0.5, 0.25);
        normalised(layers, "conv1", Conv::same(self.width, 3));
        layers.relu("conv1.relu");
        stages(layers, self.width, block);
        layers.global_average("pool").head("fc", classes);
        Ok(())
    }
}

/// Four stages of two blocks; `block` adds one, of a name, channels and a stride.
pub fn stages(layers: &mut Layers, width: usize, block: fn(&mut Layers, &str, usize, usize)) {
    for (stage, stride) in [1, 2, 2, 2].into_iter().enumerate() {
        for (number, stride) in [(1, stride), (2, 1)] {
            let name = format!("block{}_{number}", stage + 1);
            block(layers, &name, width << stage, stride);
        }
    }
}

/// Two convolutions, to which what came in is added; through a convolution of one pixel if the
/// shape changes.
fn block(layers: &mut Layers, name: &str, channels: usize, stride: usize) {
    let start = layers.here();
    let changes = stride != 1 || layers.shape()[0] != channels;
    normalised(
        layers,
        &format!("{name}.conv1"),
        Conv::same(channels, 3).stride(stride),
    );
    layers.relu(&format!("{name}.relu1"));
    normalised(layers, &format!("{name}.conv2"), Conv::same(channels, 3));
    let mut other = start.clone();
    if changes {
        let main = layers.here();
        layers.from(&start);
        let shortcut = Conv::valid(channels, 1).stride(stride);
        normalised(layers, &format!("{name}.shortcut"), shortcut);
        other = layers.here();
        layers.from(&main);
    }
    layers
        .add(&format!("{name}.add"), &other)
        .relu(&format!("{name}.relu2"));
}

fn normalised(layers: &mut Layers, name: &str, conv: Conv) {
    layers
        .convolve(name, conv.no_bias())
        .batch_norm(&format!("{name}.norm"));
}
