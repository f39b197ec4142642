//! Puts a node behind a layer that switches neurons off, or keeps channels below bounds: no weight
//! is changed, and no later training brings back what is switched off.

use gifthorse_engine::Layer;
use gifthorse_onnx::{ElementType, Graph, Model, NodeSpec, Readers, Tensor};

use super::grain::Grain;
use crate::error::Error;

/// The name that new nodes have.
const NAME: &str = "gifthorse_repair";

/// The model with some neurons of a layer switched off.
///
/// # Errors
/// A layer that the file has under no name of its own, as within a local function.
pub(super) fn masked(
    model: &Model,
    layer: &Layer,
    grain: Grain,
    neurons: &[usize],
) -> Result<Model, Error> {
    let mut factors = vec![1.0; grain.count(layer)];
    for &neuron in neurons {
        factors[neuron] = 0.0;
    }
    let shape = match grain {
        Grain::Channel => by_channel(layer),
        Grain::Number => [&[1], layer.shape()].concat(),
    };
    with_node(model, layer, "Mul", (&shape, &factors))
}

/// The model with each channel of a layer kept below its bound.
///
/// # Errors
/// As [`masked`].
pub(crate) fn bounded(model: &Model, layer: &Layer, bounds: &[f32]) -> Result<Model, Error> {
    with_node(model, layer, "Min", (&by_channel(layer), bounds))
}

/// The shape in which one number for each channel broadcasts against the value of a batch.
fn by_channel(layer: &Layer) -> Vec<usize> {
    let mut shape = vec![1; layer.shape().len() + 1];
    shape[layer.channel_axis()] = layer.channels();
    shape
}

fn with_node(
    model: &Model,
    layer: &Layer,
    operator: &str,
    (shape, numbers): (&[usize], &[f32]),
) -> Result<Model, Error> {
    let element = element_of(&model.graph()?, layer.name());
    let constant = Tensor::from_f32_as(operator.to_lowercase(), shape, element, numbers)?;
    let node = NodeSpec::new(operator, NAME).value().constant(constant);
    let mut changed = model.clone();
    changed.insert_after(layer.name(), &node, Readers::All)?;
    Ok(changed)
}

/// The type of a value's elements: that of the nearest weight, conversion or input that it is made
/// from.
fn element_of(graph: &Graph, value: &str) -> ElementType {
    let mut value = value;
    // Nodes are in an order in which they can run, so that each step leads further to the front.
    for node in graph.nodes.iter().rev() {
        if !node.outputs.iter().flatten().any(|output| output == value) {
            continue;
        }
        let to = node.int_or("to", 0).unwrap_or(0);
        if node.op_type == "Cast"
            && let Some(element) = ElementType::from_onnx(to)
        {
            return element;
        }
        let mut weights = (node.inputs.iter().flatten())
            .filter_map(|name| graph.initializers.get(name))
            .map(Tensor::element_type);
        if let Some(element) = weights.find(|element| element.is_float()) {
            return element;
        }
        let Some(first) = node.input(0) else { break };
        value = first;
    }
    let input = graph.inputs.iter().find(|input| input.name == value);
    let element = input.and_then(|input| input.element_type);
    let element = element.filter(|element| element.is_float());
    element.unwrap_or(ElementType::F32)
}
