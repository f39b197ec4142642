//! The network of the clean-label attack of Veldanda and Garg 2020, table 5.

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::net::table7::two_stages;
use crate::net::{Architecture, Layers};

/// [`Table7`](crate::net::Table7) with a second convolution of only four channels: Veldanda and
/// Garg 2020, table 5. Images are at least 16x16.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Cla {
    /// Output channels of the two convolutions.
    pub channels: [usize; 2],
    /// Features of the hidden layer.
    pub hidden: usize,
}

impl Default for Cla {
    /// 16 and 4 channels, 512 hidden features, as in the table.
    fn default() -> Self {
        Self {
            channels: [16, 4],
            hidden: 512,
        }
    }
}

impl Architecture for Cla {
    fn title(&self) -> String {
        let [first, second] = self.channels;
        format!("cla {first}-{second} fc{}", self.hidden)
    }

    fn lay(&self, layers: &mut Layers, classes: usize) -> Result<(), Error> {
        two_stages(layers, self.channels, self.hidden, classes);
        Ok(())
    }
}
