//! What happens to an image between [0, 1] pixels and the model's raw input.

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::execute::array::Array;

/// Range of pixel values that the model was trained on, before mean and deviation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum PixelRange {
    /// 0 to 1.
    #[default]
    #[serde(rename = "0..1")]
    Unit,
    /// 0 to 255.
    #[serde(rename = "0..255")]
    Byte,
    /// -1 to 1.
    #[serde(rename = "-1..1")]
    Signed,
}

/// Order of colour channels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Channels {
    /// Red, green, blue.
    #[default]
    Rgb,
    /// Blue, green, red.
    Bgr,
    /// Luminance, in every channel that the model has.
    Grey,
}

/// Order of the axes of the model's input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Layout {
    /// `[batch, channels, height, width]`
    Nchw,
    /// `[batch, height, width, channels]`
    Nhwc,
}

/// Preprocessing outside the model file: `(pixel in range - mean) / std`, then channel
/// order and layout.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Preprocess {
    /// Range of pixel values.
    pub range: PixelRange,
    /// Taken off, in units of the range: one number, or one per channel. Empty is 0.
    pub mean: Vec<f32>,
    /// Divided by, in units of the range: one number, or one per channel. Empty is 1.
    pub std: Vec<f32>,
    /// Order of colour channels that the model takes.
    pub channels: Channels,
    /// Axis order of the input; found from the model's shape if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layout: Option<Layout>,
}

impl Preprocess {
    /// Whether the numbers make sense for images of `channels` channels.
    ///
    /// # Errors
    /// `Error::Input` naming the setting that does not fit.
    pub fn check(&self, channels: usize) -> Result<(), Error> {
        for (name, values) in [("mean", &self.mean), ("std", &self.std)] {
            if !matches!(values.len(), 0 | 1) && values.len() != channels {
                let found = values.len();
                let reason =
                    format!("{name} has {found} numbers for a model of {channels} channel(s)");
                return Err(Error::Input(reason));
            }
            if values.iter().any(|v| !v.is_finite()) {
                return Err(Error::Input(format!("{name} is not finite: {values:?}")));
            }
        }
        if self.std.iter().any(|&s| s <= 0.0) {
            return Err(Error::Input(format!(
                "std has to be above zero: {:?}",
                self.std
            )));
        }
        Ok(())
    }

    /// Scale and offset per channel: `raw = scale * pixel + offset`.
    pub fn affine(&self, channels: usize) -> (Vec<f32>, Vec<f32>) {
        let at = |values: &[f32], i: usize, default: f32| match values {
            [] => default,
            [one] => *one,
            many => many[i],
        };
        let (scale, offset) = match self.range {
            PixelRange::Unit => (1.0, 0.0),
            PixelRange::Byte => (255.0, 0.0),
            PixelRange::Signed => (2.0, -1.0),
        };
        (0..channels)
            .map(|i| {
                let (mean, std) = (at(&self.mean, i, 0.0), at(&self.std, i, 1.0));
                (scale / std, (offset - mean) / std)
            })
            .unzip()
    }

    /// Applies everything but the layout to `[batch, channels, height, width]` pixels in
    /// [0, 1]. Mean and deviation are in the model's channel order.
    pub fn apply(&self, pixels: Array) -> Array {
        let shape = pixels.shape();
        let [batch, channels, height, width] = shape[..] else {
            return pixels;
        };
        let ordered = match self.channels {
            Channels::Bgr if channels == 3 => pixels.select(1, &[2, 1, 0]),
            Channels::Grey if channels == 3 => {
                // ITU-R BT.601 luminance, as image libraries convert.
                let weights = vec![0.299, 0.587, 0.114];
                let device = pixels.device();
                let weights = Array::from_vec(weights, &[1, 3, 1, 1], &device);
                pixels
                    .mul(weights)
                    .sum(1)
                    .expand(&[batch, 3, height, width])
            }
            _ => pixels,
        };
        let (scale, offset) = self.affine(channels);
        if scale.iter().all(|&s| s == 1.0) && offset.iter().all(|&o| o == 0.0) {
            return ordered;
        }
        let device = ordered.device();
        let scale = Array::from_vec(scale, &[1, channels, 1, 1], &device);
        let offset = Array::from_vec(offset, &[1, channels, 1, 1], &device);
        ordered.mul(scale).add(offset)
    }
}
