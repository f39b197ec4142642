//! Local functions: what `onnx.inliner` makes of a model
//! (`oracle/onnx_files.py`) is what is made here, names aside.

use std::collections::HashMap;

use super::*;
use crate::{Attribute, Node};

fn golden(name: &str) -> Graph {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/");
    Model::read(format!("{folder}{name}"))
        .unwrap()
        .graph()
        .unwrap()
}

/// Compares graphs whose values may have different names, but one to one.
#[derive(Default)]
struct Renaming {
    ours: HashMap<String, String>,
    theirs: HashMap<String, String>,
}

impl Renaming {
    fn same(&mut self, a: &str, b: &str) {
        assert_eq!(
            self.ours
                .entry(a.to_owned())
                .or_insert_with(|| b.to_owned()),
            b
        );
        assert_eq!(
            self.theirs
                .entry(b.to_owned())
                .or_insert_with(|| a.to_owned()),
            a
        );
    }

    fn same_graph(&mut self, a: &Graph, b: &Graph) {
        assert_eq!(a.nodes.len(), b.nodes.len());
        for (a, b) in a.nodes.iter().zip(&b.nodes) {
            self.same_node(a, b);
        }
        assert_eq!(a.outputs.len(), b.outputs.len());
        for (a, b) in a.outputs.iter().zip(&b.outputs) {
            self.same(&a.name, &b.name);
        }
    }

    fn same_node(&mut self, a: &Node, b: &Node) {
        assert_eq!((&a.op_type, a.opset), (&b.op_type, b.opset));
        assert_eq!(
            (a.inputs.len(), a.outputs.len()),
            (b.inputs.len(), b.outputs.len())
        );
        let names = a
            .inputs
            .iter()
            .zip(&b.inputs)
            .chain(a.outputs.iter().zip(&b.outputs));
        for (a, b) in names {
            self.same(a.as_deref().unwrap_or(""), b.as_deref().unwrap_or(""));
        }
        assert_eq!(a.attributes.len(), b.attributes.len(), "{a:?} {b:?}");
        for (name, a) in &a.attributes {
            match (a, &b.attributes[name]) {
                (Attribute::Graph(a), Attribute::Graph(b)) => self.same_graph(a, b),
                (a, b) => assert_eq!(a, b),
            }
        }
    }
}

#[test]
fn a_model_is_expanded_as_onnx_expands_it() {
    let ours = golden("functions.onnx");
    let theirs = golden("functions.inlined.onnx");
    Renaming::default().same_graph(&ours, &theirs);
    let branch = ours.nodes.iter().find(|n| n.op_type == "If").unwrap();
    assert_eq!(branch.graph("else_branch").unwrap().captures, ["x", "w"]);
}

fn function(name: &str, nodes: Vec<NodeProto>) -> FunctionProto {
    let mut function = FunctionProto::new();
    function.set_domain("own".to_owned());
    function.set_name(name.to_owned());
    function.input = vec!["a".to_owned(), "b".to_owned()];
    function.output = vec!["c".to_owned(), "d".to_owned()];
    function.node = nodes;
    function.opset_import = vec![import("", 13), import("own", 1)];
    function
}

fn call(name: &str, inputs: &[&str], outputs: &[&str]) -> NodeProto {
    let mut call = node(name, inputs, outputs);
    call.set_domain("own".to_owned());
    call
}

fn calling(functions: Vec<FunctionProto>, call: NodeProto) -> ModelProto {
    let mut model = model(vec![call]);
    model.functions = functions;
    model.opset_import.push(import("own", 1));
    model
}

#[test]
fn inputs_and_outputs_may_be_left_out() {
    let body = vec![
        node("Clip", &["a", "b"], &["c"]),
        node("Relu", &["c"], &["d"]),
    ];
    let proto = calling(vec![function("F", body)], call("F", &["x"], &["", "y"]));
    let graph = graph(&proto).unwrap();
    let [clip, relu] = graph.nodes.as_slice() else {
        panic!("{graph:?}")
    };
    assert_eq!(clip.inputs, [Some("x".to_owned()), None]);
    assert_eq!(clip.output(0), relu.input(0));
    assert_eq!(relu.output(0), Some("y"));
    assert_eq!(
        clip.opset, 13,
        "the function's own operator set holds in it"
    );
}

#[test]
fn functions_that_call_each_other_in_a_circle_are_refused() {
    let f = function("F", vec![call("G", &["a", "b"], &["c", "d"])]);
    let inside = branch(vec![call("F", &["a", "b"], &["i", "j"])], "i");
    let g = function(
        "G",
        vec![with_graph(
            node("If", &["a"], &["c"]),
            "then_branch",
            inside,
        )],
    );
    let error = graph(&calling(vec![f, g], call("F", &["x", "x"], &["y"]))).unwrap_err();
    assert!(error.to_string().contains("calls itself"), "{error}");
}

#[test]
fn expansion_out_of_proportion_is_refused() {
    // Sixty functions that each call the next one twice: 2^60 nodes.
    let functions = (0..60).map(|n| {
        let next = format!("F{}", n + 1);
        let calls = vec![call(&next, &["a"], &["c"]), call(&next, &["a"], &["d"])];
        function(&format!("F{n}"), calls)
    });
    let last = function(
        "F60",
        vec![node("Relu", &["a"], &["c"]), node("Relu", &["a"], &["d"])],
    );
    let functions = functions.chain([last]).collect();
    let error = graph(&calling(functions, call("F0", &["x"], &["y"]))).unwrap_err();
    assert!(
        error.to_string().contains("more than the model's own size"),
        "{error}"
    );
}

#[test]
fn wrong_calls_and_definitions_are_refused() {
    let relu = || vec![node("Relu", &["a"], &["c"])];
    let too_many = call("F", &["x", "x", "x"], &["y"]);
    let mut stranger = call("F", &["x"], &["y"]);
    stranger
        .attribute
        .push(attribute("alpha", attribute_proto::AttributeType::INT));
    let good = call("F", &["x"], &["y"]);
    let mut confused = function("F", relu());
    confused.output[0] = "a".to_owned();
    for (functions, call) in [
        (vec![function("F", relu())], too_many),
        (vec![function("F", relu())], stranger),
        (
            vec![function("F", relu()), function("F", relu())],
            good.clone(),
        ),
        (vec![confused], good),
    ] {
        let error = graph(&calling(functions, call)).unwrap_err();
        assert!(matches!(error, Error::Function { .. }), "{error}");
    }
}
