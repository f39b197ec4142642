//! From the messages of the file to a checked [`Graph`].

use std::{collections::HashSet, sync::Arc};

use indexmap::{IndexMap, IndexSet};

use super::Graph;
use crate::{
    Attribute, AttributeProblem, Error, Node, ValueInfo,
    external::ExternalFiles,
    inline::{Call, Functions},
    opset::{Opsets, canonical},
    proto::GraphProto,
    scope::{Producer, Scope},
    sort, tensor,
};

/// How deep graphs may be nested in the nodes of other graphs.
const MAX_NESTING: usize = 32;

/// What every graph of a model shares.
pub(crate) struct Context<'a> {
    pub(crate) functions: Functions<'a>,
    pub(crate) external: ExternalFiles,
}

/// Reads a graph; `parent` is the scope of the graph around it.
pub(crate) fn decode(
    proto: &GraphProto,
    opsets: &Arc<Opsets>,
    context: &Context,
    parent: Option<&Scope>,
) -> Result<Graph, Error> {
    if let Some(sparse) = proto.sparse_initializer.first() {
        let name = sparse.values.name();
        let what = format!("the sparse initialiser `{name}`");
        return Err(Error::Unsupported { what });
    }
    let depth = parent.map_or(0, Scope::depth);
    if depth > MAX_NESTING {
        return Err(Error::TooMany {
            what: "the nesting of graphs".to_owned(),
            count: depth,
            limit: MAX_NESTING,
        });
    }
    let calls = context.functions.expand(&proto.node, opsets)?;
    let outputs = calls.iter().map(|call| call.node.output.as_slice());
    let scope = Scope::new(proto, outputs, parent)?;

    let mut initializers = IndexMap::with_capacity(proto.initializer.len());
    for tensor in &proto.initializer {
        let tensor = tensor::decode(tensor, "", &context.external)?;
        initializers.insert(tensor.name().to_owned(), tensor);
    }
    let mut names = Names::new(&calls);
    let nodes = calls
        .iter()
        .enumerate()
        .map(|(index, call)| decode_node(call, names.name(index, call), context, &scope))
        .collect::<Result<Vec<_>, _>>()?;
    let (nodes, mut captures) = in_order(nodes, &scope)?;

    let inputs = proto
        .input
        .iter()
        .filter(|input| scope.local(input.name()) == Some(Producer::Input))
        .map(ValueInfo::decode)
        .collect::<Result<_, _>>()?;
    let outputs = proto
        .output
        .iter()
        .map(ValueInfo::decode)
        .collect::<Result<Vec<_>, _>>()?;
    for output in &outputs {
        if scope.local(&output.name).is_some() {
            continue;
        }
        if !scope.is_outer(&output.name) {
            return Err(Error::MissingValue {
                user: format!("the output of graph `{}`", proto.name()),
                value: output.name.clone(),
            });
        }
        captures.insert(output.name.clone());
    }
    Ok(Graph {
        name: proto.name().to_owned(),
        nodes,
        inputs,
        outputs,
        initializers,
        captures: captures.into_iter().collect(),
        opsets: opsets.clone(),
    })
}

fn decode_node(call: &Call, name: String, context: &Context, scope: &Scope) -> Result<Node, Error> {
    let proto = &call.node;
    let domain = canonical(proto.domain());
    let Some(opset) = call.opsets.get(domain) else {
        return Err(Error::NoOpset {
            node: name,
            op_type: proto.op_type().to_owned(),
            domain: domain.to_owned(),
        });
    };
    let present = |name: &String| (!name.is_empty()).then(|| name.clone());
    let mut node = Node {
        name,
        op_type: proto.op_type().to_owned(),
        domain: domain.to_owned(),
        opset,
        inputs: proto.input.iter().map(present).collect(),
        outputs: proto.output.iter().map(present).collect(),
        attributes: IndexMap::with_capacity(proto.attribute.len()),
    };
    let place = format!("node `{}` ({})", node.name, node.op_type);
    for attribute in &proto.attribute {
        if !attribute.ref_attr_name().is_empty() {
            let problem = AttributeProblem::DanglingReference(attribute.ref_attr_name().to_owned());
            return Err(node.attribute_error(attribute.name(), problem));
        }
        let value = Attribute::decode(attribute, &place, &context.external, |graph| {
            decode(graph, &call.opsets, context, Some(scope))
        })?;
        let name = attribute.name().to_owned();
        if node.attributes.insert(name, value).is_some() {
            return Err(node.attribute_error(attribute.name(), AttributeProblem::Duplicate));
        }
    }
    Ok(node)
}

/// Sorts the nodes, and lists what they use from the graphs around.
fn in_order(nodes: Vec<Node>, scope: &Scope) -> Result<(Vec<Node>, IndexSet<String>), Error> {
    let mut captures = IndexSet::new();
    let mut dependencies = Vec::with_capacity(nodes.len());
    for node in &nodes {
        let mut needs = Vec::new();
        for value in values_used(node) {
            match scope.local(value) {
                Some(Producer::Node(index)) => needs.push(index),
                Some(Producer::Input | Producer::Initializer) => {}
                None if scope.is_outer(value) => {
                    captures.insert(value.clone());
                }
                None => {
                    return Err(Error::MissingValue {
                        user: format!("node `{}` ({})", node.name, node.op_type),
                        value: value.clone(),
                    });
                }
            }
        }
        dependencies.push(needs);
    }
    match sort::topological(&dependencies) {
        Ok(order) => {
            let mut nodes: Vec<_> = nodes.into_iter().map(Some).collect();
            let sorted = order.into_iter().filter_map(|index| nodes[index].take());
            Ok((sorted.collect(), captures))
        }
        Err(index) => Err(Error::Cycle {
            node: nodes[index].name.clone(),
            op_type: nodes[index].op_type.clone(),
        }),
    }
}

/// A node's inputs, and what the graphs inside it use from around them.
fn values_used(node: &Node) -> impl Iterator<Item = &String> {
    let captured = node
        .attributes
        .values()
        .flat_map(|attribute| match attribute {
            Attribute::Graph(graph) => graph.captures.as_slice(),
            _ => &[],
        });
    node.inputs.iter().flatten().chain(captured)
}

/// Names for nodes that the file leaves without one.
struct Names<'a> {
    taken: HashSet<&'a str>,
}

impl<'a> Names<'a> {
    fn new(calls: &'a [Call]) -> Self {
        Self {
            taken: calls.iter().map(|call| call.node.name()).collect(),
        }
    }

    fn name(&mut self, index: usize, call: &Call) -> String {
        if !call.node.name().is_empty() {
            return call.node.name().to_owned();
        }
        let mut name = format!("{}_{index}", call.node.op_type());
        while self.taken.contains(name.as_str()) {
            name.push('_');
        }
        name
    }
}
