//! Where a classifier begins and ends: its image input, and the value that holds the logits.

use std::collections::BTreeMap;

use burn_tensor::Device;
use gifthorse_onnx::{Graph, ValueInfo};

use super::bottleneck::{self, Bottleneck};
use super::context::Weights;
use super::image_input::{ImageInput, Opening};
use super::outputs::{Look, Output, choose};
use super::survey::{Surveyed, survey};
use super::{Target, begin};
use crate::error::Error;
use crate::mode::Mode;

/// The two ends of a classifier's graph.
#[derive(Clone, Debug)]
pub struct Ends {
    /// The image input, a batch axis first.
    pub input: ValueInfo,
    /// Whether the file has that input without a batch axis.
    pub without_batch: bool,
    /// A number for each other input.
    pub given: BTreeMap<String, f32>,
    /// Name of the output that is taken.
    pub output: String,
    /// Name of the value that holds the class scores, before what only turns them into
    /// probabilities, a winner or its name.
    pub logits: String,
    /// The operators after it that were left off, such as `Softmax`, if there are any: in the order
    /// of computation, with commas.
    pub cut: Option<String>,
    /// Names of the classes in the file; empty, or one for each.
    pub class_names: Vec<String>,
    /// Whether that value has the classes before the batch.
    pub classes_first: bool,
    /// All outputs of the file.
    pub outputs: Vec<Output>,
}

impl Ends {
    /// Finds the output to take and walks back from it over what only turns scores into
    /// probabilities, a winner or its name, and whose saturation would take the gradients away.
    ///
    /// `shape` is that of one image as the file takes it.
    ///
    /// # Errors
    /// No output; several that could be the one ([`Error::SeveralOutputs`]); why it cannot be
    /// computed.
    pub fn find(
        graph: &Graph,
        input: ImageInput,
        shape: &[usize],
        opening: &Opening,
        device: &Device,
        weights: &mut Weights,
    ) -> Result<Self, Error> {
        let mut ends = Self::uncut(graph, input, opening)?;
        let wanted = opening.output.as_deref();
        let found = {
            let start = Target {
                ends: &ends,
                batch: ends.declared_batch().unwrap_or(1),
                input: shape,
                device: device.clone(),
                mode: &Mode::Inference,
            };
            let (mut context, _) = begin(graph, &start, weights)?;
            survey(&mut context, graph, wanted)
        };
        ends.outputs = found.iter().map(|found| found.output.clone()).collect();
        let Surveyed { output, origin, .. } = choose(found, wanted)?;
        // What is taken for scores is told as such.
        let taken = ends
            .outputs
            .iter_mut()
            .find(|taken| taken.name == output.name);
        if let Some(taken) = taken {
            taken.look = match taken.look {
                Look::Features { count } => Look::Scores { classes: count },
                Look::Number => Look::OneScore,
                ref other => other.clone(),
            };
        }
        ends.logits.clone_from(&output.name);
        ends.output = output.name;
        if let Some(origin) = origin {
            ends.logits = origin.value;
            ends.cut = (!origin.left_off.is_empty()).then(|| origin.left_off.join(", "));
            ends.class_names = origin.class_names;
            ends.classes_first = origin.classes_first;
        }
        Ok(ends)
    }

    /// The first output as it is: nothing is left off.
    ///
    /// # Errors
    /// [`Error::NotAClassifier`] when there is no output.
    pub fn uncut(graph: &Graph, input: ImageInput, opening: &Opening) -> Result<Self, Error> {
        let Some(output) = graph.outputs.first() else {
            return Err(Error::NotAClassifier("it has no output".to_string()));
        };
        Ok(Self {
            input: input.info,
            without_batch: input.without_batch,
            given: opening.inputs.clone(),
            output: output.name.clone(),
            logits: output.name.clone(),
            cut: None,
            class_names: Vec::new(),
            classes_first: false,
            outputs: Vec::new(),
        })
    }

    /// The batch size that the file fixes, if it does.
    pub fn declared_batch(&self) -> Option<usize> {
        let first = self.input.shape.as_ref()?.first()?;
        first.fixed().filter(|&n| n > 0)
    }

    /// The last node that everything passes and that saturates or takes steps, if there is one: it
    /// could not be left off.
    pub fn bottleneck<'g>(&self, graph: &'g Graph) -> Option<Bottleneck<'g>> {
        bottleneck::find(graph, &self.input.name, &self.logits)
    }

    /// The other outputs that could be scores of classes too, and are not computed from the same
    /// values as the one that is taken. `labels` is the number of classes that the images have
    /// labels of: features that have as many numbers are taken for scores.
    pub fn unseen(&self, labels: Option<usize>) -> Vec<&Output> {
        let own = self.taken();
        let own_classes = own.and_then(|own| own.look.classes());
        let is_unseen = |output: &&Output| {
            let classes = output.look.classes();
            let like_scores = output.look.is_scores()
                || output.is_unknown()
                || classes.is_some() && (classes == labels || classes == own_classes);
            output.name != self.output && like_scores && !self.is_same(output)
        };
        self.outputs.iter().filter(is_unseen).collect()
    }

    /// Whether an output is made from the scores that are taken, in the same order of classes.
    pub fn is_same(&self, output: &Output) -> bool {
        let own = self.taken().and_then(|own| own.scores.as_ref());
        own.is_some() && output.scores.as_ref() == own
    }

    fn taken(&self) -> Option<&Output> {
        self.outputs
            .iter()
            .find(|output| output.name == self.output)
    }
}
