//! A small convolutional network for images of a few tens of pixels.

use gifthorse_data::ImageShape;

use crate::Error;
use crate::net::Net;
use crate::net::layers::Layers;

/// Stages of 3x3 convolution, rectifier and 2x2 max pool, then one hidden fully connected layer.
///
/// It is the kind of network that paper 004 uses for small images (its tables VII and VIII), made
/// narrow enough to be trained in seconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SmallCnn {
    /// Shape of the images; each stage halves height and width.
    pub input: ImageShape,
    /// Number of classes, at least two.
    pub classes: usize,
    /// Output channels of each stage, at least one stage.
    pub channels: Vec<usize>,
    /// Features of the hidden layer.
    pub hidden: usize,
}

impl SmallCnn {
    /// Three stages of 16, 32 and 64 channels and 128 hidden features.
    #[must_use]
    pub fn new(input: ImageShape, classes: usize) -> Self {
        Self {
            input,
            classes,
            channels: vec![16, 32, 64],
            hidden: 128,
        }
    }

    /// The network with random weights; the same seed gives the same weights.
    ///
    /// # Errors
    /// [`Error::Net`] if a number is too small to make a network of.
    pub fn build(&self, seed: u64) -> Result<Net, Error> {
        self.check()?;
        let mut layers = Layers::new("small-cnn", self.input, seed);
        layers.normalise(0.5, 0.25);
        for (index, &channels) in self.channels.iter().enumerate() {
            let stage = index + 1;
            layers
                .conv(&format!("conv{stage}"), channels, 3)
                .relu(&format!("conv{stage}.relu"))
                .max_pool(&format!("pool{stage}"));
        }
        layers
            .flatten("flatten")
            .linear("hidden", self.hidden)
            .relu("hidden.relu")
            .head("classes", self.classes)
            .finish(&self.to_string())
    }

    fn check(&self) -> Result<(), Error> {
        let refuse = |reason: String| Err(Error::Net(reason));
        if self.classes < 2 {
            return refuse(format!(
                "{} class(es) leave nothing to tell apart",
                self.classes
            ));
        }
        if self.channels.is_empty() || self.channels.contains(&0) || self.hidden == 0 {
            return refuse(
                "every layer needs at least one output, and there is at least one stage".to_owned(),
            );
        }
        let side = self.input.height.min(self.input.width);
        let smallest = u32::try_from(self.channels.len())
            .ok()
            .and_then(|n| 1_usize.checked_shl(n));
        if smallest.is_none_or(|smallest| side < smallest) || self.input.channels == 0 {
            return refuse(format!(
                "images of {} are too small to be halved {} times",
                self.input,
                self.channels.len()
            ));
        }
        Ok(())
    }
}

impl std::fmt::Display for SmallCnn {
    /// Such as `small-cnn 3x32x32 16-32-64 fc128 fc12`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let channels: Vec<String> = self.channels.iter().map(ToString::to_string).collect();
        write!(
            f,
            "small-cnn {} {} fc{} fc{}",
            self.input,
            channels.join("-"),
            self.hidden,
            self.classes
        )
    }
}
