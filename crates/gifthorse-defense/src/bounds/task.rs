//! What bounds are fitted to: clean images, whose logits stay, stamped ones, and images that the model
//! is as sure of as can be.

use gifthorse_data::Images;
use gifthorse_engine::{Array, Classifier, Intervention, Tensor};

use super::layer::LayerBounds;
use super::margins::{Sure, margins};
use crate::error::Error;
use crate::repair::KnownTrigger;

/// Images of a batch.
const BATCH: usize = 32;

/// What bounds are fitted to.
pub(super) struct Task<'a> {
    pub triggers: &'a [KnownTrigger],
    pub classifier: &'a Classifier,
    pub images: Images,
    /// The logits of these without bounds.
    pub wanted: Vec<f32>,
    /// Images that pay for bounds; none where these pay nothing.
    pub sure: Option<Sure>,
}

impl Task<'_> {
    /// One update of all bounds.
    pub(super) fn step(
        &self,
        update: usize,
        price: f32,
        all: &mut [LayerBounds],
    ) -> Result<(), Error> {
        let (classifier, classes) = (self.classifier, self.classifier.classes());
        let leaves: Vec<Tensor<1>> = all
            .iter()
            .map(|bounds| bounds.part.clone().autodiff().require_grad())
            .collect();
        let under = all.iter().zip(&leaves).map(|(bounds, leaf)| {
            let numbers = leaf.clone().mul(bounds.reached.clone().autodiff());
            Intervention::bound(&bounds.layer, numbers)
        });
        let under = classifier.with(under.collect::<Result<Vec<_>, _>>()?)?;

        let batch = batch_of(self.images.len(), update);
        let rows = batch.iter().map(|place| place * classes);
        let rows = rows.flat_map(|first| &self.wanted[first..first + classes]);
        let rows: Vec<f32> = rows.copied().collect();
        let mean = rows.iter().sum::<f32>() / rows.len() as f32;
        let variance = rows.iter().map(|x| (x - mean).powi(2)).sum::<f32>() / rows.len() as f32;
        let variance = variance.max(f32::MIN_POSITIVE);
        let rows = Array::from_vec(rows, &[batch.len(), classes], classifier.device());
        let rows = rows.into_tensor::<2>().autodiff();
        let change = |images: Tensor<4>| -> Result<Tensor<1>, Error> {
            let change = under.logits(images)?.sub(rows.clone());
            Ok(change.clone().mul(change).mean().div_scalar(variance))
        };
        let mut loss = change(self.clean(&batch))?;
        if let Some(stamped) = self.stamped(&batch, update)? {
            loss = loss.add(change(stamped)?);
        }

        if let Some(sure) = &self.sure {
            let batch = batch_of(sure.targets.len(), update);
            let targets: Vec<usize> = batch.iter().map(|&place| sure.targets[place]).collect();
            let margin = margins(
                classifier,
                under.logits(self.driven(sure, &batch))?,
                &targets,
            );
            let scale = price / (batch.len() as f32 * variance.sqrt());
            loss = loss.add(margin.mul_scalar(scale));
            let each = price / leaves.len() as f32;
            for leaf in &leaves {
                loss = loss.add(leaf.clone().mul(leaf.clone()).mean().mul_scalar(each));
            }
        }
        let gradients = loss.backward();
        for (bounds, leaf) in all.iter_mut().zip(&leaves) {
            let gradient = leaf.grad(&gradients).ok_or(Error::NoGradient)?;
            bounds.part = bounds.adam.step(bounds.part.clone(), gradient);
        }
        Ok(())
    }

    /// The images of a batch with a trigger, those that it is for; each update has one trigger.
    fn stamped(&self, batch: &[usize], update: usize) -> Result<Option<Tensor<4>>, Error> {
        let Some(known) = self.triggers.get(update % self.triggers.len().max(1)) else {
            return Ok(None);
        };
        let labels = self.images.labels().ok_or(Error::NoLabels)?;
        let [channels, height, width] = self.classifier.shape();
        let mut pixels = Vec::with_capacity(batch.len() * channels * height * width);
        for &place in batch {
            let image = self.images.image(place);
            match known.is_for(labels[place]) {
                true => pixels.extend(known.trigger.stamp(image, self.classifier.shape())),
                false => pixels.extend_from_slice(image),
            }
        }
        let shape = [batch.len(), channels, height, width];
        let pixels = Array::from_vec(pixels, &shape, self.classifier.device());
        Ok(Some(pixels.into_tensor()))
    }

    fn clean(&self, places: &[usize]) -> Tensor<4> {
        let [channels, height, width] = self.classifier.shape();
        let pixels = places
            .iter()
            .flat_map(|&place| self.images.image(place))
            .copied();
        let shape = [places.len(), channels, height, width];
        Array::from_vec(pixels.collect(), &shape, self.classifier.device()).into_tensor()
    }

    fn driven(&self, sure: &Sure, places: &[usize]) -> Tensor<4> {
        let [channels, height, width] = self.classifier.shape();
        let size = channels * height * width;
        let pixels = places.iter().map(|place| place * size);
        let pixels = pixels.flat_map(|first| &sure.pixels[first..first + size]);
        let shape = [places.len(), channels, height, width];
        let device = self.classifier.device();
        Array::from_vec(pixels.copied().collect(), &shape, device).into_tensor()
    }
}

/// Which of so many images an update takes: all in turn.
fn batch_of(count: usize, update: usize) -> Vec<usize> {
    (0..BATCH.min(count))
        .map(|place| (update * BATCH + place) % count)
        .collect()
}
