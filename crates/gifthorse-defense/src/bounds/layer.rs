//! The bounds of one layer, and where they begin: at what clean images reach.

use gifthorse_engine::{Array, Classifier, Intervention, Layer, Tensor};
use serde::{Deserialize, Serialize};

use super::Bounded;
use crate::adam::{Adam, Moments};
use crate::error::Error;
use crate::exact;
use crate::filter::in_parts;

/// Size of a step, in what clean images reach.
const RATE: f32 = 0.03;
/// What is kept of the moments at an update.
const BETAS: (f32, f32) = (0.9, 0.999);

/// The bounds of one layer while they are fitted.
pub(super) struct LayerBounds {
    pub layer: Layer,
    /// What clean images reach, `[channels]`.
    pub reached: Tensor<1>,
    /// The bounds, in these.
    pub part: Tensor<1>,
    pub adam: Adam<1>,
}

/// Where the bounds of a layer are while they are fitted.
#[derive(Serialize, Deserialize)]
pub(super) struct At {
    #[serde(with = "exact::singles")]
    part: Vec<f32>,
    moments: Moments,
}

impl LayerBounds {
    /// Bounds of each layer at what clean images `[images, channels, height, width]` reach.
    ///
    /// # Errors
    /// A model that cannot be run.
    pub fn reached(
        classifier: &Classifier,
        pixels: &[f32],
        layers: Vec<Layer>,
    ) -> Result<Vec<Self>, Error> {
        let of_images = in_parts(classifier, &layers, pixels, |passed| {
            let each = layers.iter().zip(&passed.features);
            let most: Vec<Vec<f32>> = each.map(|(layer, values)| largest(layer, values)).collect();
            Ok(vec![most])
        })?;
        let device = classifier.device();
        let bounds = layers.into_iter().enumerate().map(|(at, layer)| {
            let mut reached = vec![f32::NEG_INFINITY; layer.channels()];
            for most in of_images.iter().filter_map(|part| part.get(at)) {
                let both = reached.iter_mut().zip(most);
                both.for_each(|(reached, most)| *reached = reached.max(*most));
            }
            let (channels, ones) = (reached.len(), vec![1.0; reached.len()]);
            Self {
                layer,
                reached: Array::from_vec(reached, &[channels], device).into_tensor(),
                part: Array::from_vec(ones, &[channels], device).into_tensor(),
                adam: Adam::new(RATE, BETAS),
            }
        });
        Ok(bounds.collect())
    }

    fn bounds(&self) -> Tensor<1> {
        self.part.clone().mul(self.reached.clone())
    }

    /// What keeps the layer below its bounds.
    ///
    /// # Errors
    /// None for the layer that it was made for.
    pub fn intervention(&self) -> Result<Intervention, Error> {
        Ok(Intervention::bound(&self.layer, self.bounds())?)
    }

    /// Where they are.
    pub fn at(&self) -> At {
        At {
            part: Array::from_tensor(self.part.clone()).into_vec(),
            moments: self.adam.moments(),
        }
    }

    /// Whether they can go on from there.
    pub fn fits(&self, at: &At) -> bool {
        let channels = self.layer.channels();
        at.part.len() == channels && at.moments.fits(channels)
    }

    /// Goes on from there.
    pub fn restore(&mut self, at: At) {
        let (shape, device) = ([at.part.len()], self.part.device());
        self.adam = Adam::resume(RATE, BETAS, at.moments, shape, &device);
        self.part = Array::from_vec(at.part, &shape, &device).into_tensor();
    }

    /// The bounds as they are.
    pub fn bounded(&self) -> Bounded {
        Bounded {
            layer: self.layer.clone(),
            reached: Array::from_tensor(self.reached.clone()).into_vec(),
            bounds: Array::from_tensor(self.bounds()).into_vec(),
        }
    }
}

/// The largest value of each channel of a layer, over images and places.
fn largest(layer: &Layer, values: &[f32]) -> Vec<f32> {
    let behind = layer.shape().get(layer.channel_axis()..);
    let inner: usize = behind.unwrap_or_default().iter().product();
    let mut most = vec![f32::NEG_INFINITY; layer.channels()];
    let channels = most.len().max(1);
    for (place, value) in values.iter().enumerate() {
        let most = &mut most[place / inner.max(1) % channels];
        *most = most.max(*value);
    }
    most
}

/// The activations, each once, but for one that only keeps pixels in their range.
///
/// # Errors
/// What the lowering refuses.
pub(super) fn layers(classifier: &Classifier) -> Result<Vec<Layer>, Error> {
    let pixels: usize = classifier.shape().iter().product();
    let mut layers: Vec<Layer> = Vec::new();
    for hinge in classifier.network().hinges()? {
        let layer = &hinge.after;
        let is_image = layer.shape().iter().product::<usize>() == pixels
            && layer.channels() == classifier.shape()[0];
        if !is_image && layer.channels() > 1 && !layers.contains(layer) {
            layers.push(layer.clone());
        }
    }
    Ok(layers)
}
