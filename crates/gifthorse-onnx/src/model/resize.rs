//! Gives constants another shape, such as those of a last layer that is to have other classes.

use super::{
    Model,
    edit::{store, wrong},
    place::Place,
};
use crate::{Dim, Error, Tensor, TensorProblem, ValueInfo, builder::value_info};

impl Model {
    /// Replaces constants by others of the same names and element types, whatever their shapes, and
    /// says of outputs of the model that they now have these dimensions. What the file says of the
    /// shapes of values in between is taken out, since it may no longer hold. The model is left as
    /// it was where that fails.
    ///
    /// ```
    /// # use gifthorse_onnx::{Dim, ElementType, GraphBuilder, Tensor};
    /// # let batch = || Dim::Named("batch".into());
    /// # let mut model = GraphBuilder::new("linear", 17)
    /// #     .input("x", ElementType::F32, &[batch(), Dim::Fixed(2)])
    /// #     .initializer("w", &[2, 3], vec![0.0; 6])
    /// #     .node("MatMul", "fc", &["x", "w"], &["y"], [])
    /// #     .output("y", ElementType::F32, &[batch(), Dim::Fixed(3)])
    /// #     .finish()?;
    /// let weights = Tensor::from_f32("w", &[2, 5], &[1.0; 10])?;
    /// model.resize(&[weights], &[("y", vec![batch(), Dim::Fixed(5)])])?;
    /// assert_eq!(model.graph()?.initializers["w"].shape(), [2, 5]);
    /// # Ok::<(), gifthorse_onnx::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Tensor`] for a constant that is not there, has another element type or no axes;
    /// [`Error::Build`] for an output that is not there; whatever [`graph`](Model::graph) finds
    /// wrong with the result.
    pub fn resize(
        &mut self,
        constants: &[Tensor],
        outputs: &[(&str, Vec<Dim>)],
    ) -> Result<(), Error> {
        let mut resized = self.clone();
        for tensor in constants {
            resized.put(tensor)?;
        }
        let graph = resized.proto.graph.as_mut().ok_or(Error::NoGraph)?;
        graph.value_info.clear();
        for (name, dims) in outputs {
            let mut all = graph.output.iter_mut();
            let output = all.find(|output| output.name() == *name);
            let output =
                output.ok_or_else(|| Error::Build(format!("the model has no output `{name}`")))?;
            if let Some(element) = ValueInfo::decode(output)?.element_type {
                output.type_ = value_info(name, element, dims).type_;
            }
        }
        resized.graph()?;
        *self = resized;
        Ok(())
    }

    fn put(&mut self, tensor: &Tensor) -> Result<(), Error> {
        let name = tensor.name();
        let (old_element, old_shape) = self.kind_of(name)?;
        let mismatch = TensorProblem::Mismatch {
            old_element,
            old_shape,
            new_element: tensor.element_type(),
            new_shape: tensor.shape().to_vec(),
        };
        if old_element != tensor.element_type() {
            return Err(wrong(name, mismatch));
        }
        let dims: Vec<Dim> = tensor.shape().iter().copied().map(Dim::Fixed).collect();
        // Up to version 3 of the format constants are listed as inputs.
        let listed = self.proto.graph.as_mut().into_iter();
        let listed = listed.flat_map(|graph| &mut graph.input);
        for input in listed.filter(|input| input.name() == name) {
            input.type_ = value_info(name, old_element, &dims).type_;
        }
        match self.place(name)? {
            Place::Tensor(target) => {
                let Some(bytes) = tensor.bytes()? else {
                    let problem = TensorProblem::ElementType(old_element.to_onnx());
                    return Err(wrong(name, problem));
                };
                target.dims = tensor.shape().iter().map(|axis| *axis as i64).collect();
                let was_outside = store(target, bytes);
                if was_outside.is_some() {
                    self.outside.insert(name.to_owned(), was_outside);
                }
            }
            Place::Floats(values) if tensor.shape().len() == 1 => *values = tensor.to_f32()?,
            Place::Floats(_) | Place::Float(_) => return Err(wrong(name, mismatch)),
        }
        Ok(())
    }
}
