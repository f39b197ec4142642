//! A look at all outputs of a file: each is lowered as far as its scores, for its shape.

use std::collections::HashSet;

use gifthorse_onnx::{Dim, Graph, ValueInfo};

use super::budget::Budget;
use super::context::{Context, Lowered};
use super::outputs::{Look, Output};
use super::scores::Form;
use super::trail::{Demand, Producers, Trail};
use super::walk::{lower_more, needed};
use crate::error::Error;

/// Most outputs that are looked at, the chosen one always among them.
const MOST: usize = 64;

/// An output with where its scores are.
pub struct Surveyed {
    /// The output.
    pub output: Output,
    /// Where its scores are; `None` where it has none.
    pub origin: Option<Origin>,
    /// Why it could not be computed.
    pub problem: Option<Error>,
}

/// Where the scores of an output are.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The value.
    pub value: String,
    /// The operators after it that are left off.
    pub left_off: Vec<String>,
    /// Names of the classes in the file; empty, or one for each.
    pub class_names: Vec<String>,
    /// Whether the classes come before the batch.
    pub classes_first: bool,
}

/// Looks at all outputs, `wanted` before the others, in a context that the image was bound in.
pub fn survey<'g>(
    context: &mut Context<'g>,
    graph: &'g Graph,
    wanted: Option<&str>,
) -> Vec<Surveyed> {
    let producers = Producers::of(graph);
    let mut budget = Budget::of(graph);
    let mut done = vec![false; graph.nodes.len()];
    let is_wanted = |output: &ValueInfo| wanted == Some(output.name.as_str());
    let mut order: Vec<usize> = (0..graph.outputs.len()).collect();
    order.sort_by_key(|&at| !is_wanted(&graph.outputs[at]));
    let mut found: Vec<(usize, Surveyed)> = Vec::new();
    for (place, at) in order.into_iter().enumerate() {
        let info = &graph.outputs[at];
        let surveyed = if place < MOST {
            look_at(context, graph, &mut budget, &mut done, info, &producers)
        } else {
            let reason = format!("the file has more than {MOST} outputs");
            Surveyed::unread(info, reason, None)
        };
        found.push((at, surveyed));
    }
    found.sort_by_key(|(at, _)| *at);
    let mut found: Vec<Surveyed> = found.into_iter().map(|(_, surveyed)| surveyed).collect();
    tell_features(graph, &producers, &mut found);
    found
}

fn look_at<'g>(
    context: &mut Context<'g>,
    graph: &'g Graph,
    budget: &mut Budget,
    done: &mut [bool],
    info: &ValueInfo,
    producers: &Producers,
) -> Surveyed {
    let trail = Trail::back_from(graph, producers, &info.name);
    // The deepest first: all others on the way are computed from it.
    let deepest = trail.points.last();
    let deepest = deepest.map_or(info.name.as_str(), |point| &point.value);
    if let Err(problem) = lower_more(context, budget, graph, &[deepest], done) {
        return Surveyed::unread(info, problem.to_string(), Some(problem));
    }
    // The output itself may be what only a table makes.
    let itself = lower_more(context, budget, graph, &[&info.name], done);
    let own = shape_of(context, &info.name);
    let found = deepest_scores(context, producers, &trail);
    let look = match (&found, &own, itself) {
        (Some((origin, 1)), _, _) if origin.left_off.is_empty() => Look::Number,
        (Some((_, 1)), _, _) => Look::OneScore,
        (Some((origin, count)), _, _) if origin.left_off.is_empty() => {
            Look::Features { count: *count }
        }
        (Some((_, count)), _, _) => Look::Scores { classes: *count },
        (None, Some(shape), _) if shape.len() > 1 && shape.last() == Some(&4) => Look::Boxes,
        (None, Some(_), _) => Look::Map,
        (None, None, Ok(())) => Look::Constant,
        (None, None, Err(problem)) => {
            return Surveyed::unread(info, problem.to_string(), Some(problem));
        }
    };
    let origin = found.map(|(origin, _)| origin);
    let computed = || Some(own.as_ref()?.iter().map(usize::to_string).collect());
    Surveyed {
        output: Output {
            name: info.name.clone(),
            shape: declared(info).or_else(computed),
            look,
            scores: origin.as_ref().map(|origin| match trail.points.last() {
                Some(last) if last.value == origin.value => trail.root.clone(),
                _ => origin.value.clone(),
            }),
        },
        origin,
        problem: None,
    }
}

/// Shape of a value that depends on the image, if it is one.
fn shape_of(context: &mut Context, name: &str) -> Option<Vec<usize>> {
    match context.resolve(name).ok()?.lowered {
        Lowered::Value(id) if context.dependent.contains(&id) => Some(context.shapes[id.0].clone()),
        _ => None,
    }
}

/// The last value of a trail that is scores and that all before it agree with on the order of
/// classes, with the number of its scores for an image.
fn deepest_scores(
    context: &mut Context,
    producers: &Producers,
    trail: &Trail,
) -> Option<(Origin, usize)> {
    let mut found = None;
    for point in &trail.points {
        // What only a table makes has no shape; the image itself is no score.
        let Some(shape) = shape_of(context, &point.value) else {
            continue;
        };
        if producers.get(&point.value).is_none() {
            break;
        }
        let Some(form) = Form::of(&shape, context.batch) else {
            // A map of winners has none, and may yet come from scores.
            if point.left_off.is_empty() {
                continue;
            }
            break;
        };
        if !is_met(point.demand, &shape, context.batch, form) {
            break;
        }
        let classes = form.per_image.max(2);
        let named = trail.class_names.len() == classes;
        let origin = Origin {
            value: point.value.clone(),
            left_off: point.left_off.clone(),
            class_names: if named {
                trail.class_names.clone()
            } else {
                Vec::new()
            },
            classes_first: form.classes_first,
        };
        found = Some((origin, form.per_image));
    }
    found
}

/// Whether what the demand asks for holds of a value of this shape.
fn is_met(demand: Demand, shape: &[usize], batch: usize, form: Form) -> bool {
    let (axis, and_after) = match demand {
        Demand::Any => return true,
        Demand::OneScore => return form.per_image == 1,
        Demand::SeveralScores => return form.per_image > 1,
        Demand::Along { axis, and_after } => (axis, and_after),
    };
    let rank = shape.len();
    let counted = if axis < 0 { axis + rank as i64 } else { axis };
    let Ok(at) = usize::try_from(counted) else {
        return false;
    };
    if form.per_image < 2 || at >= rank {
        return false;
    }
    if and_after {
        return shape[..at].iter().product::<usize>() == batch && !form.classes_first;
    }
    let of_batch = rank > 1 && at == usize::from(form.classes_first && rank == 2);
    let holds_batch = of_batch && batch > 1;
    shape[at] == form.per_image && !holds_batch
}

/// Tells scores from features among outputs that are rows and end in nothing that says it: scores
/// come from a linear layer, and no other output is computed from them.
fn tell_features(graph: &Graph, producers: &Producers, found: &mut [Surveyed]) {
    let values: Vec<Option<String>> = found
        .iter()
        .map(|surveyed| surveyed.origin.as_ref().map(|origin| origin.value.clone()))
        .collect();
    let nodes: Vec<Option<Vec<bool>>> = values
        .iter()
        .map(|value| Some(needed(graph, &[value.as_deref()?])))
        .collect();
    for (place, surveyed) in found.iter_mut().enumerate() {
        let (Look::Features { count }, Some(value)) = (&surveyed.output.look, &values[place])
        else {
            continue;
        };
        let made_by = producers.get(value).map(std::ptr::from_ref);
        let at = graph
            .nodes
            .iter()
            .position(|node| Some(std::ptr::from_ref(node)) == made_by);
        let is_read = at.is_some_and(|at| {
            let others = nodes.iter().zip(&values).enumerate();
            others
                .filter(|(other, (_, other_value))| {
                    *other != place && other_value.as_ref() != Some(value)
                })
                .any(|(_, (needed, _))| needed.as_ref().is_some_and(|needed| needed[at]))
        });
        if !is_read && is_linear(producers, value) {
            surveyed.output.look = Look::Scores { classes: *count };
        }
    }
}

/// Whether a linear layer, or a sum of such, makes a value.
fn is_linear(producers: &Producers, value: &str) -> bool {
    let mut at = value;
    let mut seen = HashSet::new();
    while let Some(node) = producers.get(at).filter(|_| seen.insert(at)) {
        match node.op_type.as_str() {
            "Identity" | "Flatten" | "Reshape" | "Squeeze" | "Unsqueeze" | "Cast" | "Transpose"
            | "Mul" | "Div" | "Dropout" | "DequantizeLinear" | "QuantizeLinear" => {
                match node.input(0) {
                    Some(input) => at = input,
                    None => return false,
                }
            }
            operator => {
                return matches!(
                    operator,
                    "Gemm"
                        | "MatMul"
                        | "Conv"
                        | "Add"
                        | "Sub"
                        | "Sum"
                        | "Mean"
                        | "Einsum"
                        | "FusedGemm"
                        | "FusedMatMul"
                        | "QGemm"
                        | "QLinearMatMul"
                        | "QLinearAdd"
                        | "QLinearConv"
                        | "MatMulInteger"
                );
            }
        }
    }
    false
}

impl Surveyed {
    fn unread(info: &ValueInfo, reason: String, problem: Option<Error>) -> Self {
        Self {
            output: Output {
                name: info.name.clone(),
                shape: declared(info),
                look: Look::Unread(reason),
                scores: None,
            },
            origin: None,
            problem,
        }
    }
}

fn declared(info: &ValueInfo) -> Option<Vec<String>> {
    let dims = info.shape.as_ref()?.iter().map(|dim| match dim {
        Dim::Fixed(size) => size.to_string(),
        Dim::Named(name) => name.clone(),
        Dim::Unknown => "?".to_owned(),
    });
    Some(dims.collect())
}
