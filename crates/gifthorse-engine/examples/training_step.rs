//! Steps of training, one after the other on request: the gifthorse half of `bench/training`, which
//! says how to run it.
//!
//! `training_step MODEL.onnx IMAGES.npy LABELS.npy OPTIMISER THREADS`, with images
//! `[batch, channels, height, width]` in f32 and labels `[batch]` in i64; all float initialisers
//! but running statistics are trained, all batch norms normalise with the batch's statistics.
//! OPTIMISER is `adam` or `sgd`. Each line on standard input is a request, each answer one line of
//! JSON:
//!
//! - `gradient FILE`: writes the gradients of the mean cross-entropy to all parameters into FILE,
//!   as f32 one after the other (little-endian), and answers `{"loss": .., "names": [..]}`.
//!   Dropouts do nothing here;
//! - `run N`: the milliseconds that each of N steps took, the optimiser's update included;
//! - `profile`: for each stage of the plan `[name, kernel, forward, backward]`, milliseconds so far
//!   over all threads and steps.
#![allow(clippy::print_stdout)]

use std::collections::HashSet;
use std::error::Error;
use std::fs::File;
use std::io::{BufRead, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use gifthorse_engine::{Array, Device, Mode, PlanPart, Tensor, Trainable, running_means};
use gifthorse_onnx::{Graph, Model};
use rayon::prelude::*;
use serde_json::json;

type Failure = Box<dyn Error + Send + Sync>;

const USAGE: &str = "usage: training_step MODEL.onnx IMAGES.npy LABELS.npy adam|sgd THREADS";

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, images, labels, optimiser, threads] = &arguments[..] else {
        return Err(USAGE.into());
    };
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads.parse()?)
        .build_global()?;
    let graph = Arc::new(Model::read(model)?.graph()?);
    let images = npyz::NpyFile::new(File::open(images)?)?;
    let shape: Vec<usize> = images.shape().iter().map(|&n| n as usize).collect();
    let labels = npyz::NpyFile::new(File::open(labels)?)?.into_vec::<i64>()?;
    let optimiser = match optimiser.as_str() {
        "adam" => Optimiser::Adam,
        "sgd" => Optimiser::Sgd,
        _ => return Err(USAGE.into()),
    };
    let training = Training::new(&graph, images.into_vec()?, &shape, labels)?;
    // Requests are served by a thread of the pool, so that with one thread nothing else runs.
    rayon::scope(|_| serve(training, optimiser))
}

fn serve(mut training: Training, optimiser: Optimiser) -> Result<(), Failure> {
    let sizes = training.weights.iter().map(Vec::len);
    let mut moments: Vec<[Vec<f32>; 2]> = sizes.map(|n| [vec![0.0; n], vec![0.0; n]]).collect();
    let mut steps = 0;
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let answer = match line.split_whitespace().collect::<Vec<_>>()[..] {
            ["gradient", path] => {
                let (loss, gradients) = training.gradients(&training.without_dropout, 0)?;
                let mut file = std::io::BufWriter::new(File::create(path)?);
                for value in gradients.iter().flatten() {
                    file.write_all(&value.to_le_bytes())?;
                }
                file.flush()?;
                json!({ "loss": loss, "names": training.names })
            }
            ["run", count] => {
                let mut times = Vec::new();
                for _ in 0..count.parse()? {
                    let began = Instant::now();
                    let seed = steps as u64;
                    let (_, gradients) = training.gradients(&training.network, seed)?;
                    steps += 1;
                    let each = training.weights.par_iter_mut().zip(&mut moments);
                    each.zip(&gradients)
                        .for_each(|((w, m), g)| optimiser.update(steps, w, m, g));
                    times.push(began.elapsed().as_secs_f64() * 1e3);
                }
                json!(times)
            }
            ["profile"] => json!(training.profile()),
            _ => {
                return Err(
                    format!("`{line}` is not `gradient FILE`, `run N` or `profile`").into(),
                );
            }
        };
        println!("{answer}");
    }
    Ok(())
}

/// A network with its weights, and what it is trained on.
struct Training {
    network: Trainable,
    without_dropout: Trainable,
    names: Vec<String>,
    shapes: Vec<Vec<usize>>,
    weights: Vec<Vec<f32>>,
    images: Array,
    labels: Vec<i64>,
    device: Device,
}

impl Training {
    fn new(
        graph: &Arc<Graph>,
        images: Vec<f32>,
        shape: &[usize],
        labels: Vec<i64>,
    ) -> Result<Self, Failure> {
        let device = Device::flex();
        let is_running = |name: &str| {
            let mut nodes = graph.nodes.iter();
            let norm = |op_type: &str| op_type == "BatchNormalization";
            nodes.any(|node| {
                let running = node.inputs.get(3..).unwrap_or_default();
                norm(&node.op_type) && running.iter().flatten().any(|input| input == name)
            })
        };
        let floats = graph
            .initializers
            .iter()
            .filter(|(_, tensor)| tensor.element_type().is_float());
        let trained: Vec<String> = floats
            .map(|(name, _)| name.clone())
            .filter(|name| !is_running(name))
            .collect();
        let statistics: HashSet<String> = running_means(graph).into_iter().collect();
        let lowered = |graph: &Arc<Graph>| {
            let mode = Mode::Training {
                statistics: statistics.clone(),
            };
            Trainable::new(graph, shape[0], &shape[1..], &trained, &mode, &device)
        };
        let network = lowered(graph)?;
        let mut plain = Graph::clone(graph);
        for node in &mut plain.nodes {
            if node.op_type == "Dropout" {
                node.op_type = "Identity".to_owned();
                node.inputs.truncate(1);
            }
        }
        let without_dropout = lowered(&Arc::new(plain))?;
        let (mut names, mut shapes, mut weights) = (Vec::new(), Vec::new(), Vec::new());
        for (name, value) in network.parameters()? {
            names.push(name);
            shapes.push(value.shape());
            weights.push(value.into_vec());
        }
        Ok(Self {
            network,
            without_dropout,
            names,
            shapes,
            weights,
            images: Array::from_vec(images, shape, &device),
            labels,
            device,
        })
    }

    /// The mean cross-entropy of the batch, and its gradients to the weights.
    fn gradients(&self, network: &Trainable, seed: u64) -> Result<(f32, Vec<Vec<f32>>), Failure> {
        let leaf = |values: &Vec<f32>| {
            let leaf: Tensor<1> = self.array(values.clone(), &[values.len()]).into_tensor();
            leaf.autodiff().require_grad()
        };
        let leaves: Vec<Tensor<1>> = self.weights.iter().map(leaf).collect();
        let shaped = leaves.iter().zip(&self.shapes);
        let parameters: Vec<Array> = shaped
            .map(|(leaf, shape)| Array::from_tensor(leaf.clone()).reshape(shape))
            .collect();
        let outcome = network.forward(self.images.clone(), &parameters, seed)?;
        let shape = outcome.logits.shape();
        let mut wanted = vec![0.0; shape[0] * shape[1]];
        for (row, &label) in self.labels.iter().enumerate() {
            wanted[row * shape[1] + label as usize] = -1.0 / shape[0] as f32;
        }
        let wanted = self.array(wanted, &shape);
        let losses: Tensor<2> = outcome.logits.log_softmax(1).mul(wanted).into_tensor();
        let loss = losses.sum();
        let mut tape = loss.clone().backward();
        let gradients = leaves.iter().map(|leaf| {
            let gradient = leaf
                .grad_remove(&mut tape)
                .ok_or("a weight without gradient")?;
            Ok(Array::from_tensor(gradient).into_vec())
        });
        let gradients = gradients.collect::<Result<_, Failure>>()?;
        Ok((Array::from_tensor(loss).into_vec()[0], gradients))
    }

    fn profile(&self) -> Vec<(String, String, f64, f64)> {
        let milliseconds = |time: Duration| time.as_secs_f64() * 1e3;
        let parts = self.network.describe().into_iter();
        parts
            .flat_map(|part| match part {
                PlanPart::Step {
                    name,
                    operation,
                    time,
                    ..
                } => vec![(name, operation, milliseconds(time), 0.0)],
                PlanPart::Segment(stages) => stages
                    .into_iter()
                    .map(|stage| {
                        let [forward, backward] = stage.time.map(milliseconds);
                        (stage.names.join(" "), stage.kernel, forward, backward)
                    })
                    .collect(),
            })
            .collect()
    }

    fn array(&self, values: Vec<f32>, shape: &[usize]) -> Array {
        Array::from_vec(values, shape, &self.device)
    }
}

#[derive(Clone, Copy)]
enum Optimiser {
    /// Rate 0.001, betas 0.9 and 0.999.
    Adam,
    /// Rate 0.01, momentum 0.9, weight decay 5e-4.
    Sgd,
}

impl Optimiser {
    fn update(self, step: i32, weight: &mut [f32], moments: &mut [Vec<f32>; 2], gradient: &[f32]) {
        let [first, second] = moments;
        let each = weight.iter_mut().zip(gradient).zip(first);
        match self {
            Self::Adam => {
                let (unbias_1, unbias_2) = (1.0 - 0.9f32.powi(step), 1.0 - 0.999f32.powi(step));
                for (((w, g), m), v) in each.zip(second) {
                    *m += 0.1 * (g - *m);
                    *v += 0.001 * (g * g - *v);
                    *w -= 0.001 * (*m / unbias_1) / ((*v / unbias_2).sqrt() + 1e-8);
                }
            }
            Self::Sgd => {
                for ((w, g), m) in each {
                    *m = 0.9 * *m + g + 5e-4 * *w;
                    *w -= 0.01 * *m;
                }
            }
        }
    }
}
