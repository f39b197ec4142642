//! A trained model with a backdoor, in files of many kinds: the repaired file is of the same kind
//! and usable by itself, and has lost the backdoor.

use std::fs;
use std::sync::LazyLock;

use gifthorse::repair::record::{Origin, RepairRecord};
use gifthorse_onnx::{Attribute, Dim, ElementType, Graph, GraphBuilder, Model, Tensor};
use serde_json::Value;

use crate::bench::Bench;

const CLASSES: usize = 5;
const SIDE: usize = 16;
const TARGET: usize = 1;

const PLANTED: &str = r#"
    name = "squares"
    seed = 3

    [data]
    set = "signs"
    size = 16
    classes = [0, 3, 5, 8, 10]
    train = 1500
    test = 500

    [net]
    kind = "small_cnn"
    channels = [8, 12]
    hidden = 24

    [train]
    epochs = 6
    batch = 30

    [[poison.backdoors]]
    trigger = { kind = "square", size = 3, colour = [1.0, 1.0, 0.0], place = { corner = { corner = "bottom_right", margin = 1 } } }
    labels = { kind = "all_to_one", target = 1 }
    rate = { share = 0.2 }
"#;

/// The trigger that is planted.
const SQUARE: &str = r#"
    kind = "square"
    size = 3
    colour = [1.0, 1.0, 0.0]
    place = { corner = { corner = "bottom_right", margin = 1 } }
"#;

/// The planted model, its images and its truth, made once.
static SOURCE: LazyLock<Bench> = LazyLock::new(|| {
    let bench = Bench::new();
    bench.write("planted.toml", PLANTED);
    bench
        .run("plant planted.toml -o planted.onnx --images images.npz -q")
        .expect(0);
    bench
});

/// How a file holds the model.
#[derive(Clone, Copy)]
struct Format {
    /// The type of its weights.
    element: ElementType,
    /// Whether input and output are 32-bit floats all the same.
    casts: bool,
    /// Whether it takes one image at a time.
    one: bool,
    /// Whether channels come last.
    nhwc: bool,
    /// Whether it gives probabilities.
    probabilities: bool,
    /// Whether the weights lie in a file beside it.
    outside: bool,
}

const PLAIN: Format = Format {
    element: ElementType::F32,
    casts: false,
    one: false,
    nhwc: false,
    probabilities: false,
    outside: false,
};

impl Format {
    fn ends(self) -> ElementType {
        match self.casts {
            true => ElementType::F32,
            false => self.element,
        }
    }

    fn input(self) -> Vec<Dim> {
        let batch = match self.one {
            true => Dim::Fixed(1),
            false => Dim::Named("batch".to_owned()),
        };
        let image = match self.nhwc {
            true => [SIDE, SIDE, 3],
            false => [3, SIDE, SIDE],
        };
        [vec![batch], image.map(Dim::Fixed).to_vec()].concat()
    }

    /// The planted model as such a file.
    fn of(self, planted: &Graph) -> Model {
        let mut graph = GraphBuilder::new("held", 17);
        graph.input("pixels", self.ends(), &self.input());
        let to = |element: ElementType| [("to", i64::from(element.to_onnx()).into())];
        let turn = [("perm", Attribute::Ints(vec![0, 3, 1, 2]))];
        let input = planted.inputs[0].name.as_str();
        let cast = match self.nhwc {
            true => {
                graph.node("Transpose", "turn", &["pixels"], &["turned"], turn);
                "turned"
            }
            false => "pixels",
        };
        graph.node("Cast", "in", &[cast], &[input], to(self.element));
        let mut weights = Vec::new();
        for (name, tensor) in &planted.initializers {
            if !tensor.element_type().is_float() {
                graph.tensor(tensor);
                continue;
            }
            let values = tensor.to_f32().unwrap();
            let held = Tensor::from_f32_as(name, tensor.shape(), self.element, &values);
            graph.tensor(&held.unwrap());
            weights.push(name.clone());
        }
        for node in &planted.nodes {
            let inputs: Vec<&str> = node.inputs.iter().flatten().map(String::as_str).collect();
            let outputs: Vec<&str> = node.outputs.iter().flatten().map(String::as_str).collect();
            let attributes = node.attributes.iter();
            let attributes = attributes.map(|(name, value)| (name.as_str(), value.clone()));
            graph.node(&node.op_type, &node.name, &inputs, &outputs, attributes);
        }
        let logits = planted.outputs[0].name.as_str();
        graph.node("Cast", "out", &[logits], &["scores"], to(self.ends()));
        let shape = [self.input()[0].clone(), Dim::Fixed(CLASSES)];
        if self.probabilities {
            graph
                .node("Softmax", "soft", &["scores"], &["likely"], [])
                .output("likely", self.ends(), &shape);
        } else {
            graph.output("scores", self.ends(), &shape);
        }
        let mut model = graph.finish().unwrap();
        if self.outside {
            for name in weights {
                model.store_outside(&name).unwrap();
            }
        }
        model
    }

    /// Whether a file is of this kind, beside what a repair put in.
    fn check(self, written: &Model, planted: &Graph) {
        let graph = written.graph().unwrap();
        let [input] = &graph.inputs[..] else {
            panic!("{:?}", graph.inputs)
        };
        assert_eq!(input.element_type, Some(self.ends()));
        assert_eq!(input.shape.as_deref(), Some(&self.input()[..]));
        assert_eq!(graph.outputs.len(), 1);
        assert_eq!(graph.outputs[0].element_type, Some(self.ends()));
        let last = graph.nodes.last().unwrap();
        let ending = match self.probabilities {
            true => "Softmax",
            false => "Cast",
        };
        assert_eq!(last.op_type, ending);
        for (name, tensor) in &graph.initializers {
            assert!(
                !tensor.element_type().is_float() || tensor.element_type() == self.element,
                "{name} is of {}",
                tensor.element_type()
            );
        }
        for (name, tensor) in &planted.initializers {
            assert_eq!(graph.initializers[name].shape(), tensor.shape(), "{name}");
        }
        assert_eq!(!written.external_files().unwrap().is_empty(), self.outside);
    }
}

/// Scans and repairs the model in a file of this kind by a method, which has to do it, in a folder
/// of its own; then reads the file alone.
#[track_caller]
fn repaired(format: Format, method: &str) {
    let bench = Bench::new();
    for name in ["images.npz", "planted.truth.json"] {
        fs::copy(SOURCE.path(name), bench.path(name)).unwrap();
    }
    let planted = Model::read(SOURCE.path("planted.onnx")).unwrap();
    let planted = planted.graph().unwrap();
    let model = format.of(&planted);
    fs::create_dir(bench.path("in")).unwrap();
    model.write(bench.path("in/model.onnx")).unwrap();
    format.check(&Model::read(bench.path("in/model.onnx")).unwrap(), &planted);
    bench
        .run(&format!(
            "repair in/model.onnx --images images.npz --range 0..1 --detector neural_cleanse --classes {TARGET} \
             --target {TARGET} --method {method} --truth planted.truth.json -o out/fixed.onnx -q"
        ))
        .expect(0);
    let record = fs::read(bench.path("out/fixed.repair/repair.json")).unwrap();
    let record: RepairRecord = serde_json::from_slice(&record).unwrap();
    assert!(record.repaired && record.targets == [TARGET], "{record:?}");
    let proof = record.proof.unwrap();
    let planted_one = proof
        .triggers
        .iter()
        .find(|it| it.origin == Origin::Planted);
    let success = &planted_one.unwrap().success;
    assert!(success.before.rate > 0.9, "{success:?}");
    assert!(success.after.rate < 0.1, "{success:?}");

    // Nothing that it was made from is needed any more, and it may be moved with what is beside it.
    fs::remove_dir_all(bench.path("in")).unwrap();
    fs::create_dir(bench.path("away")).unwrap();
    for file in fs::read_dir(bench.path("out")).unwrap() {
        let path = file.unwrap().path();
        if path.is_file() {
            let to = bench.path("away").join(path.file_name().unwrap());
            fs::rename(path, to).unwrap();
        }
    }
    format.check(
        &Model::read(bench.path("away/fixed.onnx")).unwrap(),
        &planted,
    );
    bench.write("square.toml", SQUARE);
    let found = bench
        .run(&format!(
            "explain away/fixed.onnx --images images.npz --range 0..1 --trigger square.toml --target {TARGET} --json \
             --out explained -q"
        ))
        .expect(0)
        .json();
    let effect = &found["effect"];
    let rate = |count: &Value| count["hits"].as_f64().unwrap() / count["trials"].as_f64().unwrap();
    assert!(rate(&effect["success"]) < 0.1, "{effect}");
    assert!(rate(&effect["accuracy"]) > 0.9, "{effect}");
}

// Fine-Pruning adds a node for the neurons that it switches off, and trains all weights.

#[test]
fn in_16_bit_floats_between_casts() {
    let format = Format {
        element: ElementType::F16,
        casts: true,
        ..PLAIN
    };
    repaired(format, "fine_pruning");
}

#[test]
fn in_64_bit_floats() {
    let format = Format {
        element: ElementType::F64,
        ..PLAIN
    };
    repaired(format, "fine_pruning");
}

#[test]
fn for_one_image_at_a_time() {
    let format = Format { one: true, ..PLAIN };
    repaired(format, "unlearning");
}

#[test]
fn with_weights_beside_it() {
    let format = Format {
        outside: true,
        ..PLAIN
    };
    repaired(format, "fine_pruning");
}

#[test]
fn with_channels_last() {
    let format = Format {
        nhwc: true,
        ..PLAIN
    };
    repaired(format, "fine_pruning");
}

#[test]
fn with_probabilities_for_an_output() {
    let format = Format {
        probabilities: true,
        ..PLAIN
    };
    repaired(format, "unlearning");
}
