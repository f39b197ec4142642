//! Putting triggers on images.

use std::fmt;
use std::sync::Arc;

use gifthorse_data::{ImageShape, Images};
use rand_chacha::ChaCha8Rng;

use crate::Error;
use crate::random::Purpose;
use crate::trigger::TriggerError;

/// A change to images that a backdoor answers to.
pub trait Trigger: Send + Sync {
    /// Its `kind`, as errors name it.
    fn name(&self) -> &'static str;

    /// Makes it ready for images of one shape. All that can be wrong comes to light here.
    ///
    /// # Errors
    /// [`TriggerError`] if the trigger does not fit such images or has a setting that makes no
    /// sense.
    fn fit(&self, shape: ImageShape) -> Result<Stamp, TriggerError>;

    /// Puts the trigger on one image, `[channels, height, width]` in `[0, 1]`, which stays there.
    /// What it leaves to chance, such as its place, is drawn from `rng`. For many images,
    /// [`Trigger::fit`] once.
    ///
    /// # Errors
    /// [`TriggerError`] as [`Trigger::fit`], or if `image` is not of that shape.
    fn apply(
        &self,
        image: &mut [f32],
        shape: ImageShape,
        rng: &mut ChaCha8Rng,
    ) -> Result<(), TriggerError> {
        if image.len() != shape.values() || image.is_empty() {
            return Err(TriggerError::NotAnImage {
                found: image.len(),
                shape,
            });
        }
        self.fit(shape)?.put(image, rng);
        Ok(())
    }
}

type Change = dyn Fn(&mut [f32], &mut ChaCha8Rng) + Send + Sync;

/// A trigger that is ready for images of one shape.
#[derive(Clone)]
pub struct Stamp(Arc<Change>);

impl Stamp {
    /// A stamp that does this to an image, which has the shape that the trigger was fitted to.
    pub(super) fn new(
        change: impl Fn(&mut [f32], &mut ChaCha8Rng) + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(change))
    }

    /// Changes one image, `[channels, height, width]` in `[0, 1]`; what is left to chance is drawn
    /// from `rng`.
    ///
    /// # Panics
    /// If the image is smaller than those that the trigger was fitted to.
    pub fn put(&self, image: &mut [f32], rng: &mut ChaCha8Rng) {
        (self.0)(image, rng);
    }
}

impl fmt::Debug for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Stamp")
    }
}

/// The same images with the trigger on each; labels and names stay. What the trigger leaves to
/// chance depends on the seed and the image's index.
///
/// # Errors
/// [`Error::Trigger`] if the trigger does not fit.
pub fn stamp(images: &Images, trigger: &dyn Trigger, seed: u64) -> Result<Images, Error> {
    let shape = images.shape();
    let stamp = trigger.fit(shape)?;
    let mut pixels = images.pixels().to_vec();
    for (image, values) in pixels.chunks_exact_mut(shape.values()).enumerate() {
        stamp.put(values, &mut Purpose::Stamp { image }.rng(seed));
    }
    Ok(Images::new(
        shape,
        pixels,
        images.labels().map(<[usize]>::to_vec),
        images.class_names().to_vec(),
        images.names().to_vec(),
    )?)
}

/// The trigger on an image of middle grey, `[channels, height, width]`, to be looked at.
///
/// # Errors
/// [`TriggerError`] if the trigger does not fit such images.
pub fn on_grey(trigger: &dyn Trigger, shape: ImageShape) -> Result<Vec<f32>, TriggerError> {
    let mut image = vec![0.5; shape.values()];
    trigger.apply(&mut image, shape, &mut Purpose::Stamp { image: 0 }.rng(0))?;
    Ok(image)
}
