//! A score as nodes of the model's graph: what the filters that can be written so have in common.

use gifthorse_engine::{Classifier, Layer};
use gifthorse_onnx::{Attribute, Dim, ElementType, GraftOutputs, GraphBuilder, Model};

use crate::error::Error;

/// Begins the names of all that is new in the model.
const PREFIX: &str = "gifthorse.";
/// From this version of the operators on, reductions are told their axes by an input.
pub(super) const AXES_AS_INPUT: i64 = 18;
/// From this version of the operators on, there is what the choice of a safe label takes.
pub(super) const CHOOSES: i64 = 9;
/// Taken from the logit of a class that may not be the safe label: no logit comes up to it.
const BELOW_ALL: f32 = 1e30;

/// What a filter added to a model: names of values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exported {
    /// The score of each image, `[batch, 1]`, 32-bit floats.
    pub score: String,
    /// What the class to go by follows from. `None` if the filter gives no safe label, or the
    /// version of the operators is below 9.
    pub labels: Option<Labels>,
}

/// Values `[batch, classes]` of floats, whose largest is a class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labels {
    /// The model's logits, for its answer.
    pub own: String,
    /// For the safe label.
    pub safe: String,
}

/// The logits of a model.
///
/// # Errors
/// [`Error::CannotFilter`] for logits that are no row with one for each class.
pub(super) fn logits_of(classifier: &Classifier) -> Result<&Layer, Error> {
    let last = classifier.layers()?.last();
    last.filter(|layer| layer.shape() == [classifier.classes()])
        .ok_or_else(|| {
            let reason = "the filter cannot be written as ONNX: the model's logits are no row with one for each class";
            Error::CannotFilter(reason.to_owned())
        })
}

/// The shape of a value with `length` numbers for each image.
pub(super) fn row(length: usize) -> [Dim; 2] {
    [Dim::Named("batch".to_owned()), Dim::Fixed(length)]
}

/// That a node gives 32-bit floats.
pub(super) fn to_float() -> [(&'static str, Attribute); 1] {
    [("to", Attribute::Int(ElementType::F32.to_onnx().into()))]
}

/// Puts a graph that reads values of the model beside it; gives the names of its outputs there.
///
/// # Errors
/// A graph that cannot be changed.
pub(super) fn put<const N: usize>(model: &mut Model, part: &Model) -> Result<[String; N], Error> {
    let names = model.graft(part, PREFIX, GraftOutputs::Inner)?;
    names.try_into().map_err(|_| {
        Error::CannotFilter("the score of the filter has no name in the graph".to_owned())
    })
}

/// The version of the operators that a model is written in.
///
/// # Errors
/// A graph that cannot be read.
pub(super) fn opset(model: &Model) -> Result<i64, Error> {
    Ok(model.graph()?.opset("").unwrap_or_default())
}

/// Puts the largest of the scores of some triggers, each with the class that it leads to, into a
/// model. The safe label is the best class other than the one that the trigger with the largest
/// score leads to, if that is known of all.
///
/// # Errors
/// A graph that cannot be changed.
pub(super) fn largest(
    model: &mut Model,
    classifier: &Classifier,
    of_triggers: &[(String, Option<usize>)],
) -> Result<Exported, Error> {
    let scores: Vec<&str> = of_triggers.iter().map(|(score, _)| &score[..]).collect();
    let opset = opset(model)?;
    let mut graph = GraphBuilder::new("largest", opset);
    for &score in &scores {
        graph.input(score, ElementType::F32, &row(1));
    }
    graph
        .node("Max", "largest", &scores, &["score"], [])
        .output("score", ElementType::F32, &row(1));
    let targets: Option<Vec<usize>> = of_triggers.iter().map(|(_, target)| *target).collect();
    let with_label = targets.filter(|_| opset >= CHOOSES);
    let (Some(targets), Ok(logits)) = (with_label, logits_of(classifier)) else {
        let [score] = put(model, &graph.finish()?)?;
        let labels = None;
        return Ok(Exported { score, labels });
    };
    without_target(&mut graph, logits, (&scores, &targets));
    let [score, safe] = put(model, &graph.finish()?)?;
    let own = logits.name().to_owned();
    let labels = Some(Labels { own, safe });
    Ok(Exported { score, labels })
}

/// The logits, that of the class far down which the trigger with the largest score leads to.
fn without_target(
    graph: &mut GraphBuilder,
    logits: &Layer,
    (scores, targets): (&[&str], &[usize]),
) {
    let (count, classes) = (targets.len(), logits.channels());
    let mut below = vec![0.0; count * classes];
    for (row, &target) in targets.iter().enumerate() {
        below[row * classes + target] = BELOW_ALL;
    }
    let axis = |axis| ("axis", Attribute::Int(axis));
    let keep = ("keepdims", Attribute::Int(0));
    graph
        .input(logits.name(), ElementType::F32, &row(classes))
        .initializer_i64("count", &[1], [count as i64])
        .initializer("no_yes", &[2], [0.0, 1.0])
        .initializer("below", &[count, classes], below)
        .node("Concat", "scores", scores, &["scores"], [axis(1)])
        .node("ArgMax", "which", &["scores"], &["which"], [axis(1), keep])
        .node(
            "OneHot",
            "chosen",
            &["which", "count", "no_yes"],
            &["chosen"],
            [],
        )
        .node("MatMul", "off", &["chosen", "below"], &["off"], [])
        .node(
            "Cast",
            "logits",
            &[logits.name()],
            &["logits_float"],
            to_float(),
        )
        .node("Sub", "safe", &["logits_float", "off"], &["safe"], [])
        .output("safe", ElementType::F32, &row(classes));
}
