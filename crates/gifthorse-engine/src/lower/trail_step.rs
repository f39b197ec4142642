//! How single operators at the end of a classifier stand to the scores before them.

use gifthorse_onnx::{Graph, Node, Tensor};

use super::label_table::{self, names};
use super::trail::{Demand, Producers};

/// How a node stands to the value before it.
pub enum Step<'g> {
    /// The same numbers in another shape or type.
    Same(&'g str),
    /// Numbers times a positive constant.
    Scaled(&'g str, f32),
    /// Grows with the one before it, if something that can be left off follows.
    Monotone(&'g str),
    /// Can be left off.
    Ends(&'g str, Demand),
    /// Says which class has the largest score.
    Decides(&'g str, Demand),
    /// Replaces the number of a class by what a table has for it.
    LooksUp(&'g str, Vec<String>),
    /// Puts scores under names.
    Names(&'g str, Vec<String>),
}

/// What the node does to its input on the way to `output`; `None` where that may change which
/// class is first.
pub fn step<'g>(
    graph: &'g Graph,
    producers: &Producers<'g>,
    node: &'g Node,
    output: &str,
) -> Option<Step<'g>> {
    match node.domain.as_str() {
        "" => standard(graph, producers, node, output),
        "ai.onnx.ml" => label_table::step(graph, producers, node),
        _ => None,
    }
}

fn standard<'g>(
    graph: &'g Graph,
    producers: &Producers<'g>,
    node: &'g Node,
    output: &str,
) -> Option<Step<'g>> {
    let input = node.input(0)?;
    let along = |default: i64| -> Option<Demand> {
        Some(Demand::Along {
            axis: node.int_or("axis", default).ok()?,
            and_after: false,
        })
    };
    Some(match node.op_type.as_str() {
        "Identity" | "Flatten" | "Reshape" | "Squeeze" | "Unsqueeze" | "Cast" => Step::Same(input),
        "Dropout" if node.output(0) == Some(output) => Step::Same(input),
        "Softmax" | "LogSoftmax" if node.opset < 13 => Step::Ends(
            input,
            Demand::Along {
                axis: node.int_or("axis", 1).ok()?,
                and_after: true,
            },
        ),
        "Softmax" | "LogSoftmax" => Step::Ends(input, along(-1)?),
        "Sigmoid" => Step::Ends(input, Demand::Any),
        "Tanh" => Step::Ends(input, Demand::OneScore),
        // One half, where the probability of one class passes that of the other, is at zero.
        "HardSigmoid" if node.float_or("beta", 0.5).is_ok_and(|beta| beta == 0.5) => {
            let rises = node.float_or("alpha", 0.2).ok()? > 0.0;
            rises.then_some(Step::Ends(input, Demand::OneScore))?
        }
        // Of more than two classes, each is held against one threshold.
        "Greater" | "GreaterOrEqual" => {
            let number = producers.constant(graph, node.input(1)?)?;
            let one = number.len() == 1 && number.element_type().is_float();
            one.then_some(Step::Decides(input, Demand::SeveralScores))?
        }
        "Log" | "Exp" | "Clip" | "Round" | "Floor" | "Ceil" => Step::Monotone(input),
        "Div" if let Some(step) = spelled_out_softmax(graph, producers, node) => step,
        "Mul" | "Div" => {
            let other = node.input(1)?;
            let number = |name: &str| factor(producers.constant(graph, name)?);
            match (number(other), number(input)) {
                (Some(by), _) if node.op_type == "Div" => Step::Scaled(input, 1.0 / by),
                (Some(by), _) => Step::Scaled(input, by),
                (None, Some(by)) if node.op_type == "Mul" => Step::Scaled(other, by),
                _ => return None,
            }
        }
        "ArgMax" => Step::Decides(input, along(0)?),
        "TopK" if node.int_or("largest", 1).is_ok_and(|largest| largest != 0) => {
            Step::Decides(input, along(-1)?)
        }
        "Gather" if node.int_or("axis", 0).is_ok_and(|axis| axis == 0) => {
            let table = producers.constant(graph, input)?;
            let index = node.input(1).filter(|_| table.shape().len() == 1)?;
            Step::LooksUp(index, names(table))
        }
        _ => return None,
    })
}

/// A softmax made of its parts: the exponentials over their sum, of the scores or of what is left
/// of them without the largest.
fn spelled_out_softmax<'g>(
    graph: &'g Graph,
    producers: &Producers<'g>,
    node: &'g Node,
) -> Option<Step<'g>> {
    let made_by = |value: &str, operator: &str| {
        let made = producers.get(value)?;
        (made.domain.is_empty() && made.op_type == operator).then_some(made)
    };
    let exponentials = node.input(0)?;
    let sum = made_by(node.input(1)?, "ReduceSum")?;
    if sum.input(0) != Some(exponentials) {
        return None;
    }
    let axis = only_axis(graph, producers, sum)?;
    let exponent = made_by(exponentials, "Exp")?.input(0)?;
    let shifted = made_by(exponent, "Sub").and_then(|shift| {
        let largest = made_by(shift.input(1)?, "ReduceMax")?;
        let same = largest.input(0) == shift.input(0);
        let along = only_axis(graph, producers, largest) == Some(axis);
        shift.input(0).filter(|_| same && along)
    });
    let demand = Demand::Along {
        axis,
        and_after: false,
    };
    Some(Step::Ends(shifted.unwrap_or(exponent), demand))
}

/// The axis that a reduction is over, which stays with the length one, if it is a single one.
fn only_axis(graph: &Graph, producers: &Producers, node: &Node) -> Option<i64> {
    if node.int_or("keepdims", 1).ok()? == 0 {
        return None;
    }
    let axes = match node.input(1) {
        Some(axes) => producers.constant(graph, axes)?.to_i64().ok()?,
        None => node.ints_opt("axes").ok()??.to_vec(),
    };
    match axes[..] {
        [axis] => Some(axis),
        _ => None,
    }
}

/// The positive number that a constant is, if it is one.
fn factor(constant: &Tensor) -> Option<f32> {
    if constant.len() != 1 || !constant.element_type().is_float() {
        return None;
    }
    let number = *constant.to_f32().ok()?.first()?;
    (number > 0.0 && number.is_finite()).then_some(number)
}
