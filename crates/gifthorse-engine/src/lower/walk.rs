//! The walk over the nodes of a graph, each lowered after those whose results it reads.

use std::collections::HashSet;
use std::sync::Arc;

use gifthorse_onnx::{ElementType, Graph, Node};

use crate::error::Error;
use crate::lower::budget::Budget;
use crate::lower::context::{Call, Context, Lowered};
use crate::lower::scope::Named;
use crate::lower::{Lower, check_shape, conditional, fold, is_if, kind, known, lowering};

/// Lowers the nodes of a graph that the values `wanted` depend on.
pub fn lower_nodes<'g>(
    context: &mut Context<'g>,
    budget: &mut Budget,
    graph: &'g Graph,
    wanted: &[&str],
) -> Result<(), Error> {
    let mut done = vec![false; graph.nodes.len()];
    lower_more(context, budget, graph, wanted, &mut done)
}

/// As [`lower_nodes`], without those that are `done`, which are marked.
pub fn lower_more<'g>(
    context: &mut Context<'g>,
    budget: &mut Budget,
    graph: &'g Graph,
    wanted: &[&str],
    done: &mut [bool],
) -> Result<(), Error> {
    for (at, needed) in needed(graph, wanted).into_iter().enumerate() {
        if needed && !done[at] {
            lower_node(context, budget, &graph.nodes[at])?;
            done[at] = true;
        }
    }
    Ok(())
}

/// Which nodes these values depend on.
pub fn needed(graph: &Graph, values: &[&str]) -> Vec<bool> {
    let mut wanted: HashSet<&str> = values.iter().copied().collect();
    let mut needed = vec![false; graph.nodes.len()];
    for (i, node) in graph.nodes.iter().enumerate().rev() {
        let mut outputs = node.outputs.iter().flatten();
        if outputs.any(|name| wanted.contains(name.as_str())) {
            needed[i] = true;
            let captured = node.graphs().flat_map(|inner| &inner.captures);
            let read = node.inputs.iter().flatten().chain(captured);
            wanted.extend(read.map(String::as_str));
        }
    }
    needed
}

fn lower_node<'g>(
    context: &mut Context<'g>,
    budget: &mut Budget,
    node: &'g Node,
) -> Result<(), Error> {
    let unsupported = || match node.domain.as_str() {
        "com.microsoft.nchwc" => Error::ForOneProcessor {
            node: node.name.clone(),
            operator: node.op_type.clone(),
        },
        _ => Error::UnsupportedOperator {
            node: node.name.clone(),
            operator: node.op_type.clone(),
            domain: node.domain.clone(),
            opset: node.opset,
        },
    };
    let outputs = if is_if(node) {
        conditional::lower_if(context, budget, node)?
    } else {
        let lowering = lowering(node).ok_or_else(unsupported)?;
        lower_plain(context, budget, node, lowering)?
    };
    for (name, named) in node.outputs.iter().zip(outputs) {
        if let Some(name) = name {
            context.scopes.bind(name, named);
        }
    }
    Ok(())
}

/// Lowers a node without graphs inside.
fn lower_plain(
    context: &mut Context,
    budget: &mut Budget,
    node: &Node,
    lowering: Lower,
) -> Result<Vec<Named>, Error> {
    let (mut inputs, mut kinds) = (Vec::new(), Vec::new());
    for name in &node.inputs {
        let named = name.as_deref().map(|name| context.resolve(name));
        let named = named.transpose()?;
        kinds.push(named.as_ref().and_then(|named| named.kind));
        inputs.push(named.map(|named| named.lowered));
    }
    let kinds_out = |count: usize| -> Vec<Option<ElementType>> {
        let of = |output| kind::of_output(node, &kinds, output);
        (0..count).map(of).collect()
    };
    let constants =
        |input: &Option<Lowered>| !matches!(input, Some(Lowered::Param(_) | Lowered::Value(_)));
    let all_known = inputs.iter().any(Option::is_some) && inputs.iter().all(constants);
    let refused = |reason: String| Error::Shape {
        node: node.name.clone(),
        operator: node.op_type.clone(),
        reason,
    };
    if all_known {
        let read = inputs.iter().flatten().map(|input| match input {
            Lowered::Constant(constant) => constant.len(),
            Lowered::Param(_) | Lowered::Value(_) => 0,
        });
        budget.look(read.sum()).map_err(refused)?;
    }
    let known = context.shapes.len();
    let steps = context.steps.len();
    let call = Call {
        node,
        context,
        inputs,
        kinds: kinds.clone(),
    };
    let name = call.output_name();
    let mut outputs = match fold::fold(&call)? {
        Some(constant) => vec![Lowered::Constant(Arc::new(constant))],
        None => lowering(call)?,
    };
    for shape in &context.shapes[known..] {
        check_shape(shape).map_err(|reason| refused(format!("a result {reason}")))?;
    }
    budget
        .take(&outputs, &context.steps[steps..])
        .map_err(refused)?;
    let kinds = kinds_out(outputs.len());
    if all_known {
        outputs = known::fold_steps(context, steps, outputs, &name, &kinds)?;
    }
    let named = outputs.into_iter().zip(kinds);
    Ok(named
        .map(|(lowered, kind)| Named { lowered, kind })
        .collect())
}
