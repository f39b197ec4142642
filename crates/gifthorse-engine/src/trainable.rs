//! A model whose weights are variables: the same lowering, with the weights handed in.

use std::collections::HashMap;
use std::sync::Arc;

use burn::tensor::Device;
use gifthorse_onnx::Graph;

use crate::array::Array;
use crate::compiled::Compiled;
use crate::error::Error;
use crate::lower::{Target, lower};

/// A network lowered for one batch size with its float initialisers as parameters.
///
/// Batch normalisation runs with its stored statistics and dropout is off, as in
/// inference.
#[derive(Debug)]
pub struct Trainable {
    compiled: Compiled,
}

impl Trainable {
    /// Lowers the graph for batches of `[batch, input...]`.
    ///
    /// # Errors
    /// What the lowering refuses.
    pub fn new(
        graph: &Arc<Graph>,
        batch: usize,
        input: &[usize],
        device: &Device,
    ) -> Result<Self, Error> {
        let target = Target {
            batch,
            input,
            device: device.clone(),
        };
        let program = lower(graph, &target, &mut HashMap::new())?;
        Ok(Self {
            compiled: Compiled::trainable(program),
        })
    }

    /// The parameters in the order in which `forward` takes them: the name of the
    /// initialiser (or of a constant that the lowering made) and its first value, untracked.
    pub fn parameters(&self) -> Vec<(String, Array)> {
        let params = &self.compiled.program().params;
        params
            .iter()
            .map(|p| (p.name.clone(), p.value.clone()))
            .collect()
    }

    /// Logits `[batch, classes]` of a raw input under the given parameters; gradients flow
    /// to whatever of both is tracked.
    ///
    /// # Errors
    /// A wrong number of parameters, or an input of another shape.
    pub fn forward(&self, input: Array, parameters: &[Array]) -> Result<Array, Error> {
        let program = self.compiled.program();
        if parameters.len() != program.params.len() || input.shape() != program.input_shape {
            let reason = format!(
                "{} parameters and an input {:?}, where {} and {:?} are expected",
                parameters.len(),
                input.shape(),
                program.params.len(),
                program.input_shape
            );
            return Err(Error::Input(reason));
        }
        let batch = program.input_shape[0];
        let logits = self.compiled.run(input, Some(parameters), &[])?.remove(0);
        let count = logits.shape().iter().product::<usize>() / batch;
        Ok(logits.reshape(&[batch, count]))
    }
}
