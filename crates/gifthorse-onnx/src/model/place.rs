//! Where a constant's numbers are in the messages of a graph.

use crate::{
    opset::canonical,
    proto::{AttributeProto, GraphProto, NodeProto, TensorProto},
};

/// The message that holds a constant's numbers.
pub(super) enum Place<'a> {
    /// An initialiser, or the `value` of a `Constant` node.
    Tensor(&'a mut TensorProto),
    /// The `value_floats` of a `Constant` node: a list of 32-bit floats.
    Floats(&'a mut Vec<f32>),
    /// The `value_float` of a `Constant` node: one 32-bit float without axes.
    Float(&'a mut Option<f32>),
}

/// The place of the initialiser of this name, or of what the `Constant` node gives that produces
/// it.
pub(super) fn find<'a>(graph: &'a mut GraphProto, name: &str) -> Option<Place<'a>> {
    let mut initializers = graph.initializer.iter_mut();
    if let Some(tensor) = initializers.find(|tensor| tensor.name() == name) {
        return Some(Place::Tensor(tensor));
    }
    let mut nodes = graph.node.iter_mut();
    let node = nodes.find(|node| output_of_constant(node) == Some(name))?;
    let attribute = node.attribute.iter_mut().find(|a| holds_floats(a))?;
    Some(match attribute.name() {
        "value" => Place::Tensor(attribute.t.as_mut()?),
        "value_floats" => Place::Floats(&mut attribute.floats),
        _ => Place::Float(&mut attribute.f),
    })
}

/// Every tensor that [`find`] can find in this graph, with its name.
pub(super) fn tensors(graph: &mut GraphProto) -> impl Iterator<Item = (String, &mut TensorProto)> {
    let of_nodes = graph.node.iter_mut().filter_map(|node| {
        let name = output_of_constant(node)?.to_owned();
        let attribute = node.attribute.iter_mut().find(|a| holds_floats(a))?;
        (attribute.name() == "value").then_some((name, attribute.t.as_mut()?))
    });
    let initializers = graph.initializer.iter_mut();
    initializers
        .map(|tensor| (tensor.name().to_owned(), tensor))
        .chain(of_nodes)
}

/// What a `Constant` node produces.
pub(super) fn output_of_constant(node: &NodeProto) -> Option<&str> {
    let is_constant = node.op_type() == "Constant" && canonical(node.domain()).is_empty();
    let output = node.output.first().filter(|_| is_constant)?;
    (!output.is_empty()).then_some(output)
}

fn holds_floats(attribute: &AttributeProto) -> bool {
    let known = ["value", "value_floats", "value_float"].contains(&attribute.name());
    known && attribute.ref_attr_name().is_empty()
}
