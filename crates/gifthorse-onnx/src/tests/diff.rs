//! Two models are compared.

use super::*;
use crate::{
    ConstantEdit, Dim, ElementType, Entry, Extent, GraphBuilder, ModelDiff, NodeEdit, NodeSpec,
    Readers, Tensor, diff,
};

fn small(alpha: f32) -> Model {
    let shape = [Dim::Named("batch".to_owned()), Dim::Fixed(2)];
    let gain = Tensor::from_f32("", &[2], &[2.0, 3.0]).unwrap();
    GraphBuilder::new("small", 17)
        .input("x", ElementType::F32, &shape)
        .initializer("w", &[2, 2], [1.0, 2.0, 3.0, 4.0])
        .node("MatMul", "product", &["x", "w"], &["p"], [])
        .node(
            "LeakyRelu",
            "relu",
            &["p"],
            &["r"],
            [("alpha", alpha.into())],
        )
        .node("Constant", "gain", &[], &["g"], [("value", gain.into())])
        .node("Mul", "scale", &["r", "g"], &["y"], [])
        .output("y", ElementType::F32, &shape)
        .metadata("classes", "a,b")
        .finish()
        .unwrap()
}

fn entry_of(key: &str, before: &str, after: &str) -> Entry {
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    Entry {
        key: key.to_owned(),
        before: some(before),
        after: some(after),
    }
}

#[test]
fn a_model_is_no_different_from_itself_however_it_is_stored() {
    let model = small(0.1);
    let again = Model::from_bytes(model.to_bytes().unwrap(), None).unwrap();
    assert!(diff(&model, &again).unwrap().is_empty());

    // Nodes in another order, typed fields in the place of raw bytes, data beside the file.
    let folder = tempfile::tempdir().unwrap();
    let mut proto = model.proto().clone();
    let graph = proto.graph.as_mut().unwrap();
    graph.node.reverse();
    let weight = &mut graph.initializer[0];
    std::fs::write(folder.path().join("w"), weight.raw_data()).unwrap();
    weight.clear_raw_data();
    weight.set_data_location(tensor_proto::DataLocation::EXTERNAL);
    weight.external_data = vec![entry("location", "w")];
    let gain = graph.node[1].attribute[0].t.as_mut().unwrap();
    gain.clear_raw_data();
    gain.float_data = vec![2.0, 3.0];
    let bytes = proto.write_to_bytes().unwrap();
    let other = Model::from_bytes(bytes, Some(folder.path())).unwrap();
    assert!(diff(&model, &other).unwrap().is_empty());
}

#[test]
fn constants_are_listed_with_what_changed_in_them() {
    let before = small(0.1);
    let mut after = before.clone();
    after
        .set_initializer_f32("w", &[2, 2], &[1.0, 2.5, 3.0, 3.25])
        .unwrap();
    after
        .set_initializer_f32("g", &[2], &[f32::NAN, 3.0])
        .unwrap();
    let found = diff(&before, &after).unwrap();
    assert!(found.nodes.is_empty() && found.header.is_empty());
    let [w, g] = &found.constants[..] else {
        panic!("{found:?}")
    };
    assert_eq!((w.name.as_str(), g.name.as_str()), ("w", "g"));
    assert_eq!(w.before, w.after);
    assert_eq!(w.before.as_ref().unwrap().shape, [2, 2]);
    let edit = |elements, changed, largest, relative, not_finite| ConstantEdit {
        elements,
        changed,
        largest,
        relative: Some(relative),
        not_finite,
    };
    // The differences are 0.5 and 0.75, the values before 1 to 4.
    let relative = (0.8125_f64 / 30.0).sqrt();
    assert_eq!(w.values, Some(edit(4, 2, 0.75, relative, 0)));
    assert_eq!(g.values, Some(edit(2, 1, 0.0, 0.0, 1)));
    assert_eq!(found.extent(), Extent::Weights);

    let text = serde_json::to_string(&found).unwrap();
    assert_eq!(serde_json::from_str::<ModelDiff>(&text).unwrap(), found);
}

#[test]
fn another_type_or_shape_is_said() {
    let before = small(0.1);
    let with = |tensor: Tensor| {
        let mut proto = before.proto().clone();
        let graph = proto.graph.as_mut().unwrap();
        graph.initializer[0].dims = tensor.shape().iter().map(|&n| n as i64).collect();
        graph.initializer[0].set_data_type(tensor.element_type().to_onnx());
        graph.initializer[0].set_raw_data(tensor.bytes().unwrap().unwrap());
        let found = diff(&before, &read(&proto)).unwrap();
        assert_eq!(found.constants.len(), 1);
        found.constants[0].clone()
    };
    let half = Tensor::from_f32_as("w", &[2, 2], ElementType::F16, &[1.0, 2.0, 3.0, 5.0]).unwrap();
    let change = with(half);
    assert_eq!(change.after.as_ref().unwrap().element, "float16");
    let edit = change.values.unwrap();
    assert_eq!((edit.changed, edit.largest), (1, 1.0));
    let change = with(Tensor::from_f32("w", &[4], &[1.0, 2.0, 3.0, 4.0]).unwrap());
    assert_eq!(
        (change.after.unwrap().shape, change.values),
        (vec![4], None)
    );
}

#[test]
fn nodes_are_listed_by_what_became_of_them() {
    let before = small(0.1);
    let mut after = small(0.2);
    let bound = Tensor::from_f32("bound", &[2], &[1.0, 1.0]).unwrap();
    let min = NodeSpec::new("Min", "bound").value().constant(bound);
    let inserted = after.insert_after("r", &min, Readers::All).unwrap();
    let found = diff(&before, &after).unwrap();
    let [relu, scale, added] = &found.nodes[..] else {
        panic!("{found:?}")
    };
    let changed =
        |wiring: Vec<Entry>, attributes: Vec<Entry>| NodeEdit::Changed { wiring, attributes };
    assert_eq!(relu.name, "relu");
    let alpha = entry_of("alpha", "0.1", "0.2");
    assert_eq!(relu.edit, changed(vec![], vec![alpha]));
    assert_eq!(scale.name, "scale");
    let inputs = entry_of("inputs", "r, g", &format!("{}, g", inserted.makes));
    assert_eq!(scale.edit, changed(vec![inputs], vec![]));
    assert_eq!(
        (added.name.as_str(), &added.edit),
        ("bound", &NodeEdit::Added)
    );
    let [constant] = &found.constants[..] else {
        panic!("{found:?}")
    };
    assert_eq!(
        (constant.name.as_str(), &constant.before),
        ("bound.bound", &None)
    );

    assert_eq!(found.extent(), Extent::Structure);

    let back = diff(&after, &before).unwrap();
    assert_eq!(back.nodes[1].edit, NodeEdit::Removed);
    assert_eq!(back.constants[0].after, None);
}

#[test]
fn a_node_behind_the_output_is_told_from_the_one_before_it() {
    let before = small(0.1);
    let mut after = before.clone();
    let mask = Tensor::from_f32("mask", &[2], &[1.0, 0.0]).unwrap();
    let mul = NodeSpec::new("Mul", "prune").value().constant(mask);
    let inserted = after.insert_after("y", &mul, Readers::All).unwrap();
    let found = diff(&before, &after).unwrap();
    let [scale, prune] = &found.nodes[..] else {
        panic!("{found:?}")
    };
    let outputs = entry_of("outputs", "y", &inserted.reads);
    let edit = NodeEdit::Changed {
        wiring: vec![outputs],
        attributes: vec![],
    };
    assert_eq!((scale.name.as_str(), &scale.edit), ("scale", &edit));
    assert_eq!(
        (prune.name.as_str(), &prune.edit),
        ("prune", &NodeEdit::Added)
    );
}

#[test]
fn nodes_without_names_are_known_by_what_they_make() {
    let nameless = |nodes| model(nodes);
    let before = nameless(vec![
        node("Relu", &["x"], &["a"]),
        node("Relu", &["a"], &["b"]),
        node("Relu", &["b"], &["y"]),
    ]);
    let mut after = read(&before);
    let neg = NodeSpec::new("Neg", "neg").value();
    let inserted = after.insert_after("a", &neg, Readers::All).unwrap();
    let found = diff(&read(&before), &after).unwrap();
    assert_eq!(found.nodes.len(), 2, "{found:?}");
    let inputs = entry_of("inputs", "a", &inserted.makes);
    let edit = NodeEdit::Changed {
        wiring: vec![inputs],
        attributes: vec![],
    };
    assert_eq!(found.nodes[0].edit, edit);
    assert_eq!(found.nodes[1].name, "neg");
}

#[test]
fn a_weight_inside_a_branch_is_not_overlooked() {
    let with = |last: f32| {
        let mut graph = branch(vec![node("Identity", &["w"], &["n"])], "n");
        let mut weight = tensor("w", &[2]);
        weight.float_data = vec![1.0, last];
        graph.initializer.push(weight);
        let choice = with_graph(node("If", &["x"], &["y"]), "then_branch", graph.clone());
        read(&model(vec![with_graph(choice, "else_branch", graph)]))
    };
    assert!(diff(&with(2.0), &with(2.0)).unwrap().is_empty());
    let found = diff(&with(2.0), &with(3.0)).unwrap();
    let NodeEdit::Changed { wiring, attributes } = &found.nodes[0].edit else {
        panic!("{found:?}")
    };
    assert!(wiring.is_empty());
    let names: Vec<_> = attributes.iter().map(|entry| entry.key.as_str()).collect();
    assert_eq!(names, ["then_branch", "else_branch"]);
}

#[test]
fn the_rest_of_the_file_is_compared_by_name() {
    let before = small(0.1);
    let mut proto = before.proto().clone();
    proto.set_producer_version("9".to_owned());
    proto.metadata_props[0].set_value("a,c".to_owned());
    proto.metadata_props.push(entry("license", "none"));
    proto.opset_import.push(import("ai.onnx.ml", 3));
    let dims = &mut proto.graph.as_mut().unwrap().input[0];
    *dims = crate::builder::value_info("x", ElementType::F32, &[Dim::Fixed(1), Dim::Fixed(2)]);
    let found = diff(&before, &read(&proto)).unwrap();
    let expected = ModelDiff {
        inputs: vec![entry_of("x", "float32 [batch, 2]", "float32 [1, 2]")],
        opsets: vec![entry_of("ai.onnx.ml", "", "3")],
        metadata: vec![
            entry_of("classes", "a,b", "a,c"),
            entry_of("license", "", "none"),
        ],
        header: vec![entry_of("producer_version", before.producer().1, "9")],
        ..ModelDiff::default()
    };
    assert_eq!(found, expected);
}

#[test]
fn an_attribute_that_calls_itself_inputs_hides_nothing() {
    let with = |input: &str, value: i64| {
        let mut relu = node("Relu", &[input], &["y"]);
        relu.set_name("r".to_owned());
        let mut odd = attribute("inputs", attribute_proto::AttributeType::INT);
        odd.set_i(value);
        relu.attribute.push(odd);
        read(&model(vec![node("Neg", &["x"], &["n"]), relu]))
    };
    let found = diff(&with("x", 1), &with("n", 2)).unwrap();
    let NodeEdit::Changed { wiring, attributes } = &found.nodes[0].edit else {
        panic!("{found:?}")
    };
    assert_eq!((wiring.len(), attributes.len()), (1, 1));
    let nan = |bits: u32| {
        let mut relu = node("LeakyRelu", &["x"], &["y"]);
        let mut alpha = attribute("alpha", attribute_proto::AttributeType::FLOAT);
        alpha.set_f(f32::from_bits(bits));
        relu.attribute.push(alpha);
        read(&model(vec![relu]))
    };
    assert!(
        diff(&nan(0x7fc0_0000), &nan(0x7fc0_0000))
            .unwrap()
            .is_empty()
    );
    assert!(!diff(&nan(0), &nan(0x8000_0000)).unwrap().is_empty());
}

#[test]
fn outputs_in_another_order_are_told() {
    let model = |names: [&str; 2]| {
        let shape = [Dim::Fixed(2)];
        let mut graph = GraphBuilder::new("two", 17);
        graph.input("x", ElementType::F32, &shape);
        for name in ["a", "b"] {
            graph.node("Relu", name, &["x"], &[name], []);
        }
        for name in names {
            graph.output(name, ElementType::F32, &shape);
        }
        graph.finish().unwrap()
    };
    let found = diff(&model(["a", "b"]), &model(["b", "a"])).unwrap();
    assert_eq!(found.outputs, [entry_of("order", "a, b", "b, a")]);
    assert_eq!(found.extent(), Extent::Structure);
}

#[test]
fn what_a_file_says_of_itself_is_no_other_function() {
    let before = small(0.1);
    let mut proto = before.proto().clone();
    proto.set_producer_name("somebody else".to_owned());
    let found = diff(&before, &read(&proto)).unwrap();
    assert_eq!(found.extent(), Extent::Description);
    assert_eq!(diff(&before, &before).unwrap().extent(), Extent::Nothing);
}
