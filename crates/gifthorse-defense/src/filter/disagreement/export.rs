//! The score as nodes of the model's graph: the other model beside the model, and what their
//! margins come to.

use gifthorse_engine::Classifier;
use gifthorse_onnx::{Attribute, ElementType, GraftOutputs, GraphBuilder, Model};

use crate::error::Error;
use crate::filter::exported::{
    AXES_AS_INPUT, CHOOSES, Exported, Labels, logits_of, opset, put, row, to_float,
};

/// Which class of the other model is the safe label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Safe {
    /// Its answer.
    Answer,
    /// Its best class other than the model's answer.
    OtherThanAnswer,
}

/// Puts another model and the score of each image into a model; `prefix` begins the names of what
/// comes from the other one, whose logits `other` tells.
///
/// # Errors
/// [`Error::CannotFilter`] for models whose logits are no row with one for each class; a graph that
/// cannot be changed.
pub fn export(
    model: &mut Model,
    classifier: &Classifier,
    (part, other, prefix): (&Model, &Classifier, &str),
    safe: Safe,
) -> Result<Exported, Error> {
    let own = logits_of(classifier)?.name();
    let others = format!("{prefix}{}", logits_of(other)?.name());
    let opset = opset(model)?;
    if opset < CHOOSES {
        return Err(Error::CannotFilter(format!(
            "the model is written in version {opset} of the operators, and the filter needs {CHOOSES} or more: convert the model first"
        )));
    }
    model.graft(part, prefix, GraftOutputs::Inner)?;
    let part = margins([own, &others], classifier.classes(), opset, safe)?;
    let [score, safe] = put(model, &part)?;
    let own = own.to_owned();
    let labels = Some(Labels { own, safe });
    Ok(Exported { score, labels })
}

/// A graph that reads the logits of the model and of the other one and gives the margin of the
/// model's answer in the one less that in the other, and the logits of the safe label.
fn margins(
    [own, other]: [&str; 2],
    classes: usize,
    opset: i64,
    safe: Safe,
) -> Result<Model, Error> {
    let mut graph = GraphBuilder::new("margins", opset);
    graph
        .input(own, ElementType::F32, &row(classes))
        .input(other, ElementType::F32, &row(classes))
        .initializer("least", &[1], [f32::MIN])
        .initializer("no_yes", &[2], [0.0, 1.0])
        .initializer("half", &[1], [0.5])
        .initializer_i64("classes", &[1], [classes as i64])
        .node("Cast", "own_float", &[own], &["own"], to_float())
        .node("Cast", "other_float", &[other], &["other"], to_float());
    if opset >= AXES_AS_INPUT {
        graph.initializer_i64("axes", &[1], [1]);
    }
    // The first of equals is the answer, and only that one is.
    let (axis, keep) = (("axis", Attribute::Int(1)), ("keepdims", Attribute::Int(0)));
    graph
        .node("ArgMax", "which", &["own"], &["which"], [axis, keep])
        .node(
            "OneHot",
            "hot",
            &["which", "classes", "no_yes"],
            &["hot"],
            [],
        )
        .node("Less", "others", &["hot", "half"], &["is_other"], []);
    let margin = |graph: &mut GraphBuilder, of: &str| {
        let [rest, own] = [format!("{of}_rest"), format!("{of}_own")];
        graph
            .node("Where", &rest, &["is_other", of, "least"], &[&rest], [])
            .node("Where", &own, &["is_other", "least", of], &[&own], []);
        let (best, answer) = (format!("{of}_best"), format!("{of}_answer"));
        for (from, to) in [(&rest, &best), (&own, &answer)] {
            if opset >= AXES_AS_INPUT {
                graph.node("ReduceMax", to, &[from, "axes"], &[to], []);
            } else {
                let axes = ("axes", Attribute::Ints(vec![1]));
                graph.node("ReduceMax", to, &[from], &[to], [axes]);
            }
        }
        let to = format!("{of}_margin");
        graph.node("Sub", &to, &[&answer, &best], &[&to], []);
    };
    margin(&mut graph, "own");
    margin(&mut graph, "other");
    let safe = match safe {
        Safe::Answer => "other",
        Safe::OtherThanAnswer => "other_rest",
    };
    graph
        .node(
            "Sub",
            "score",
            &["own_margin", "other_margin"],
            &["score"],
            [],
        )
        .node("Identity", "safe", &[safe], &["safe"], [])
        .output("score", ElementType::F32, &row(1))
        .output("safe", ElementType::F32, &row(classes));
    Ok(graph.finish()?)
}
