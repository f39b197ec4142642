//! Networks that were trained before, from any ONNX file, to be trained on.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use gifthorse_data::ImageShape;
use gifthorse_engine::{Batching, Classifier, Device, Mode, Preprocess, Trainable};
use gifthorse_onnx::{Graph, Model, Node};

use crate::Error;
use crate::net::{Net, Running, Selection};

/// A weight and the node that it belongs to.
struct Owned<'a> {
    weight: &'a str,
    layer: &'a str,
}

impl Net {
    /// A network to be trained on from the weights that a file has: those of its convolutions, fully connected layers and
    /// normalisations, as far as the selection does not freeze them. All else stays as it is. `preprocess` is what happens
    /// to `[0, 1]` pixels before the model.
    ///
    /// A weight that several layers share is trained for all of them, unless one of them is frozen.
    ///
    /// # Errors
    /// [`Error::Engine`] for a model that is no image classifier, or has operators that are not supported;
    /// [`Error::NothingFrozen`] for a pattern that fits no name; [`Error::Net`] if nothing is left to be trained.
    pub fn from_model(
        model: Model,
        preprocess: Preprocess,
        selection: &Selection,
    ) -> Result<Self, Error> {
        let graph = Arc::new(model.graph()?);
        let device = Device::flex();
        let classifier = Classifier::new(graph.clone(), preprocess, None, &device)?;
        let at_once = match classifier.network().batching() {
            Batching::Whole => None,
            Batching::Parts(part) => Some(part),
        };
        let owned = weights(&graph);
        let names: Vec<&str> = owned.iter().flat_map(|o| [o.weight, o.layer]).collect();
        selection.check(&names)?;
        let frozen: HashSet<&str> = owned
            .iter()
            .filter(|owned| selection.freezes(owned.weight, owned.layer))
            .map(|owned| owned.weight)
            .collect();

        let raw = classifier.network().input();
        let names: Vec<String> = owned.iter().map(|owned| owned.weight.to_owned()).collect();
        let batch = at_once.unwrap_or(1);
        let network = Trainable::new(&graph, batch, raw, &names, &Mode::Inference, &device)?;
        // What is computed from a weight before the program runs is none that can be trained.
        let read = network.parameters()?.into_iter().map(|(name, _)| name);
        let trained = read.filter(|name| !frozen.contains(name.as_str()));
        let weights: Vec<String> = trained.collect();
        if weights.is_empty() {
            let reason = "nothing is left to be trained: no layer has weights that are not frozen";
            return Err(Error::Net(reason.to_owned()));
        }
        let [channels, height, width] = classifier.shape();
        Ok(Self {
            running: running(&graph, &weights),
            flat: raw.len() == 1,
            input: ImageShape {
                channels,
                height,
                width,
            },
            classes: classifier.classes(),
            layout: classifier.layout(),
            preprocess: classifier.preprocess().clone(),
            at_once,
            weights,
            model,
        })
    }
}

/// All weights, in the order of the nodes that they belong to.
fn weights(graph: &Graph) -> Vec<Owned<'_>> {
    let producers: HashMap<&str, &Node> = graph
        .nodes
        .iter()
        .flat_map(|node| {
            node.outputs
                .iter()
                .flatten()
                .map(move |out| (out.as_str(), node))
        })
        .collect();
    let mut found = Vec::new();
    for node in &graph.nodes {
        for &place in places(node, &producers) {
            let source = node.input(place).and_then(|name| source(name, &producers));
            let initializer = source.and_then(|name| graph.initializers.get_key_value(name));
            if let Some((weight, tensor)) = initializer
                && tensor.element_type().is_float()
            {
                found.push(Owned {
                    weight,
                    layer: &node.name,
                });
            }
        }
    }
    found
}

/// Which inputs of a node are weights.
fn places(node: &Node, producers: &HashMap<&str, &Node>) -> &'static [usize] {
    match node.op_type.as_str() {
        "Conv" | "ConvTranspose" | "Gemm" | "BatchNormalization" | "LayerNormalization" => &[1, 2],
        "MatMul" => &[0, 1],
        // The bias of a product that has none of its own.
        "Add" => {
            let product = |place: usize| {
                let producer = node.input(place).and_then(|name| producers.get(name));
                producer.is_some_and(|p| matches!(p.op_type.as_str(), "MatMul" | "Conv" | "Gemm"))
            };
            match (product(0), product(1)) {
                (true, false) => &[1],
                (false, true) => &[0],
                _ => &[],
            }
        }
        _ => &[],
    }
}

/// The value that a name is another form of.
fn source<'a>(mut name: &'a str, producers: &HashMap<&str, &'a Node>) -> Option<&'a str> {
    while let Some(node) = producers.get(name) {
        match node.op_type.as_str() {
            "Identity" | "Transpose" | "Reshape" | "Squeeze" | "Unsqueeze" => {
                name = node.input(0)?;
            }
            _ => return None,
        }
    }
    Some(name)
}

/// The statistics of batch normalisations of which something is trained.
fn running(graph: &Graph, weights: &[String]) -> Vec<Running> {
    let norms = graph
        .nodes
        .iter()
        .filter(|node| node.op_type == "BatchNormalization");
    let trained = norms.filter(|node| {
        let mut own = [1, 2].into_iter().filter_map(|place| node.input(place));
        own.any(|name| weights.iter().any(|weight| weight == name))
    });
    trained
        .filter_map(|node| {
            let (mean, variance) = (node.input(3)?, node.input(4)?);
            let held = |name| graph.initializers.contains_key(name);
            (held(mean) && held(variance)).then(|| Running {
                mean: mean.to_owned(),
                variance: variance.to_owned(),
            })
        })
        .collect()
}
