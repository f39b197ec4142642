//! `If`: the branch that is known to be taken, or both of them and a choice between their results.

use gifthorse_onnx::{Graph, Node};

use crate::error::Error;
use crate::lower::budget::Budget;
use crate::lower::context::{Context, Lowered};
use crate::lower::known;
use crate::lower::scope::Named;
use crate::lower::walk::lower_nodes;
use crate::program::branch::Choice;
use crate::program::{Operand, Primitive, ValueId};

/// What decides.
enum Condition {
    /// Known before the model runs.
    Known(bool),
    /// Computed from the image.
    Value(ValueId),
}

/// Lowers an `If`; gives its outputs.
///
/// Where the image decides, both branches are computed and one result is taken, so they have to
/// give the same shapes; and only for one image at a time, since the file decides once for whatever
/// goes through together.
///
/// # Errors
/// What a branch has that cannot be lowered; a condition that is no single truth value; branches
/// that give different shapes by the image; a decision for several images.
pub fn lower_if<'g>(
    context: &mut Context<'g>,
    budget: &mut Budget,
    node: &'g Node,
) -> Result<Vec<Named>, Error> {
    node.allow_attributes(&["then_branch", "else_branch"])?;
    let yes = node.graph("then_branch")?;
    let no = node.graph("else_branch")?;
    let condition = match condition(context, node)? {
        Condition::Known(true) => return lower_branch(context, budget, node, "then", yes),
        Condition::Known(false) => return lower_branch(context, budget, node, "else", no),
        Condition::Value(id) => id,
    };
    if context.batch > 1 {
        return Err(Error::MixesImages {
            node: node.name.clone(),
            operator: node.op_type.clone(),
            images: context.batch,
        });
    }
    let yes = lower_branch(context, budget, node, "then", yes)?;
    let no = lower_branch(context, budget, node, "else", no)?;
    let both = yes.into_iter().zip(no);
    both.map(|(yes, no)| choose(context, budget, node, condition, yes, no))
        .collect()
}

fn condition(context: &mut Context, node: &Node) -> Result<Condition, Error> {
    let wrong = |reason: String| Error::Shape {
        node: node.name.clone(),
        operator: node.op_type.clone(),
        reason,
    };
    let name = node
        .input(0)
        .ok_or_else(|| wrong("it has no condition".to_owned()))?;
    let lowered = context.resolve(name)?.lowered;
    let shape = context.shape(&lowered);
    if shape.iter().product::<usize>() != 1 {
        let reason = format!("its condition has shape {shape:?}; one truth value is expected");
        return Err(wrong(reason));
    }
    let known = match lowered {
        Lowered::Constant(constant) => Some(constant.to_f32()),
        Lowered::Param(id) => Some(context.params[id.0].value.get()?.into_vec()),
        Lowered::Value(id) => match known::value(context, id)? {
            Some(array) => Some(array.into_vec()),
            None => return Ok(Condition::Value(id)),
        },
    };
    let truth = known.and_then(|values| values.first().copied());
    let truth = truth.ok_or_else(|| wrong("its condition is empty".to_owned()))?;
    Ok(Condition::Known(truth != 0.0))
}

/// Lowers a branch; gives its outputs, of which there are as many as the node has.
fn lower_branch<'g>(
    context: &mut Context<'g>,
    budget: &mut Budget,
    node: &'g Node,
    side: &str,
    graph: &'g Graph,
) -> Result<Vec<Named>, Error> {
    if graph.outputs.len() != node.outputs.len() {
        return Err(Error::Shape {
            node: node.name.clone(),
            operator: node.op_type.clone(),
            reason: format!(
                "its {side} branch has {} outputs, not {}",
                graph.outputs.len(),
                node.outputs.len()
            ),
        });
    }
    let outputs: Vec<&str> = graph.outputs.iter().map(|o| o.name.as_str()).collect();
    context
        .scopes
        .enter(graph, format!("{}.{side}/", node.name));
    let done = lower_nodes(context, budget, graph, &outputs)
        .and_then(|()| outputs.iter().map(|name| context.resolve(name)).collect());
    context.scopes.leave();
    done
}

/// The result of one branch or the other.
fn choose(
    context: &mut Context,
    budget: &mut Budget,
    node: &Node,
    condition: ValueId,
    yes: Named,
    no: Named,
) -> Result<Named, Error> {
    let wrong = |reason: String| Error::Shape {
        node: node.name.clone(),
        operator: node.op_type.clone(),
        reason,
    };
    let shape = context.shape(&yes.lowered);
    let other = context.shape(&no.lowered);
    if shape != other {
        return Err(wrong(format!(
            "the image decides between a value of shape {shape:?} and one of shape {other:?}"
        )));
    }
    let first = context.steps.len();
    let operands = vec![
        Operand::Value(condition),
        context.operand(&yes.lowered),
        context.operand(&no.lowered),
    ];
    let numbers = shape.iter().product();
    let id = context.push(&node.name, Primitive::Where, operands, shape);
    context.choices.push(Choice {
        node: node.name.clone(),
        operator: node.op_type.clone(),
        condition,
        numbers,
    });
    let lowered = Lowered::Value(id);
    budget
        .take(std::slice::from_ref(&lowered), &context.steps[first..])
        .map_err(wrong)?;
    Ok(Named {
        lowered,
        kind: yes.kind,
    })
}
