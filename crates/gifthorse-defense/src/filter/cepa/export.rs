//! The score as nodes of the model's graph.

use gifthorse_engine::Classifier;
use gifthorse_onnx::{Attribute, Dim, ElementType, GraphBuilder, Model};

use super::Move;
use crate::error::Error;
use crate::filter::exported::{Exported, largest, opset, put, row, to_float};

/// Puts the score of each image into a model: the largest over the moves.
///
/// # Errors
/// A graph that cannot be changed; a layer that the file has under no name of its own.
pub fn export(
    model: &mut Model,
    classifier: &Classifier,
    moves: &[Move],
) -> Result<Exported, Error> {
    let opset = opset(model)?;
    let mut scores = Vec::new();
    for one in moves {
        let [score] = put(model, &of_move(one, opset)?)?;
        scores.push((score, one.target));
    }
    largest(model, classifier, &scores)
}

/// How far an image lies along a move, as a graph that reads the layer.
fn of_move(Move { common, scale, .. }: &Move, opset: i64) -> Result<Model, Error> {
    let layer = common.layer();
    let mut dims = vec![Dim::Named("batch".to_owned())];
    dims.extend(layer.shape().iter().copied().map(Dim::Fixed));
    let size = common.values().len();
    let length = common.length_squared() * scale.unit;
    let along = common.values().iter();
    let along: Vec<f32> = along
        .map(|&value| (f64::from(value) / length) as f32)
        .collect();
    let mut graph = GraphBuilder::new("along", opset);
    graph
        .input(layer.name(), ElementType::F32, &dims)
        .initializer("along", &[size, 1], along)
        .initializer(
            "centre",
            &[1],
            [((common.centre() + scale.middle) / scale.unit) as f32],
        )
        .node("Cast", "float", &[layer.name()], &["values"], to_float())
        .node(
            "Flatten",
            "flat",
            &["values"],
            &["flat"],
            [("axis", Attribute::Int(1))],
        )
        .node("MatMul", "place", &["flat", "along"], &["place"], [])
        .node("Sub", "shift", &["place", "centre"], &["shift"], [])
        .output("shift", ElementType::F32, &row(1));
    Ok(graph.finish()?)
}
