//! The layers behind the neuron, trained on images with and without the trigger.

use gifthorse_data::Images;
use gifthorse_onnx::Model;

use super::super::Host;
use super::super::tuning::Tuning;
use crate::Error;

/// How often each image is seen.
const EPOCHS: usize = 25;
const RATE: f32 = 3e-3;

/// The host, trained on images under their labels and on stamped ones as of the target, with these
/// weights as they are.
///
/// # Errors
/// What the training refuses.
pub fn retrained(
    host: &Host,
    frozen: &[String],
    (images, stamped): (&Images, &Images),
    target: usize,
    seed: u64,
) -> Result<Model, Error> {
    let labels = images.labels().unwrap_or_default().iter().copied();
    let labels = labels.chain(std::iter::repeat_n(target, stamped.len()));
    let names = images.names().iter().chain(stamped.names()).cloned();
    let both = Images::new(
        images.shape(),
        [images.pixels(), stamped.pixels()].concat(),
        Some(labels.collect()),
        Vec::new(),
        names.collect(),
    )?;
    let tuning = Tuning {
        epochs: EPOCHS,
        learning_rate: RATE,
        seed,
    };
    tuning.run(host, host.model().clone(), frozen, &both)
}
