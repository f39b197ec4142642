//! A model as a function of its raw input, whatever batch the file was made for.

mod affine;
mod batching;
mod layers;
mod memory;
mod programs;
mod run;

use std::sync::{Arc, Mutex, OnceLock};

use burn_tensor::Device;
use gifthorse_onnx::{Dim, Graph};

use crate::error::Error;
use crate::execute::array::Array;
use crate::execute::compiled::PlanPart;
use crate::lower::{Ends, ImageInput, Opening};
use crate::program::branch::{Branch, branches};
use crate::program::cost::Cost;
use crate::program::section::Section;
pub use affine::AffineEnd;
use batching::BatchPart;
pub use batching::Batching;
use layers::Layers;
pub use memory::Memory;
use programs::Programs;
pub(crate) use run::LayerEdit;

/// A lowered model with a program for each batch size that was asked for.
#[derive(Debug)]
pub struct Network {
    graph: Arc<Graph>,
    ends: Ends,
    input: Vec<usize>,
    classes: usize,
    batching: Batching,
    branches: Vec<Branch>,
    device: Device,
    programs: Mutex<Programs>,
    layers: OnceLock<Layers>,
    affine_end: OnceLock<Option<AffineEnd>>,
}

impl Network {
    /// Lowers the graph for the device.
    ///
    /// `input` is the shape of one image as the model takes it, without the batch axis; it
    /// may be left out where the file says it in numbers. What follows the class scores is left
    /// off ([`Ends`]).
    ///
    /// # Errors
    /// What the lowering refuses; a model whose output is not one score per class, or that has
    /// several such; an input shape that is neither given nor in the file.
    pub fn new(graph: Arc<Graph>, input: Option<&[usize]>, device: Device) -> Result<Self, Error> {
        Self::open(graph, input, &Opening::default(), device)
    }

    /// As [`new`](Self::new), with what the user says of the file's other inputs and outputs.
    ///
    /// # Errors
    /// As [`new`](Self::new); names that the file does not have.
    pub fn open(
        graph: Arc<Graph>,
        input: Option<&[usize]>,
        opening: &Opening,
        device: Device,
    ) -> Result<Self, Error> {
        let image = ImageInput::find(&graph, opening)?;
        let input = input_shape(&image, input)?;
        Self::of_input(graph, image, input, opening, device)
    }

    /// The first output of a graph as it is: nothing is left off.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn uncut(
        graph: Arc<Graph>,
        input: Option<&[usize]>,
        device: Device,
    ) -> Result<Self, Error> {
        let opening = Opening::default();
        let image = ImageInput::find(&graph, &opening)?;
        let input = input_shape(&image, input)?;
        let ends = Ends::uncut(&graph, image, &opening)?;
        Self::between(graph, ends, input, device, Programs::default())
    }

    /// As [`open`](Self::open), for an image input and a shape that are known.
    pub(crate) fn of_input(
        graph: Arc<Graph>,
        image: ImageInput,
        input: Vec<usize>,
        opening: &Opening,
        device: Device,
    ) -> Result<Self, Error> {
        let mut programs = Programs::default();
        let weights = &mut programs.weights;
        let ends = Ends::find(&graph, image, &input, opening, &device, weights)?;
        Self::between(graph, ends, input, device, programs)
    }

    fn between(
        graph: Arc<Graph>,
        ends: Ends,
        input: Vec<usize>,
        device: Device,
        programs: Programs,
    ) -> Result<Self, Error> {
        let mut network = Self {
            graph,
            ends,
            input,
            classes: 0,
            batching: Batching::Whole,
            branches: Vec::new(),
            device,
            programs: Mutex::new(programs),
            layers: OnceLock::new(),
            affine_end: OnceLock::new(),
        };
        let batch = network.declared_batch();
        network.classes = network.count_classes(batch.unwrap_or(1))?;
        let compiled = network.compiled(batch.unwrap_or(1), &Section::whole())?;
        network.branches = branches(compiled.program());
        network.batching = network.settle_batching(batch, compiled.program())?;
        Ok(network)
    }

    /// The batch size that the file fixes, if it does.
    pub fn declared_batch(&self) -> Option<usize> {
        self.ends.declared_batch()
    }

    /// Shape of one raw input, without the batch axis.
    pub fn input(&self) -> &[usize] {
        &self.input
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// Name of the input and what was cut off the output.
    pub fn ends(&self) -> &Ends {
        &self.ends
    }

    /// How batches are put through.
    pub fn batching(&self) -> Batching {
        self.batching
    }

    /// Where the model decides by the image which of two values goes on, in the order of
    /// computation.
    pub fn branches(&self) -> &[Branch] {
        &self.branches
    }

    /// The graph that was lowered.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// The device that the weights are on.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Logits `[batch, classes]` of a raw input `[batch, ...]`, tracked if the input is.
    ///
    /// # Errors
    /// An input of another shape; a model that gives another number of rows than it was given
    /// images.
    pub fn forward(&self, input: Array) -> Result<Array, Error> {
        Ok(self.run(input, &Section::whole(), &[])?.end)
    }

    /// How a batch of this size runs: the parts of the plan, with the time that each took so far in
    /// every run of the same plan, whatever the batch.
    ///
    /// # Errors
    /// What the lowering refuses.
    pub fn plan(&self, batch: usize) -> Result<Vec<PlanPart>, Error> {
        let batch = match self.batching {
            Batching::Whole => batch,
            Batching::Parts(part) => part,
        };
        Ok(self.compiled(batch, &Section::whole())?.describe())
    }

    /// Operations of a forward pass for one image, where each number that is read or written counts
    /// as 32.
    ///
    /// # Errors
    /// What the lowering refuses.
    pub fn operations(&self) -> Result<f64, Error> {
        let batch = self.declared_batch().unwrap_or(1);
        let compiled = self.compiled(batch, &Section::whole())?;
        Ok(Cost::of(compiled.program()).forward / batch as f64)
    }

    fn count_classes(&self, batch: usize) -> Result<usize, Error> {
        let compiled = self.compiled(batch, &Section::whole())?;
        let shape = &compiled.program().output_shape;
        let count: usize = shape.iter().skip(1).product();
        let plain = shape.first() == Some(&batch)
            && shape.iter().skip(1).filter(|&&length| length != 1).count() <= 1;
        if !plain || count < 2 {
            let reason = format!(
                "its output `{}` has shape {shape:?} for {batch} image(s); \
                 [batch, classes] with two classes or more is expected",
                self.ends.logits
            );
            return Err(Error::NotAClassifier(reason));
        }
        Ok(count)
    }
}

/// The shape of one image as the model takes it: as given, or as the file says.
fn input_shape(image: &ImageInput, given: Option<&[usize]>) -> Result<Vec<usize>, Error> {
    let declared = image.info.shape.as_ref();
    let fixed: Option<Vec<usize>> =
        declared.and_then(|shape| shape.iter().skip(1).map(Dim::fixed).collect());
    match (given, fixed) {
        (Some(given), _) => Ok(given.to_vec()),
        (None, Some(fixed)) if !fixed.is_empty() => Ok(fixed),
        _ => Err(Error::Input(format!(
            "the file does not say the size of its input `{}`; give it with --input-size",
            image.info.name
        ))),
    }
}
