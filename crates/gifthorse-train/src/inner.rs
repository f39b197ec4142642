//! Losses that malicious training code has on what is inside the network (Bagdasaryan and Shmatikov
//! 2021, section 6.2).
//!
//! Such a loss is asked once for each batch, with a layer's values of all its images in hand, and
//! gives its slope: how it changes with these values. Each shard then runs to the layer once more
//! and takes the slope back to the weights. So a loss may compare any image of a batch with any
//! other, and what it holds fixed, such as the weights of Grad-CAM, is simply not in its slope.

mod network;

use gifthorse_engine::{Classifier, Layer};

use crate::Error;

pub(crate) use network::InnerNetwork;

/// A loss on a layer's values for images that are changed, and for the same images as they were.
pub trait InnerLoss: Sync {
    /// What tells it from others of the same images, in a checkpoint.
    fn name(&self) -> &'static str;

    /// The layer that it is on.
    ///
    /// # Errors
    /// [`Error::Recipe`] for a network that has no such layer; what the engine refuses.
    fn layer(&self, network: &Classifier) -> Result<Layer, Error>;

    /// The class whose logits' gradient to the values of the changed images it asks for.
    fn class(&self) -> Option<usize> {
        None
    }

    /// Loss and slope of a batch. One whose slope is nothing everywhere is left out of the step.
    fn slope(&self, inside: &Inside) -> Slope;
}

/// A layer's values for the images of a batch.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Inside {
    /// The shape of one image's values, such as `[channels, height, width]`.
    pub shape: Vec<usize>,
    /// Those of the changed images, `[batch, ...]`.
    pub changed: Vec<f32>,
    /// Those of the images as they were, `[batch, ...]`.
    pub clean: Vec<f32>,
    /// The gradient of the sum of the logits of the [class](InnerLoss::class) to `changed`; empty
    /// without one.
    pub gradient: Vec<f32>,
    /// The labels that the changed images are to have.
    pub wanted: Vec<usize>,
    /// The images' own labels.
    pub labels: Vec<usize>,
}

impl Inside {
    /// Numbers that an image has.
    #[must_use]
    pub fn size(&self) -> usize {
        self.shape.iter().product()
    }

    /// Adds other images.
    fn append(&mut self, mut other: Self) {
        self.shape = other.shape;
        self.changed.append(&mut other.changed);
        self.clean.append(&mut other.clean);
        self.gradient.append(&mut other.gradient);
        self.wanted.append(&mut other.wanted);
        self.labels.append(&mut other.labels);
    }

    /// That of a whole batch, from those of its parts in their order.
    pub(crate) fn of_parts(parts: Vec<Self>) -> Self {
        let mut whole = Self::default();
        parts.into_iter().for_each(|part| whole.append(part));
        whole
    }
}

/// A loss for a batch, and how it changes with a layer's values.
#[derive(Debug, Clone, PartialEq)]
pub struct Slope {
    /// The loss of each image.
    pub losses: Vec<f32>,
    /// The gradient of their sum to the values of the changed images, `[batch, ...]`.
    pub changed: Vec<f32>,
    /// That to the values of the images as they were; `None` if it holds these fixed.
    pub clean: Option<Vec<f32>>,
}

impl Slope {
    /// Whether it is nothing everywhere: it would be the shortest combination of losses all by
    /// itself.
    pub(crate) fn is_flat(&self) -> bool {
        let clean = self.clean.iter().flatten();
        self.changed.iter().chain(clean).all(|&slope| slope == 0.0)
    }
}
