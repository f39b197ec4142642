//! One call of a local function: its body under the names of the caller.

use std::collections::{HashMap, HashSet};

use super::wrong;
use crate::{
    Error,
    proto::{AttributeProto, FunctionProto, GraphProto, NodeProto},
};

/// What the names and attributes of a function stand for in one call.
pub(super) struct Body<'a> {
    /// Formal inputs and outputs to the caller's values; inputs left out are empty.
    values: HashMap<&'a str, &'a str>,
    /// Formal attributes to the values given in the call, or their defaults.
    attributes: HashMap<&'a str, &'a AttributeProto>,
    /// Goes before all other names, so that two calls share none.
    prefix: String,
}

impl<'a> Body<'a> {
    pub(super) fn new(
        function: &'a FunctionProto,
        call: &'a NodeProto,
        serial: usize,
    ) -> Result<Self, Error> {
        let mut values = HashMap::new();
        for (what, formal, actual) in [
            ("inputs", &function.input, &call.input),
            ("outputs", &function.output, &call.output),
        ] {
            if actual.len() > formal.len() {
                let (given, taken) = (actual.len(), formal.len());
                let reason = format!("a call has {given} {what}, and it has {taken}");
                return Err(wrong(function, reason));
            }
            for (index, name) in formal.iter().enumerate() {
                let value = actual.get(index).map_or("", String::as_str);
                // An output that the caller does not want is still computed, under an own name.
                if what == "outputs" && value.is_empty() {
                    continue;
                }
                if values.insert(name.as_str(), value).is_some() {
                    let reason = format!("`{name}` is twice among its inputs and outputs");
                    return Err(wrong(function, reason));
                }
            }
        }

        let defaults = function.attribute_proto.iter();
        let mut attributes: HashMap<_, _> =
            defaults.map(|default| (default.name(), default)).collect();
        let declared: HashSet<_> = function.attribute.iter().map(String::as_str).collect();
        for attribute in &call.attribute {
            let name = attribute.name();
            if !declared.contains(name) && !attributes.contains_key(name) {
                let reason = format!("a call gives it the attribute `{name}`, which it has not");
                return Err(wrong(function, reason));
            }
            attributes.insert(name, attribute);
        }
        Ok(Self {
            values,
            attributes,
            prefix: format!("{}#{serial}/", function.name()),
        })
    }

    /// A node of the function's body as it is in this call.
    pub(super) fn bind(&self, node: &NodeProto) -> NodeProto {
        let mut node = node.clone();
        self.rename_all(&mut node.input);
        self.rename_all(&mut node.output);
        if let Some(name) = node.name.as_mut().filter(|name| !name.is_empty()) {
            name.insert_str(0, &self.prefix);
        }
        let attributes = std::mem::take(&mut node.attribute);
        node.attribute = attributes
            .into_iter()
            .filter_map(|attribute| self.attribute(attribute))
            .collect();
        node
    }

    /// `None` where the attribute stands for one that the call leaves out.
    fn attribute(&self, mut attribute: AttributeProto) -> Option<AttributeProto> {
        if attribute.ref_attr_name().is_empty() {
            let single = attribute.g.as_mut().into_iter();
            for graph in single.chain(&mut attribute.graphs) {
                self.bind_graph(graph);
            }
            return Some(attribute);
        }
        // Graphs in it use the caller's names already.
        let mut value = (*self.attributes.get(attribute.ref_attr_name())?).clone();
        value.name = attribute.name;
        Some(value)
    }

    fn bind_graph(&self, graph: &mut GraphProto) {
        for node in &mut graph.node {
            *node = self.bind(node);
        }
        let tensors = graph.initializer.iter_mut().map(|tensor| &mut tensor.name);
        let inputs = graph.input.iter_mut().map(|input| &mut input.name);
        let outputs = graph.output.iter_mut().map(|output| &mut output.name);
        for name in tensors.chain(inputs).chain(outputs).flatten() {
            *name = self.rename(name);
        }
    }

    fn rename_all(&self, names: &mut [String]) {
        for name in names {
            *name = self.rename(name);
        }
    }

    fn rename(&self, name: &str) -> String {
        match self.values.get(name) {
            Some(&value) => value.to_owned(),
            None if name.is_empty() => String::new(),
            None => format!("{}{name}", self.prefix),
        }
    }
}
