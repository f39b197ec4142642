//! A classifier of images in [0, 1], with its preprocessing.

mod intervention;
mod split;
mod taps;

use std::sync::Arc;

use burn_tensor::{Device, Tensor};
use gifthorse_onnx::{Dim, Graph};
use gifthorse_segment::{alone, is_alone};
use rayon::prelude::*;

use crate::error::Error;
use crate::execute::array::Array;
use crate::layer::Layer;
use crate::lower::{ImageInput, Opening};
use crate::network::Network;
use crate::preprocess::{Layout, Preprocess};
pub use intervention::Intervention;
pub use split::{Head, Tail};
pub use taps::{Feature, Tapped, Taps};

/// A trained image classifier: images `[batch, channels, height, width]` in [0, 1] in,
/// logits `[batch, classes]` out, gradients to the images on the way back.
#[derive(Clone, Debug)]
pub struct Classifier {
    network: Arc<Network>,
    preprocess: Preprocess,
    layout: Layout,
    shape: [usize; 3],
    interventions: Vec<Intervention>,
}

impl Classifier {
    /// Images that go through the model together when only logits are wanted. Fixed, so that
    /// results do not depend on the number of threads.
    pub const EVALUATION_BATCH: usize = 50;

    /// Lowers a graph and works out the shape of its images.
    ///
    /// `size` is height and width, needed only where the file leaves them open.
    ///
    /// # Errors
    /// What the lowering refuses; an input that is not an image; several outputs that could each be
    /// scanned; preprocessing with the wrong number of channels.
    pub fn new(
        graph: Arc<Graph>,
        preprocess: Preprocess,
        size: Option<[usize; 2]>,
        device: &Device,
    ) -> Result<Self, Error> {
        Self::open(graph, preprocess, size, &Opening::default(), device)
    }

    /// As [`new`](Self::new), with what the user says of the file's other inputs and outputs.
    ///
    /// # Errors
    /// As [`new`](Self::new); names that the file does not have.
    pub fn open(
        graph: Arc<Graph>,
        preprocess: Preprocess,
        size: Option<[usize; 2]>,
        opening: &Opening,
        device: &Device,
    ) -> Result<Self, Error> {
        let image = ImageInput::find(&graph, opening)?.of_an_image();
        let declared: Vec<Option<usize>> = match &image.info.shape {
            Some(shape) => shape.iter().skip(1).map(Dim::fixed).collect(),
            None => vec![None; 3],
        };
        let (layout, shape) = image_shape(&declared, preprocess.layout, size)?;
        let raw = match (&declared[..], layout) {
            (&[_], _) => vec![shape.iter().product()],
            (&[Some(1), _], _) => vec![1, shape.iter().product()],
            (&[_, Some(1)], _) => vec![shape.iter().product(), 1],
            (&[_, _], _) => vec![shape[1], shape[2]],
            (_, Layout::Nchw) => shape.to_vec(),
            (_, Layout::Nhwc) => vec![shape[1], shape[2], shape[0]],
        };
        preprocess.check(shape[0])?;
        let network = Network::of_input(graph, image, raw, opening, device.clone())?;
        let network = Arc::new(network);
        Ok(Self {
            network,
            preprocess,
            layout,
            shape,
            interventions: Vec::new(),
        })
    }

    /// The same model under another preprocessing.
    ///
    /// # Errors
    /// Preprocessing with the wrong number of channels.
    pub fn with_preprocess(&self, preprocess: Preprocess) -> Result<Self, Error> {
        preprocess.check(self.shape[0])?;
        Ok(Self {
            preprocess,
            ..self.clone()
        })
    }

    /// Channels, height and width of an image.
    pub fn shape(&self) -> [usize; 3] {
        self.shape
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.network.classes()
    }

    /// The raw model.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// The preprocessing that is applied.
    pub fn preprocess(&self) -> &Preprocess {
        &self.preprocess
    }

    /// The axis order of the model's input.
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// The device that the weights are on.
    pub fn device(&self) -> &Device {
        self.network.device()
    }

    /// Logits `[batch, classes]` of images `[batch, channels, height, width]` in [0, 1];
    /// differentiable.
    ///
    /// # Errors
    /// Images of another shape.
    pub fn logits(&self, images: Tensor<4>) -> Result<Tensor<2>, Error> {
        Ok(self.forward(Array::from_tensor(images))?.into_tensor())
    }

    /// The layers of the model, in the order of computation, the logits last: where features can be
    /// [taken](Self::run), the model be [split](Self::split_at), and channels be
    /// [changed](Self::with).
    ///
    /// # Errors
    /// What the lowering refuses.
    pub fn layers(&self) -> Result<&[Layer], Error> {
        self.network.layers()
    }

    /// The layer of an ONNX name. One value may have several names; its layer is called by the
    /// first.
    ///
    /// # Errors
    /// [`Error::Input`] for a name that no layer has; what the lowering refuses.
    pub fn layer(&self, name: &str) -> Result<&Layer, Error> {
        self.network.layer(name)
    }

    fn forward(&self, images: Array) -> Result<Array, Error> {
        let raw = self.raw(images)?;
        let section = intervention::section(&self.interventions);
        let edits = intervention::edits(&self.interventions);
        Ok(self.network.run(raw, &section, &edits)?.end)
    }

    /// Logits of any number of images, row-major `[images, classes]`, in parallel unless within
    /// [`alone`].
    ///
    /// `pixels` is row-major `[images, channels, height, width]` in [0, 1].
    ///
    /// # Errors
    /// A number of pixels that is no whole number of images.
    pub fn evaluate(&self, pixels: &[f32]) -> Result<Vec<f32>, Error> {
        let size: usize = self.shape.iter().product();
        if !pixels.len().is_multiple_of(size) {
            let reason = format!("{} pixels are not images of {size} each", pixels.len());
            return Err(Error::Input(reason));
        }
        let [channels, height, width] = self.shape;
        let still = self.untracked();
        let run = |part: &[f32]| -> Result<Vec<f32>, Error> {
            let shape = [part.len() / size, channels, height, width];
            let images = Array::from_vec(part.to_vec(), &shape, self.device());
            Ok(still.forward(images)?.into_vec())
        };
        let part = Self::EVALUATION_BATCH * size;
        let parts: Result<Vec<Vec<f32>>, Error> = if is_alone() || pixels.len() <= part {
            pixels.chunks(part).map(run).collect()
        } else {
            let parts = pixels.par_chunks(part);
            parts.map(|part| alone(|| run(part))).collect()
        };
        Ok(parts?.concat())
    }

    /// The class with the largest logit of each image. Logits that are not numbers lose
    /// against all others.
    ///
    /// # Errors
    /// As `evaluate`.
    pub fn predict(&self, pixels: &[f32]) -> Result<Vec<usize>, Error> {
        let logits = self.evaluate(pixels)?;
        Ok(logits.chunks_exact(self.classes()).map(answer_of).collect())
    }

    fn raw(&self, images: Array) -> Result<Array, Error> {
        let shape = images.shape();
        if shape.len() != 4 || shape[1..] != self.shape[..] {
            let reason = format!("images of shape {shape:?} for a model of {:?}", self.shape);
            return Err(Error::Input(reason));
        }
        let pixels = self.preprocess.apply(images);
        let ordered = match self.layout {
            Layout::Nchw => pixels,
            Layout::Nhwc => pixels.permute(&[0, 2, 3, 1]),
        };
        let mut raw = vec![shape[0]];
        raw.extend(self.network.input());
        Ok(ordered.reshape(&raw))
    }
}

/// The class that the logits of an image give it: that of the largest, the first of equals. Those
/// that are not numbers lose against all others.
#[must_use]
pub fn answer_of(row: &[f32]) -> usize {
    let mut best = 0;
    for (i, &value) in row.iter().enumerate() {
        if value > row[best] || (row[best].is_nan() && !value.is_nan()) {
            best = i;
        }
    }
    best
}

/// Layout and `[channels, height, width]` from what the file declares and the user says.
fn image_shape(
    declared: &[Option<usize>],
    layout: Option<Layout>,
    size: Option<[usize; 2]>,
) -> Result<(Layout, [usize; 3]), Error> {
    let colours = |n: Option<usize>| matches!(n, Some(1 | 3));
    match *declared {
        [a, b, c] => {
            let layout = layout.unwrap_or(if colours(c) && !colours(a) {
                Layout::Nhwc
            } else {
                Layout::Nchw
            });
            let (channels, height, width) = match layout {
                Layout::Nchw => (a, b, c),
                Layout::Nhwc => (c, a, b),
            };
            let channels = channels.unwrap_or(3);
            if !matches!(channels, 1 | 3) {
                let reason = format!("images with {channels} channels; 1 or 3 are supported");
                return Err(Error::NotAClassifier(reason));
            }
            let height = height.or(size.map(|s| s[0]));
            let width = width.or(size.map(|s| s[1]));
            match (height, width) {
                (Some(h), Some(w)) if h > 0 && w > 0 => Ok((layout, [channels, h, w])),
                _ => Err(open_size()),
            }
        }
        // One axis for height and one for width: grey, without an axis for the colour.
        [height, width] if height != Some(1) && width != Some(1) => {
            let height = height.or(size.map(|s| s[0]));
            let width = width.or(size.map(|s| s[1]));
            match (height, width) {
                (Some(h), Some(w)) if h > 0 && w > 0 => Ok((Layout::Nchw, [1, h, w])),
                _ => Err(open_size()),
            }
        }
        [Some(flat)] | [Some(flat), Some(1)] | [Some(1), Some(flat)] => {
            let side = |pixels: usize| pixels.isqrt().pow(2) == pixels && pixels > 0;
            let layout = layout.unwrap_or(Layout::Nchw);
            match size {
                Some([h, w]) if h * w == flat => Ok((layout, [1, h, w])),
                Some([h, w]) if h * w * 3 == flat => Ok((layout, [3, h, w])),
                None if side(flat) => Ok((layout, [1, flat.isqrt(), flat.isqrt()])),
                None if flat.is_multiple_of(3) && side(flat / 3) => {
                    Ok((layout, [3, (flat / 3).isqrt(), (flat / 3).isqrt()]))
                }
                _ => Err(Error::Input(format!(
                    "the model takes {flat} numbers; give the image's size with --input-size HxW"
                ))),
            }
        }
        _ => Err(Error::NotAClassifier(format!(
            "its input has {} axes beside the batch; an image has three",
            declared.len()
        ))),
    }
}

fn open_size() -> Error {
    Error::Input(
        "the file leaves the size of its images open; give it with --input-size HxW".to_string(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_layout_is_found_where_the_shape_says_it() {
        let shape = |d: [usize; 3]| image_shape(&d.map(Some), None, None).unwrap();
        assert_eq!(shape([3, 32, 30]), (Layout::Nchw, [3, 32, 30]));
        assert_eq!(shape([32, 30, 3]), (Layout::Nhwc, [3, 32, 30]));
        assert_eq!(shape([28, 28, 1]), (Layout::Nhwc, [1, 28, 28]));
    }

    #[test]
    fn flat_inputs_are_square_images() {
        assert_eq!(
            image_shape(&[Some(784)], None, None).unwrap().1,
            [1, 28, 28]
        );
        assert_eq!(
            image_shape(&[Some(3072)], None, None).unwrap().1,
            [3, 32, 32]
        );
        assert!(image_shape(&[Some(770)], None, None).is_err());
        for flat in [[Some(784), Some(1)], [Some(1), Some(784)]] {
            assert_eq!(image_shape(&flat, None, None).unwrap().1, [1, 28, 28]);
        }
    }

    #[test]
    fn two_axes_are_height_and_width() {
        let shape = image_shape(&[Some(28), Some(30)], None, None).unwrap();
        assert_eq!(shape, (Layout::Nchw, [1, 28, 30]));
        let given = image_shape(&[None, None], None, Some([8, 9])).unwrap();
        assert_eq!(given.1, [1, 8, 9]);
        assert!(image_shape(&[None, Some(4)], None, None).is_err());
    }

    #[test]
    fn logits_that_are_not_numbers_never_win() {
        assert_eq!(answer_of(&[f32::NAN, 1.0, 2.0]), 2);
        assert_eq!(answer_of(&[3.0, f32::NAN, 3.0]), 0);
    }
}
