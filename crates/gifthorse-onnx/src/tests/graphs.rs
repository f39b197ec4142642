//! What a graph must be: sorted, complete, unambiguous.

use super::*;
use crate::{Attribute, AttributeProblem, Dim, TensorProblem};
use tensor_shape_proto::{Dimension, dimension};

fn names(graph: &Graph) -> Vec<&str> {
    graph
        .nodes
        .iter()
        .map(|node| node.op_type.as_str())
        .collect()
}

#[test]
fn nodes_are_put_in_order() {
    let nodes = vec![
        node("C", &["b"], &["y"]),
        node("B", &["a", "", "w"], &["b"]),
        node("A", &["x"], &["a", "", "unused"]),
    ];
    let mut proto = model(nodes);
    let mut weight = tensor("w", &[1]);
    weight.float_data = vec![1.0];
    let inner = proto.graph.as_mut().unwrap();
    inner.initializer.push(weight);
    inner.input.push(value("w"));
    let graph = graph(&proto).unwrap();
    assert_eq!(names(&graph), ["A", "B", "C"]);
    assert_eq!(graph.nodes[0].outputs[1], None);
    assert_eq!(graph.nodes[1].inputs[1], None);
    let inputs: Vec<_> = graph
        .inputs
        .iter()
        .map(|input| input.name.as_str())
        .collect();
    assert_eq!(inputs, ["x"], "an initialiser among the inputs is none");
}

#[test]
fn nodes_without_a_name_get_one_that_is_free() {
    let mut named = node("Relu", &["x"], &["a"]);
    named.set_name("Relu_1".to_owned());
    let graph = graph(&model(vec![named, node("Relu", &["a"], &["y"])])).unwrap();
    assert_eq!(graph.nodes[0].name, "Relu_1");
    assert_eq!(graph.nodes[1].name, "Relu_1_");
}

#[test]
fn cycles_are_refused() {
    let nodes = vec![
        node("A", &["x", "b"], &["a"]),
        node("B", &["a"], &["b"]),
        node("C", &["b"], &["y"]),
    ];
    let error = graph(&model(nodes)).unwrap_err();
    assert!(
        matches!(&error, Error::Cycle { op_type, .. } if op_type != "C"),
        "{error}"
    );
    let error = graph(&model(vec![node("A", &["y"], &["y"])])).unwrap_err();
    assert!(matches!(error, Error::Cycle { .. }));
    // A branch that uses what its own node produces.
    let inside = branch(vec![node("Relu", &["y"], &["r"])], "r");
    let node = with_graph(node("If", &["x"], &["y"]), "then_branch", inside);
    assert!(matches!(
        graph(&model(vec![node])),
        Err(Error::Cycle { .. })
    ));
}

#[test]
fn values_have_exactly_one_producer() {
    let error = graph(&model(vec![node("A", &["z"], &["y"])])).unwrap_err();
    assert!(
        matches!(&error, Error::MissingValue { value, user } if value == "z" && user.contains("A_0"))
    );
    let error = graph(&model(vec![node("A", &["x"], &["z"])])).unwrap_err();
    assert!(
        matches!(&error, Error::MissingValue { value, .. } if value == "y"),
        "{error}"
    );
    for nodes in [
        vec![node("A", &["x"], &["y"]), node("B", &["x"], &["y"])],
        vec![node("A", &["x"], &["y", "y"])],
        vec![node("A", &["x"], &["y"]), node("B", &["y"], &["x"])],
    ] {
        assert!(matches!(
            graph(&model(nodes)),
            Err(Error::DuplicateValue { .. })
        ));
    }
}

#[test]
fn graphs_in_nodes_see_what_is_around_them() {
    let innermost = branch(vec![node("Add", &["x", "outer"], &["i"])], "i");
    let inner = branch(
        vec![
            with_graph(node("If", &["local"], &["o"]), "then_branch", innermost),
            node("Relu", &["x"], &["local"]),
        ],
        "o",
    );
    let nodes = vec![
        with_graph(node("If", &["x"], &["y"]), "then_branch", inner),
        node("Relu", &["x"], &["outer"]),
    ];
    let graph = graph(&model(nodes)).unwrap();
    assert_eq!(names(&graph), ["Relu", "If"], "the branch needs the Relu");
    assert!(graph.captures.is_empty());
    let inner = graph.nodes[1].graph("then_branch").unwrap();
    assert_eq!(inner.captures, ["x", "outer"]);
    assert_eq!(names(inner), ["Relu", "If"]);
    assert_eq!(inner.opset(""), Some(17));
}

#[test]
fn attributes_are_read_by_type_and_refused_by_name() {
    let mut relu = node("LeakyRelu", &["x"], &["y"]);
    relu.set_name("act".to_owned());
    let mut alpha = attribute("alpha", attribute_proto::AttributeType::FLOAT);
    alpha.set_f(0.5);
    // Files of IR version 1 do not say the type.
    let mut axes = AttributeProto::new();
    axes.set_name("axes".to_owned());
    axes.ints = vec![1, 2];
    let mut broken = attribute("broken", attribute_proto::AttributeType::STRING);
    broken.set_s(vec![0xff].into());
    relu.attribute = vec![alpha, axes, broken];
    let graph = graph(&model(vec![relu])).unwrap();
    let node = &graph.nodes[0];
    assert_eq!(node.float("alpha").unwrap(), 0.5);
    assert_eq!(node.float_or("beta", 2.0).unwrap(), 2.0);
    assert_eq!(node.ints_opt("axes").unwrap(), Some(&[1, 2][..]));
    assert_eq!(node.int_opt("absent").unwrap(), None);
    assert!(matches!(node.attributes["broken"], Attribute::Other(_)));

    let message = node.int("absent").unwrap_err().to_string();
    for part in ["`act`", "LeakyRelu", "ai.onnx", "17", "`absent`", "missing"] {
        assert!(message.contains(part), "{message}");
    }
    let message = node.int_or("alpha", 3).unwrap_err().to_string();
    assert!(
        message.contains("is a float, and should be an integer"),
        "{message}"
    );
    let error = node.allow_attributes(&["alpha", "axes"]).unwrap_err();
    let Error::Attribute(error) = error else {
        panic!("{error}")
    };
    assert_eq!(
        (error.attribute.as_str(), error.problem),
        ("broken", AttributeProblem::Unknown)
    );
    node.allow_attributes(&["broken", "alpha", "axes"]).unwrap();
    let message = node
        .attribute_value_error("axes", "two axes at most")
        .to_string();
    assert!(
        message.contains("[1, 2]") && message.contains("two axes"),
        "{message}"
    );
}

#[test]
fn ambiguous_attributes_are_refused() {
    let mut twice = node("A", &["x"], &["y"]);
    let int = || attribute("axis", attribute_proto::AttributeType::INT);
    twice.attribute = vec![int(), int()];
    let message = graph(&model(vec![twice])).unwrap_err().to_string();
    assert!(message.contains("given twice"), "{message}");

    let mut dangling = node("A", &["x"], &["y"]);
    dangling.attribute = vec![int()];
    dangling.attribute[0].set_ref_attr_name("outer".to_owned());
    let message = graph(&model(vec![dangling])).unwrap_err().to_string();
    assert!(message.contains("`outer`"), "{message}");
}

#[test]
fn operator_sets_are_found_by_domain() {
    let mut own = node("A", &["x"], &["y"]);
    own.set_domain("own".to_owned());
    let mut proto = model(vec![own]);
    assert!(matches!(graph(&proto), Err(Error::NoOpset { domain, .. }) if domain == "own"));
    proto.opset_import.push(import("own", 3));
    let read = graph(&proto).unwrap();
    assert_eq!(
        (read.nodes[0].domain.as_str(), read.nodes[0].opset),
        ("own", 3)
    );

    proto.opset_import.push(import("ai.onnx", 11));
    assert!(
        matches!(graph(&proto), Err(Error::Opset { .. })),
        "17 and 11 at once"
    );
    proto.opset_import = vec![import("", 0)];
    assert!(matches!(graph(&proto), Err(Error::Opset { .. })));

    let mut old = model(vec![node("A", &["x"], &["y"])]);
    old.opset_import.clear();
    assert!(matches!(graph(&old), Err(Error::NoOpset { .. })));
    old.set_ir_version(2);
    assert_eq!(graph(&old).unwrap().nodes[0].opset, 1);
}

fn with_dims(dims: Vec<Option<dimension::Value>>) -> ModelProto {
    let mut shape = TensorShapeProto::new();
    shape.dim = dims
        .into_iter()
        .map(|value| {
            let mut dim = Dimension::new();
            dim.value = value;
            dim
        })
        .collect();
    let mut tensor = type_proto::Tensor::new();
    tensor.set_elem_type(1);
    tensor.shape = Some(shape).into();
    let mut kind = TypeProto::new();
    kind.value = Some(type_proto::Value::TensorType(tensor));
    let mut proto = model(vec![node("A", &["x"], &["y"])]);
    proto.graph.as_mut().unwrap().input[0].type_ = Some(kind).into();
    proto
}

#[test]
fn dimensions_are_fixed_named_or_free() {
    use dimension::Value::{DimParam, DimValue};

    let dims = vec![
        Some(DimParam("N".to_owned())),
        Some(DimValue(3)),
        Some(DimValue(-1)),
        Some(DimParam(String::new())),
        None,
    ];
    let read = graph(&with_dims(dims)).unwrap();
    let named = Dim::Named("N".to_owned());
    let expected = vec![
        named,
        Dim::Fixed(3),
        Dim::Unknown,
        Dim::Unknown,
        Dim::Unknown,
    ];
    assert_eq!(read.inputs[0].shape, Some(expected));
    assert_eq!(read.outputs[0].shape, None);

    for dims in [
        vec![Some(DimValue(-7))],
        vec![Some(DimValue(i64::MAX))],
        vec![Some(DimValue(1)); 100],
    ] {
        assert!(matches!(
            graph(&with_dims(dims)),
            Err(Error::ValueInfo { .. })
        ));
    }
}

#[test]
fn tensors_that_claim_more_than_they_hold_are_refused() {
    let refused = |tensor: TensorProto| {
        let mut proto = model(vec![node("A", &["x"], &["y"])]);
        proto.graph.as_mut().unwrap().initializer.push(tensor);
        match graph(&proto) {
            Err(Error::Tensor { tensor, problem }) => {
                assert_eq!(tensor, "w");
                problem
            }
            other => panic!("{other:?}"),
        }
    };
    let length = |p| matches!(p, TensorProblem::Length { .. });
    let mut raw = tensor("w", &[3]);
    raw.set_raw_data(vec![0; 8].into());
    assert!(length(refused(raw)));
    assert!(length(refused(tensor("w", &[1 << 58]))));
    assert!(length(refused(tensor("w", &[]))));
    let too_large = |p| matches!(p, TensorProblem::TooLarge { .. });
    assert!(too_large(refused(tensor("w", &[1 << 62]))));
    assert!(too_large(refused(tensor("w", &[1 << 40, 1 << 40, 0]))));
    assert!(matches!(
        refused(tensor("w", &[1; 100])),
        TensorProblem::Rank { rank: 100, .. }
    ));
    assert!(matches!(
        refused(tensor("w", &[2, -2])),
        TensorProblem::NegativeDim { dim: -2 }
    ));

    let mut small = tensor("w", &[1]);
    small.set_data_type(tensor_proto::DataType::INT8 as i32);
    small.int32_data = vec![300];
    assert!(matches!(refused(small), TensorProblem::Range { .. }));
    let mut packed = tensor("w", &[2]);
    packed.set_data_type(tensor_proto::DataType::INT4 as i32);
    assert!(matches!(refused(packed), TensorProblem::ElementType(22)));
    let mut parts = tensor("w", &[1]);
    parts.segment = Some(tensor_proto::Segment::new()).into();
    assert!(matches!(refused(parts), TensorProblem::Segmented));
}
