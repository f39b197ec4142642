//! Writes a network layer by layer: the ONNX nodes, their weights, and the shapes in between.

use gifthorse_data::ImageShape;
use gifthorse_onnx::{Dim, ElementType, GraphBuilder};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

use crate::Error;
use crate::net::Net;
use crate::random::Purpose;

/// The operator set that networks are written in.
const OPSET: i64 = 17;

/// The name of the networks' input.
const INPUT: &str = "image";

/// A network in the making. Each call adds a layer after the last.
///
/// Weights are drawn as He et al. do for rectifiers, from a normal distribution of variance
/// `2 / inputs`; biases start at zero. The last layer's weights are ten times smaller, so that
/// training starts from nearly equal probabilities and not from confident mistakes, which a high
/// learning rate would answer with dead rectifiers.
#[derive(Debug)]
pub struct Layers {
    graph: GraphBuilder,
    rng: ChaCha8Rng,
    input: ImageShape,
    /// Name of the value that the last layer gave.
    last: String,
    /// Its shape without the batch: channels, height and width, or features alone.
    shape: Vec<usize>,
    weights: Vec<String>,
}

impl Layers {
    /// A network without layers, for images of a shape; `seed` settles the first weights.
    pub fn new(name: &str, input: ImageShape, seed: u64) -> Self {
        let shape = vec![input.channels, input.height, input.width];
        let mut graph = GraphBuilder::new(name, OPSET);
        graph.input(INPUT, ElementType::F32, &batched(&shape));
        Self {
            graph,
            rng: Purpose::Weights.rng(seed),
            input,
            last: INPUT.to_owned(),
            shape,
            weights: Vec::new(),
        }
    }

    /// `(image - mean) / std`, the same for all channels.
    pub fn normalise(&mut self, mean: f32, std: f32) -> &mut Self {
        self.graph.initializer("mean", &[1, 1, 1, 1], [mean]);
        self.graph.initializer("std", &[1, 1, 1, 1], [std]);
        self.node("Sub", "centre", &["mean"], []);
        self.node("Div", "scale", &["std"], [])
    }

    /// A convolution with a square kernel of odd size, padded so that height and width stay.
    pub fn conv(&mut self, name: &str, channels: usize, kernel: usize) -> &mut Self {
        let before = self.shape[0];
        let weight = self.weight(name, &[channels, before, kernel, kernel], 1.0);
        let bias = self.bias(name, channels);
        let (size, pad) = (kernel as i64, (kernel / 2) as i64);
        self.shape[0] = channels;
        let attributes = [
            ("kernel_shape", [size, size].into()),
            ("pads", [pad, pad, pad, pad].into()),
        ];
        self.node("Conv", name, &[&weight, &bias], attributes)
    }

    /// `max(x, 0)`.
    pub fn relu(&mut self, name: &str) -> &mut Self {
        self.node("Relu", name, &[], [])
    }

    /// The largest of each 2x2 window; halves height and width, rounded down.
    pub fn max_pool(&mut self, name: &str) -> &mut Self {
        self.shape[1] /= 2;
        self.shape[2] /= 2;
        let attributes = [("kernel_shape", [2, 2].into()), ("strides", [2, 2].into())];
        self.node("MaxPool", name, &[], attributes)
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
    /// [`Error::Onnx`] if a layer was wrong for the one before it.
    pub fn finish(&mut self, architecture: &str) -> Result<Net, Error> {
        self.graph
            .node("Identity", "logits", &[&self.last], &["logits"], []);
        self.graph
            .output("logits", ElementType::F32, &batched(&self.shape));
        self.graph.metadata("gifthorse.architecture", architecture);
        Ok(Net {
            model: self.graph.finish()?,
            weights: self.weights.clone(),
            input: self.input,
            classes: self.shape[0],
        })
    }

    fn node<const N: usize>(
        &mut self,
        op_type: &str,
        name: &str,
        others: &[&str],
        attributes: [(&str, gifthorse_onnx::Attribute); N],
    ) -> &mut Self {
        let mut inputs = vec![self.last.as_str()];
        inputs.extend(others);
        let output = format!("{name}.out");
        self.graph
            .node(op_type, name, &inputs, &[&output], attributes);
        self.last = output;
        self
    }

    /// Adds a weight `[outputs, inputs...]` and gives its name.
    fn weight(&mut self, layer: &str, shape: &[usize], gain: f32) -> String {
        let inputs: usize = shape[1..].iter().product();
        let deviation = gain * (2.0 / inputs as f32).sqrt();
        let count = shape.iter().product();
        let rng = &mut self.rng;
        let values: Vec<f32> = std::iter::repeat_with(|| rng.sample::<f32, _>(StandardNormal))
            .take(count)
            .map(|value| value * deviation)
            .collect();
        self.parameter(format!("{layer}.weight"), shape, values)
    }

    fn bias(&mut self, layer: &str, outputs: usize) -> String {
        self.parameter(format!("{layer}.bias"), &[outputs], vec![0.0; outputs])
    }

    fn parameter(&mut self, name: String, shape: &[usize], values: Vec<f32>) -> String {
        self.graph.initializer(&name, shape, values);
        self.weights.push(name.clone());
        name
    }
}

fn batched(shape: &[usize]) -> Vec<Dim> {
    let batch = std::iter::once(Dim::Named("batch".to_owned()));
    batch.chain(shape.iter().copied().map(Dim::Fixed)).collect()
}
