//! Weights on their way to other values.

use std::collections::BTreeMap;

use gifthorse_engine::Wiring;
use gifthorse_onnx::{Graph, Model};

use crate::Error;

/// The weights of a graph that are changed.
pub struct Weights<'a, 'g> {
    graph: &'a Graph,
    wiring: &'a Wiring<'g>,
    changed: BTreeMap<String, Vec<f32>>,
}

impl<'a, 'g> Weights<'a, 'g> {
    pub fn new(graph: &'a Graph, wiring: &'a Wiring<'g>) -> Self {
        Self {
            graph,
            wiring,
            changed: BTreeMap::new(),
        }
    }

    /// Shape and values of a weight, to be changed.
    ///
    /// # Errors
    /// [`Error::Implant`] for one that several nodes read.
    pub fn of(&mut self, name: &str) -> Result<(Vec<usize>, &mut Vec<f32>), Error> {
        let tensor = self.graph.initializers.get(name);
        let missing = || Error::Implant(format!("there is no weight `{name}`"));
        let tensor = tensor.ok_or_else(missing)?;
        if self.wiring.readers(name).len() != 1 {
            return Err(Error::Implant(format!(
                "several layers share the weight `{name}`, so that no channel of one can be overwritten"
            )));
        }
        if !self.changed.contains_key(name) {
            self.changed.insert(name.to_owned(), tensor.to_f32()?);
        }
        let values = self.changed.get_mut(name).ok_or_else(missing)?;
        Ok((tensor.shape().to_vec(), values))
    }

    /// Changes the number that a weight has for a channel.
    ///
    /// # Errors
    /// As [`of`](Self::of); a weight with fewer numbers.
    pub fn put(&mut self, name: &str, channel: usize, value: f32) -> Result<(), Error> {
        let (shape, values) = self.of(name)?;
        let missing = || {
            Error::Implant(format!(
                "`{name}` {shape:?} has no number for channel {channel}"
            ))
        };
        *values.get_mut(channel).ok_or_else(missing)? = value;
        Ok(())
    }

    /// The model with these weights.
    ///
    /// # Errors
    /// A value that is too large for the type that the file has it in.
    pub fn written(self, model: &Model) -> Result<Model, Error> {
        let mut model = model.clone();
        for (name, values) in self.changed {
            let shape = self
                .graph
                .initializers
                .get(&name)
                .map(|tensor| tensor.shape());
            model.set_initializer_f32(&name, shape.unwrap_or_default(), &values)?;
        }
        Ok(model)
    }
}

/// The places of a tensor at which this axis has this index, ascending.
pub fn along(shape: &[usize], axis: usize, index: usize) -> impl Iterator<Item = usize> + use<> {
    let stride: usize = shape[axis + 1..].iter().product();
    let length = shape[axis];
    let all: usize = shape.iter().product();
    (0..all / (stride * length).max(1)).flat_map(move |outer| {
        (0..stride).map(move |inner| (outer * length + index) * stride + inner)
    })
}
