//! Nodes are put behind values.

use super::*;
use crate::{ElementType, InsertProblem, NodeSpec, Readers, Tensor};

fn named(name: &str, mut node: NodeProto) -> NodeProto {
    node.set_name(name.to_owned());
    node
}

/// `x` -> a -> v; v is read by b, c (twice) and in a branch of an `If`; y is their sum.
fn forked() -> ModelProto {
    let sees = branch(vec![named("n", node("Neg", &["v"], &["n1"]))], "n1");
    let hides = branch(
        vec![node("Neg", &["x"], &["v"]), node("Abs", &["v"], &["n2"])],
        "n2",
    );
    let choice = named("if", node("If", &["flag"], &["z"]));
    let choice = with_graph(choice, "then_branch", sees);
    let choice = with_graph(choice, "else_branch", hides);
    let mut proto = model(vec![
        named("a", node("Relu", &["x"], &["v"])),
        named("b", node("Neg", &["v"], &["p"])),
        named("c", node("Mul", &["v", "v"], &["q"])),
        choice,
        named("d", node("Sum", &["p", "q", "z"], &["y"])),
    ]);
    let graph = proto.graph.as_mut().unwrap();
    let mut flag = tensor("flag", &[]);
    flag.set_data_type(tensor_proto::DataType::BOOL as i32);
    flag.set_raw_data(vec![1].into());
    graph.initializer.push(flag);
    graph.node[0]
        .special_fields
        .mut_unknown_fields()
        .add_varint(900, 5);
    graph.special_fields.mut_unknown_fields().add_varint(901, 6);
    proto
}

fn mask() -> NodeSpec {
    let values = Tensor::from_f32("mask", &[2], &[1.0, 0.0]).unwrap();
    NodeSpec::new("Mul", "prune").value().constant(values)
}

fn problem(model: &mut Model, value: &str, spec: &NodeSpec, readers: Readers) -> InsertProblem {
    let before = model.proto().clone();
    let error = model.insert_after(value, spec, readers).unwrap_err();
    assert_eq!(model.proto(), &before);
    match error {
        Error::Insert {
            value: name,
            problem,
        } => {
            assert_eq!(name, value);
            problem
        }
        other => panic!("{other}"),
    }
}

/// Inputs of a node of the file's own graph, or of one in the `If`.
fn inputs(model: &Model, name: &str) -> Vec<String> {
    fn find<'a>(graph: &'a GraphProto, name: &str) -> Option<&'a NodeProto> {
        graph.node.iter().find_map(|node| {
            let attributes = node.attribute.iter();
            let mut inner = attributes.filter_map(|attribute| attribute.g.as_ref());
            match node.name() == name {
                true => Some(node),
                false => inner.find_map(|graph| find(graph, name)),
            }
        })
    }
    find(model.proto().graph.as_ref().unwrap(), name)
        .unwrap()
        .input
        .clone()
}

#[test]
fn all_readers_read_the_new_value() {
    let mut model = read(&forked());
    let inserted = model.insert_after("v", &mask(), Readers::All).unwrap();
    assert_eq!(
        (inserted.node.as_str(), inserted.reads.as_str()),
        ("prune", "v")
    );
    assert_eq!(inserted.constants, ["prune.mask"]);
    assert!(!inserted.is_output);
    let new = inserted.makes.as_str();
    assert_eq!(inputs(&model, "prune"), ["v", "prune.mask"]);
    assert_eq!(inputs(&model, "b"), [new]);
    assert_eq!(inputs(&model, "c"), [new, new]);
    assert_eq!(inputs(&model, "n"), [new]);
    // The other branch has a value of its own by that name.
    let hidden = &model.proto().graph.node[4].attribute[1].g.node[1];
    assert_eq!(hidden.input, ["v"]);

    // Nothing else is another.
    let mut expected = forked();
    let graph = expected.graph.as_mut().unwrap();
    let written = model.proto().graph.as_ref().unwrap();
    graph.node.insert(1, written.node[1].clone());
    graph.initializer.push(written.initializer[1].clone());
    graph.node[2].input = vec![new.to_owned()];
    graph.node[3].input = vec![new.to_owned(); 2];
    graph.node[4].attribute[0].g.as_mut().unwrap().node[0].input = vec![new.to_owned()];
    assert_eq!(model.proto(), &expected);
    assert_eq!(read(model.proto()).graph().unwrap(), model.graph().unwrap());

    let half = Tensor::from_f32("", &[2], &[0.0, 0.5]).unwrap();
    model.set_initializer("prune.mask", &half).unwrap();
}

#[test]
fn chosen_readers_alone_read_the_new_value() {
    let mut model = read(&forked());
    let readers = Readers::Nodes(&["c", "if"]);
    let inserted = model.insert_after("v", &mask(), readers).unwrap();
    let new = inserted.makes.as_str();
    assert_eq!(inputs(&model, "b"), ["v"]);
    assert_eq!(inputs(&model, "c"), [new, new]);
    assert_eq!(inputs(&model, "n"), [new]);
}

#[test]
fn names_are_new_however_often_a_node_is_put_in() {
    let mut model = read(&forked());
    let bound = NodeSpec::new("Clip", "b")
        .value()
        .left_out()
        .constant(Tensor::from_f32("max", &[], &[6.0]).unwrap());
    let first = model.insert_after("v", &bound, Readers::All).unwrap();
    let second = model.insert_after("v", &bound, Readers::All).unwrap();
    assert_eq!((first.node.as_str(), second.node.as_str()), ("b_1", "b_2"));
    assert_ne!(first.makes, second.makes);
    assert_eq!(
        inputs(&model, "b_1"),
        [second.makes.as_str(), "", "b_1.max"]
    );
    assert_eq!(inputs(&model, "b_2"), ["v", "", "b_2.max"]);
    let order = model.graph().unwrap().nodes;
    let order: Vec<_> = order.into_iter().map(|node| node.name).collect();
    assert_eq!(order[..4], ["a", "b_2", "b_1", "b"]);
    // The file itself is in that order too, for programs that do not sort.
    let file = model.proto().graph.node.iter();
    let file: Vec<_> = file.map(|node| node.name().to_owned()).collect();
    assert_eq!(file, order);
}

#[test]
fn an_output_keeps_its_name() {
    let mut model = read(&forked());
    let inserted = model.insert_after("y", &mask(), Readers::All).unwrap();
    assert!(inserted.is_output);
    assert_eq!(inserted.makes, "y");
    let graph = model.graph().unwrap();
    assert_eq!(graph.outputs[0].name, "y");
    let last = graph.nodes.last().unwrap();
    assert_eq!((last.name.as_str(), last.output(0)), ("prune", Some("y")));
    assert_eq!(last.input(0), Some(inserted.reads.as_str()));
    assert_eq!(graph.nodes[4].output(0), last.input(0));

    // A value that is an output and read besides.
    let mut proto = forked();
    proto.graph.as_mut().unwrap().output.push(value("v"));
    let mut all = read(&proto);
    let inserted = all.insert_after("v", &mask(), Readers::All).unwrap();
    assert!(inserted.is_output);
    assert_eq!(
        inputs(&all, "prune"),
        [inserted.reads, "prune.mask".to_owned()]
    );
    assert_eq!(inputs(&all, "c"), ["v", "v"]);
    let mut some = read(&proto);
    let inserted = some
        .insert_after("v", &mask(), Readers::Nodes(&["c"]))
        .unwrap();
    assert!(!inserted.is_output);
    assert_eq!(some.graph().unwrap().outputs[1].name, "v");
    assert_eq!(inputs(&some, "c")[0], inserted.makes);
}

#[test]
fn inputs_and_initialisers_can_have_a_node_behind_them() {
    let mut proto = forked();
    proto.set_ir_version(3);
    let mut model = read(&proto);
    let inserted = model.insert_after("x", &mask(), Readers::All).unwrap();
    let graph = model.graph().unwrap();
    assert_eq!(
        (graph.inputs.len(), graph.inputs[0].name.as_str()),
        (1, "x")
    );
    assert_eq!(graph.nodes[0].name, "prune");
    assert_eq!(inputs(&model, "a"), [inserted.makes]);
    // Up to version 3 of the format an initialiser is an input as well.
    let listed = model.proto().graph.input.last().unwrap();
    assert_eq!(listed.name(), "prune.mask");
    let not = NodeSpec::new("Not", "not").value();
    let inserted = model.insert_after("flag", &not, Readers::All).unwrap();
    assert_eq!(inputs(&model, "if"), [inserted.makes]);
}

#[test]
fn what_cannot_be_done_is_said_and_changes_nothing() {
    let mut model = read(&forked());
    for name in ["", "absent", "n1"] {
        let found = problem(&mut model, name, &mask(), Readers::All);
        assert_eq!(found, InsertProblem::Absent);
    }
    let found = problem(&mut model, "v", &mask(), Readers::Nodes(&["b", "d"]));
    assert_eq!(found, InsertProblem::NotAReader("d".to_owned()));
    let found = problem(&mut model, "v", &mask(), Readers::Nodes(&[]));
    assert_eq!(found, InsertProblem::NoReader);
    let blind = NodeSpec::new("Relu", "blind");
    let found = problem(&mut model, "v", &blind, Readers::All);
    assert_eq!(found, InsertProblem::NotRead("blind".to_owned()));

    let mut proto = forked();
    proto.graph.as_mut().unwrap().node[1].set_name("c".to_owned());
    let found = problem(&mut read(&proto), "v", &mask(), Readers::Nodes(&["c"]));
    assert_eq!(found, InsertProblem::AmbiguousReader("c".to_owned()));

    let mut proto = forked();
    proto.graph.as_mut().unwrap().output.push(value("x"));
    let found = problem(&mut read(&proto), "x", &mask(), Readers::All);
    assert_eq!(found, InsertProblem::PassesThrough);

    let mut proto = forked();
    let mut function = FunctionProto::new();
    function.set_domain("ai.onnx".to_owned());
    function.set_name("Mul".to_owned());
    proto.functions.push(function);
    let found = problem(&mut read(&proto), "v", &mask(), Readers::All);
    assert_eq!(found, InsertProblem::Redefined("Mul".to_owned()));

    let mut model = read(&forked());
    let before = model.proto().clone();
    let other = mask().attribute("x", crate::Attribute::Other("a type"));
    let error = model.insert_after("v", &other, Readers::All).unwrap_err();
    assert!(matches!(error, Error::Build(_)), "{error}");
    assert_eq!(model.proto(), &before);
}

#[test]
fn constants_have_the_type_of_the_value_where_it_is_stated() {
    let mut proto = forked();
    let mut half = TypeProto::new();
    let mut kind = type_proto::Tensor::new();
    kind.set_elem_type(ElementType::F16.to_onnx());
    half.value = Some(type_proto::Value::TensorType(kind));
    let mut info = value("v");
    info.type_ = Some(half).into();
    proto.graph.as_mut().unwrap().value_info.push(info);
    let mut model = read(&proto);
    let found = problem(&mut model, "v", &mask(), Readers::All);
    assert!(matches!(
        found,
        InsertProblem::ElementType {
            found: ElementType::F32,
            expected: ElementType::F16,
            ..
        }
    ));
    let fitting = Tensor::from_f32_as("mask", &[2], ElementType::F16, &[1.0, 0.0]).unwrap();
    let spec = NodeSpec::new("Mul", "prune").value().constant(fitting);
    model.insert_after("v", &spec, Readers::All).unwrap();
}
