//! Which values of a graph are weights, which layers they belong to, and what stands behind a
//! layer.

mod channels;

use std::collections::HashMap;

use gifthorse_onnx::{ElementType, Graph, Node};

pub use channels::ChannelReader;

/// What a weight does in its layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The factors of a convolution or a matrix product.
    Kernel,
    /// The factor of a normalisation.
    Scale,
    /// What is added.
    Bias,
}

/// A weight and the layer (node) that it belongs to. One that several layers share is one of each.
#[derive(Clone, Copy, Debug)]
pub struct Weight<'g> {
    /// Name of its initialiser.
    pub name: &'g str,
    /// The node that computes with it. For a bias that a product has none of itself this is the
    /// `Add` behind the product.
    pub layer: &'g Node,
    /// What it does there.
    pub role: Role,
}

/// The running statistics of a batch normalisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunningStatistics<'g> {
    /// Name of the initialiser of the means.
    pub mean: &'g str,
    /// Name of the initialiser of the variances.
    pub variance: &'g str,
}

/// Who makes and who reads each value of a graph, and which of them are weights.
///
/// It looks at the graph itself, not into the branches of an `If`. Weights are initialisers of
/// float types; take [`Model::editable_graph`](gifthorse_onnx::Model::editable_graph) for those in
/// `Constant` nodes to be among them.
#[derive(Debug)]
pub struct Wiring<'g> {
    graph: &'g Graph,
    producers: HashMap<&'g str, &'g Node>,
    readers: HashMap<&'g str, Vec<(&'g Node, usize)>>,
}

impl<'g> Wiring<'g> {
    /// That of a graph.
    #[must_use]
    pub fn new(graph: &'g Graph) -> Self {
        let mut wiring = Self {
            graph,
            producers: HashMap::new(),
            readers: HashMap::new(),
        };
        for node in &graph.nodes {
            for output in node.outputs.iter().flatten() {
                wiring.producers.insert(output, node);
            }
            for (place, input) in node.inputs.iter().enumerate() {
                if let Some(input) = input {
                    wiring.readers.entry(input).or_default().push((node, place));
                }
            }
        }
        wiring
    }

    /// All weights of convolutions, matrix products and normalisations, in the order of the nodes
    /// that they belong to.
    #[must_use]
    pub fn weights(&self) -> Vec<Weight<'g>> {
        let nodes = self.graph.nodes.iter();
        nodes.flat_map(|node| self.weights_of(node)).collect()
    }

    /// The weights of one node, in the order of its inputs.
    #[must_use]
    pub fn weights_of(&self, layer: &'g Node) -> Vec<Weight<'g>> {
        let places = self.places(layer).iter();
        let found = places.filter_map(|&(place, role)| {
            let name = self.source(layer.input(place)?)?;
            let (name, tensor) = self.graph.initializers.get_key_value(name)?;
            let is_weight = tensor.element_type().is_float();
            is_weight.then_some(Weight { name, layer, role })
        });
        found.collect()
    }

    /// The running statistics of a batch normalisation that are initialisers; `None` for another
    /// node.
    #[must_use]
    pub fn statistics(&self, node: &'g Node) -> Option<RunningStatistics<'g>> {
        if !is_standard(node, &["BatchNormalization"]) {
            return None;
        }
        let held = |place| {
            let mut name = node.input(place)?;
            while let Some(node) = self.producer(name) {
                if !is_form(node) || !is_standard(node, &["Identity", "Cast"]) {
                    return None;
                }
                name = node.input(0)?;
            }
            self.graph.initializers.get_key_value(name)
        };
        let ((mean, _), (variance, _)) = (held(3)?, held(4)?);
        Some(RunningStatistics { mean, variance })
    }

    /// The batch normalisation that alone reads what a layer makes, if there is one, past a bias
    /// that is added.
    #[must_use]
    pub fn norm_behind(&self, layer: &'g Node) -> Option<&'g Node> {
        let mut value = layer.output(0)?;
        loop {
            let is_output = self.graph.outputs.iter().any(|output| output.name == value);
            let [(reader, place)] = self.readers(value) else {
                return None;
            };
            if is_output || self.is_captured(value) {
                return None;
            }
            if is_standard(reader, &["BatchNormalization"]) && *place == 0 {
                return Some(reader);
            }
            if !is_standard(reader, &["Add"]) || self.weights_of(reader).is_empty() {
                return None;
            }
            value = reader.output(0)?;
        }
    }

    /// The nodes that read a value, each with the place among its inputs.
    #[must_use]
    pub fn readers(&self, value: &str) -> &[(&'g Node, usize)] {
        self.readers.get(value).map_or(&[], Vec::as_slice)
    }

    /// The node that makes a value; `None` for inputs and initialisers.
    #[must_use]
    pub fn producer(&self, value: &str) -> Option<&'g Node> {
        self.producers.get(value).copied()
    }

    /// Whether a graph inside a node reads the value.
    fn is_captured(&self, value: &str) -> bool {
        let mut inner = self.graph.nodes.iter().flat_map(Node::graphs);
        inner.any(|graph| graph.captures.iter().any(|name| name == value))
    }

    /// Which inputs of a node are weights.
    fn places(&self, node: &Node) -> &'static [(usize, Role)] {
        if !node.domain.is_empty() {
            return &[];
        }
        match node.op_type.as_str() {
            "Conv" | "ConvTranspose" | "Gemm" => &[(1, Role::Kernel), (2, Role::Bias)],
            "BatchNormalization" | "LayerNormalization" => &[(1, Role::Scale), (2, Role::Bias)],
            "MatMul" => &[(0, Role::Kernel), (1, Role::Kernel)],
            // The bias of a product that has none of its own.
            "Add" => {
                let product = |place: usize| {
                    let producer = node.input(place).and_then(|name| self.producer(name));
                    producer.is_some_and(|p| is_standard(p, &["MatMul", "Conv", "Gemm"]))
                };
                match (product(0), product(1)) {
                    (true, false) => &[(1, Role::Bias)],
                    (false, true) => &[(0, Role::Bias)],
                    _ => &[],
                }
            }
            _ => &[],
        }
    }

    /// The value that a name is another form of: its axes moved, or its floats in another type.
    fn source(&self, mut name: &'g str) -> Option<&'g str> {
        while let Some(node) = self.producer(name) {
            if !is_form(node) {
                return None;
            }
            name = node.input(0)?;
        }
        Some(name)
    }
}

/// Whether a node gives its first input in another form.
fn is_form(node: &Node) -> bool {
    if is_standard(node, &["Cast"]) {
        let to = node.int("to").ok().and_then(ElementType::from_onnx);
        return to.is_some_and(ElementType::is_float);
    }
    is_standard(
        node,
        &["Identity", "Transpose", "Reshape", "Squeeze", "Unsqueeze"],
    )
}

/// Whether a node is one of these operators of ONNX's own.
fn is_standard(node: &Node, operators: &[&str]) -> bool {
    node.domain.is_empty() && operators.contains(&node.op_type.as_str())
}
