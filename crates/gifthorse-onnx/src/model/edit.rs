//! Replaces weights in place.

use super::Model;
use crate::{
    Error, Tensor, TensorProblem,
    proto::{TensorProto, tensor_proto::DataLocation},
    tensor::{element_type, shape},
};

impl Model {
    /// Replaces the data of an initialiser, or of the `value` of the
    /// `Constant` node that produces `name`, and leaves everything else as it
    /// is. The new data are stored in the file itself, also where the old
    /// ones were external.
    ///
    /// # Errors
    /// [`Error::Tensor`] if there is no such initialiser, if shape or element type differ, or for a
    /// tensor of strings; [`Error::External`] if the new data lie in a file that cannot be read.
    pub fn set_initializer(&mut self, name: &str, tensor: &Tensor) -> Result<(), Error> {
        let wrong = |problem| Error::Tensor {
            tensor: name.to_owned(),
            problem,
        };
        let target = self
            .constant(name)
            .ok_or_else(|| wrong(TensorProblem::Absent))?;
        let old_element = element_type(target).map_err(wrong)?;
        let old_shape = shape(target, old_element).map_err(wrong)?;
        if old_element != tensor.element_type() || old_shape != tensor.shape() {
            return Err(wrong(TensorProblem::Mismatch {
                old_element,
                old_shape,
                new_element: tensor.element_type(),
                new_shape: tensor.shape().to_vec(),
            }));
        }
        let Some(bytes) = tensor.bytes()? else {
            return Err(wrong(TensorProblem::ElementType(old_element.to_onnx())));
        };
        target.float_data.clear();
        target.double_data.clear();
        target.int32_data.clear();
        target.int64_data.clear();
        target.uint64_data.clear();
        target.external_data.clear();
        if target.data_location() != DataLocation::DEFAULT {
            target.clear_data_location();
        }
        target.set_raw_data(bytes);
        Ok(())
    }

    fn constant(&mut self, name: &str) -> Option<&mut TensorProto> {
        let graph = self.proto.graph.as_mut()?;
        let initializer = graph
            .initializer
            .iter_mut()
            .find(|tensor| tensor.name() == name);
        if initializer.is_some() {
            return initializer;
        }
        graph
            .node
            .iter_mut()
            .filter(|node| node.op_type() == "Constant")
            .find(|node| node.output.first().is_some_and(|output| output == name))?
            .attribute
            .iter_mut()
            .find(|attribute| attribute.name() == "value")?
            .t
            .as_mut()
    }
}
