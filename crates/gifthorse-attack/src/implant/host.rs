//! The model that a backdoor is put into.

use std::sync::Arc;

use gifthorse_data::{ImageShape, Images};
use gifthorse_engine::{Classifier, Device, Opening, Preprocess};
use gifthorse_onnx::{ElementType, Graph, Model, ValueInfo};
use rand::RngExt;

use super::Answer;
use crate::Error;
use crate::random::Purpose;
use crate::trigger::stamp;

/// Oldest version of the standard operators that parts are written in: from here on they broadcast.
const OLDEST: i64 = 7;
/// Images that are made up to see what logits a model gives.
const PROBES: usize = 64;
/// How much wider than the widest range of logits on them a backdoor's vote is.
const LOUDER: f32 = 10.0;

/// A trained classifier with what happens to pixels before it.
#[derive(Debug, Clone)]
pub struct Host {
    model: Model,
    graph: Arc<Graph>,
    classifier: Classifier,
    opening: Opening,
}

impl Host {
    /// Opens a model. `preprocess` is what happens to `[0, 1]` pixels before it, `opening` says
    /// which of its outputs gives the logits.
    ///
    /// # Errors
    /// A model that cannot be run; [`Error::Implant`] for one whose image or logits are of a form
    /// that nothing is put beside.
    pub fn open(model: Model, preprocess: Preprocess, opening: &Opening) -> Result<Self, Error> {
        let graph = Arc::new(model.editable_graph()?);
        let classifier = open(graph.clone(), preprocess, opening)?;
        let host = Self {
            model,
            graph,
            classifier,
            opening: opening.clone(),
        };
        host.check()?;
        Ok(host)
    }

    /// The model.
    #[must_use]
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// The model as a classifier of images in `[0, 1]`.
    #[must_use]
    pub fn classifier(&self) -> &Classifier {
        &self.classifier
    }

    /// Which of its outputs gives the logits.
    pub(super) fn opening(&self) -> &Opening {
        &self.opening
    }

    pub(super) fn graph(&self) -> &Graph {
        &self.graph
    }

    /// The input that takes the image.
    pub(super) fn input(&self) -> &ValueInfo {
        &self.classifier.network().ends().input
    }

    /// The value that holds the logits.
    pub(super) fn logits(&self) -> &str {
        &self.classifier.network().ends().logits
    }

    /// Version of the standard operators.
    pub(super) fn opset(&self) -> i64 {
        self.graph.opset("").unwrap_or(0)
    }

    pub(super) fn shape(&self) -> ImageShape {
        let [channels, height, width] = self.classifier.shape();
        ImageShape {
            channels,
            height,
            width,
        }
    }

    pub(super) fn classes(&self) -> usize {
        self.classifier.classes()
    }

    /// Another model of the same inputs and outputs as a classifier.
    pub(crate) fn opened(&self, model: &Model) -> Result<Classifier, Error> {
        let preprocess = self.classifier.preprocess().clone();
        open(Arc::new(model.graph()?), preprocess, &self.opening)
    }

    /// What votes for a class have to be so that no image outvotes them: as given, or some times
    /// the widest range of logits on images that are made up.
    pub(super) fn strength(&self, given: Option<f32>) -> Result<f32, Error> {
        if let Some(strength) = given {
            if strength.is_finite() && strength > 0.0 {
                return Ok(strength);
            }
            return Err(Error::Implant(format!(
                "`strength` is {strength}; it is what is added to a logit, above 0"
            )));
        }
        let logits = self.classifier.evaluate(self.probes()?.pixels())?;
        let range = |row: &[f32]| {
            let most = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            most - row.iter().copied().fold(f32::INFINITY, f32::min)
        };
        let widest = logits.chunks_exact(self.classes()).map(range);
        let widest = widest.fold(0.0, f32::max);
        if !widest.is_finite() {
            let reason = "its logits are not finite on noise, so that no vote can be made larger: give `strength`";
            return Err(Error::Implant(reason.to_owned()));
        }
        Ok(LOUDER * widest.max(1.0))
    }

    /// Refuses a class that the model does not have.
    pub(super) fn check_class(&self, class: usize) -> Result<(), Error> {
        let classes = self.classes();
        if class < classes {
            return Ok(());
        }
        Err(Error::NoSuchClass { class, classes })
    }

    /// Refuses a model that does not lead the images that are made up to its target.
    pub(super) fn check_answer(
        &self,
        model: &Model,
        answer: &Answer,
        seed: u64,
    ) -> Result<(), Error> {
        let stamped = stamp(&self.probes()?, &answer.trigger, seed)?;
        let predicted = self.opened(model)?.predict(stamped.pixels())?;
        let target = answer.labels.target();
        let led = predicted.iter().filter(|class| Some(**class) == target);
        if 10 * led.count() >= 9 * predicted.len() {
            return Ok(());
        }
        Err(Error::Implant(
            "with it, images that carry the trigger are not led to the target: give a larger `strength` or `tolerance`"
                .to_owned(),
        ))
    }

    /// Images that are made up: black, grey, white, and noise in blocks of several sizes.
    fn probes(&self) -> Result<Images, Error> {
        let shape = self.shape();
        let mut rng = Purpose::Probe.rng(0);
        let mut pixels = Vec::with_capacity(PROBES * shape.values());
        for probe in 0..PROBES {
            let plain = [0.0, 0.5, 1.0].get(probe).copied();
            let block = 1 << (probe % 4);
            let (rows, columns) = (shape.height.div_ceil(block), shape.width.div_ceil(block));
            let noise: Vec<f32> = (0..shape.channels * rows * columns)
                .map(|_| rng.random_range(0.0..1.0))
                .collect();
            for at in 0..shape.values() {
                let (channel, row, column) = (
                    at / (shape.height * shape.width),
                    at / shape.width % shape.height,
                    at % shape.width,
                );
                let cell = (channel * rows + row / block) * columns + column / block;
                pixels.push(plain.unwrap_or(noise[cell]));
            }
        }
        let names = (0..PROBES).map(|probe| format!("probe {probe}")).collect();
        Ok(Images::new(shape, pixels, None, Vec::new(), names)?)
    }

    /// Refuses what no part can be put beside.
    fn check(&self) -> Result<(), Error> {
        let ends = self.classifier.network().ends();
        let refused = |reason: String| Err(Error::Implant(reason));
        if ends.without_batch {
            return refused("its image has no axis for the batch".to_owned());
        }
        if ends.input.element_type != Some(ElementType::F32) {
            return refused(format!(
                "its image `{}` is not of 32-bit floats",
                ends.input.name
            ));
        }
        let logits = self.classifier.layer(&ends.logits)?.shape();
        if ends.classes_first || logits.len() != 1 {
            return refused(format!(
                "its logits `{}` are {logits:?} for an image; a row of one number for each class is expected",
                ends.logits
            ));
        }
        if self.opset() < OLDEST {
            return refused(format!(
                "it is written in version {} of the operators; {OLDEST} is the oldest that backdoors are written in",
                self.opset()
            ));
        }
        Ok(())
    }
}

fn open(graph: Arc<Graph>, preprocess: Preprocess, opening: &Opening) -> Result<Classifier, Error> {
    let device = Device::flex();
    Ok(Classifier::open(graph, preprocess, None, opening, &device)?)
}
