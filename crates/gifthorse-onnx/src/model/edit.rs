//! Replaces weights in place.

use std::collections::HashSet;

use super::{
    Model,
    place::{self, Place, output_of_constant},
};
use crate::{
    ElementType, Error, Graph, Tensor, TensorProblem,
    external::{ExternalFiles, location},
    proto::{TensorProto, tensor_proto::DataLocation},
    tensor::{self, element_type, shape, widen},
};

impl Model {
    /// Replaces the data of an initialiser, or of what the `Constant` node gives that produces
    /// `name`, and leaves everything else as it is. Where the old data lie in a file beside the
    /// model, [`write`](Model::write) puts the new ones into such a file as well, a new one;
    /// [`to_bytes`](Model::to_bytes) has them in the model itself.
    ///
    /// # Errors
    /// [`Error::Tensor`] if there is no such initialiser, if shape or element
    /// type differ, or for a tensor of strings; [`Error::External`] if the new data lie in a file
    /// that cannot be read.
    pub fn set_initializer(&mut self, name: &str, tensor: &Tensor) -> Result<(), Error> {
        let (old_element, old_shape) = self.kind_of(name)?;
        if old_element != tensor.element_type() || old_shape != tensor.shape() {
            return Err(wrong(
                name,
                TensorProblem::Mismatch {
                    old_element,
                    old_shape,
                    new_element: tensor.element_type(),
                    new_shape: tensor.shape().to_vec(),
                },
            ));
        }
        match self.place(name)? {
            Place::Tensor(target) => {
                let Some(bytes) = tensor.bytes()? else {
                    let problem = TensorProblem::ElementType(old_element.to_onnx());
                    return Err(wrong(name, problem));
                };
                let was_outside = store(target, bytes);
                if was_outside.is_some() {
                    self.outside.insert(name.to_owned(), was_outside);
                }
            }
            Place::Floats(values) => *values = tensor.to_f32()?,
            Place::Float(value) => *value = tensor.to_f32()?.first().copied(),
        }
        Ok(())
    }

    /// Replaces the values of an initialiser or `Constant` node of any float type, as
    /// [`set_initializer`](Model::set_initializer) does, in the type that the file holds them in:
    /// rounded to nearest, ties to even. Where the file has 64-bit floats, those whose 32-bit
    /// rounding is the new value stay as they are.
    ///
    /// # Errors
    /// [`Error::Tensor`] if there is no such initialiser, if it has another shape or holds no
    /// floats, or if a finite value is too large for its type; [`Error::External`] if the old
    /// data lie in a file that cannot be read.
    pub fn set_initializer_f32(
        &mut self,
        name: &str,
        shape: &[usize],
        values: &[f32],
    ) -> Result<(), Error> {
        let (element, old_shape) = self.kind_of(name)?;
        let mut tensor = Tensor::from_f32_as(name, shape, element, values)?;
        if element == ElementType::F64 && old_shape == shape {
            let external = ExternalFiles::new(self.folder.as_deref());
            if let Place::Tensor(old) = self.place(name)?
                && let Some(old) = tensor::decode(old, name, &external)?.bytes()?
            {
                tensor = Tensor::from_bytes(name, shape, element, widen(values, &old))?;
            }
        }
        self.set_initializer(name, &tensor)
    }

    /// From now on, [`write`](Model::write) puts the data of a constant into a file beside the
    /// model: where there are many, the model itself would be more than the 2 GiB that it may be.
    ///
    /// # Errors
    /// [`Error::Tensor`] if there is no such initialiser or `Constant` node with a tensor, or if
    /// it is of a type that is not read.
    pub fn store_outside(&mut self, name: &str) -> Result<(), Error> {
        let (element, _) = self.kind_of(name)?;
        let Place::Tensor(tensor) = self.place(name)? else {
            return Err(wrong(name, TensorProblem::Absent));
        };
        if element == ElementType::String {
            return Err(wrong(name, TensorProblem::ElementType(element.to_onnx())));
        }
        if tensor.data_location() != DataLocation::EXTERNAL {
            self.outside.entry(name.to_owned()).or_default();
        }
        Ok(())
    }

    /// The graph as [`graph`](Model::graph) gives it, but with what `Constant` nodes of the file's
    /// own graph give among the initialisers and without these nodes: its initialisers are all
    /// the constants that [`set_initializer`](Model::set_initializer) can replace.
    ///
    /// # Errors
    /// As for [`graph`](Model::graph).
    pub fn editable_graph(&self) -> Result<Graph, Error> {
        let mut graph = self.graph()?;
        let own = self.proto.graph.iter().flat_map(|graph| &graph.node);
        let names: HashSet<&str> = own.filter_map(output_of_constant).collect();
        graph.lift(&names)?;
        Ok(graph)
    }

    /// Element type and shape of a constant that can be replaced.
    pub(super) fn kind_of(&mut self, name: &str) -> Result<(ElementType, Vec<usize>), Error> {
        match self.place(name)? {
            Place::Tensor(tensor) => {
                let element = element_type(tensor).map_err(|problem| wrong(name, problem))?;
                let shape = shape(tensor, element).map_err(|problem| wrong(name, problem))?;
                Ok((element, shape))
            }
            Place::Floats(values) => Ok((ElementType::F32, vec![values.len()])),
            Place::Float(_) => Ok((ElementType::F32, Vec::new())),
        }
    }

    pub(super) fn place(&mut self, name: &str) -> Result<Place<'_>, Error> {
        let graph = self.proto.graph.as_mut();
        let place = graph.and_then(|graph| place::find(graph, name));
        place.ok_or_else(|| wrong(name, TensorProblem::Absent))
    }
}

pub(super) fn wrong(name: &str, problem: TensorProblem) -> Error {
    Error::Tensor {
        tensor: name.to_owned(),
        problem,
    }
}

/// Gives a tensor new data in the message itself, and says where the old ones lay if that was in a
/// file.
pub(super) fn store(target: &mut TensorProto, bytes: bytes::Bytes) -> Option<String> {
    let external = target.data_location() == DataLocation::EXTERNAL;
    let old = external.then(|| {
        location(&target.external_data)
            .unwrap_or_default()
            .to_owned()
    });
    clear(target);
    target.set_raw_data(bytes);
    old
}

/// Takes a tensor's data out of its message, wherever they are.
pub(super) fn clear(target: &mut TensorProto) {
    target.clear_raw_data();
    target.float_data.clear();
    target.double_data.clear();
    target.int32_data.clear();
    target.int64_data.clear();
    target.uint64_data.clear();
    target.external_data.clear();
    if target.data_location() != DataLocation::DEFAULT {
        target.clear_data_location();
    }
}
