//! Makes one model from its description, and measures it.

use std::sync::Arc;
use std::time::Instant;

use gifthorse_attack::measure::accuracy;
use gifthorse_attack::plant::Truth;
use gifthorse_attack::train::{EpochSummary, Marks, Observer, Recipe, Training};
use gifthorse_data::source::TrainTest;
use gifthorse_engine::{Classifier, Device, Preprocess};
use gifthorse_onnx::Model;

use crate::spec::ModelSpec;
use crate::zoo::ZooError;

/// A model with the truth about it.
#[derive(Debug, Clone)]
pub struct Made {
    /// The trained model.
    pub model: Model,
    /// What is in it, measured on the test images.
    pub truth: Truth,
    /// How each epoch went.
    pub epochs: Vec<EpochSummary>,
    /// Wall-clock time of training and measuring, in seconds.
    pub seconds: f64,
}

/// Trains and measures the model of a description on its images, which [`gifthorse_data::source::Source::load`] gives.
///
/// # Errors
/// What training refuses.
pub fn make(
    spec: &ModelSpec,
    images: &TrainTest,
    observer: &dyn Observer,
) -> Result<Made, ZooError> {
    let clock = Instant::now();
    let classes = images.train.class_names().len();
    let net = spec.net.build(images.train.shape(), classes, spec.seed)?;
    let recipe = Recipe {
        seed: spec.seed,
        ..spec.train
    };
    let exam = |classifier: &Classifier| {
        Ok(Marks {
            clean_accuracy: accuracy(classifier, &images.test)?,
            attack_success: None,
        })
    };
    let mut training = Training::new(&net, &images.train, &recipe).observer(observer);
    if recipe.stop_at.is_some() {
        training = training.exam(&exam);
    }
    let trained = training.run()?;
    let classifier = Classifier::new(
        Arc::new(trained.model.graph()?),
        Preprocess::default(),
        None,
        &Device::flex(),
    )?;
    let truth = Truth {
        clean_accuracy: accuracy(&classifier, &images.test)?,
        backdoor: None,
    };
    Ok(Made {
        model: trained.model,
        truth,
        epochs: trained.epochs,
        seconds: clock.elapsed().as_secs_f64(),
    })
}
