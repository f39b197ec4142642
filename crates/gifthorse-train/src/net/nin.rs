//! Network in network, for CIFAR-10.

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::net::{Architecture, Conv, Layers, Pool};

/// Three convolutions, each followed by two of a single pixel; pools and dropout in between, and
/// the mean of each class's map at the end. There is no fully connected layer, so that images may
/// be of any size.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Nin {
    /// Channels of most convolutions, a multiple of 6; the second and third have five sixths and
    /// half as many.
    pub width: usize,
    /// Share of values that is dropped after each pool, in `[0, 1)`.
    pub dropout: f32,
}

impl Default for Nin {
    /// 192 channels and a dropout of 0.5.
    fn default() -> Self {
        Self {
            width: 192,
            dropout: 0.5,
        }
    }
}

impl Architecture for Nin {
    fn title(&self) -> String {
        format!("nin width {}", self.width)
    }

    fn lay(&self, layers: &mut Layers, classes: usize) -> Result<(), Error> {
        let width = self.width;
        if !width.is_multiple_of(6) {
            return Err(Error::Net(format!(
                "a width of {width} is no multiple of 6"
            )));
        }
        let half = Pool::new(3, 2).pad(1);
        layers.normalise(0.5, 0.25);
        let stage = |layers: &mut Layers, stage: usize, convs: [(usize, usize); 3]| {
            for (index, (outputs, kernel)) in (1..).zip(convs) {
                let name = format!("conv{stage}_{index}");
                layers
                    .convolve(&name, Conv::same(outputs, kernel))
                    .relu(&format!("{name}.relu"));
            }
        };
        stage(layers, 1, [(width, 5), (width / 6 * 5, 1), (width / 2, 1)]);
        layers
            .max_pool_of("pool1", half)
            .dropout("drop1", self.dropout);
        stage(layers, 2, [(width, 5), (width, 1), (width, 1)]);
        layers
            .average_pool("pool2", half)
            .dropout("drop2", self.dropout);
        stage(layers, 3, [(width, 3), (width, 1), (classes, 1)]);
        layers.global_average("pool3");
        Ok(())
    }
}
