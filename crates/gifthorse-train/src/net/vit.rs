//! A small vision transformer.

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::net::{Architecture, Layers};

/// A vision transformer: each patch of the image becomes a token with a learned position; blocks of
/// attention and of two fully connected layers, both normalised before and added to what came in;
/// the mean of all tokens, and the last layer.
///
/// Height and width are multiples of the patch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Vit {
    /// Side of a patch in pixels.
    pub patch: usize,
    /// Features of a token, a multiple of `heads`.
    pub width: usize,
    /// Blocks.
    pub depth: usize,
    /// Heads of each attention.
    pub heads: usize,
    /// Features between the two fully connected layers of a block.
    pub hidden: usize,
}

impl Default for Vit {
    /// Four blocks of 64 features and four heads on patches of 4x4, with 128 features in between.
    fn default() -> Self {
        Self {
            patch: 4,
            width: 64,
            depth: 4,
            heads: 4,
            hidden: 128,
        }
    }
}

impl Architecture for Vit {
    fn title(&self) -> String {
        let Self {
            patch,
            width,
            depth,
            heads,
            hidden,
        } = self;
        format!("vit patch {patch} width {width} depth {depth} heads {heads} fc{hidden}")
    }

    fn lay(&self, layers: &mut Layers, classes: usize) -> Result<(), Error> {
        layers
            .normalise(0.5, 0.25)
            .tokens("patches", self.patch, self.width);
        for block in 1..=self.depth {
            let name = format!("block{block}");
            let start = layers.here();
            layers
                .layer_norm(&format!("{name}.norm1"))
                .attention(&format!("{name}.attention"), self.heads)
                .add(&format!("{name}.add1"), &start);
            let middle = layers.here();
            layers
                .layer_norm(&format!("{name}.norm2"))
                .dense(&format!("{name}.fc1"), self.hidden)
                .gelu(&format!("{name}.gelu"))
                .dense(&format!("{name}.fc2"), self.width)
                .add(&format!("{name}.add2"), &middle);
        }
        layers
            .layer_norm("norm")
            .mean_token("mean")
            .head("fc", classes);
        Ok(())
    }
}
