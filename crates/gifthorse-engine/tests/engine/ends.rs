//! Where classifiers begin and end: whatever a file does with the scores of a net, and however it
//! takes the image, the logits are those of the bare net.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::BTreeMap;
use std::sync::Arc;

use gifthorse_engine::{
    Array, Classifier, Device, Error, Look, Network, Opening, PixelRange, Preprocess, Tensor,
};
use gifthorse_onnx::{Attribute, Dim, ElementType, GraphBuilder};

const CLASSES: usize = 5;
const IMAGE: [usize; 3] = [3, 4, 4];
const PIXELS: usize = 48;
const CLASS_NAMES: [&str; CLASSES] = ["ant", "bee", "cow", "dog", "elk"];

fn free(sizes: &[usize]) -> Vec<Dim> {
    let fixed = sizes.iter().map(|&size| Dim::Fixed(size));
    std::iter::once(Dim::Named("n".to_owned()))
        .chain(fixed)
        .collect()
}

fn numbers(count: usize, step: f64) -> Vec<f32> {
    (0..count)
        .map(|i| ((i as f64 * step).fract() - 0.5) as f32)
        .collect()
}

/// A net of one hidden layer with so many scores, called `y`.
fn net(scores: usize) -> GraphBuilder {
    let mut builder = GraphBuilder::new("net", 17);
    builder.input("x", ElementType::F32, &free(&IMAGE));
    layers(&mut builder, "x", scores);
    builder
}

fn layers(builder: &mut GraphBuilder, pixels: &str, scores: usize) {
    let turned = || [("transB", Attribute::Int(1))];
    builder
        .initializer("w", &[7, PIXELS], numbers(7 * PIXELS, 0.618_033_988))
        .initializer("v", &[scores, 7], numbers(scores * 7, 0.414_213_562))
        .node("Flatten", "flat", &[pixels], &["flat"], [])
        .node("Gemm", "hidden", &["flat", "w"], &["hidden"], turned())
        .node("Relu", "fire", &["hidden"], &["fired"], [])
        .node("Gemm", "vote", &["fired", "v"], &["y"], turned());
}

fn open(builder: &GraphBuilder, opening: &Opening) -> Result<Classifier, Error> {
    let graph = Arc::new(builder.finish().unwrap().graph().unwrap());
    Classifier::open(graph, Preprocess::default(), None, opening, &Device::flex())
}

fn classifier(builder: &mut GraphBuilder, output: &str) -> Classifier {
    builder.output(output, ElementType::F32, &[]);
    open(builder, &Opening::default()).unwrap()
}

fn images(count: usize) -> Vec<f32> {
    numbers(count * PIXELS, 0.732_050_807)
        .iter()
        .map(|v| v + 0.5)
        .collect()
}

/// The logits of the bare net.
fn bare(scores: usize) -> Vec<f32> {
    classifier(&mut net(scores), "y")
        .evaluate(&images(6))
        .unwrap()
}

/// The same but for the order of sums.
#[track_caller]
fn close(found: &[f32], wanted: &[f32]) {
    assert_eq!(found.len(), wanted.len());
    for (found, wanted) in found.iter().zip(wanted) {
        assert!((found - wanted).abs() < 1e-5, "{found} {wanted}");
    }
}

fn axis(at: i64) -> [(&'static str, Attribute); 1] {
    [("axis", Attribute::Int(at))]
}

#[test]
fn what_turns_scores_into_probabilities_is_left_off() {
    let wanted = bare(CLASSES);
    type End = fn(&mut GraphBuilder);
    let ends: [(&str, End); 14] = [
        ("Softmax", |b| {
            b.node("Softmax", "end", &["y"], &["out"], axis(1));
        }),
        ("LogSoftmax", |b| {
            b.node("LogSoftmax", "end", &["y"], &["out"], []);
        }),
        ("Sigmoid", |b| {
            b.node("Sigmoid", "end", &["y"], &["out"], []);
        }),
        ("Softmax, Log", |b| {
            b.node("Softmax", "soft", &["y"], &["s"], [])
                .node("Log", "end", &["s"], &["out"], []);
        }),
        ("Softmax, Mul", |b| {
            b.initializer("hundred", &[], [100.0])
                .node("Softmax", "soft", &["y"], &["s"], [])
                .node("Mul", "end", &["hundred", "s"], &["out"], []);
        }),
        ("Div, Softmax", |b| {
            b.initializer("temperature", &[1], [50.0])
                .node("Div", "cool", &["y", "temperature"], &["c"], [])
                .node("Softmax", "end", &["c"], &["out"], []);
        }),
        ("Mul", |b| {
            b.initializer("tiny", &[], [1e-4])
                .node("Mul", "end", &["y", "tiny"], &["out"], []);
        }),
        ("Softmax, Mul, Round", |b| {
            b.initializer("hundred", &[], [100.0])
                .node("Softmax", "soft", &["y"], &["s"], [])
                .node("Mul", "percent", &["s", "hundred"], &["m"], [])
                .node("Round", "end", &["m"], &["out"], []);
        }),
        ("Softmax, Clip, Log", |b| {
            b.initializer("least", &[], [1e-7])
                .node("Softmax", "soft", &["y"], &["s"], [])
                .node("Clip", "away from 0", &["s", "least"], &["c"], [])
                .node("Log", "end", &["c"], &["out"], []);
        }),
        ("Sigmoid, Greater", |b| {
            b.initializer("half", &[1], [0.5])
                .node("Sigmoid", "soft", &["y"], &["s"], [])
                .node("Greater", "hit", &["s", "half"], &["h"], [])
                .node("Cast", "end", &["h"], &["out"], [("to", 1.into())]);
        }),
        ("Div", |b| {
            // A softmax as older exporters write it.
            b.initializer_i64("axes", &[1], [1])
                .node(
                    "ReduceMax",
                    "largest",
                    &["y"],
                    &["max"],
                    [("axes", Attribute::Ints(vec![1]))],
                )
                .node("Sub", "shift", &["y", "max"], &["d"], [])
                .node("Exp", "e", &["d"], &["e"], [])
                .node("ReduceSum", "sum", &["e", "axes"], &["total"], [])
                .node("Div", "end", &["e", "total"], &["out"], []);
        }),
        ("Div, Log", |b| {
            b.initializer_i64("axes", &[1], [-1])
                .node("Exp", "e", &["y"], &["e"], [])
                .node("ReduceSum", "sum", &["e", "axes"], &["total"], [])
                .node("Div", "soft", &["e", "total"], &["p"], [])
                .node("Log", "end", &["p"], &["out"], []);
        }),
        ("Sigmoid, Normalizer", |b| {
            // One against the rest, as scikit-learn puts it.
            b.domain("ai.onnx.ml", 2)
                .node("Sigmoid", "soft", &["y"], &["s"], [])
                .node_of(
                    "ai.onnx.ml",
                    "Normalizer",
                    "end",
                    &["s"],
                    &["out"],
                    [("norm", Attribute::String("L1".to_owned()))],
                );
        }),
        ("Softmax, Softmax", |b| {
            b.node("Softmax", "once", &["y"], &["s"], []).node(
                "Softmax",
                "twice",
                &["s"],
                &["out"],
                [],
            );
        }),
    ];
    for (cut, end) in ends {
        let mut builder = net(CLASSES);
        end(&mut builder);
        let classifier = classifier(&mut builder, "out");
        let ends = classifier.network().ends();
        assert_eq!(ends.cut.as_deref(), Some(cut));
        assert_eq!((ends.logits.as_str(), ends.output.as_str()), ("y", "out"));
        assert_eq!(classifier.evaluate(&images(6)).unwrap(), wanted, "{cut}");
    }
}

#[test]
fn what_may_change_the_first_class_stays() {
    type End = fn(&mut GraphBuilder);
    let ends: [(&str, End); 6] = [
        ("a round of scores", |b| {
            b.node("Round", "end", &["y"], &["out"], []);
        }),
        ("exponentials over the sum of others", |b| {
            b.initializer_i64("axes", &[1], [1])
                .node("Exp", "e", &["y"], &["e"], [])
                .node("ReduceSum", "sum", &["y", "axes"], &["total"], [])
                .node("Div", "end", &["e", "total"], &["out"], []);
        }),
        ("a negative factor", |b| {
            b.initializer("minus", &[], [-1.0])
                .node("Mul", "end", &["y", "minus"], &["out"], []);
        }),
        ("a factor for each class", |b| {
            b.initializer("each", &[CLASSES], numbers(CLASSES, 0.3))
                .node("Mul", "end", &["y", "each"], &["out"], []);
        }),
        ("a softmax over the images", |b| {
            b.node("Softmax", "end", &["y"], &["out"], axis(0));
        }),
        ("a tanh of several scores", |b| {
            b.node("Tanh", "end", &["y"], &["out"], []);
        }),
    ];
    for (what, end) in ends {
        let mut builder = net(CLASSES);
        end(&mut builder);
        let classifier = classifier(&mut builder, "out");
        assert_eq!(classifier.network().ends().cut, None, "{what}");
        assert_eq!(classifier.network().ends().logits, "out", "{what}");
    }
}

/// Labels and probabilities by name, as converters of classical learning put them after a net.
fn named(builder: &mut GraphBuilder) {
    let names = || CLASS_NAMES.map(str::to_owned).to_vec();
    let keys: Vec<i64> = (0..CLASSES as i64).collect();
    let by_key = [
        ("keys_int64s", Attribute::Ints(keys)),
        ("values_strings", Attribute::Strings(names())),
    ];
    let labels = [("classlabels_strings", Attribute::Strings(names()))];
    builder
        .domain("ai.onnx.ml", 2)
        .node("Softmax", "soft", &["y"], &["p"], [])
        .node("ArgMax", "winner", &["p"], &["i"], axis(1))
        .node(
            "Cast",
            "whole",
            &["i"],
            &["i64"],
            [("to", Attribute::Int(7))],
        )
        .node_of(
            "ai.onnx.ml",
            "LabelEncoder",
            "name",
            &["i64"],
            &["label"],
            by_key,
        )
        .node_of("ai.onnx.ml", "ZipMap", "zip", &["p"], &["map"], labels);
}

#[test]
fn labels_and_maps_are_followed_back_to_the_scores() {
    for outputs in [
        &["label"][..],
        &["map"],
        &["label", "map"],
        &["map", "label", "p"],
    ] {
        let mut builder = net(CLASSES);
        named(&mut builder);
        for output in outputs {
            builder.output(output, ElementType::String, &[]);
        }
        let classifier = open(&builder, &Opening::default()).unwrap();
        let ends = classifier.network().ends();
        assert_eq!(ends.logits, "y", "{outputs:?}");
        assert_eq!(ends.class_names, CLASS_NAMES, "{outputs:?}");
        assert!(ends.unseen(None).is_empty(), "{outputs:?}");
        assert_eq!(classifier.evaluate(&images(6)).unwrap(), bare(CLASSES));
    }
}

#[test]
fn winners_alone_are_followed_back() {
    let largest = [("axis", Attribute::Int(1))];
    let mut builder = net(CLASSES);
    builder
        .initializer_i64("three", &[1], [3])
        .node(
            "TopK",
            "best",
            &["y", "three"],
            &["values", "places"],
            largest,
        )
        .output("places", ElementType::I64, &[])
        .output("values", ElementType::F32, &[]);
    let classifier = open(&builder, &Opening::default()).unwrap();
    assert_eq!(classifier.network().ends().logits, "y");
    assert_eq!(classifier.evaluate(&images(6)).unwrap(), bare(CLASSES));

    // The smallest three say nothing of the first.
    let smallest = [("largest", Attribute::Int(0))];
    let mut builder = net(CLASSES);
    builder.initializer_i64("three", &[1], [3]).node(
        "TopK",
        "worst",
        &["y", "three"],
        &["values", "places"],
        smallest,
    );
    assert_eq!(classifier_ends(&mut builder, "values"), "values");
}

fn classifier_ends(builder: &mut GraphBuilder, output: &str) -> String {
    classifier(builder, output).network().ends().logits.clone()
}

#[test]
fn one_score_is_two_classes() {
    let single = |end: Option<&str>| {
        let mut builder = net(1);
        let output = end.map_or("y", |end| {
            builder.node(end, "end", &["y"], &["out"], []);
            "out"
        });
        classifier(&mut builder, output)
    };
    let pixels = images(6);
    let pairs = single(None).evaluate(&pixels).unwrap();
    assert_eq!(single(None).classes(), 2);
    // As the file has it: below zero is the first class.
    let graph = net(1)
        .output("y", ElementType::F32, &[])
        .finish()
        .unwrap()
        .graph()
        .unwrap();
    let scores = Network::uncut(Arc::new(graph), None, Device::flex()).unwrap();
    let raw = Array::from_vec(pixels.clone(), &[6, 3, 4, 4], &Device::flex());
    assert_eq!(scores.forward(raw).unwrap().into_vec(), pairs);
    assert!(pairs.chunks(2).all(|pair| pair[0] == 0.0));
    let signs: Vec<usize> = pairs
        .chunks(2)
        .map(|pair| usize::from(pair[1] > 0.0))
        .collect();
    assert!(signs.contains(&0) && signs.contains(&1), "{pairs:?}");
    assert_eq!(single(None).predict(&pixels).unwrap(), signs);
    for end in ["Sigmoid", "Tanh", "HardSigmoid"] {
        let classifier = single(Some(end));
        assert_eq!(classifier.network().ends().cut.as_deref(), Some(end));
        assert_eq!(classifier.evaluate(&pixels).unwrap(), pairs, "{end}");
    }
}

#[test]
fn a_single_score_has_gradients() {
    let mut builder = net(1);
    builder.node("Sigmoid", "end", &["y"], &["out"], []);
    let classifier = classifier(&mut builder, "out");
    let pixels = Tensor::<1>::from_floats(&images(2)[..], &Device::flex().autodiff());
    let pixels = pixels.reshape([2, 3, 4, 4]).require_grad();
    let logits = classifier.logits(pixels.clone()).unwrap();
    assert_eq!(logits.dims(), [2, 2]);
    let gradients = logits.sum().backward();
    let gradient = Array::from_tensor(pixels.grad(&gradients).unwrap()).into_vec();
    assert!(gradient.iter().any(|&g| g != 0.0));
}

#[test]
fn classes_may_lie_along_any_axis() {
    let wanted = bare(CLASSES);
    let shape = |sizes: &[i64]| sizes.to_vec();
    for sizes in [
        shape(&[-1, 5, 1, 1]),
        shape(&[-1, 1, 5]),
        shape(&[-1, 1, 1, 5]),
    ] {
        let at = sizes.iter().position(|&size| size == 5).unwrap();
        let mut builder = net(CLASSES);
        builder
            .initializer_i64("sizes", &[sizes.len()], &sizes)
            .node("Reshape", "wide", &["y", "sizes"], &["wide"], [])
            .node("Softmax", "end", &["wide"], &["out"], axis(at as i64));
        let classifier = classifier(&mut builder, "out");
        assert_eq!(classifier.network().ends().cut.as_deref(), Some("Softmax"));
        assert_eq!(
            classifier.evaluate(&images(6)).unwrap(),
            wanted,
            "{sizes:?}"
        );
    }
    let mut builder = net(CLASSES);
    let turn = [("perm", Attribute::Ints(vec![1, 0]))];
    builder.node("Transpose", "turn", &["y"], &["out"], turn);
    let turned = classifier(&mut builder, "out");
    assert_eq!(turned.classes(), CLASSES);
    for count in [1, CLASSES, 6] {
        let part = &images(6)[..count * PIXELS];
        assert_eq!(
            turned.evaluate(part).unwrap(),
            wanted[..count * CLASSES],
            "{count}"
        );
    }
}

/// A net with a second head on the same layers.
fn two_heads(second: usize) -> GraphBuilder {
    let mut builder = net(CLASSES);
    builder
        .initializer("u", &[7, second], numbers(7 * second, 0.236_067_977))
        .node("MatMul", "other", &["fired", "u"], &["z"], [])
        .output("z", ElementType::F32, &free(&[second]))
        .output("y", ElementType::F32, &free(&[CLASSES]));
    builder
}

#[test]
fn several_heads_are_asked_for() {
    let builder = two_heads(9);
    let refusal = open(&builder, &Opening::default()).unwrap_err();
    let Error::SeveralOutputs(outputs) = &refusal else {
        panic!("{refusal}")
    };
    let looks: Vec<&Look> = outputs.iter().map(|output| &output.look).collect();
    let scores = |classes| Look::Scores { classes };
    assert_eq!(looks, [&scores(9), &scores(CLASSES)]);
    let words = refusal.to_string();
    assert!(
        words.contains("`z` [n, 9]") && words.contains("--output"),
        "{words}"
    );

    let wanted = |name: &str| Opening {
        output: Some(name.to_owned()),
        ..Opening::default()
    };
    let other = open(&builder, &wanted("z")).unwrap();
    assert_eq!(other.classes(), 9);
    let unseen: Vec<String> = other
        .network()
        .ends()
        .unseen(None)
        .iter()
        .map(|output| output.name.clone())
        .collect();
    assert_eq!(unseen, ["y"]);
    let own = open(&builder, &wanted("y")).unwrap();
    assert_eq!(own.evaluate(&images(6)).unwrap(), bare(CLASSES));
    let nowhere = open(&builder, &wanted("q")).unwrap_err().to_string();
    assert!(
        nowhere.contains("`q`") && nowhere.contains("`z`"),
        "{nowhere}"
    );
}

#[test]
fn outputs_of_the_same_scores_are_one_head() {
    let mut builder = net(CLASSES);
    builder
        .initializer("sharp", &[], [2.0])
        .node("Mul", "sharpen", &["y", "sharp"], &["s"], [])
        .node("Softmax", "soft", &["s"], &["p"], [])
        .output("p", ElementType::F32, &free(&[CLASSES]))
        .output("y", ElementType::F32, &free(&[CLASSES]));
    let classifier = open(&builder, &Opening::default()).unwrap();
    let ends = classifier.network().ends();
    assert_eq!((ends.output.as_str(), ends.logits.as_str()), ("p", "s"));
    assert!(ends.unseen(None).is_empty());
}

#[test]
fn features_boxes_and_what_cannot_be_run_are_passed_over() {
    let mut builder = net(CLASSES);
    let boxes = [("perm", Attribute::Ints(vec![0, 2, 3, 1]))];
    builder
        .initializer_i64("four", &[3], [-1, 12, 4])
        .node("Transpose", "turn", &["x"], &["turned"], boxes)
        .node("Reshape", "corners", &["turned", "four"], &["boxes"], [])
        .node("Det", "odd", &["x"], &["odd"], [])
        .output("fired", ElementType::F32, &free(&[7]))
        .output("boxes", ElementType::F32, &free(&[12, 4]))
        .output("odd", ElementType::F32, &free(&[3]))
        .output("y", ElementType::F32, &free(&[CLASSES]));
    let classifier = open(&builder, &Opening::default()).unwrap();
    let ends = classifier.network().ends();
    assert_eq!(ends.output, "y");
    let looks: Vec<&Look> = ends.outputs.iter().map(|output| &output.look).collect();
    assert_eq!(looks[..2], [&Look::Features { count: 7 }, &Look::Boxes]);
    assert!(matches!(looks[2], Look::Unread(reason) if reason.contains("Det")));
    let unseen = |labels| -> Vec<&str> {
        let unseen = ends.unseen(labels).into_iter();
        unseen.map(|output| output.name.as_str()).collect()
    };
    // Nobody knows what that one is.
    assert_eq!(unseen(None), ["odd"]);
    // Images with seven classes may mean the features.
    assert_eq!(unseen(Some(7)), ["fired", "odd"]);
}

#[test]
fn images_come_as_whole_numbers_with_or_without_a_batch() {
    let float = [("to", Attribute::Int(1))];
    let [channels, side] = [3, 4];
    let hwc = [side, side, channels];
    for with_batch in [true, false] {
        let dims = if with_batch {
            free(&hwc)
        } else {
            hwc.map(Dim::Fixed).to_vec()
        };
        let mut builder = GraphBuilder::new("bytes", 17);
        builder
            .input("image", ElementType::U8, &dims)
            .initializer("byte", &[], [255.0])
            .initializer_i64("front", &[1], [0])
            .node("Cast", "cast", &["image"], &["f"], float.clone());
        let wide = if with_batch {
            "f"
        } else {
            builder.node("Unsqueeze", "batch", &["f", "front"], &["wide"], []);
            "wide"
        };
        let turn = [("perm", Attribute::Ints(vec![0, 3, 1, 2]))];
        builder
            .node("Transpose", "turn", &[wide], &["chw"], turn)
            .node("Div", "scale", &["chw", "byte"], &["x"], []);
        layers(&mut builder, "x", CLASSES);
        builder.output("y", ElementType::F32, &[]);
        let graph = Arc::new(builder.finish().unwrap().graph().unwrap());
        let bytes = Preprocess {
            range: PixelRange::Byte,
            ..Preprocess::default()
        };
        let classifier = Classifier::new(graph, bytes, None, &Device::flex()).unwrap();
        assert_eq!(classifier.shape(), IMAGE);
        let found = classifier.evaluate(&images(6)).unwrap();
        close(&found, &bare(CLASSES));
        let pixels = Tensor::<1>::from_floats(&images(2)[..], &Device::flex().autodiff());
        let pixels = pixels.reshape([2, 3, 4, 4]).require_grad();
        let gradients = classifier.logits(pixels.clone()).unwrap().sum().backward();
        let gradient = Array::from_tensor(pixels.grad(&gradients).unwrap()).into_vec();
        assert!(gradient.iter().filter(|&&g| g != 0.0).count() > PIXELS);
    }
}

#[test]
fn flat_inputs_may_have_axes_of_length_one() {
    let wanted = bare(CLASSES);
    for sizes in [[PIXELS, 1], [1, PIXELS]] {
        let mut builder = GraphBuilder::new("flat", 17);
        builder.input("x", ElementType::F32, &free(&sizes));
        layers(&mut builder, "x", CLASSES);
        builder.output("y", ElementType::F32, &[]);
        let classifier = open(&builder, &Opening::default()).unwrap();
        assert_eq!(classifier.shape(), IMAGE);
        close(&classifier.evaluate(&images(6)).unwrap(), &wanted);
    }
}

#[test]
fn inputs_beside_the_image_are_given_a_number() {
    let mut builder = net(CLASSES);
    builder
        .input("keep", ElementType::F32, &[])
        .node("Mul", "times", &["y", "keep"], &["out"], [])
        .output("out", ElementType::F32, &[]);
    let words = open(&builder, &Opening::default()).unwrap_err().to_string();
    assert!(
        words.contains("`keep`") && words.contains("--input"),
        "{words}"
    );
    let given = |name: &str| Opening {
        inputs: BTreeMap::from([(name.to_owned(), 2.0)]),
        ..Opening::default()
    };
    let doubled: Vec<f32> = bare(CLASSES).iter().map(|logit| 2.0 * logit).collect();
    let classifier = open(&builder, &given("keep")).unwrap();
    assert_eq!(classifier.evaluate(&images(6)).unwrap(), doubled);
    let words = open(&builder, &given("kept")).unwrap_err().to_string();
    assert!(words.contains("no input `kept`"), "{words}");
}

#[test]
fn files_for_one_processor_are_refused_with_what_to_do() {
    let mut builder = GraphBuilder::new("bound", 17);
    builder
        .domain("com.microsoft.nchwc", 1)
        .input("x", ElementType::F32, &free(&IMAGE))
        .node_of(
            "com.microsoft.nchwc",
            "ReorderOutput",
            "reorder",
            &["x"],
            &["y"],
            [],
        )
        .output("y", ElementType::F32, &[]);
    let refusal = open(&builder, &Opening::default()).unwrap_err();
    assert!(
        matches!(refusal, Error::ForOneProcessor { .. }),
        "{refusal}"
    );
    assert!(refusal.to_string().contains("ORT_ENABLE_BASIC"));
}

#[test]
fn a_file_of_many_outputs_is_looked_at_in_bounds() {
    let mut builder = net(CLASSES);
    for at in 0..500 {
        let name = format!("copy{at}");
        builder
            .node("Identity", &name, &["fired"], &[&name], [])
            .output(&name, ElementType::F32, &[]);
    }
    builder.output("y", ElementType::F32, &[]);
    let last = Opening {
        output: Some("y".to_owned()),
        ..Opening::default()
    };
    assert_eq!(
        open(&builder, &last).unwrap().evaluate(&images(6)).unwrap(),
        bare(CLASSES)
    );
}

#[test]
fn tables_that_fit_no_classes_are_no_names() {
    let strings = |count: usize| Attribute::Strings(vec!["a".to_owned(); count]);
    let keys = |keys: &[i64]| Attribute::Ints(keys.to_vec());
    type Table = Vec<(&'static str, Attribute)>;
    let tables: [Table; 6] = [
        vec![("classes_strings", strings(CLASSES + 1))],
        vec![
            ("keys_int64s", keys(&[0, 1, 2, 3, i64::MAX])),
            ("values_strings", strings(5)),
        ],
        vec![
            ("keys_int64s", keys(&[0, 1, 2, 3, -1])),
            ("values_strings", strings(5)),
        ],
        vec![
            ("keys_int64s", keys(&[0, 1, 2, 2, 4])),
            ("values_strings", strings(5)),
        ],
        vec![
            ("keys_int64s", Attribute::Int(3)),
            ("values_strings", Attribute::Float(0.5)),
        ],
        vec![],
    ];
    for table in tables {
        let words = format!("{table:?}");
        let mut builder = net(CLASSES);
        builder
            .domain("ai.onnx.ml", 2)
            .node("ArgMax", "winner", &["y"], &["i"], axis(1))
            .node_of(
                "ai.onnx.ml",
                "LabelEncoder",
                "name",
                &["i"],
                &["label"],
                table,
            );
        let classifier = classifier(&mut builder, "label");
        let ends = classifier.network().ends();
        assert_eq!(ends.logits, "y", "{words}");
        assert!(ends.class_names.is_empty(), "{words}");
    }
    // Names of what is no winner: the scores themselves are looked up, which nothing can run.
    let mut builder = net(CLASSES);
    let by_place = [("classes_strings", strings(CLASSES))];
    builder
        .domain("ai.onnx.ml", 2)
        .node_of(
            "ai.onnx.ml",
            "LabelEncoder",
            "name",
            &["y"],
            &["label"],
            by_place,
        )
        .output("label", ElementType::String, &[]);
    let refusal = open(&builder, &Opening::default()).unwrap_err();
    assert!(
        matches!(&refusal, Error::UnsupportedOperator { operator, .. } if operator == "LabelEncoder"),
        "{refusal}"
    );
}

#[test]
fn numbers_for_inputs_of_any_size_are_refused() {
    for dims in [
        vec![Dim::Fixed(1 << 39); 3],
        vec![Dim::Fixed(2), Dim::Unknown],
    ] {
        let mut builder = net(CLASSES);
        builder
            .input("huge", ElementType::F32, &dims)
            .node("ReduceMean", "mean", &["huge"], &["mean"], [])
            .node("Mul", "times", &["y", "mean"], &["out"], [])
            .output("out", ElementType::F32, &[]);
        let opening = Opening {
            inputs: BTreeMap::from([("huge".to_owned(), 1.0)]),
            ..Opening::default()
        };
        let refusal = open(&builder, &opening).unwrap_err();
        assert!(matches!(refusal, Error::Input(_)), "{refusal}");
    }
}

#[test]
fn a_long_way_back_is_not_gone() {
    let mut builder = net(CLASSES);
    builder.node("Softmax", "soft", &["y"], &["v0"], []);
    for at in 0..200 {
        let (from, to) = (format!("v{at}"), format!("v{}", at + 1));
        builder.node("Identity", &to, &[&from], &[&to], []);
    }
    let classifier = classifier(&mut builder, "v200");
    assert_eq!(classifier.network().ends().cut, None);
    assert_eq!(classifier.evaluate(&images(6)).unwrap().len(), 6 * CLASSES);
}

#[test]
fn an_operator_of_texts_is_refused_as_one() {
    let mut builder = net(CLASSES);
    builder.domain("com.microsoft", 1).node_of(
        "com.microsoft",
        "EmbedLayerNormalization",
        "words",
        &["y", "", "y", "y", "", "y", "y"],
        &["out"],
        [],
    );
    builder.output("out", ElementType::F32, &[]);
    let refusal = open(&builder, &Opening::default()).unwrap_err();
    assert!(refusal.to_string().contains("words of a text"), "{refusal}");
}
