//! Tests that look into the messages of a file, or forge them.

mod diff;
mod edit;
mod external;
mod functions;
mod graphs;
mod hostile;
mod insert;
mod real_models;
mod round_trip;
mod weigh;

use protobuf::Message as _;

use crate::{Error, Graph, Model, proto::*};

/// A model with these nodes, an input `x` and an output `y`.
fn model(nodes: Vec<NodeProto>) -> ModelProto {
    let mut graph = GraphProto::new();
    graph.set_name("g".to_owned());
    graph.node = nodes;
    graph.input.push(value("x"));
    graph.output.push(value("y"));
    let mut model = ModelProto::new();
    model.set_ir_version(8);
    model.opset_import.push(import("", 17));
    model.graph = Some(graph).into();
    model
}

fn node(op_type: &str, inputs: &[&str], outputs: &[&str]) -> NodeProto {
    let mut node = NodeProto::new();
    node.set_op_type(op_type.to_owned());
    node.input = inputs.iter().map(|&name| name.to_owned()).collect();
    node.output = outputs.iter().map(|&name| name.to_owned()).collect();
    node
}

fn value(name: &str) -> ValueInfoProto {
    let mut value = ValueInfoProto::new();
    value.set_name(name.to_owned());
    value
}

fn import(domain: &str, version: i64) -> OperatorSetIdProto {
    let mut import = OperatorSetIdProto::new();
    import.set_domain(domain.to_owned());
    import.set_version(version);
    import
}

fn entry(key: &str, value: &str) -> StringStringEntryProto {
    let mut entry = StringStringEntryProto::new();
    entry.set_key(key.to_owned());
    entry.set_value(value.to_owned());
    entry
}

/// A tensor of 32-bit floats without data.
fn tensor(name: &str, dims: &[i64]) -> TensorProto {
    let mut tensor = TensorProto::new();
    tensor.set_name(name.to_owned());
    tensor.set_data_type(tensor_proto::DataType::FLOAT as i32);
    tensor.dims = dims.to_vec();
    tensor
}

fn attribute(name: &str, kind: attribute_proto::AttributeType) -> AttributeProto {
    let mut attribute = AttributeProto::new();
    attribute.set_name(name.to_owned());
    attribute.set_type(kind);
    attribute
}

fn with_graph(mut node: NodeProto, name: &str, graph: GraphProto) -> NodeProto {
    let mut attribute = attribute(name, attribute_proto::AttributeType::GRAPH);
    attribute.g = Some(graph).into();
    node.attribute.push(attribute);
    node
}

/// A graph inside a node: no inputs, and one output.
fn branch(nodes: Vec<NodeProto>, output: &str) -> GraphProto {
    let mut graph = GraphProto::new();
    graph.node = nodes;
    graph.output.push(value(output));
    graph
}

fn read(proto: &ModelProto) -> Model {
    Model::from_bytes(proto.write_to_bytes().unwrap(), None).unwrap()
}

fn graph(proto: &ModelProto) -> Result<Graph, Error> {
    read(proto).graph()
}
