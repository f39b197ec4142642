//! Which files of external data a model names, wherever in it a tensor may be.

use std::collections::BTreeMap;

use crate::{
    external::location,
    proto::{
        AttributeProto, GraphProto, ModelProto, NodeProto, SparseTensorProto, TensorProto,
        tensor_proto::DataLocation,
    },
};

/// Every location that the model names, with one tensor that names it.
pub(super) fn locations(model: &ModelProto) -> BTreeMap<&str, &str> {
    let mut found = BTreeMap::new();
    let training = model.training_info.iter().flat_map(|info| {
        let graphs = [&info.initialization, &info.algorithm];
        graphs.into_iter().filter_map(|graph| graph.as_ref())
    });
    for graph in model.graph.iter().chain(training) {
        in_graph(graph, &mut found);
    }
    for function in &model.functions {
        in_nodes(&function.node, &mut found);
        in_attributes(&function.attribute_proto, &mut found);
    }
    found
}

fn in_graph<'a>(graph: &'a GraphProto, found: &mut BTreeMap<&'a str, &'a str>) {
    for tensor in &graph.initializer {
        in_tensor(tensor, found);
    }
    for tensor in &graph.sparse_initializer {
        in_sparse(tensor, found);
    }
    in_nodes(&graph.node, found);
}

fn in_nodes<'a>(nodes: &'a [NodeProto], found: &mut BTreeMap<&'a str, &'a str>) {
    for node in nodes {
        in_attributes(&node.attribute, found);
    }
}

fn in_attributes<'a>(attributes: &'a [AttributeProto], found: &mut BTreeMap<&'a str, &'a str>) {
    for attribute in attributes {
        for tensor in attribute.t.iter().chain(&attribute.tensors) {
            in_tensor(tensor, found);
        }
        for tensor in attribute
            .sparse_tensor
            .iter()
            .chain(&attribute.sparse_tensors)
        {
            in_sparse(tensor, found);
        }
        for graph in attribute.g.iter().chain(&attribute.graphs) {
            in_graph(graph, found);
        }
    }
}

fn in_sparse<'a>(sparse: &'a SparseTensorProto, found: &mut BTreeMap<&'a str, &'a str>) {
    for tensor in sparse.values.iter().chain(sparse.indices.iter()) {
        in_tensor(tensor, found);
    }
}

fn in_tensor<'a>(tensor: &'a TensorProto, found: &mut BTreeMap<&'a str, &'a str>) {
    if tensor.data_location() == DataLocation::EXTERNAL {
        let location = location(&tensor.external_data).unwrap_or_default();
        found.insert(location, tensor.name());
    }
}
