//! Local functions: calls are replaced by the nodes of the function's body.
//!
//! Expansion cannot run away: functions that call each other in a circle are
//! refused before anything is expanded, and so is a model whose expansion is
//! out of proportion to its size.

mod body;

use std::{borrow::Cow, cell::Cell, collections::HashMap, sync::Arc};

use crate::{
    Error,
    opset::{Opsets, canonical},
    proto::{FunctionProto, GraphProto, NodeProto},
    sort,
};
use body::Body;

/// How deep functions may call each other.
const MAX_DEPTH: usize = 64;
/// What expansion may add to a model of any size, in bytes of its encoding.
const FREE_BYTES: u64 = 16 << 20;
/// How many times its own size a model may add by expansion on top of that.
const FREE_FACTOR: u64 = 8;
/// What a node costs in memory beside its encoding, in bytes.
const NODE_COST: u64 = 512;

/// A node to run, with the operator sets that hold for it.
pub(crate) struct Call<'a> {
    pub(crate) node: Cow<'a, NodeProto>,
    pub(crate) opsets: Arc<Opsets>,
}

/// The local functions of a model.
pub(crate) struct Functions<'a> {
    known: HashMap<Id<'a>, Function<'a>>,
    budget: Cell<u64>,
    expanded: Cell<usize>,
}

struct Function<'a> {
    proto: &'a FunctionProto,
    opsets: Arc<Opsets>,
}

/// Domain, name and overload.
type Id<'a> = (&'a str, &'a str, &'a str);

impl<'a> Functions<'a> {
    /// Takes the functions of a model of this size in bytes.
    pub(crate) fn new(protos: &'a [FunctionProto], size: u64) -> Result<Self, Error> {
        let mut known = HashMap::with_capacity(protos.len());
        for proto in protos {
            let function = Function {
                proto,
                opsets: Arc::new(Opsets::decode(&proto.opset_import)?),
            };
            if known.insert(id(proto), function).is_some() {
                return Err(wrong(proto, "it is defined twice"));
            }
        }
        check_calls(protos)?;
        Ok(Self {
            known,
            budget: Cell::new(FREE_BYTES.saturating_add(size.saturating_mul(FREE_FACTOR))),
            expanded: Cell::new(0),
        })
    }

    /// The nodes with every call of a local function replaced by its body.
    pub(crate) fn expand<'n>(
        &self,
        nodes: &'n [NodeProto],
        opsets: &Arc<Opsets>,
    ) -> Result<Vec<Call<'n>>, Error> {
        let mut calls = Vec::with_capacity(nodes.len());
        for node in nodes {
            self.expand_node(Cow::Borrowed(node), opsets, &mut calls)?;
        }
        Ok(calls)
    }

    fn expand_node<'n>(
        &self,
        node: Cow<'n, NodeProto>,
        opsets: &Arc<Opsets>,
        calls: &mut Vec<Call<'n>>,
    ) -> Result<(), Error> {
        let Some(function) = self.known.get(&called(&node)) else {
            let opsets = opsets.clone();
            calls.push(Call { node, opsets });
            return Ok(());
        };
        self.spend(function.proto, call_cost(function.proto))?;
        let serial = self.expanded.get();
        self.expanded.set(serial + 1);
        let body = Body::new(function.proto, &node, serial)?;
        for inner in &function.proto.node {
            let size = protobuf::Message::compute_size(inner);
            self.spend(function.proto, NODE_COST + size)?;
            self.expand_node(Cow::Owned(body.bind(inner)), &function.opsets, calls)?;
        }
        Ok(())
    }

    fn spend(&self, function: &FunctionProto, cost: u64) -> Result<(), Error> {
        let left = self.budget.get().checked_sub(cost).ok_or_else(|| {
            wrong(
                function,
                "its calls expand to far more than the model's own size",
            )
        })?;
        self.budget.set(left);
        Ok(())
    }
}

/// Every call goes through all that the function declares.
fn call_cost(proto: &FunctionProto) -> u64 {
    let values = proto.input.len() + proto.output.len();
    let attributes = proto.attribute.len() + proto.attribute_proto.len();
    NODE_COST + 64 * (values + attributes) as u64
}

fn id(proto: &FunctionProto) -> Id<'_> {
    (canonical(proto.domain()), proto.name(), proto.overload())
}

fn called(node: &NodeProto) -> Id<'_> {
    (canonical(node.domain()), node.op_type(), node.overload())
}

fn wrong(proto: &FunctionProto, reason: impl Into<String>) -> Error {
    Error::Function {
        function: format!("{}.{}", proto.domain(), proto.name()),
        reason: reason.into(),
    }
}

/// Refuses functions that call themselves, and very deep calls.
fn check_calls(protos: &[FunctionProto]) -> Result<(), Error> {
    let numbers: HashMap<_, _> = protos.iter().map(id).zip(0..).collect();
    let mut calls = vec![Vec::new(); protos.len()];
    for (proto, calls) in protos.iter().zip(&mut calls) {
        calls_in(&proto.node, &numbers, calls);
    }
    let order = sort::topological(&calls).map_err(|number| {
        wrong(
            &protos[number],
            "it calls itself, directly or through others",
        )
    })?;
    let mut depths = vec![0; protos.len()];
    for number in order {
        let inner = calls[number].iter().map(|&called| depths[called]).max();
        depths[number] = inner.unwrap_or(0) + 1;
        if depths[number] > MAX_DEPTH {
            let reason = format!("its calls are nested deeper than {MAX_DEPTH}");
            return Err(wrong(&protos[number], reason));
        }
    }
    Ok(())
}

fn calls_in(nodes: &[NodeProto], numbers: &HashMap<Id, usize>, calls: &mut Vec<usize>) {
    for node in nodes {
        calls.extend(numbers.get(&called(node)));
        for graph in graphs_of(node) {
            calls_in(&graph.node, numbers, calls);
        }
    }
}

fn graphs_of(node: &NodeProto) -> impl Iterator<Item = &GraphProto> {
    let attributes = node.attribute.iter();
    attributes.flat_map(|attribute| attribute.g.iter().chain(&attribute.graphs))
}
