//! The score as nodes of the model's graph.

use gifthorse_engine::Layer;
use gifthorse_onnx::{Attribute, Dim, ElementType, GraftOutputs, GraphBuilder, Model};

use super::activations::Pool;
use super::raised::Raised;
use crate::error::Error;

/// Begins the names of all that is new in the model.
const PREFIX: &str = "gifthorse.";

/// From this version of the operators on, reductions are told their axes by an input.
const AXES_AS_INPUT: i64 = 18;

/// Puts the score of each image, `[batch, 1]`, into a model: the largest over the triggers. Gives
/// its name.
///
/// # Errors
/// A graph that cannot be changed; a layer that the file has under no name of its own.
pub fn export(model: &mut Model, raised: &[(Layer, Raised)]) -> Result<String, Error> {
    let opset = model.graph()?.opset("").unwrap_or_default();
    let mut scores = Vec::new();
    for (layer, raised) in raised {
        let part = of_trigger(layer, raised, opset)?;
        scores.extend(model.graft(&part, PREFIX, GraftOutputs::Inner)?);
    }
    let batch = || [Dim::Named("batch".to_owned()), Dim::Fixed(1)];
    let mut largest = GraphBuilder::new("largest", opset);
    for score in &scores {
        largest.input(score, ElementType::F32, &batch());
    }
    let inputs: Vec<&str> = scores.iter().map(String::as_str).collect();
    largest
        .node("Max", "largest", &inputs, &["score"], [])
        .output("score", ElementType::F32, &batch());
    let made = model.graft(&largest.finish()?, PREFIX, GraftOutputs::Inner)?;
    made.into_iter().next().ok_or_else(|| {
        Error::CannotFilter("the score of the filter has no name in the graph".to_owned())
    })
}

/// The score of one trigger as a graph that reads the layer: what is left of a channel's places,
/// the mean of some channels, and where that lies between clean and stamped images.
fn of_trigger(layer: &Layer, raised: &Raised, opset: i64) -> Result<Model, Error> {
    let mut dims = vec![Dim::Named("batch".to_owned())];
    dims.extend(layer.shape().iter().copied().map(Dim::Fixed));
    let count = raised.neurons.len();
    let neurons: Vec<i64> = raised.neurons.iter().map(|&neuron| neuron as i64).collect();
    let weights = vec![(1.0 / (count as f64 * raised.gap)) as f32; count];
    let rest = (-raised.clean / raised.gap) as f32;
    let places: Vec<i64> = (1..=layer.shape().len())
        .filter(|&axis| axis != layer.channel_axis())
        .map(|axis| axis as i64)
        .collect();
    let mut graph = GraphBuilder::new("score", opset);
    graph
        .input(layer.name(), ElementType::F32, &dims)
        .initializer_i64("neurons", &[count], &neurons)
        .initializer("weights", &[count, 1], weights)
        .initializer("rest", &[1], [rest]);
    let to_float = [("to", Attribute::Int(ElementType::F32.to_onnx().into()))];
    graph.node("Cast", "float", &[layer.name()], &["values"], to_float);
    let pooled = if places.is_empty() {
        "values"
    } else {
        "pooled"
    };
    let operator = match raised.pool {
        Pool::Mean => "ReduceMean",
        Pool::Largest => "ReduceMax",
    };
    let keep = ("keepdims", Attribute::Int(0));
    if !places.is_empty() && opset >= AXES_AS_INPUT {
        graph
            .initializer_i64("axes", &[places.len()], &places)
            .node(operator, "pool", &["values", "axes"], &["pooled"], [keep]);
    } else if !places.is_empty() {
        let axes = ("axes", Attribute::Ints(places));
        graph.node(operator, "pool", &["values"], &["pooled"], [keep, axes]);
    }
    graph
        .node(
            "Gather",
            "neurons",
            &[pooled, "neurons"],
            &["chosen"],
            [("axis", Attribute::Int(1))],
        )
        .node("MatMul", "mean", &["chosen", "weights"], &["raised"], [])
        .node("Add", "rest", &["raised", "rest"], &["score"], [])
        .output(
            "score",
            ElementType::F32,
            &[Dim::Named("batch".to_owned()), Dim::Fixed(1)],
        );
    Ok(graph.finish()?)
}
