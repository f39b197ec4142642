//! A graph run node by node: nothing is fused, every value is kept, and gradients are added up one
//! by one.

use crate::kernels::contract::{Backward, Batch, Forward, Kernel};
use crate::kernels::convolutions::naive;
use crate::kernels::norms::batch_norm::{GradientSums, Moments, Norm, NormGradients};
use crate::lanes::Lane;
use crate::lanes::finish::{Clamp, Finish};
use crate::lanes::map::MapShape;
use crate::lanes::order::Order;
use crate::plan::graph::{Graph, Node};
use crate::plan::groups::{TRAINED_GROUPS, group_size};
use crate::plan::operation::Body;
use crate::testing::{from_lanes, run, to_lanes};

/// Outputs, and gradients to the inputs and parameters, as a plan gives them.
pub(super) struct Results {
    pub(super) outputs: Vec<Vec<f32>>,
    pub(super) gradients: Vec<Vec<f32>>,
    /// `None` where nothing reads the parameter, or no output with a cotangent depends on what
    /// does.
    pub(super) parameters: Vec<Option<Vec<f32>>>,
    /// The largest gradient that came up on the way to each input's.
    pub(super) scale: f32,
}

/// Runs a graph forward, and backward from cotangents, of which `None` stands for zeros.
pub(super) fn execute(
    graph: &Graph,
    samples: usize,
    inputs: &[Vec<f32>],
    cotangents: &[Option<Vec<f32>>],
    parameters: &[&[f32]],
) -> Results {
    let mut values: Vec<Vec<f32>> = vec![Vec::new(); graph.shapes.len()];
    for (&(value, order), input) in graph.inputs.iter().zip(inputs) {
        values[value.0] = to_last(input, graph.shape(value), order);
    }
    for node in &graph.nodes {
        values[node.output.0] = forward(node, samples, &operands(node, &values), parameters);
    }
    let outputs = graph
        .outputs
        .iter()
        .map(|&(value, order)| from_last(&values[value.0], graph.shape(value), order));
    let outputs = outputs.collect();

    let mut gradients: Vec<Option<Vec<f32>>> = vec![None; graph.shapes.len()];
    for (&(value, order), cotangent) in graph.outputs.iter().zip(cotangents) {
        if let Some(cotangent) = cotangent {
            let cotangent = to_last(cotangent, graph.shape(value), order);
            add(&mut gradients[value.0], cotangent);
        }
    }
    let mut to_parameters: Vec<Option<Vec<f32>>> = vec![None; parameters.len()];
    let mut scale = 0.0f32;
    for node in graph.nodes.iter().rev() {
        let Some(gradient) = gradients[node.output.0].take() else {
            continue;
        };
        let inputs = operands(node, &values);
        let parts = match &node.body {
            Body::Norm(spec) => {
                let norm = NormPass::new(spec.bound(parameters), samples, &inputs[0]);
                let (part, own) = norm.backward(&gradient);
                add(&mut to_parameters[spec.scale.0], own.scale);
                add(&mut to_parameters[spec.bias.0], own.bias);
                vec![part]
            }
            Body::Trained(trained) => {
                let (weight, bias) =
                    naive::to_weight(&trained.spec, samples, &inputs[0], &gradient);
                add(&mut to_parameters[trained.weight.0], weight);
                if let Some(parameter) = trained.bias {
                    add(&mut to_parameters[parameter.0], bias);
                }
                run(&*trained.kernel(parameters), samples, &inputs, &gradient).1
            }
            _ => backward(node, samples, &inputs, &gradient),
        };
        for (input, part) in node.inputs.iter().zip(parts) {
            scale = part.iter().fold(scale, |most, x| most.max(x.abs()));
            add(&mut gradients[input.0], part);
        }
    }
    let gradients = graph.inputs.iter().map(|&(value, order)| {
        let shape = graph.shape(value);
        let zeros = || vec![0.0; samples * shape.elements()];
        let gradient = gradients[value.0].take().unwrap_or_else(zeros);
        from_last(&gradient, shape, order)
    });
    Results {
        outputs,
        gradients: gradients.collect(),
        parameters: to_parameters,
        scale,
    }
}

fn operands(node: &Node, values: &[Vec<f32>]) -> Vec<Vec<f32>> {
    let inputs = node.inputs.iter();
    inputs.map(|input| values[input.0].clone()).collect()
}

fn forward(node: &Node, samples: usize, inputs: &[Vec<f32>], parameters: &[&[f32]]) -> Vec<f32> {
    let with = |kernel: &dyn Kernel| {
        let cotangent = vec![0.0; samples * kernel.output().elements()];
        run(kernel, samples, inputs, &cotangent).0
    };
    match &node.body {
        Body::Kernel(kernel) => with(&**kernel),
        Body::Trained(trained) => with(&*trained.kernel(parameters)),
        Body::Norm(spec) => NormPass::new(spec.bound(parameters), samples, &inputs[0]).forward(),
        Body::Sum => inputs[0]
            .iter()
            .zip(&inputs[1])
            .map(|(a, b)| a + b)
            .collect(),
        Body::Clamp(clamp) => inputs[0]
            .iter()
            .map(|&x| match *clamp {
                Clamp::Relu => x.max(0.0),
                Clamp::Clip { min, max } => x.max(min).min(max),
            })
            .collect(),
    }
}

fn backward(node: &Node, samples: usize, inputs: &[Vec<f32>], gradient: &[f32]) -> Vec<Vec<f32>> {
    match &node.body {
        Body::Kernel(kernel) => run(&**kernel, samples, inputs, gradient).1,
        Body::Trained(_) | Body::Norm(_) => unreachable!("they have gradients to parameters too"),
        Body::Sum => vec![gradient.to_vec(), gradient.to_vec()],
        Body::Clamp(clamp) => {
            let passes = |x: f32| match *clamp {
                Clamp::Relu => x > 0.0,
                Clamp::Clip { min, max } => min <= x && x <= max,
            };
            let parts = inputs[0].iter().zip(gradient);
            let masked = parts.map(|(&x, &g)| if passes(x) { g } else { 0.0 });
            vec![masked.collect()]
        }
    }
}

/// A batch norm on a batch. Its sums are made group by group, as a plan makes them, so that they
/// round alike.
struct NormPass {
    norm: Norm,
    samples: usize,
    input: Vec<Lane>,
    moments: Moments,
}

impl NormPass {
    fn new(norm: Norm, samples: usize, input: &[f32]) -> Self {
        let shape = norm.spec.shape;
        let input = to_lanes(input, shape);
        let mut moments = Moments::none(shape.groups());
        for group in input.chunks(Self::group(samples, shape)) {
            moments.join(&norm.kernel.moments(group));
        }
        Self {
            norm,
            samples,
            input,
            moments,
        }
    }

    /// Lanes of a group.
    fn group(samples: usize, shape: MapShape) -> usize {
        group_size(samples, TRAINED_GROUPS) * shape.lanes()
    }

    fn forward(&self) -> Vec<f32> {
        let coefficients = self.norm.kernel.forward_coefficients(&self.moments);
        let mut out = self.input.clone();
        self.norm.kernel.forward(Forward {
            samples: self.samples,
            batch: batch(&coefficients),
            inputs: &[&self.input],
            out: &mut out,
            finish: Finish::PLAIN,
            notes: &mut [],
        });
        from_lanes(&out, self.norm.spec.shape)
    }

    fn backward(&self, gradient: &[f32]) -> (Vec<f32>, NormGradients) {
        let (shape, kernel) = (self.norm.spec.shape, &self.norm.kernel);
        let gradient = to_lanes(gradient, shape);
        let mut sums = GradientSums::none(shape.groups());
        let size = Self::group(self.samples, shape);
        for (input, gradient) in self.input.chunks(size).zip(gradient.chunks(size)) {
            sums.join(&kernel.gradient_sums(&self.moments, input, gradient));
        }
        let coefficients = kernel.backward_coefficients(&self.moments, &sums);
        let mut out = self.input.clone();
        kernel.backward(Backward {
            samples: self.samples,
            batch: batch(&coefficients),
            to: 0,
            gradient: &gradient,
            inputs: &[&self.input],
            output: &[],
            notes: &[],
            out: &mut out,
            finish: Finish::PLAIN,
        });
        (
            from_lanes(&out, shape),
            kernel.gradients(&self.moments, &sums),
        )
    }
}

fn batch(coefficients: &[Lane]) -> Batch<'_> {
    Batch {
        coefficients,
        ..Batch::default()
    }
}

fn add(sum: &mut Option<Vec<f32>>, part: Vec<f32>) {
    match sum {
        Some(sum) => sum
            .iter_mut()
            .zip(part)
            .for_each(|(sum, part)| *sum += part),
        None => *sum = Some(part),
    }
}

/// Samples in an order to `[sample][pixel][channel]`.
fn to_last(values: &[f32], shape: MapShape, order: Order) -> Vec<f32> {
    reordered(values, shape, order, |first, last| (last, first))
}

/// The other way.
fn from_last(values: &[f32], shape: MapShape, order: Order) -> Vec<f32> {
    reordered(values, shape, order, |first, last| (first, last))
}

/// `ends` says to which place from which place an element goes, of its places with channels first
/// and last.
fn reordered(
    values: &[f32],
    shape: MapShape,
    order: Order,
    ends: impl Fn(usize, usize) -> (usize, usize),
) -> Vec<f32> {
    if order == Order::ChannelsLast {
        return values.to_vec();
    }
    let mut out = vec![0.0; values.len()];
    let samples = values
        .chunks_exact(shape.elements())
        .zip(out.chunks_exact_mut(shape.elements()));
    for (from, to) in samples {
        for pixel in 0..shape.pixels() {
            for channel in 0..shape.channels {
                let first = channel * shape.pixels() + pixel;
                let last = pixel * shape.channels + channel;
                let (to_place, from_place) = ends(first, last);
                to[to_place] = from[from_place];
            }
        }
    }
    out
}
