//! A model whose weights are variables: the same lowering, with the weights handed in.

use std::collections::HashMap;
use std::sync::Arc;

use burn::tensor::Device;
use gifthorse_onnx::Graph;

use crate::array::Array;
use crate::compiled::Compiled;
use crate::error::Error;
use crate::lower::{Target, lower};

/// A network lowered for one batch size, some of whose float initialisers are parameters; all else is frozen.
///
/// Batch normalisation runs with its stored statistics and dropout is off, as in
/// inference.
#[derive(Debug)]
pub struct Trainable {
    compiled: Compiled,
}

impl Trainable {
    /// Lowers the graph for batches of `[batch, input...]`. `trained` names the initialisers that are parameters; names that
    /// the lowered graph does not read are left out.
    ///
    /// # Errors
    /// What the lowering refuses.
    pub fn new(
        graph: &Arc<Graph>,
        batch: usize,
        input: &[usize],
        trained: &[String],
        device: &Device,
    ) -> Result<Self, Error> {
        let target = Target {
            batch,
            input,
            device: device.clone(),
        };
        let mut program = lower(graph, &target, &mut HashMap::new())?;
        for param in &mut program.params {
            param.trained = trained.contains(&param.name);
        }
        Ok(Self {
            compiled: Compiled::new(program, &[], &[])?,
        })
    }

    /// The parameters in the order in which `forward` takes them: the name of the initialiser and its first value,
    /// untracked.
    pub fn parameters(&self) -> Vec<(String, Array)> {
        let params = self.compiled.trained();
        params.map(|p| (p.name.clone(), p.value.clone())).collect()
    }

    /// Logits `[batch, classes]` of a raw input under the given parameters; gradients flow
    /// to whatever of both is tracked.
    ///
    /// # Errors
    /// A wrong number of parameters, or an input of another shape.
    pub fn forward(&self, input: Array, parameters: &[Array]) -> Result<Array, Error> {
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
        let logits = self.compiled.run(input, parameters, &[])?.remove(0);
        let count = logits.shape().iter().product::<usize>() / batch;
        Ok(logits.reshape(&[batch, count]))
    }
}

#[cfg(test)]
mod tests;
