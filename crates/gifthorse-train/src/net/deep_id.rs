//! The face network of Wang et al. 2019, table IX.

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::net::{Architecture, Conv, Layers};

/// DeepID for faces of 47x55 pixels and any number of people: Wang et al. 2019, table IX. Two fully
/// connected layers, one on the third pool and one on the convolution after it, are added up before
/// the last.
///
/// The table's stride of 2 for the first three convolutions is impossible on such images; networks
/// of this kind that are around have 1. Images are at least 31x31.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DeepId {
    /// Output channels of the four convolutions.
    pub channels: [usize; 4],
    /// Features of both fully connected layers.
    pub features: usize,
}

impl Default for DeepId {
    /// 20, 40, 60 and 80 channels, 160 features, as in the table.
    fn default() -> Self {
        Self {
            channels: [20, 40, 60, 80],
            features: 160,
        }
    }
}

impl Architecture for DeepId {
    fn title(&self) -> String {
        let [first, second, third, fourth] = self.channels;
        format!(
            "deep-id {first}-{second}-{third}-{fourth} fc{}",
            self.features
        )
    }

    fn lay(&self, layers: &mut Layers, classes: usize) -> Result<(), Error> {
        let [first, second, third, fourth] = self.channels;
        layers.normalise(0.5, 0.25);
        for (stage, conv) in [
            (1, Conv::valid(first, 4)),
            (2, Conv::valid(second, 3)),
            (3, Conv::valid(third, 3)),
        ] {
            layers
                .convolve(&format!("conv{stage}"), conv)
                .relu(&format!("conv{stage}.relu"))
                .max_pool(&format!("pool{stage}"));
        }
        let pool3 = layers.here();
        layers.flatten("flatten1").linear("fc1", self.features);
        let fc1 = layers.here();
        layers
            .from(&pool3)
            .convolve("conv4", Conv::valid(fourth, 2))
            .relu("conv4.relu")
            .flatten("flatten2")
            .linear("fc2", self.features)
            .add("add1", &fc1)
            .relu("add1.relu")
            .head("fc3", classes);
        Ok(())
    }
}
