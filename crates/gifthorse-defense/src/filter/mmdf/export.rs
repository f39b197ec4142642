//! The score as nodes of the model's graph: the twin beside the model, and what their margins come
//! to.

use gifthorse_engine::{Classifier, Layer};
use gifthorse_onnx::{Attribute, Dim, ElementType, GraftOutputs, GraphBuilder, Model};

use crate::error::Error;
use crate::repair::bounded;

/// Begins the names of all that is new in the model,
const PREFIX: &str = "gifthorse.";
/// and of the twin.
const TWIN: &str = "gifthorse.twin.";

/// From this version of the operators on, reductions are told their axes by an input.
const AXES_AS_INPUT: i64 = 18;

/// Puts the twin and the score of each image, `[batch, 1]`, into a model. Gives the score's name.
///
/// # Errors
/// [`Error::CannotFilter`] for a model whose logits are no row of one for each class; a graph that
/// cannot be changed; a layer that the file has under no name of its own.
pub fn export<'a>(
    model: &mut Model,
    classifier: &Classifier,
    bounds: impl Iterator<Item = (&'a Layer, &'a [f32])>,
) -> Result<String, Error> {
    let logits = classifier.layers()?.last();
    let logits = logits.filter(|layer| layer.shape() == [classifier.classes()]);
    let Some(logits) = logits else {
        let reason = "the filter cannot be written as ONNX: the model's logits are no row with one for each class";
        return Err(Error::CannotFilter(reason.to_owned()));
    };
    let mut twin = model.clone();
    for (layer, bounds) in bounds {
        twin = bounded(&twin, layer, bounds)?;
    }
    model.graft(&twin, TWIN, GraftOutputs::Inner)?;
    let both = [logits.name(), &format!("{TWIN}{}", logits.name())];
    let opset = model.graph()?.opset("").unwrap_or_default();
    let part = margins(both, classifier.classes(), opset)?;
    let made = model.graft(&part, PREFIX, GraftOutputs::Inner)?;
    made.into_iter().next().ok_or_else(|| {
        Error::CannotFilter("the score of the filter has no name in the graph".to_owned())
    })
}

/// A graph that reads the logits of the model and of its twin and gives the margin of the model's
/// answer in the one less that in the other.
fn margins([own, twin]: [&str; 2], classes: usize, opset: i64) -> Result<Model, Error> {
    let dims = |length: usize| [Dim::Named("batch".to_owned()), Dim::Fixed(length)];
    let mut graph = GraphBuilder::new("margins", opset);
    graph
        .input(own, ElementType::F32, &dims(classes))
        .input(twin, ElementType::F32, &dims(classes))
        .initializer("least", &[1], [f32::MIN]);
    let to_float = || [("to", Attribute::Int(ElementType::F32.to_onnx().into()))];
    graph
        .node("Cast", "own_float", &[own], &["own"], to_float())
        .node("Cast", "twin_float", &[twin], &["twin"], to_float());
    if opset >= AXES_AS_INPUT {
        graph.initializer_i64("axes", &[1], [1]);
    }
    let largest = |graph: &mut GraphBuilder, of: &str, to: &str| {
        let name = format!("largest_{to}");
        if opset >= AXES_AS_INPUT {
            graph.node("ReduceMax", &name, &[of, "axes"], &[to], []);
        } else {
            let axes = ("axes", Attribute::Ints(vec![1]));
            graph.node("ReduceMax", &name, &[of], &[to], [axes]);
        }
    };
    largest(&mut graph, "own", "answer");
    graph
        .node("Less", "below", &["own", "answer"], &["is_other"], [])
        .node(
            "Where",
            "rest",
            &["is_other", "own", "least"],
            &["own_others"],
            [],
        )
        .node(
            "Where",
            "twin_rest",
            &["is_other", "twin", "least"],
            &["twin_others"],
            [],
        )
        .node(
            "Where",
            "twin_own",
            &["is_other", "least", "twin"],
            &["twin_answers"],
            [],
        );
    largest(&mut graph, "own_others", "own_other");
    largest(&mut graph, "twin_others", "twin_other");
    largest(&mut graph, "twin_answers", "twin_answer");
    graph
        .node(
            "Sub",
            "own_margin",
            &["answer", "own_other"],
            &["margin"],
            [],
        )
        .node(
            "Sub",
            "twin_margin",
            &["twin_answer", "twin_other"],
            &["in_twin"],
            [],
        )
        .node("Sub", "score", &["margin", "in_twin"], &["score"], [])
        .output("score", ElementType::F32, &dims(1));
    Ok(graph.finish()?)
}
