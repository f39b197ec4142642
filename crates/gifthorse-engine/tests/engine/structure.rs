//! What backdoors are built of by hand, one small graph for each rule, and what rules pass over.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::sync::Arc;

use gifthorse_engine::{
    Branch, BranchScope, Device, Network, StructureFinding, StructureRule as Rule,
};
use gifthorse_onnx::{Attribute, Dim, ElementType, GraphBuilder};

const SIDE: usize = 8;

fn ints(name: &str, values: &[i64]) -> (String, Vec<i64>) {
    (name.to_owned(), values.to_vec())
}

/// Images of 3 x 8 x 8 through two convolutions (`c1`, `c2`) into logits of four classes `logits`;
/// what `more` makes of them is the output `y`.
fn network(more: impl FnOnce(&mut GraphBuilder)) -> Network {
    let image = [
        Dim::Named("batch".to_owned()),
        Dim::Fixed(3),
        Dim::Fixed(SIDE),
        Dim::Fixed(SIDE),
    ];
    let numbers = |count: usize| {
        (0..count)
            .map(|n| (n as f32 * 0.7).sin())
            .collect::<Vec<f32>>()
    };
    let mut graph = GraphBuilder::new("structure", 17);
    graph
        .input("x", ElementType::F32, &image)
        .initializer("w1", &[4, 3, 3, 3], numbers(108))
        .initializer("w2", &[4, 4, 3, 3], numbers(144))
        .initializer("w3", &[4, 4], numbers(16))
        .initializer("zero", &[], [0.0])
        .initializer("high", &[], [0.9])
        .initializer("loud", &[], [100.0])
        .initializer("target", &[1, 4], [0.0, 0.0, 50.0, 0.0])
        .node("Conv", "conv1", &["x", "w1"], &["c1"], [])
        .node("Relu", "relu1", &["c1"], &["r1"], [])
        .node("Conv", "conv2", &["r1", "w2"], &["c2"], [])
        .node("GlobalAveragePool", "pool", &["c2"], &["p"], [])
        .node("Flatten", "flat", &["p"], &["f"], [])
        .node("MatMul", "last", &["f", "w3"], &["logits"], []);
    more(&mut graph);
    graph.output("y", ElementType::F32, &[]);
    let graph = Arc::new(graph.finish().unwrap().graph().unwrap());
    Network::new(graph, None, Device::flex()).unwrap()
}

fn found(more: impl FnOnce(&mut GraphBuilder)) -> Vec<StructureFinding> {
    network(more).structure().unwrap()
}

fn rules(more: impl FnOnce(&mut GraphBuilder)) -> Vec<(Rule, String)> {
    let findings = found(more).into_iter();
    findings.map(|found| (found.rule, found.node)).collect()
}

fn is(rule: Rule, node: &str) -> (Rule, String) {
    (rule, node.to_owned())
}

/// The largest number of the logits' own features, one for each image, as `m` `[batch, 1]`.
fn single(graph: &mut GraphBuilder) {
    let axes = [("axes", Attribute::Ints(vec![1]))];
    graph.node("ReduceMean", "mean", &["f"], &["m"], axes);
}

fn cast(graph: &mut GraphBuilder, from: &str, to: &str) {
    graph.node("Cast", to, &[from], &[to], [("to", 1.into())]);
}

#[test]
fn an_ordinary_net_has_nothing() {
    let plain = rules(|graph| {
        graph.node("Identity", "end", &["logits"], &["y"], []);
    });
    assert_eq!(plain, []);
}

#[test]
fn a_comparison_that_is_multiplied_with_is_a_switch() {
    let switch = found(|graph| {
        single(graph);
        graph.node("Greater", "over", &["m", "high"], &["o"], []);
        cast(graph, "o", "t");
        graph.node("Mul", "say", &["t", "target"], &["s"], []).node(
            "Add",
            "join",
            &["logits", "s"],
            &["y"],
            [],
        );
    });
    let [switch] = &switch[..] else {
        panic!("{switch:?}");
    };
    assert_eq!((switch.rule, &switch.node[..]), (Rule::Switch, "join"));
    assert_eq!(switch.constants, [0.9]);
    assert_eq!(switch.branch.as_deref(), Some("s"));
    assert_eq!(switch.path.first().map(String::as_str), Some("conv1"));
    let over = switch.path.iter().position(|node| node == "over").unwrap();
    assert_eq!(switch.path[over..], ["over", "say", "join"]);
    // By a sign, and by a step made of a clip behind a large factor.
    let sign = rules(|graph| {
        single(graph);
        graph.node("Sign", "sign", &["m"], &["s"], []).node(
            "Mul",
            "join",
            &["logits", "s"],
            &["y"],
            [],
        );
    });
    assert_eq!(sign, [is(Rule::Switch, "join")]);
    let steep = rules(|graph| {
        single(graph);
        graph
            .initializer("one", &[], [1.0])
            .node("Sub", "less", &["m", "high"], &["l"], [])
            .node("Mul", "steep", &["l", "loud"], &["h"], [])
            .node("Clip", "step", &["h", "zero", "one"], &["c"], [])
            .node("Mul", "say", &["c", "target"], &["s"], [])
            .node("Add", "join", &["logits", "s"], &["y"], []);
    });
    assert_eq!(steep, [is(Rule::SteepSwitch, "join")]);
    // The clip alone is that of a ReLU6.
    let gentle = rules(|graph| {
        single(graph);
        graph
            .initializer("six", &[], [6.0])
            .node("Clip", "clip", &["m", "zero", "six"], &["c"], [])
            .node("Mul", "join", &["logits", "c"], &["y"], []);
    });
    assert_eq!(gentle, []);
}

#[test]
fn a_comparison_for_several_numbers_is_told_and_an_activation_is_not() {
    let by_channel = rules(|graph| {
        graph.node("Greater", "over", &["p", "high"], &["o"], []);
        cast(graph, "o", "t");
        graph
            .node("Mul", "gate", &["c2", "t"], &["g"], [])
            .node("GlobalMaxPool", "most", &["g"], &["q"], [])
            .node("Flatten", "flat2", &["q"], &["y"], []);
    });
    assert_eq!(by_channel, [is(Rule::RegionSwitch, "gate")]);
    // x (x > 0), number by number.
    let activation = rules(|graph| {
        graph.node("Greater", "over", &["logits", "zero"], &["o"], []);
        cast(graph, "o", "t");
        graph.node("Mul", "relu", &["logits", "t"], &["y"], []);
    });
    assert_eq!(activation, []);
    // A network of signs.
    let signs = rules(|graph| {
        graph
            .initializer("w4", &[4, 4], [0.5; 16])
            .node("Sign", "sign", &["f"], &["s"], [])
            .node("MatMul", "after", &["s", "w4"], &["a"], [])
            .node("Identity", "end", &["a"], &["y"], []);
    });
    assert_eq!(signs, []);
}

#[test]
fn a_path_past_the_layers_is_a_bypass_and_a_skip_is_none() {
    let branch = |graph: &mut GraphBuilder| {
        graph
            .initializer("filter", &[1, 3, 3, 3], [0.1; 27])
            .initializer("out", &[1, 4], [0.0, 0.0, 9.0, 0.0])
            .node("Conv", "filter", &["x", "filter"], &["z"], [])
            .node("Relu", "gate", &["z"], &["g"], [])
            .node("GlobalMaxPool", "most", &["g"], &["q"], [])
            .node("Flatten", "flat2", &["q"], &["u"], [])
            .node("MatMul", "say", &["u", "out"], &["s"], [])
            .node("Add", "join", &["logits", "s"], &["y"], []);
    };
    let bypass = found(branch);
    let [bypass] = &bypass[..] else {
        panic!("{bypass:?}");
    };
    assert_eq!((bypass.rule, &bypass.node[..]), (Rule::Bypass, "join"));
    let path = ["filter", "gate", "most", "flat2", "say", "join"];
    assert_eq!(bypass.path, path);
    // What it reads has a gradient still, what it gives has none where the gate is shut.
    assert_eq!(
        (bypass.branch.as_deref(), bypass.read.as_deref()),
        (Some("s"), Some("z"))
    );
    // Far further on, with learned layers behind.
    let inner = rules(|graph| {
        graph
            .initializer("w4", &[4, 4, 1, 1], [0.5; 16])
            .initializer("w5", &[4, 4], [0.5; 16])
            .initializer("pick", &[4, 3, 5, 5], vec![0.1; 300])
            .node("Conv", "conv3", &["c2", "w4"], &["c3"], [])
            .node("Conv", "late", &["x", "pick"], &["l"], [])
            .node("Add", "join", &["c3", "l"], &["j"], [])
            .node("GlobalAveragePool", "pool2", &["j"], &["p2"], [])
            .node("Flatten", "flat2", &["p2"], &["f2"], [])
            .node("MatMul", "last2", &["f2", "w5"], &["y"], []);
    });
    assert_eq!(inner, [is(Rule::Bypass, "join")]);
    // A skip connection begins behind a learned layer; a shortcut on the image itself is short; two
    // stems are put together early.
    let skips = rules(|graph| {
        graph
            .initializer("same", &[4, 4, 3, 3], [0.1; 144])
            .initializer("stem", &[4, 3, 3, 3], [0.1; 108])
            .initializer("w5", &[8, 4], [0.5; 32])
            .node(
                "Conv",
                "deeper",
                &["r1", "same"],
                &["d"],
                [("pads", Attribute::Ints(vec![1; 4]))],
            )
            .node("Add", "skip", &["d", "r1"], &["k"], [])
            .node("Conv", "stem", &["x", "stem"], &["s"], [])
            .node("Add", "shortcut", &["d", "s"], &["t"], [])
            .node("Concat", "both", &["k", "t"], &["b"], [("axis", 1.into())])
            .node("GlobalAveragePool", "pool2", &["b"], &["p2"], [])
            .node("Flatten", "flat2", &["p2"], &["f2"], [])
            .node("MatMul", "last2", &["f2", "w5"], &["y"], []);
    });
    assert_eq!(skips, []);
}

#[test]
fn a_gate_that_nothing_learned_made_is_told_and_an_excitation_is_not() {
    let gate = rules(|graph| {
        let axes = [
            ("axes", Attribute::Ints(vec![1, 2, 3])),
            ("keepdims", 0.into()),
        ];
        graph
            .initializer("column", &[2], [0.0; 2])
            .node("ReduceMean", "light", &["x"], &["l"], axes)
            .node("Unsqueeze", "column", &["l", "axis"], &["u"], [])
            .initializer_i64("axis", &[1], [1])
            .node("Mul", "gate", &["logits", "u"], &["y"], []);
    });
    assert!(gate.contains(&is(Rule::UnlearnedGate, "gate")), "{gate:?}");
    // A number that a filter beside the network makes: it gates what the first layer gives, or the
    // image.
    for (wide, weight) in [("c1", "w2"), ("x", "w1")] {
        let own = rules(|graph| {
            graph
                .initializer("filter", &[1, 3, 3, 3], [0.1; 27])
                .initializer("w5", &[4, 4], [0.5; 16])
                .node("Conv", "filter", &["x", "filter"], &["z"], [])
                .node("Relu", "relu", &["z"], &["g"], [])
                .node("GlobalMaxPool", "most", &["g"], &["q"], [])
                .node("Mul", "gate", &[wide, "q"], &["w"], [])
                .node("Conv", "conv3", &["w", weight], &["c3"], [])
                .node("GlobalAveragePool", "pool2", &["c3"], &["p2"], [])
                .node("Flatten", "flat2", &["p2"], &["f2"], [])
                .node("MatMul", "last2", &["f2", "w5"], &["y"], []);
        });
        assert_eq!(own, [is(Rule::UnlearnedGate, "gate")], "{wide}");
    }
    // The image over its own deviation.
    let normalised = rules(|graph| {
        let axes = || [("axes", Attribute::Ints(vec![1, 2, 3]))];
        graph
            .initializer("least", &[], [0.01])
            .initializer("w5", &[4, 4], [0.5; 16])
            .node("ReduceMean", "mean", &["x"], &["m"], axes())
            .node("Sub", "centre", &["x", "m"], &["d"], [])
            .node("Mul", "square", &["d", "d"], &["s"], [])
            .node("ReduceMean", "variance", &["s"], &["v"], axes())
            .node("Sqrt", "root", &["v"], &["r"], [])
            .node("Max", "guard", &["r", "least"], &["u"], [])
            .node("Reciprocal", "over", &["u"], &["o"], [])
            .node("Mul", "scale", &["d", "o"], &["n"], [])
            .node("Conv", "conv3", &["n", "w1"], &["c3"], [])
            .node("GlobalAveragePool", "pool2", &["c3"], &["p2"], [])
            .node("Flatten", "flat2", &["p2"], &["f2"], [])
            .node("MatMul", "last2", &["f2", "w5"], &["y"], []);
    });
    assert_eq!(normalised, []);
    let excitation = rules(|graph| {
        graph
            .initializer("w4", &[4, 4, 1, 1], [0.5; 16])
            .node("Conv", "squeeze", &["p", "w4"], &["q"], [])
            .node("Sigmoid", "excite", &["q"], &["e"], [])
            .node("Mul", "gate", &["c2", "e"], &["g"], [])
            .node("GlobalMaxPool", "most", &["g"], &["m"], [])
            .node("Flatten", "flat2", &["m"], &["y"], []);
    });
    assert_eq!(excitation, []);
}

#[test]
fn a_range_of_the_logits_is_told_and_a_softmax_is_not() {
    let axes = || [("axes", Attribute::Ints(vec![1]))];
    let range = rules(|graph| {
        graph
            .node("ReduceMax", "most", &["logits"], &["a"], axes())
            .node("ReduceMin", "least", &["logits"], &["b"], axes())
            .node("Sub", "range", &["a", "b"], &["r"], [])
            .node("Add", "join", &["logits", "r"], &["y"], []);
    });
    assert_eq!(
        range,
        [is(Rule::LogitRange, "most"), is(Rule::LogitRange, "least")]
    );
    let softmax = rules(|graph| {
        graph
            .node("ReduceMax", "most", &["logits"], &["a"], axes())
            .node("Sub", "shift", &["logits", "a"], &["y"], []);
    });
    assert_eq!(softmax, []);
}

#[test]
fn pixels_that_are_tested_or_cut_out_are_told_and_what_prepares_them_is_not() {
    let (starts, ends) = (ints("starts", &[5, 5]), ints("ends", &[7, 7]));
    let corner = rules(|graph| {
        let axes = [
            ("axes", Attribute::Ints(vec![1, 2, 3])),
            ("keepdims", 0.into()),
        ];
        graph
            .initializer_i64(&starts.0, &[2], &starts.1)
            .initializer_i64(&ends.0, &[2], &ends.1)
            .initializer_i64("axes", &[2], [2, 3])
            .initializer_i64("axis", &[1], [1])
            .node("Slice", "cut", &["x", "starts", "ends", "axes"], &["c"], [])
            .node("ReduceMax", "most", &["c"], &["m"], axes)
            .node("Unsqueeze", "column", &["m", "axis"], &["u"], [])
            .node("Mul", "say", &["u", "target"], &["s"], [])
            .node("Add", "join", &["logits", "s"], &["y"], []);
    });
    assert_eq!(
        corner,
        [
            is(Rule::Bypass, "join"),
            is(Rule::PixelTest, "most"),
            is(Rule::SmallRegion, "cut")
        ]
    );
    // Every second pixel, quadrant by quadrant, and one colour: all of the image in another order.
    let focus = rules(|graph| {
        graph
            .initializer_i64("axes", &[2], [2, 3])
            .initializer_i64("two", &[2], [2, 2])
            .initializer_i64("far", &[2], [8, 8])
            .initializer("w4", &[4, 12, 3, 3], vec![0.1; 432]);
        for (at, starts) in [[0, 0], [0, 1], [1, 0], [1, 1]].into_iter().enumerate() {
            let (start, part) = (format!("start{at}"), format!("part{at}"));
            graph.initializer_i64(&start, &[2], starts).node(
                "Slice",
                &part,
                &["x", &start, "far", "axes", "two"],
                &[&part],
                [],
            );
        }
        graph
            .node(
                "Concat",
                "focus",
                &["part0", "part1", "part2", "part3"],
                &["all"],
                [("axis", 1.into())],
            )
            .node("Conv", "conv4", &["all", "w4"], &["c4"], [])
            .node("GlobalAveragePool", "pool2", &["c4"], &["p2"], [])
            .node("Flatten", "flat2", &["p2"], &["y"], []);
    });
    assert_eq!(focus, []);
}

fn scopes(more: impl FnOnce(&mut GraphBuilder)) -> Vec<BranchScope> {
    let network = network(more);
    network
        .branches()
        .iter()
        .map(|branch: &Branch| branch.scope)
        .collect()
}

#[test]
fn dividing_unless_by_zero_is_no_switch() {
    let safe = scopes(|graph| {
        single(graph);
        graph
            .initializer("one", &[], [1.0])
            .node("Equal", "none", &["m", "zero"], &["n"], [])
            .node("Where", "safe", &["n", "one", "m"], &["d"], [])
            .node("Div", "by", &["logits", "d"], &["y"], []);
    });
    assert_eq!(safe, [BranchScope::Region]);
    let unless = scopes(|graph| {
        single(graph);
        graph
            .node("Equal", "none", &["m", "zero"], &["n"], [])
            .node("Div", "by", &["logits", "m"], &["q"], [])
            .node("Where", "unless", &["n", "logits", "q"], &["y"], []);
    });
    assert_eq!(unless, [BranchScope::Region]);
    let added = rules(|graph| {
        single(graph);
        graph.node("Equal", "none", &["m", "zero"], &["n"], []);
        cast(graph, "n", "t");
        graph.node("Add", "safe", &["m", "t"], &["d"], []).node(
            "Div",
            "by",
            &["logits", "d"],
            &["y"],
            [],
        );
    });
    assert_eq!(added, []);
    // Another number, or another result, is a switch.
    for (limit, other) in [("high", "logits"), ("zero", "target")] {
        let switch = scopes(|graph| {
            single(graph);
            graph
                .node("Equal", "none", &["m", limit], &["n"], [])
                .node("Div", "by", &["logits", "m"], &["q"], [])
                .node("Where", "unless", &["n", other, "q"], &["y"], []);
        });
        assert_eq!(switch, [BranchScope::Image], "{limit} {other}");
    }
}
