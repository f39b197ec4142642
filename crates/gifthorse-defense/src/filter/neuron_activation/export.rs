//! The score as nodes of the model's graph.

use gifthorse_engine::{Classifier, Layer};
use gifthorse_onnx::{Attribute, Dim, ElementType, GraphBuilder, Model};

use super::activations::Pool;
use super::raised::Raised;
use crate::error::Error;
use crate::filter::exported::{AXES_AS_INPUT, Exported, largest, opset, put, row, to_float};

/// Puts the score of each image into a model: the largest over the triggers.
///
/// # Errors
/// A graph that cannot be changed; a layer that the file has under no name of its own.
pub fn export(
    model: &mut Model,
    classifier: &Classifier,
    raised: &[(Layer, Raised)],
) -> Result<Exported, Error> {
    let opset = opset(model)?;
    let mut scores = Vec::new();
    for (layer, raised) in raised {
        let [score] = put(model, &of_trigger(layer, raised, opset)?)?;
        scores.push((score, raised.target));
    }
    largest(model, classifier, &scores)
}

/// The score of one trigger as a graph that reads the layer: what is left of a channel's places,
/// the mean of some channels, and where that lies between clean and stamped images.
fn of_trigger(layer: &Layer, raised: &Raised, opset: i64) -> Result<Model, Error> {
    let mut dims = vec![Dim::Named("batch".to_owned())];
    dims.extend(layer.shape().iter().copied().map(Dim::Fixed));
    let count = raised.neurons.len();
    let neurons: Vec<i64> = raised.neurons.iter().map(|&neuron| neuron as i64).collect();
    let weights = vec![(1.0 / (count as f64 * raised.unit)) as f32; count];
    let rest = (-raised.clean / raised.unit) as f32;
    let places: Vec<i64> = (1..=layer.shape().len())
        .filter(|&axis| axis != layer.channel_axis())
        .map(|axis| axis as i64)
        .collect();
    let mut graph = GraphBuilder::new("score", opset);
    graph
        .input(layer.name(), ElementType::F32, &dims)
        .initializer_i64("neurons", &[count], &neurons)
        .initializer("weights", &[count, 1], weights)
        .initializer("rest", &[1], [rest])
        .node("Cast", "float", &[layer.name()], &["values"], to_float());
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
        .output("score", ElementType::F32, &row(1));
    Ok(graph.finish()?)
}
