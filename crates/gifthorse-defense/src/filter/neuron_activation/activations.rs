//! How active the neurons of a layer are on images.

use gifthorse_engine::{Classifier, Layer};
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::filter::pass::{Passed, in_parts, once_each};

/// What is taken of the places of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pool {
    /// Their mean, as the paper has it.
    Mean,
    /// The largest: a small trigger fills few places.
    Largest,
}

impl Pool {
    /// One number for each channel of one image's value, `[channels]`.
    pub fn of(self, layer: &Layer, value: &[f32]) -> Vec<f64> {
        let channels = layer.channels().max(1);
        let inner: usize = layer.shape()[layer.channel_axis().min(layer.shape().len())..]
            .iter()
            .product();
        let places = (value.len() / channels).max(1) as f64;
        let mut pooled = match self {
            Self::Mean => vec![0.0; channels],
            Self::Largest => vec![f64::NEG_INFINITY; channels],
        };
        for (at, values) in value.chunks_exact(inner.max(1)).enumerate() {
            let of_channel = &mut pooled[at % channels];
            for &value in values {
                match self {
                    Self::Mean => *of_channel += f64::from(value) / places,
                    Self::Largest => *of_channel = largest(*of_channel, f64::from(value)),
                }
            }
        }
        pooled
    }

    /// The same for each image of a pass, from its feature of this number.
    pub fn of_pass(self, layer: &Layer, passed: &Passed, feature: usize) -> Vec<Vec<f64>> {
        let values = passed.features.get(feature).map_or(&[][..], Vec::as_slice);
        let size = (values.len() / passed.images.max(1)).max(1);
        let rows = values.chunks_exact(size);
        rows.map(|value| self.of(layer, value)).collect()
    }
}

/// The larger of two numbers; what is no number is larger than any, so that it stays suspicious.
fn largest(one: f64, other: f64) -> f64 {
    match one.is_nan() || other <= one {
        true => one,
        false => other,
    }
}

/// The activations of a layer on some images, `[images][channels]`.
#[derive(Clone, Debug)]
pub struct Activations(pub Vec<Vec<f64>>);

impl Activations {
    /// Those of each layer and way to pool, in this order, in one pass.
    ///
    /// # Errors
    /// Images of another shape; a model that cannot be run.
    pub fn of(
        classifier: &Classifier,
        looks: &[(Layer, Pool)],
        pixels: &[f32],
    ) -> Result<Vec<Self>, Error> {
        let layers = once_each(looks.iter().map(|(layer, _)| layer));
        let rows = in_parts(classifier, &layers, pixels, |passed| {
            let of_looks = looks.iter().map(|(layer, pool)| {
                let feature = layers.iter().position(|known| known == layer);
                pool.of_pass(layer, passed, feature.unwrap_or_default())
            });
            let of_looks: Vec<Vec<Vec<f64>>> = of_looks.collect();
            let of_image = |image: usize| of_looks.iter().map(|rows| rows[image].clone()).collect();
            Ok((0..passed.images)
                .map(of_image)
                .collect::<Vec<Vec<Vec<f64>>>>())
        })?;
        let of_look = |look: usize| Self(rows.iter().map(|image| image[look].clone()).collect());
        Ok((0..looks.len()).map(of_look).collect())
    }

    /// Those of some of the images.
    pub fn of_those(&self, are: impl Fn(usize) -> bool) -> Self {
        let images = self.0.iter().enumerate().filter(|(image, _)| are(*image));
        Self(images.map(|(_, row)| row.clone()).collect())
    }

    /// The mean of each channel, `[channels]`; `None` of no images.
    pub fn means(&self) -> Option<Vec<f64>> {
        let mut means = vec![0.0; self.0.first()?.len()];
        for row in &self.0 {
            for (mean, activation) in means.iter_mut().zip(row) {
                *mean += activation / self.0.len() as f64;
            }
        }
        Some(means)
    }
}
