//! From the tensor that a client sends back to images in [0, 1].

use gifthorse_engine::{Channels, Layout, Preprocess};

use crate::error::Error;

/// How far beyond [0, 1] a pixel may lie that was inside before it was rounded to the tensor's
/// type, and how far apart the channels of a grey image: half a grey level.
const ROUNDING: f32 = 0.5 / 255.0;

/// What images are like once they are a model's input: their preprocessing, undone by
/// [`Form::images`].
///
/// A pixel that lies beyond [0, 1] by no more than half a grey level is moved into it: 16-bit
/// tensors round so far. One further out makes the tensor no image, and the request one that cannot
/// be judged. It is not clipped, since the model would see what the judge did not.
#[derive(Clone, Debug)]
pub struct Form {
    image: [usize; 3],
    layout: Layout,
    channels: Channels,
    scale: Vec<f32>,
    offset: Vec<f32>,
}

/// Why a tensor holds no images.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{0}")]
pub struct NoImage(pub(crate) String);

impl Form {
    /// Images of `image`, channels, height and width, that went through `preprocess`; `layout` is
    /// that of the tensor where `preprocess` does not say it.
    ///
    /// # Errors
    /// [`Error::Setting`] if the preprocessing does not fit these images.
    pub fn new(image: [usize; 3], preprocess: &Preprocess, layout: Layout) -> Result<Self, Error> {
        let unfit = |reason: String| Error::Setting(format!("the preprocessing: {reason}"));
        if image.contains(&0) {
            return Err(unfit(format!("images of {image:?} have no pixels")));
        }
        preprocess
            .check(image[0])
            .map_err(|error| unfit(error.to_string()))?;
        let (scale, offset) = preprocess.affine(image[0]);
        Ok(Self {
            image,
            layout: preprocess.layout.unwrap_or(layout),
            channels: preprocess.channels,
            scale,
            offset,
        })
    }

    /// Channels, height and width of an image.
    #[must_use]
    pub fn image(&self) -> [usize; 3] {
        self.image
    }

    /// Images in a tensor of this shape, if it holds some: `[batch, channels, height, width]` or
    /// `[batch, height, width, channels]`, or one image without the batch axis; also
    /// `[batch, height, width]` of one channel, and `[batch, numbers]`, as flat models take them.
    ///
    /// # Errors
    /// [`NoImage`] if it has another shape.
    pub fn count(&self, shape: &[usize]) -> Result<usize, NoImage> {
        let [channels, height, width] = self.image;
        let image = match self.layout {
            Layout::Nchw => [channels, height, width],
            Layout::Nhwc => [height, width, channels],
        };
        match shape {
            [batch, rest @ ..] if *rest == image => Ok(*batch),
            one if *one == image => Ok(1),
            [batch, rest @ ..] if channels == 1 && *rest == [height, width] => Ok(*batch),
            [batch, flat] if *flat == channels * height * width => Ok(*batch),
            _ => Err(NoImage(format!(
                "the input has the shape {shape:?}, and images are [batch, {}, {}, {}]",
                image[0], image[1], image[2]
            ))),
        }
    }

    /// The images in a tensor: its numbers, row-major, become pixels
    /// `[images, channels, height, width]` in [0, 1], in the channel order of the images.
    ///
    /// # Errors
    /// [`NoImage`] for another shape or count of numbers, and where undoing the preprocessing leads
    /// to what no image is: a pixel outside of [0, 1], or colours where the model takes grey.
    pub fn images(&self, shape: &[usize], numbers: &[f32]) -> Result<Vec<f32>, NoImage> {
        let images = self.count(shape)?;
        let [channels, height, width] = self.image;
        let (plane, size) = (height * width, channels * height * width);
        if images.checked_mul(size) != Some(numbers.len()) {
            return Err(NoImage(format!(
                "the input has {} numbers, which are not what its shape {shape:?} says",
                numbers.len()
            )));
        }
        let mut pixels = vec![0.0; numbers.len()];
        for (from, to) in numbers
            .chunks_exact(size)
            .zip(pixels.chunks_exact_mut(size))
        {
            for channel in 0..channels {
                let target = self.target(channel);
                let out = &mut to[target * plane..][..plane];
                for (place, pixel) in out.iter_mut().enumerate() {
                    let raw = match self.layout {
                        Layout::Nchw => from[channel * plane + place],
                        Layout::Nhwc => from[place * channels + channel],
                    };
                    *pixel = self.undo(channel, raw)?;
                }
            }
            if self.channels == Channels::Grey {
                is_grey(to, plane)?;
            }
        }
        Ok(pixels)
    }

    /// Which channel of the image a channel of the tensor is.
    fn target(&self, channel: usize) -> usize {
        match self.channels {
            Channels::Bgr if self.image[0] == 3 => 2 - channel,
            _ => channel,
        }
    }

    fn undo(&self, channel: usize, raw: f32) -> Result<f32, NoImage> {
        let pixel = (raw - self.offset[channel]) / self.scale[channel];
        if (-ROUNDING..=1.0 + ROUNDING).contains(&pixel) {
            return Ok(pixel.clamp(0.0, 1.0));
        }
        Err(NoImage(format!(
            "the number {raw} in channel {channel} would be a pixel of {pixel}, outside of 0 to 1; \
             the preprocessing of client and guard may differ"
        )))
    }
}

/// A grey image has the same plane in each channel; other weights of its channels would not give
/// what the model was sent.
fn is_grey(image: &[f32], plane: usize) -> Result<(), NoImage> {
    let (first, rest) = image.split_at(plane);
    let alike = rest.chunks_exact(plane).all(|other| {
        let pairs = first.iter().zip(other);
        pairs.into_iter().all(|(a, b)| (a - b).abs() <= ROUNDING)
    });
    if alike {
        return Ok(());
    }
    Err(NoImage(
        "the channels differ, and the model takes grey images".to_owned(),
    ))
}

#[cfg(test)]
mod tests;
