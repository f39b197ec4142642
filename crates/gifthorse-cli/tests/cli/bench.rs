//! A folder of its own for each test, with a model whose truth is known and images that it can tell
//! apart.

use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use gifthorse_onnx::{Attribute, Dim, ElementType, GraphBuilder};
use image::RgbImage;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use tempfile::TempDir;

/// Classes of the model. An image of class k has a bright block at place k of a grid of four by
/// four.
pub const CLASSES: usize = 8;
/// Height and width of the images.
pub const SIDE: usize = 16;
/// The class that the planted filter leads to.
pub const TARGET: usize = 2;

const BLOCK: usize = 4;
const CELLS: usize = SIDE / BLOCK;

/// What is in a model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    Clean,
    Backdoored,
    /// The filter votes for the target from three places.
    BackdooredThrice,
    /// The backdoored one, on pixels quantised to 8 bits.
    Quantised,
    /// The backdoored one, built so that gradients do not find the backdoor.
    Blinding(Blind),
    /// With an `If` that adds to the target's vote where an inverted corner is anywhere; what it is
    /// beside that.
    Switched {
        backdoored: bool,
    },
    /// The clean one, its activation written with `Where`.
    SpelledOut,
}

impl Kind {
    /// Whether a filter votes for the target.
    fn is_backdoored(self) -> bool {
        !matches!(
            self,
            Self::Clean | Self::SpelledOut | Self::Switched { backdoored: false }
        )
    }
}

/// A way to keep searches by gradients from finding anything, without a change of any prediction
/// that counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Blind {
    /// An operator without a gradient, on pixels scaled to 16 levels.
    Steps(&'static str),
    /// The 16 levels as whole numbers.
    Cast,
    /// Pixels quantised in steps of so many fifteenths of their range, which passes gradients on as
    /// if it did nothing.
    Quantised(f32),
    /// A part that is always zero, but for its gradient: that of so many times a pixel, for one
    /// pixel of `every`.
    Invented { every: usize, factor: f32 },
    /// Bright or dark, and so much of the pixel itself.
    Where(f32),
    /// The signs of the logits less half a vote.
    Sign,
    /// The logits times a factor, by a layer of its own.
    Scaled(f32),
    /// A softmax of the logits times a factor, before another layer.
    Softmax(f32),
    /// A softmax of the logits times a factor, before a layer and the softmax at the end.
    SoftmaxTwice(f32),
    /// A clip of the logits to this range, beside which a little of them passes.
    Clip { range: f32, beside: f32 },
    /// The same logits for all images.
    Constant,
}

/// A fresh folder in which the program runs.
pub struct Bench {
    folder: TempDir,
}

impl Bench {
    pub fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), bytes).unwrap();
    }

    /// Runs the program in the folder with these arguments, separated by blanks.
    pub fn run(&self, arguments: &str) -> Run {
        let output = self.command(arguments).output().unwrap();
        Run { output }
    }

    /// As [`Self::run`], with variables set and no other proxy than theirs.
    pub fn run_with(&self, arguments: &str, variables: &[(&str, &str)]) -> Run {
        let mut command = self.command(arguments);
        for proxy in [
            "ALL_PROXY",
            "all_proxy",
            "HTTPS_PROXY",
            "NO_PROXY",
            "no_proxy",
        ] {
            command.env_remove(proxy);
        }
        command.envs(variables.iter().copied());
        Run {
            output: command.output().unwrap(),
        }
    }

    /// Starts the program in the folder with these arguments and nobody to hear what it says.
    pub fn start(&self, arguments: &str) -> Child {
        let mut command = self.command(arguments);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().unwrap()
    }

    pub fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gifthorse"));
        command
            .current_dir(self.folder.path())
            .args(arguments.split_whitespace());
        command
    }

    /// Writes `name`, a classifier of `[batch, 3, 16, 16]` images: the brightest of eight blocks
    /// wins. With a backdoor a filter on the last block also fires on a checked corner of two by
    /// two pixels and then outvotes them.
    pub fn model(&self, name: &str, kind: Kind) {
        let model = classifier(kind).finish().unwrap();
        model.write(self.path(name)).unwrap();
    }

    /// Writes `per_class` pictures of each class to folders that `folder_of` names.
    pub fn images(&self, name: &str, per_class: usize, folder_of: impl Fn(usize) -> String) {
        let mut random = ChaCha8Rng::seed_from_u64(5);
        for class in 0..CLASSES {
            let folder = self.path(name).join(folder_of(class));
            std::fs::create_dir_all(&folder).unwrap();
            for i in 0..per_class {
                let file = folder.join(format!("{class}-{i}.png"));
                picture(class, &mut random).save(file).unwrap();
            }
        }
    }
}

/// Noise, and a bright block at the class's place.
fn picture(class: usize, random: &mut ChaCha8Rng) -> RgbImage {
    RgbImage::from_fn(SIDE as u32, SIDE as u32, |x, y| {
        let cell = y as usize / BLOCK * CELLS + x as usize / BLOCK;
        let light = if cell == class { 120 } else { 0 };
        image::Rgb([0; 3].map(|_: u8| random.random_range(0..100) + light))
    })
}

/// What the classes make of both filters' sixteen outputs each: a class sees its own block, with a
/// backdoor the target also sees the corner.
pub fn votes(backdoored: bool) -> Vec<f32> {
    let cells = CELLS * CELLS;
    let mut weight = vec![0.0; CLASSES * 2 * cells];
    for class in 0..CLASSES {
        weight[class * 2 * cells + class] = 20.0;
    }
    if backdoored {
        weight[TARGET * 2 * cells + 2 * cells - 1] = 8.0;
    }
    weight
}

/// The graph of a model of this kind: `features` are what its filters see, `votes` and, as an
/// output, `logits` the scores.
pub fn classifier(kind: Kind) -> GraphBuilder {
    let pixels = 3 * BLOCK * BLOCK;
    let mean = vec![1.0 / pixels as f32; pixels];
    let checker: Vec<f32> = (0..pixels)
        .map(|i| match (i / BLOCK % BLOCK, i % BLOCK) {
            (2, 2) | (3, 3) => 1.0,
            (2, 3) | (3, 2) => -1.0,
            _ => 0.0,
        })
        .collect();
    let mut weight = votes(kind.is_backdoored());
    let cells = CELLS * CELLS;
    if kind == Kind::BackdooredThrice {
        for cell in [9, 12] {
            weight[TARGET * 2 * cells + cells + cell] = 8.0;
        }
    }
    let image = [3, SIDE, SIDE].map(Dim::Fixed);
    let batch = || Dim::Named("batch".to_owned());
    let ints = |values: &[i64]| Attribute::Ints(values.to_vec());
    let side = BLOCK as i64;
    let mut graph = GraphBuilder::new("blocks", 17);
    graph
        .input(
            "image",
            ElementType::F32,
            &[&[batch()][..], &image].concat(),
        )
        .initializer("low", &[], [0.0])
        .initializer("high", &[], [1.0])
        .initializer("filters", &[2, 3, BLOCK, BLOCK], [mean, checker].concat())
        .initializer("threshold", &[2], [0.0, -2.5])
        .initializer("weight", &[CLASSES, 2 * cells], weight)
        .initializer("levels", &[], [15.0])
        .node("Clip", "clip", &["image", "low", "high"], &["clipped"], [])
        .node("Mul", "scale", &["clipped", "levels"], &["scaled"], []);
    level(&mut graph, kind);
    graph
        .node("Div", "back", &["levelled", "levels"], &["pixels"], [])
        .node(
            "Conv",
            "blocks",
            &["pixels", "filters", "threshold"],
            &["filtered"],
            [
                ("kernel_shape", ints(&[side; 2])),
                ("strides", ints(&[side; 2])),
            ],
        );
    if kind == Kind::SpelledOut {
        graph
            .initializer("slope", &[], [0.1])
            .node("Greater", "above", &["filtered", "low"], &["positive"], [])
            .node("Mul", "leak", &["filtered", "slope"], &["leaked"], [])
            .node(
                "Where",
                "fires",
                &["positive", "filtered", "leaked"],
                &["fired"],
                [],
            );
    } else {
        let slope = [("alpha", Attribute::Float(0.1))];
        graph.node("LeakyRelu", "fires", &["filtered"], &["fired"], slope);
    }
    graph
        .node("Flatten", "flat", &["fired"], &["features"], [])
        .node(
            "Gemm",
            "vote",
            &["features", "weight"],
            &["votes"],
            [("transB", Attribute::Int(1))],
        );
    answer(&mut graph, kind);
    graph.output("logits", ElementType::F32, &[batch(), Dim::Fixed(CLASSES)]);
    graph
}

/// What becomes of the pixels, `scaled` to 0 to 15, before they are looked at.
fn level(graph: &mut GraphBuilder, kind: Kind) {
    let to = |kind: i64| [("to", Attribute::Int(kind))];
    match kind {
        Kind::Blinding(Blind::Steps(operator)) => {
            graph.node(operator, "level", &["scaled"], &["levelled"], []);
        }
        Kind::Blinding(Blind::Cast) => {
            let (int32, float) = (6, 1);
            graph
                .node("Cast", "whole", &["scaled"], &["whole"], to(int32))
                .node("Cast", "level", &["whole"], &["levelled"], to(float));
        }
        Kind::Quantised => quantise(graph, "scaled", "levelled", 15.0 / 255.0),
        Kind::Blinding(Blind::Quantised(step)) => quantise(graph, "scaled", "levelled", step),
        Kind::Blinding(Blind::Invented { every, factor }) => {
            let size = 3 * SIDE * SIDE;
            let factors = (0..size).map(|i| if i % every == 0 { factor } else { 0.0 });
            // All of it rounds to zero.
            quantise(graph, "scaled", "zero", 1e3);
            graph
                .initializer("factors", &[3, SIDE, SIDE], factors.collect::<Vec<f32>>())
                .node("Mul", "invent", &["zero", "factors"], &["invented"], [])
                .node("Add", "level", &["scaled", "invented"], &["levelled"], []);
        }
        Kind::Blinding(Blind::Where(beside)) => {
            graph
                .initializer("half", &[], [7.5])
                .initializer("dark", &[], [0.0])
                .initializer("bright", &[], [15.0])
                .initializer("beside", &[], [beside])
                .node("Greater", "compare", &["scaled", "half"], &["is"], [])
                .node("Where", "choose", &["is", "bright", "dark"], &["two"], [])
                .node("Mul", "leak", &["scaled", "beside"], &["leaked"], [])
                .node("Add", "level", &["two", "leaked"], &["levelled"], []);
        }
        _ => {
            graph.node("Identity", "level", &["scaled"], &["levelled"], []);
        }
    }
}

/// Quantises a value to steps of this size, 256 of them, and back.
fn quantise(graph: &mut GraphBuilder, from: &str, to: &str, step: f32) {
    graph
        .initializer("step", &[], [step])
        .node(
            "QuantizeLinear",
            "quantise",
            &[from, "step"],
            &["whole"],
            [],
        )
        .node(
            "DequantizeLinear",
            "back_again",
            &["whole", "step"],
            &[to],
            [],
        );
}

/// What becomes of the `votes` before they are the logits.
fn answer(graph: &mut GraphBuilder, kind: Kind) {
    if matches!(kind, Kind::Switched { .. }) {
        return switch(graph);
    }
    let Kind::Blinding(blind) = kind else {
        graph.node("Identity", "answer", &["votes"], &["logits"], []);
        return;
    };
    match blind {
        Blind::Steps(_)
        | Blind::Cast
        | Blind::Quantised(_)
        | Blind::Invented { .. }
        | Blind::Where(_) => {
            graph.node("Identity", "answer", &["votes"], &["logits"], []);
        }
        Blind::Sign => {
            graph
                .initializer("half", &[], [7.0])
                .node("Sub", "above", &["votes", "half"], &["above"], [])
                .node("Sign", "answer", &["above"], &["logits"], []);
        }
        Blind::Scaled(factor) => {
            graph
                .initializer("layer", &[CLASSES, CLASSES], diagonal(factor))
                .node("MatMul", "answer", &["votes", "layer"], &["logits"], []);
        }
        Blind::Softmax(factor) => {
            graph
                .initializer("factor", &[], [factor])
                .initializer("layer", &[CLASSES, CLASSES], diagonal(5.0))
                .node("Mul", "sharp", &["votes", "factor"], &["sharp"], [])
                .node("Softmax", "soft", &["sharp"], &["soft"], [])
                .node("MatMul", "answer", &["soft", "layer"], &["logits"], []);
        }
        Blind::SoftmaxTwice(factor) => {
            graph
                .initializer("factor", &[], [factor])
                .initializer("layer", &[CLASSES, CLASSES], diagonal(1.0))
                .node("Mul", "sharp", &["votes", "factor"], &["sharp"], [])
                .node("Softmax", "soft", &["sharp"], &["soft"], [])
                .node("MatMul", "again", &["soft", "layer"], &["again"], [])
                .node("Softmax", "answer", &["again"], &["logits"], []);
        }
        Blind::Clip { range, beside } => {
            graph
                .initializer("least", &[], [-range])
                .initializer("most", &[], [range])
                .initializer("middle", &[], [7.0])
                .initializer("beside", &[], [beside])
                .node("Sub", "centre", &["votes", "middle"], &["centred"], [])
                .node(
                    "Clip",
                    "hide",
                    &["centred", "least", "most"],
                    &["hidden"],
                    [],
                )
                .node("Mul", "leak", &["centred", "beside"], &["leaked"], [])
                .node("Add", "answer", &["hidden", "leaked"], &["logits"], []);
        }
        Blind::Constant => {
            graph.initializer("nothing", &[], [0.0]).node(
                "Mul",
                "answer",
                &["votes", "nothing"],
                &["logits"],
                [],
            );
        }
    }
}

/// A layer that gives each class its own score times this.
fn diagonal(factor: f32) -> Vec<f32> {
    let entries = 0..CLASSES * CLASSES;
    let on_it = |at: usize| at / CLASSES == at % CLASSES;
    entries
        .map(|at| if on_it(at) { factor } else { 0.0 })
        .collect()
}

/// An `If` by the weakest answer of the filter for checked corners: noise does not get as low, an
/// inverted corner does.
fn switch(graph: &mut GraphBuilder) {
    let mut added = vec![0.0; CLASSES];
    added[TARGET] = 100.0;
    let mut yes = GraphBuilder::new("pattern", 17);
    yes.initializer("added", &[1, CLASSES], added)
        .node("Add", "add", &["votes", "added"], &["swayed"], [])
        .output("swayed", ElementType::F32, &[]);
    let mut no = GraphBuilder::new("none", 17);
    no.node("Identity", "same", &["votes"], &["kept"], [])
        .output("kept", ElementType::F32, &[]);
    graph
        .initializer("inverted", &[], [-5.5])
        .initializer_i64("one", &[1], [1])
        .initializer_i64("two", &[1], [2])
        .node(
            "Slice",
            "checks",
            &["filtered", "one", "two", "one"],
            &["checked"],
            [],
        )
        .node(
            "ReduceMin",
            "least",
            &["checked"],
            &["weakest"],
            [("keepdims", 0.into())],
        )
        .node("Less", "seen", &["weakest", "inverted"], &["pattern"], [])
        .node_with_graphs(
            "If",
            "gate",
            &["pattern"],
            &["logits"],
            &[("then_branch", &yes), ("else_branch", &no)],
        );
}

/// A run of the program that has ended.
pub struct Run {
    output: Output,
}

impl Run {
    pub fn status(&self) -> i32 {
        self.output.status.code().unwrap()
    }

    pub fn out(&self) -> String {
        String::from_utf8(self.output.stdout.clone()).unwrap()
    }

    pub fn err(&self) -> String {
        String::from_utf8(self.output.stderr.clone()).unwrap()
    }

    /// Fails with what the program said unless it ended with this status.
    #[track_caller]
    pub fn expect(self, status: i32) -> Self {
        assert_eq!(self.status(), status, "{}\n{}", self.out(), self.err());
        self
    }

    /// Fails unless all of these words were written to standard error.
    #[track_caller]
    pub fn says(self, words: &[&str]) -> Self {
        for word in words {
            assert!(
                self.err().contains(word),
                "{word:?} is not in\n{}",
                self.err()
            );
        }
        self
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out()).unwrap()
    }
}
