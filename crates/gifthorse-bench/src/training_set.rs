//! The very images that a model is trained on.

use gifthorse_data::Images;
use gifthorse_data::source::TrainTest;
use gifthorse_train::Samples;

use crate::Error;
use crate::spec::{ModelSpec, no_set};

/// The images that a model is trained on, as they are trained on, and which of them are poisoned.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainingSet {
    /// The images, poisoned ones under the labels that they are trained for.
    pub images: Images,
    /// Of each image whether a backdoor is planted by it.
    pub poisoned: Vec<bool>,
}

impl TrainingSet {
    /// That of a description, from its images.
    ///
    /// # Errors
    /// What poisoning refuses; images that are stamped while training goes on.
    pub fn of(spec: &ModelSpec, images: &TrainTest) -> Result<Self, Error> {
        let train = &images.train;
        let Some(poison) = &spec.poison else {
            return Ok(Self {
                images: train.clone(),
                poisoned: vec![false; train.len()],
            });
        };
        if let Some(reason) = no_set(poison.manner) {
            return Err(Error::Request(reason.to_owned()));
        }
        let made = poison.apply(train, spec.seed)?;
        let mut poisoned = vec![false; made.images.len()];
        let places = made.stamped.poisoned(poison.manner, poisoned.len());
        places.into_iter().for_each(|place| poisoned[place] = true);
        Ok(Self {
            images: made.images,
            poisoned,
        })
    }
}

/// Samples as they look in the first epoch, with the names of `clean`, which come first.
///
/// # Errors
/// What cannot be drawn.
pub fn drawn(samples: &dyn Samples, clean: &Images) -> Result<Images, Error> {
    let (shape, count) = (samples.shape(), samples.len());
    let mut pixels = vec![0.0; count * shape.values()];
    let images = pixels.chunks_exact_mut(shape.values()).enumerate();
    let labels: Result<Vec<usize>, _> = images
        .map(|(index, pixels)| samples.draw(0, index, pixels))
        .collect();
    let name = |index: usize| {
        let known = clean.names().get(index).cloned();
        known.unwrap_or_else(|| format!("stamped {index}"))
    };
    let names = (0..count).map(name).collect();
    Ok(Images::new(
        shape,
        pixels,
        Some(labels?),
        clean.class_names().to_vec(),
        names,
    )?)
}
