//! One pass of perturbed images, and the gradient to their pixels.

use gifthorse_engine::{Array, Classifier, Layer, Taps, Tensor};

use crate::error::Error;

/// What perturbed images are to do.
pub struct Aim<'a> {
    /// The model.
    pub classifier: &'a Classifier,
    /// The class that they are to go to.
    pub target: usize,
    /// Where their moves are compared.
    pub layer: &'a Layer,
    /// Weight of the squared distance from the consensus.
    pub weight: f32,
}

/// What came of it, for each image.
#[derive(Default)]
pub struct Outcome {
    /// Whether it went to the target.
    pub hits: Vec<bool>,
    /// What the layer gave, row-major `[images, numbers]`.
    pub features: Vec<f32>,
    /// Gradient of the loss to the pixels, `[images, channels, height, width]`.
    pub gradient: Vec<f32>,
}

/// The values of a layer for images `[images, channels, height, width]`, row-major.
///
/// # Errors
/// A model that cannot be run.
pub fn features(classifier: &Classifier, layer: &Layer, pixels: &[f32]) -> Result<Vec<f32>, Error> {
    let made = classifier.run(images(classifier, pixels), &taps(layer))?;
    Ok(made.features[0].value().clone().into_vec())
}

impl Aim<'_> {
    /// Runs images, whose moves are to end at `goals`, row-major `[images, numbers]`: what the
    /// layer gives for the clean image, and the consensus.
    ///
    /// # Errors
    /// A model that cannot be run, or passes no gradient back.
    pub fn pass(&self, pixels: &[f32], goals: Vec<f32>) -> Result<Outcome, Error> {
        let leaf = images(self.classifier, pixels).autodiff().require_grad();
        let made = self.classifier.run(leaf.clone(), &taps(self.layer))?;
        let logits = made.logits;
        if !logits.is_tracked() {
            return Err(Error::NoGradient);
        }
        let hits = self.hits(&logits);
        let value = made.features[0].value().clone();
        let rows = logits.dims()[0];
        let numbers = goals.len() / rows.max(1);
        let value: Tensor<2> = value.reshape(&[rows, numbers]).into_tensor();
        let features = Array::from_tensor(value.clone().inner()).into_vec();
        let goals: Tensor<2> =
            Array::from_vec(goals, &[rows, numbers], self.classifier.device()).into_tensor();
        let log_p = Array::from_tensor(logits).log_softmax(1).into_tensor::<2>();
        let away = log_p.narrow(1, self.target, 1).sum().neg();
        let apart = value.sub(goals.autodiff());
        let apart = apart.clone().mul(apart).sum().mul_scalar(self.weight);
        let mut gradients = away.add(apart).backward();
        let gradient = leaf.grad_remove(&mut gradients).ok_or(Error::NoGradient)?;
        Ok(Outcome {
            hits,
            features,
            gradient: Array::from_tensor(gradient).into_vec(),
        })
    }

    fn hits(&self, logits: &Tensor<2>) -> Vec<bool> {
        let classes = logits.dims()[1];
        let values = Array::from_tensor(logits.clone().inner()).into_vec();
        let rows = values.chunks_exact(classes);
        rows.map(|row| {
            let own = row[self.target];
            let others = row
                .iter()
                .enumerate()
                .filter(|&(class, _)| class != self.target);
            others.into_iter().all(|(_, &logit)| logit < own)
        })
        .collect()
    }
}

fn images(classifier: &Classifier, pixels: &[f32]) -> Tensor<4> {
    let [channels, height, width] = classifier.shape();
    let count = pixels.len() / (channels * height * width).max(1);
    let shape = [count, channels, height, width];
    Array::from_vec(pixels.to_vec(), &shape, classifier.device()).into_tensor()
}

fn taps(layer: &Layer) -> Taps {
    Taps::values(std::slice::from_ref(layer))
}
