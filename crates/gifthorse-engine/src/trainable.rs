//! A model whose weights are variables: the same lowering, with the weights handed in.

mod operations;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;

use burn_tensor::{Device, Tensor};
use gifthorse_onnx::Graph;

use crate::error::Error;
use crate::execute::array::Array;
use crate::execute::compiled::{Compiled, PlanPart};
use crate::execute::edit::{Edit, Edits};
use crate::execute::statistics::BatchStatistics;
use crate::lower::{Ends, ImageInput, Opening, Target, lower};
use crate::mode::Mode;
use crate::program::section::value_named;
use crate::program::{Binary, Primitive, Program, ValueId};

pub use operations::Operation;

/// A network lowered for one batch size, some of whose float initialisers are parameters; all else
/// is frozen.
///
/// It can be run from several threads at once. One that trains in shards of a batch, side by side,
/// has each shard normalised by its own statistics, and gives each a seed of its own;
/// [`BatchStatistics::joined`] then makes the batch's statistics from the shards', whichever was
/// ready first. A whole batch at a time is shared out over the rayon pool, unless within
/// [`alone`](crate::alone()); the results are the same on any number of threads.
#[derive(Debug)]
pub struct Trainable {
    compiled: Compiled,
    taps: Vec<ValueId>,
    /// Whether something can be added to the taps.
    cut: bool,
}

/// What a forward pass gives.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// `[batch, classes]`
    pub logits: Array,
    /// The values `[batch, ...]` of the taps, in their order; tracked as the logits are.
    pub features: Vec<Array>,
    /// Of each batch norm in training mode, in the order in which they run. Running statistics
    /// change only if the caller [updates](BatchStatistics::update) them.
    pub statistics: Vec<BatchStatistics>,
}

impl Trainable {
    /// As [`Self::open`], of a file that leaves no choice.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn new(
        graph: &Arc<Graph>,
        batch: usize,
        input: &[usize],
        trained: &[String],
        mode: &Mode,
        device: &Device,
    ) -> Result<Self, Error> {
        let opening = Opening::default();
        Self::open(graph, &opening, batch, input, trained, mode, device)
    }

    /// Lowers the graph for batches of `[batch, input...]`. `opening` says which output gives the
    /// logits and what the inputs beside the image are. `trained` names the initialisers that are
    /// parameters; names that the lowered graph does not read are left out.
    ///
    /// # Errors
    /// What the lowering refuses; in training mode also a dropout whose ratio is not known or not
    /// in [0, 1), and a batch norm or dropout whose input does not depend on the images, and a
    /// batch norm with a single number for each channel, with a momentum beyond 0 to 1, or with a
    /// running variance that is no initialiser.
    pub fn open(
        graph: &Arc<Graph>,
        opening: &Opening,
        batch: usize,
        input: &[usize],
        trained: &[String],
        mode: &Mode,
        device: &Device,
    ) -> Result<Self, Error> {
        Self::tapped(graph, opening, batch, input, (trained, &[]), mode, device)
    }

    /// As [`Self::open`], with `taps`: values, by the names that the file gives them, that a pass
    /// gives besides the logits.
    ///
    /// # Errors
    /// As [`Self::open`]; [`Error::Input`] for a tap that is no value that depends on the image.
    pub fn tapped(
        graph: &Arc<Graph>,
        opening: &Opening,
        batch: usize,
        input: &[usize],
        (trained, taps): (&[String], &[String]),
        mode: &Mode,
        device: &Device,
    ) -> Result<Self, Error> {
        let image = ImageInput::find(graph, opening)?;
        let mut weights = HashMap::new();
        let target = Target {
            ends: &Ends::find(graph, image, input, opening, device, &mut weights)?,
            batch,
            input,
            device: device.clone(),
            mode,
        };
        let mut program = lower(graph, &target, &mut weights)?;
        check_images_are_seen(&program)?;
        for param in &mut program.params {
            param.trained = trained.contains(&param.name);
        }
        let taps = taps.iter().map(|name| value_named(&program, name));
        let taps: Vec<ValueId> = taps.collect::<Result<_, _>>()?;
        Ok(Self {
            compiled: Compiled::open_at(program, &taps, &[], &[])?,
            taps,
            cut: false,
        })
    }

    /// Made ready to give the gradient to the taps too ([`Self::forward_from_taps`]). It runs in
    /// more pieces then, so that logits may differ in their last digits.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn with_gradients(self) -> Result<Self, Error> {
        let program = self.compiled.program().clone();
        Ok(Self {
            compiled: Compiled::open_at(program, &self.taps, &self.taps, &[])?,
            taps: self.taps,
            cut: true,
        })
    }

    /// The parameters in the order in which `forward` takes them: the name of the initialiser and
    /// its first value, untracked.
    ///
    /// # Errors
    /// Weights in a file beside the model that can no longer be read.
    pub fn parameters(&self) -> Result<Vec<(String, Array)>, Error> {
        let params = self.compiled.trained();
        params
            .map(|p| Ok((p.name.clone(), p.value.get()?)))
            .collect()
    }

    /// What it computes, from the image to the logits.
    #[must_use]
    pub fn operations(&self) -> Vec<Operation> {
        operations::of(self.compiled.program())
    }

    /// What runs, in order, with the time that each part took so far over all threads.
    pub fn describe(&self) -> Vec<PlanPart> {
        self.compiled.describe()
    }

    /// Logits of a raw input `[batch, input...]` under the given parameters; gradients flow to
    /// whatever of both is tracked. `seed` decides what dropouts drop; without them, and in
    /// inference, it means nothing.
    ///
    /// # Errors
    /// A wrong number of parameters, or an input of another shape.
    pub fn forward(&self, input: Array, parameters: &[Array], seed: u64) -> Result<Outcome, Error> {
        self.edited(input, parameters, &Edits::new(), seed)
    }

    /// As [`Self::forward`], and for each tap zeros that were added to it: the gradient to them is
    /// that to the tap. (Burn keeps gradients of leaves alone.)
    ///
    /// # Errors
    /// As [`Self::forward`]; [`Error::Internal`] for a network that was not made ready
    /// [with gradients](Self::with_gradients).
    pub fn forward_from_taps(
        &self,
        input: Array,
        parameters: &[Array],
        seed: u64,
    ) -> Result<(Outcome, Vec<Tensor<1>>), Error> {
        if !self.cut {
            let reason = "the network was not made ready for gradients to its taps".to_owned();
            return Err(Error::Internal(reason));
        }
        let device = input.device().autodiff();
        let mut edits = Edits::new();
        let mut leaves = Vec::with_capacity(self.taps.len());
        for &tap in &self.taps {
            let shape = self.shape(tap);
            let leaf = Tensor::<1>::zeros([shape.iter().product::<usize>()], &device);
            let leaf = leaf.require_grad();
            edits.entry(tap).or_default().push(Edit {
                function: Binary::Add,
                operand: Array::from_tensor(leaf.clone()).reshape(shape),
            });
            leaves.push(leaf);
        }
        Ok((self.edited(input, parameters, &edits, seed)?, leaves))
    }

    /// The shape of a value.
    fn shape(&self, value: ValueId) -> &[usize] {
        let program = self.compiled.program();
        let step = program.steps.iter().find(|step| step.output == value);
        step.map_or(&program.input_shape, |step| &step.shape)
    }

    fn edited(
        &self,
        input: Array,
        parameters: &[Array],
        edits: &Edits,
        seed: u64,
    ) -> Result<Outcome, Error> {
        let program = self.compiled.program();
        let count = self.compiled.trained().len();
        if parameters.len() != count || input.shape() != program.input_shape {
            let reason = format!(
                "{} parameters and an input {:?}, where {} and {:?} are expected",
                parameters.len(),
                input.shape(),
                count,
                program.input_shape
            );
            return Err(Error::Input(reason));
        }
        let batch = program.input_shape[0];
        let run = self
            .compiled
            .run_seeded(input, parameters, &self.taps, edits, seed);
        let (logits, features, statistics) = run?;
        let count = logits.shape().iter().product::<usize>() / batch;
        Ok(Outcome {
            logits: logits.reshape(&[batch, count]),
            features,
            statistics,
        })
    }
}

/// Refuses what changes with each batch or seed in a stretch that is computed from weights alone.
fn check_images_are_seen(program: &Program) -> Result<(), Error> {
    let independent = program.independent();
    for step in &program.steps {
        let operator = match step.primitive {
            Primitive::BatchNormOfBatch { .. } => "BatchNormalization",
            Primitive::Dropout { .. } => "Dropout",
            _ => continue,
        };
        if independent.contains(&step.output) {
            return Err(Error::Shape {
                node: step.node.clone(),
                operator: operator.to_owned(),
                reason: "in training its input has to depend on the images".to_owned(),
            });
        }
    }
    Ok(())
}
