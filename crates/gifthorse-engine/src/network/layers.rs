//! The layers of a model.

use std::collections::HashMap;

use super::{Batching, Network};
use crate::error::Error;
use crate::execute::segments::keeps_batch_first;
use crate::layer::{Hinge, Layer};
use crate::program::flat::flat;
use crate::program::section::Section;
use crate::program::structure::{StructureFinding, structure};
use crate::program::{Program, Step, ValueId};

/// The layers of a model, and which of them each name stands for.
#[derive(Debug)]
pub struct Layers {
    list: Vec<Layer>,
    places: HashMap<String, usize>,
    hinges: Vec<Hinge>,
}

impl Network {
    /// The layers, in the order of computation, the logits last. A value that has several names, as
    /// behind an `Identity`, is listed once, by the first.
    ///
    /// # Errors
    /// What the lowering refuses.
    pub fn layers(&self) -> Result<&[Layer], Error> {
        Ok(&self.known_layers()?.list)
    }

    /// The layer of a name. It may be called by another name in the file, see
    /// [`layers`](Self::layers).
    ///
    /// # Errors
    /// [`Error::Input`] for a name that no layer has; what the lowering refuses.
    pub fn layer(&self, name: &str) -> Result<&Layer, Error> {
        let layers = self.known_layers()?;
        let found = layers.places.get(name).and_then(|&at| layers.list.get(at));
        found.ok_or_else(|| {
            let reason = format!(
                "the model has no layer `{name}`: no value of that name depends on the image and has a row for each image"
            );
            Error::Input(reason)
        })
    }

    /// Where a layer is a flat function of another, in the order of computation.
    ///
    /// # Errors
    /// What the lowering refuses.
    pub fn hinges(&self) -> Result<&[Hinge], Error> {
        Ok(&self.known_layers()?.hinges)
    }

    /// What in the structure of the model is how backdoors are built by hand.
    ///
    /// # Errors
    /// What the lowering refuses.
    pub fn structure(&self) -> Result<Vec<StructureFinding>, Error> {
        Ok(structure(&self.program_of_several()?, self.classes))
    }

    /// Refuses a layer of another model.
    ///
    /// # Errors
    /// [`Error::Input`]; what the lowering refuses.
    pub(crate) fn check_layer(&self, layer: &Layer) -> Result<(), Error> {
        let own = self.layer(layer.name())?;
        if own.shape() == layer.shape() {
            return Ok(());
        }
        Err(Error::Input(format!(
            "layer `{}` is {:?} in this model, not {:?}: it is of another model",
            layer.name(),
            own.shape(),
            layer.shape()
        )))
    }

    fn known_layers(&self) -> Result<&Layers, Error> {
        if let Some(known) = self.layers.get() {
            return Ok(known);
        }
        let found = self.find_layers()?;
        Ok(self.layers.get_or_init(|| found))
    }

    fn find_layers(&self) -> Result<Layers, Error> {
        let program = self.program_of_several()?;
        let batch = program.input_shape.first().copied();
        let independent = program.independent();
        let is_layer = |step: &&Step| {
            step.shape.first().copied() == batch && !independent.contains(&step.output)
        };
        let first = keeps_batch_first(&program);
        let steps = program.steps.iter().filter(is_layer);
        let steps: HashMap<ValueId, &Step> = steps
            .filter(|step| first[step.output.0] != Some(false))
            .map(|step| (step.output, step))
            .collect();
        let (mut list, mut places, mut seen) = (Vec::new(), HashMap::new(), HashMap::new());
        for name in self
            .graph
            .nodes
            .iter()
            .flat_map(|n| n.outputs.iter().flatten())
        {
            let Some(step) = program.names.get(name).and_then(|id| steps.get(id)) else {
                continue;
            };
            let at = *seen.entry(step.output).or_insert_with(|| {
                list.push(Layer::new(name.clone(), step.shape[1..].to_vec()));
                list.len() - 1
            });
            places.insert(name.clone(), at);
        }
        let layer = |id: ValueId| seen.get(&id).and_then(|&at: &usize| list.get(at));
        let hinges = program.steps.iter().filter_map(|step| {
            let (from, flat) = flat(step, &program)?;
            let (before, after) = (layer(from)?, layer(step.output)?);
            (before.shape() == after.shape()).then(|| Hinge {
                node: step.node.clone(),
                before: before.clone(),
                after: after.clone(),
                flat_below: flat.below,
                flat_above: flat.above,
            })
        });
        let hinges = hinges.collect();
        Ok(Layers {
            list,
            places,
            hinges,
        })
    }

    /// The program for more images than one where the model takes them, so that an axis of length
    /// one is not taken for the batch.
    fn program_of_several(&self) -> Result<Program, Error> {
        let whole = Section::whole();
        match self.batching {
            Batching::Parts(size) => self.lowered(size, &whole),
            Batching::Whole => {
                let declared = self.declared_batch().unwrap_or(1);
                let several = self.lowered(declared.max(2), &whole);
                several.or_else(|_| self.lowered(declared, &whole))
            }
        }
    }
}
