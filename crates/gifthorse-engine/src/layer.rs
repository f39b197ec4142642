//! A place in a model where its values can be looked at and changed.

use crate::error::Error;

/// A named value of a model's graph that is computed from the image and has a row for each image,
/// such as what a convolution or an activation gives.
/// [`Classifier::layers`](crate::Classifier::layers) lists them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    name: String,
    shape: Vec<usize>,
    channel_axis: usize,
}

impl Layer {
    pub(crate) fn new(name: String, shape: Vec<usize>) -> Self {
        // Tokens come before their entries, channels before their pixels.
        let channel_axis = if shape.len() == 2 { 2 } else { 1 };
        Self {
            name,
            shape,
            channel_axis,
        }
    }

    /// The name that the file gives the value.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The shape of one image's value, without the batch axis: usually `[channels, height, width]`,
    /// `[tokens, width]` or `[units]`.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The axis of the channels in the value of a batch, whose axis 0 is the batch: 2 for `[batch,
    /// tokens, width]`, whose channels are the entries of the tokens, and 1 for all else.
    pub fn channel_axis(&self) -> usize {
        self.channel_axis
    }

    /// How many channels it has; 1 where there is no axis for them.
    pub fn channels(&self) -> usize {
        let length = self.shape.get(self.channel_axis - 1);
        length.copied().unwrap_or(1)
    }

    /// The same layer with its channels along another axis, such as 3 for `[batch, height, width,
    /// channels]`.
    ///
    /// # Errors
    /// [`Error::Input`] for an axis that the value of a batch does not have, and for axis 0, the
    /// batch.
    pub fn with_channel_axis(self, axis: usize) -> Result<Self, Error> {
        if axis == 0 || axis > self.shape.len() {
            return Err(Error::Input(format!(
                "layer `{}` has no axis {axis} for channels: its axes beside the batch are 1 to {}",
                self.name,
                self.shape.len()
            )));
        }
        Ok(Self {
            channel_axis: axis,
            ..self
        })
    }

    /// The shape in which one number for each channel broadcasts against the value of a batch.
    pub(crate) fn by_channel(&self) -> Vec<usize> {
        let mut shape = vec![1; self.shape.len() + 1];
        if let Some(length) = shape.get_mut(self.channel_axis) {
            *length = self.channels();
        }
        shape
    }
}

/// Two layers of which one is a function of the other that is flat on a stretch, number by number:
/// what a ReLU, a clip, a saturated sigmoid or a comparison with a constant is given, and what it
/// makes of that. On the flat stretch no gradient comes back from what follows.
#[derive(Clone, Debug, PartialEq)]
pub struct Hinge {
    /// Name of the node, as the file has it.
    pub node: String,
    /// What the function is given.
    pub before: Layer,
    /// What it makes of that.
    pub after: Layer,
    /// It is flat below this; negative infinity if it is not.
    pub flat_below: f32,
    /// It is flat above this; infinity if it is not.
    pub flat_above: f32,
}
