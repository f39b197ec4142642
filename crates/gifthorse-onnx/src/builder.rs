//! New models, written in code.

use crate::{
    Attribute, Dim, ElementType, Error, Model, Tensor,
    proto::{
        AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto,
        StringStringEntryProto, TensorProto, TensorShapeProto, TypeProto, ValueInfoProto,
        attribute_proto::AttributeType,
        tensor_shape_proto::{Dimension, dimension},
        type_proto,
    },
};

/// Builds a model node by node.
///
/// Calls can be chained or made one by one; what is wrong with them is said by
/// [`GraphBuilder::finish`].
///
/// ```
/// use gifthorse_onnx::{Dim, ElementType, GraphBuilder};
///
/// let batch = || Dim::Named("batch".into());
/// let model = GraphBuilder::new("linear", 17)
///     .input("x", ElementType::F32, &[batch(), Dim::Fixed(2)])
///     .initializer("weight", &[3, 2], vec![1.0, 0.0, 0.0, 1.0, 1.0, 1.0])
///     .initializer("bias", &[3], vec![0.0; 3])
///     .node("Gemm", "fc", &["x", "weight", "bias"], &["y"], [("transB", 1.into())])
///     .output("y", ElementType::F32, &[batch(), Dim::Fixed(3)])
///     .finish()?;
/// assert_eq!(model.graph()?.nodes[0].int("transB")?, 1);
/// # Ok::<(), gifthorse_onnx::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct GraphBuilder {
    model: ModelProto,
    graph: GraphProto,
    mistake: Option<String>,
}

impl GraphBuilder {
    /// An empty graph that uses this version of the standard operators.
    pub fn new(name: &str, opset: i64) -> Self {
        let mut model = ModelProto::new();
        model.set_ir_version(ir_version(opset));
        model.set_producer_name("gifthorse".to_owned());
        model.set_producer_version(env!("CARGO_PKG_VERSION").to_owned());
        let mut import = OperatorSetIdProto::new();
        import.set_domain(String::new());
        import.set_version(opset);
        model.opset_import.push(import);
        let mut graph = GraphProto::new();
        graph.set_name(name.to_owned());
        Self {
            model,
            graph,
            mistake: None,
        }
    }

    /// Adds an input.
    pub fn input(&mut self, name: &str, element: ElementType, dims: &[Dim]) -> &mut Self {
        self.graph.input.push(value_info(name, element, dims));
        self
    }

    /// Adds an output, which a node must produce.
    pub fn output(&mut self, name: &str, element: ElementType, dims: &[Dim]) -> &mut Self {
        self.graph.output.push(value_info(name, element, dims));
        self
    }

    /// Adds a constant of 32-bit floats, last dimension fastest.
    pub fn initializer(
        &mut self,
        name: &str,
        shape: &[usize],
        values: impl AsRef<[f32]>,
    ) -> &mut Self {
        self.add(Tensor::from_f32(name, shape, values.as_ref()))
    }

    /// Adds a constant of 64-bit integers, last dimension fastest.
    pub fn initializer_i64(
        &mut self,
        name: &str,
        shape: &[usize],
        values: impl AsRef<[i64]>,
    ) -> &mut Self {
        self.add(Tensor::from_i64(name, shape, values.as_ref()))
    }

    /// Adds a constant of any type under its own name.
    pub fn tensor(&mut self, tensor: &Tensor) -> &mut Self {
        self.add(Ok(tensor.clone()))
    }

    /// Adds a node of the standard domain; an empty input or output is one that is left out.
    pub fn node<'a>(
        &mut self,
        op_type: &str,
        name: &str,
        inputs: &[&str],
        outputs: &[&str],
        attributes: impl IntoIterator<Item = (&'a str, Attribute)>,
    ) -> &mut Self {
        let mut node = NodeProto::new();
        node.set_op_type(op_type.to_owned());
        node.set_name(name.to_owned());
        node.input = inputs.iter().map(|&input| input.to_owned()).collect();
        node.output = outputs.iter().map(|&output| output.to_owned()).collect();
        for (attribute, value) in attributes {
            match encode_attribute(attribute, value) {
                Ok(proto) => node.attribute.push(proto),
                Err(reason) => self.note(format!("node `{name}`: {reason}")),
            }
        }
        self.graph.node.push(node);
        self
    }

    /// Uses this version of the operators of another domain, such as `ai.onnx.ml`.
    pub fn domain(&mut self, domain: &str, version: i64) -> &mut Self {
        let mut import = OperatorSetIdProto::new();
        import.set_domain(domain.to_owned());
        import.set_version(version);
        self.model.opset_import.push(import);
        self
    }

    /// Adds a node of another domain, as [`node`](Self::node) does one of the standard domain.
    pub fn node_of<'a>(
        &mut self,
        domain: &str,
        op_type: &str,
        name: &str,
        inputs: &[&str],
        outputs: &[&str],
        attributes: impl IntoIterator<Item = (&'a str, Attribute)>,
    ) -> &mut Self {
        self.node(op_type, name, inputs, outputs, attributes);
        if let Some(node) = self.graph.node.last_mut() {
            node.set_domain(domain.to_owned());
        }
        self
    }

    /// Adds a node of the standard domain with graphs inside, such as the branches of an `If`: of
    /// each builder its nodes, constants and outputs, which may use the values of this one.
    pub fn node_with_graphs(
        &mut self,
        op_type: &str,
        name: &str,
        inputs: &[&str],
        outputs: &[&str],
        graphs: &[(&str, &GraphBuilder)],
    ) -> &mut Self {
        self.node(op_type, name, inputs, outputs, []);
        for (attribute, inner) in graphs {
            if let Some(mistake) = &inner.mistake {
                self.note(mistake.clone());
            }
            let mut proto = AttributeProto::new();
            proto.set_name((*attribute).to_owned());
            proto.g = Some(inner.graph.clone()).into();
            proto.set_type(AttributeType::GRAPH);
            if let Some(node) = self.graph.node.last_mut() {
                node.attribute.push(proto);
            }
        }
        self
    }

    /// Adds an entry to the model's metadata.
    pub fn metadata(&mut self, key: &str, value: &str) -> &mut Self {
        let mut entry = StringStringEntryProto::new();
        entry.set_key(key.to_owned());
        entry.set_value(value.to_owned());
        self.model.metadata_props.push(entry);
        self
    }

    /// The model.
    ///
    /// # Errors
    /// [`Error::Build`] for the first call that was wrong, or what
    /// [`Model::graph`] finds wrong with the whole.
    pub fn finish(&self) -> Result<Model, Error> {
        if let Some(mistake) = &self.mistake {
            return Err(Error::Build(mistake.clone()));
        }
        if self.graph.output.is_empty() {
            return Err(Error::Build("the graph has no output".to_owned()));
        }
        let mut proto = self.model.clone();
        proto.graph = Some(self.graph.clone()).into();
        let model = Model::from_proto(proto);
        model.graph()?;
        Ok(model)
    }

    fn add(&mut self, tensor: Result<Tensor, Error>) -> &mut Self {
        let encoded = tensor.map_err(|error| error.to_string());
        match encoded.and_then(|tensor| encode_tensor(&tensor)) {
            Ok(proto) => self.graph.initializer.push(proto),
            Err(mistake) => self.note(mistake),
        }
        self
    }

    fn note(&mut self, mistake: String) {
        self.mistake.get_or_insert(mistake);
    }
}

/// The oldest file format that goes with an operator set, so that older
/// runtimes read the file; 8 is the oldest that is written.
fn ir_version(opset: i64) -> i64 {
    match opset {
        ..=18 => 8,
        19..=20 => 9,
        21..=22 => 10,
        23 => 11,
        _ => 12,
    }
}

pub(crate) fn value_info(name: &str, element: ElementType, dims: &[Dim]) -> ValueInfoProto {
    let mut shape = TensorShapeProto::new();
    shape.dim = dims.iter().map(encode_dim).collect();
    let mut tensor = type_proto::Tensor::new();
    tensor.set_elem_type(element.to_onnx());
    tensor.shape = Some(shape).into();
    let mut value_type = TypeProto::new();
    value_type.value = Some(type_proto::Value::TensorType(tensor));
    let mut value = ValueInfoProto::new();
    value.set_name(name.to_owned());
    value.type_ = Some(value_type).into();
    value
}

fn encode_dim(dim: &Dim) -> Dimension {
    let mut encoded = Dimension::new();
    encoded.value = match dim {
        Dim::Fixed(n) => Some(dimension::Value::DimValue(*n as i64)),
        Dim::Named(name) => Some(dimension::Value::DimParam(name.clone())),
        Dim::Unknown => None,
    };
    encoded
}

pub(crate) fn encode_tensor(tensor: &Tensor) -> Result<TensorProto, String> {
    let Some(bytes) = tensor.bytes().map_err(|error| error.to_string())? else {
        return Err(format!(
            "tensor `{}`: strings are not written",
            tensor.name()
        ));
    };
    let mut proto = TensorProto::new();
    proto.set_name(tensor.name().to_owned());
    proto.set_data_type(tensor.element_type().to_onnx());
    proto.dims = tensor.shape().iter().map(|&dim| dim as i64).collect();
    proto.set_raw_data(bytes);
    Ok(proto)
}

pub(crate) fn encode_attribute(name: &str, value: Attribute) -> Result<AttributeProto, String> {
    let mut proto = AttributeProto::new();
    proto.set_name(name.to_owned());
    let kind = match value {
        Attribute::Int(v) => {
            proto.set_i(v);
            AttributeType::INT
        }
        Attribute::Float(v) => {
            proto.set_f(v);
            AttributeType::FLOAT
        }
        Attribute::String(v) => {
            proto.set_s(v.into());
            AttributeType::STRING
        }
        Attribute::Ints(v) => {
            proto.ints = v;
            AttributeType::INTS
        }
        Attribute::Floats(v) => {
            proto.floats = v;
            AttributeType::FLOATS
        }
        Attribute::Strings(v) => {
            proto.strings = v.into_iter().map(Into::into).collect();
            AttributeType::STRINGS
        }
        Attribute::Tensor(v) => {
            proto.t = Some(encode_tensor(&v)?).into();
            AttributeType::TENSOR
        }
        Attribute::Graph(_) | Attribute::Other(_) => {
            return Err(format!(
                "attribute `{name}` is {}, which is not written",
                value.kind()
            ));
        }
    };
    proto.set_type(kind);
    Ok(proto)
}
