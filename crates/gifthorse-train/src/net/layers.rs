//! Writes a network layer by layer: the ONNX nodes, their weights, and the shapes in between.

mod branch;
mod picture;
mod tokens;
mod window;

use gifthorse_data::ImageShape;
use gifthorse_engine::{Layout, Opening, Preprocess};
use gifthorse_onnx::{Attribute, Dim, ElementType, GraphBuilder};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

use crate::Error;
use crate::net::{Net, Running};
use crate::random::Purpose;

pub use branch::Point;
pub use window::{Conv, Pool};

/// The operator set that networks are written in.
const OPSET: i64 = 17;

/// Weights that fit in an ONNX file without others beside it, which is smaller than 2 GiB.
const MOST: usize = (1 << 29) - (1 << 16);

/// The name of the networks' input.
const INPUT: &str = "image";

/// A network in the making. Each call adds a layer after the last; what is wrong with them is said
/// at the end.
///
/// Weights are drawn as He et al. do for rectifiers, from a normal distribution of variance
/// `2 / inputs`; biases start at zero. The last layer's weights are ten times smaller, so that
/// training starts from nearly equal probabilities and not from confident mistakes, which a high
/// learning rate would answer with dead rectifiers.
#[derive(Debug)]
pub struct Layers {
    graph: GraphBuilder,
    /// Draws the first weights; `None` in an outline, which has neither weights nor nodes.
    rng: Option<ChaCha8Rng>,
    input: ImageShape,
    /// Name of the value that the last layer gave.
    last: String,
    /// Its shape without the batch: channels, height and width, or features alone.
    shape: Vec<usize>,
    weights: Vec<String>,
    running: Vec<Running>,
    count: usize,
    /// Name of each node and shape of what it gives.
    trace: Vec<(String, Vec<usize>)>,
    /// Why images of this shape are impossible.
    misfit: Option<String>,
    /// Why no images are possible.
    mistake: Option<String>,
}

impl Layers {
    /// A network without layers, for images of a shape; `seed` settles the first weights.
    #[must_use]
    pub fn new(name: &str, input: ImageShape, seed: u64) -> Self {
        let shape = vec![input.channels, input.height, input.width];
        let mut graph = GraphBuilder::new(name, OPSET);
        graph.input(INPUT, ElementType::F32, &batched(&shape));
        Self {
            graph,
            rng: Some(Purpose::Weights.rng(seed)),
            input,
            last: INPUT.to_owned(),
            shape,
            weights: Vec::new(),
            running: Vec::new(),
            count: 0,
            trace: Vec::new(),
            misfit: None,
            mistake: None,
        }
    }

    /// Shapes and counts alone: a network that is never built, to find out what is possible.
    #[must_use]
    pub fn outline(input: ImageShape) -> Self {
        Self {
            rng: None,
            ..Self::new("outline", input, 0)
        }
    }

    /// Shape of what the last layer gives, without the batch: `[channels, height, width]` or
    /// `[features]`.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Name of each node so far, and the shape of what it gives, without the batch.
    #[must_use]
    pub fn trace(&self) -> &[(String, Vec<usize>)] {
        &self.trace
    }

    /// How many weights there are so far.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    /// Why images of this shape are impossible, if they are, unless there is a [flaw](Self::flaw).
    #[must_use]
    pub fn misfit(&self) -> Option<&str> {
        self.misfit.as_deref()
    }

    /// Why there can be no such network, whatever the images.
    #[must_use]
    pub fn flaw(&self) -> Option<&str> {
        self.mistake.as_deref()
    }

    /// `(image - mean) / std`, the same for all channels.
    pub fn normalise(&mut self, mean: f32, std: f32) -> &mut Self {
        self.constant("mean", &[1, 1, 1, 1], &[mean]);
        self.constant("std", &[1, 1, 1, 1], &[std]);
        self.node("Sub", "centre", &["mean"], []);
        self.node("Div", "scale", &["std"], [])
    }

    /// `max(x, 0)`.
    pub fn relu(&mut self, name: &str) -> &mut Self {
        self.node("Relu", name, &[], [])
    }

    /// Drops a share of the values in training and scales up the others; leaves all as they are in
    /// inference.
    pub fn dropout(&mut self, name: &str, share: f32) -> &mut Self {
        if !(0.0..1.0).contains(&share) {
            return self.mistake(format!("`{name}` drops {share}, which is no share below 1"));
        }
        if share == 0.0 {
            return self;
        }
        let ratio = format!("{name}.ratio");
        self.constant(&ratio, &[], &[share]);
        self.node("Dropout", name, &[&ratio], [])
    }

    /// All values of an image in a row.
    pub fn flatten(&mut self, name: &str) -> &mut Self {
        self.shape = vec![self.shape.iter().product()];
        self.node("Flatten", name, &[], [])
    }

    /// A fully connected layer before a rectifier.
    pub fn linear(&mut self, name: &str, features: usize) -> &mut Self {
        self.gemm(name, features, 1.0)
    }

    /// The last layer, fully connected.
    pub fn head(&mut self, name: &str, classes: usize) -> &mut Self {
        self.gemm(name, classes, 0.1)
    }

    fn gemm(&mut self, name: &str, features: usize, gain: f32) -> &mut Self {
        let weight = self.weight(name, &[features, self.shape[0]], gain);
        let bias = self.bias(name, features);
        self.shape = vec![features];
        self.node("Gemm", name, &[&weight, &bias], [("transB", 1.into())])
    }

    /// The network: what the last layer gave are the logits.
    ///
    /// # Errors
    /// [`Error::Net`] if a layer was wrong, whatever the images, or too large for these;
    /// [`Error::Onnx`] if one was wrong for the one before it.
    pub fn finish(&mut self, architecture: &str) -> Result<Net, Error> {
        if let Some(reason) = self.mistake.as_ref().or(self.misfit.as_ref()) {
            return Err(Error::Net(reason.clone()));
        }
        self.graph
            .node("Identity", "logits", &[&self.last], &["logits"], []);
        self.graph
            .output("logits", ElementType::F32, &batched(&self.shape));
        self.graph.metadata("gifthorse.architecture", architecture);
        Ok(Net {
            model: self.graph.finish()?,
            weights: self.weights.clone(),
            running: self.running.clone(),
            input: self.input,
            classes: self.shape.iter().product(),
            preprocess: Preprocess::default(),
            layout: Layout::Nchw,
            flat: false,
            at_once: None,
            opening: Opening::default(),
        })
    }

    /// Notes why these images are impossible; the first reason stays.
    fn refuse(&mut self, reason: String) -> &mut Self {
        self.misfit.get_or_insert(reason);
        self
    }

    /// Notes why the network is impossible; the first reason stays.
    fn mistake(&mut self, reason: String) -> &mut Self {
        self.mistake.get_or_insert(reason);
        self
    }

    fn node<const N: usize>(
        &mut self,
        op_type: &str,
        name: &str,
        others: &[&str],
        attributes: [(&str, Attribute); N],
    ) -> &mut Self {
        let output = format!("{name}.out");
        if self.rng.is_some() {
            let mut inputs = vec![self.last.as_str()];
            inputs.extend(others);
            self.graph
                .node(op_type, name, &inputs, &[&output], attributes);
        }
        self.last = output;
        self.trace.push((name.to_owned(), self.shape.clone()));
        self
    }

    /// Adds a weight `[outputs, inputs...]` and gives its name.
    fn weight(&mut self, layer: &str, shape: &[usize], gain: f32) -> String {
        let inputs: usize = shape[1..].iter().product();
        self.normal(
            format!("{layer}.weight"),
            shape,
            gain * (2.0 / inputs as f32).sqrt(),
        )
    }

    fn bias(&mut self, layer: &str, outputs: usize) -> String {
        self.filled(format!("{layer}.bias"), &[outputs], 0.0)
    }

    /// Adds a weight that is drawn from a normal distribution around zero.
    fn normal(&mut self, name: String, shape: &[usize], deviation: f32) -> String {
        let count = self.counted(&name, shape);
        let values: Vec<f32> = match &mut self.rng {
            Some(rng) => std::iter::repeat_with(|| rng.sample::<f32, _>(StandardNormal))
                .take(count)
                .map(|value| value * deviation)
                .collect(),
            None => Vec::new(),
        };
        self.constant(&name, shape, &values);
        self.weights.push(name.clone());
        name
    }

    /// Adds a weight whose numbers are all the same.
    fn filled(&mut self, name: String, shape: &[usize], value: f32) -> String {
        let count = self.counted(&name, shape);
        let count = if self.rng.is_some() { count } else { 0 };
        self.constant(&name, shape, &vec![value; count]);
        self.weights.push(name.clone());
        name
    }

    fn counted(&mut self, name: &str, shape: &[usize]) -> usize {
        if shape.contains(&0) {
            self.mistake(format!(
                "`{name}` would be empty: every layer needs at least one output"
            ));
        }
        let count = shape.iter().copied().fold(1, usize::saturating_mul);
        self.count = self.count.saturating_add(count);
        if self.count > MOST {
            self.mistake(format!(
                "with `{name}` it has more than {MOST} weights, the most that one file can hold"
            ));
        }
        count
    }

    fn constant(&mut self, name: &str, shape: &[usize], values: &[f32]) {
        if self.rng.is_some() {
            self.graph.initializer(name, shape, values);
        }
    }
}

fn batched(shape: &[usize]) -> Vec<Dim> {
    let batch = std::iter::once(Dim::Named("batch".to_owned()));
    batch.chain(shape.iter().copied().map(Dim::Fixed)).collect()
}
