//! Nodes that differ.

use std::collections::{HashMap, HashSet};

use super::{
    Entry, NodeChange, NodeEdit,
    alike::is_alike,
    ends::{Named, entries},
};
use crate::{Attribute, Error, Graph, Model, Node};

/// More characters than this of an attribute's value are not shown.
const SHOWN: usize = 200;

/// The nodes of a model, and the names that its file gives to nodes.
struct Side<'a> {
    graph: &'a Graph,
    given: HashSet<&'a str>,
}

impl<'a> Side<'a> {
    fn new((model, graph): (&'a Model, &'a Graph)) -> Self {
        let own = model.proto.graph.iter().flat_map(|graph| &graph.node);
        Self {
            graph,
            given: own.map(|node| node.name()).collect(),
        }
    }
}

pub(super) fn compared(
    before: (&Model, &Graph),
    after: (&Model, &Graph),
) -> Result<Vec<NodeChange>, Error> {
    let (before, after) = (Side::new(before), Side::new(after));
    let pairs = paired(&before, &after);
    let mut found = Vec::new();
    for (at, node) in before.graph.nodes.iter().enumerate() {
        let Some(&partner) = pairs.get(&at) else {
            found.push(change(node, NodeEdit::Removed));
            continue;
        };
        let partner = &after.graph.nodes[partner];
        let wiring = entries(before.wiring(node), after.wiring(partner));
        let attributes = attributes(node, partner)?;
        if !(wiring.is_empty() && attributes.is_empty()) {
            let edit = NodeEdit::Changed { wiring, attributes };
            found.push(change(partner, edit));
        }
    }
    let partners: HashSet<usize> = pairs.into_values().collect();
    let added = after.graph.nodes.iter().enumerate();
    let added = added.filter(|(at, _)| !partners.contains(at));
    found.extend(added.map(|(_, node)| change(node, NodeEdit::Added)));
    Ok(found)
}

fn change(node: &Node, edit: NodeEdit) -> NodeChange {
    NodeChange {
        name: node.name.clone(),
        op_type: node.op_type.clone(),
        edit,
    }
}

/// Which node after is which before: of the same operator and the same name in the file, else of
/// the same operator with the same first output.
fn paired(before: &Side, after: &Side) -> HashMap<usize, usize> {
    let (old, new) = (&before.graph.nodes, &after.graph.nodes);
    let is_operator = |at: usize, partner: usize| {
        let (one, other) = (&old[at], &new[partner]);
        (&one.op_type, &one.domain) == (&other.op_type, &other.domain)
    };
    let mut pairs = HashMap::new();
    let mut taken = HashSet::new();
    let named = after.by_name();
    for (name, at) in before.by_name() {
        if let Some(&partner) = named.get(name)
            && is_operator(at, partner)
        {
            pairs.insert(at, partner);
            taken.insert(partner);
        }
    }
    let makers = new.iter().enumerate();
    let makers: HashMap<&str, usize> = makers
        .filter_map(|(at, node)| Some((first_output(node)?, at)))
        .collect();
    for (at, node) in old.iter().enumerate() {
        if let Some(&partner) = first_output(node).and_then(|name| makers.get(name))
            && !pairs.contains_key(&at)
            && is_operator(at, partner)
            && taken.insert(partner)
        {
            pairs.insert(at, partner);
        }
    }
    pairs
}

fn first_output(node: &Node) -> Option<&str> {
    node.outputs.iter().flatten().next().map(String::as_str)
}

impl<'a> Side<'a> {
    /// Nodes by the names that the file gives to only one.
    fn by_name(&self) -> HashMap<&'a str, usize> {
        let mut found: HashMap<&str, Vec<usize>> = HashMap::new();
        for (at, node) in self.graph.nodes.iter().enumerate() {
            if self.given.contains(node.name.as_str()) {
                found.entry(&node.name).or_default().push(at);
            }
        }
        let single = found.into_iter().filter_map(|(name, at)| match at[..] {
            [at] => Some((name, at)),
            _ => None,
        });
        single.collect()
    }

    /// What a node is called and reads and makes.
    fn wiring(&self, node: &Node) -> Named {
        let list = |names: &[Option<String>]| {
            let names: Vec<&str> = names
                .iter()
                .map(|name| name.as_deref().unwrap_or(""))
                .collect();
            names.join(", ")
        };
        let mut named = Named::from([
            ("inputs".to_owned(), list(&node.inputs)),
            ("outputs".to_owned(), list(&node.outputs)),
        ]);
        if self.given.contains(node.name.as_str()) {
            named.insert("name".to_owned(), node.name.clone());
        }
        if self.graph.opset(&node.domain) != Some(node.opset) {
            named.insert("opset".to_owned(), node.opset.to_string());
        }
        named
    }
}

fn attributes(before: &Node, after: &Node) -> Result<Vec<Entry>, Error> {
    let mut found = Vec::new();
    for (name, old) in &before.attributes {
        let new = after.attributes.get(name);
        if let Some(new) = new
            && is_alike(old, new)?
        {
            continue;
        }
        found.push(Entry {
            key: name.clone(),
            before: Some(in_words(old)),
            after: new.map(in_words),
        });
    }
    let new = after.attributes.iter();
    let new = new.filter(|(name, _)| !before.attributes.contains_key(*name));
    found.extend(new.map(|(name, new)| Entry {
        key: name.clone(),
        before: None,
        after: Some(in_words(new)),
    }));
    Ok(found)
}

fn in_words(value: &Attribute) -> String {
    let text = match value {
        Attribute::Int(v) => v.to_string(),
        Attribute::Float(v) => v.to_string(),
        Attribute::String(v) => format!("{v:?}"),
        Attribute::Ints(v) => format!("{v:?}"),
        Attribute::Floats(v) => format!("{v:?}"),
        Attribute::Strings(v) => format!("{v:?}"),
        Attribute::Tensor(v) => format!("a tensor of {} {:?}", v.element_type(), v.shape()),
        Attribute::Graph(v) => format!("a graph of {} nodes", v.nodes.len()),
        Attribute::Other(kind) => (*kind).to_owned(),
    };
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{} ...", &text[..end]),
        None => text,
    }
}
