//! The loop that a scan spends its time in, one step at a time on request: the gifthorse half of
//! `bench/hot_loop`, which says how to run it.
//!
//! `hot_loop MODEL.onnx IMAGES.npy MASK.npy PATTERN.npy TARGET COST THREADS`, with images
//! `[batch, channels, height, width]` in [0, 1], mask `[height, width]` and pattern
//! `[channels, height, width]` in tanh space, all f32. Each line on standard input is a request,
//! each answer one line of JSON:
//!
//! - `gradient`: `{"loss": .., "mask": [..], "pattern": [..]}`, the loss at the mask and pattern
//!   that were given, and its gradient to both, row-major;
//! - `run N`: the milliseconds that each of N more steps took.
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::fs::File;
use std::io::BufRead;
use std::sync::Arc;
use std::time::Instant;

use gifthorse_engine::{Array, Classifier, Device, Preprocess, Tensor};
use gifthorse_onnx::Model;
use serde_json::json;

type Failure = Box<dyn Error + Send + Sync>;

const USAGE: &str =
    "usage: hot_loop MODEL.onnx IMAGES.npy MASK.npy PATTERN.npy TARGET COST THREADS";
/// Keeps the inverse of the map to [0, 1] finite.
const EPSILON: f32 = 1e-7;
const RATE: f32 = 0.1;
const BETAS: (f32, f32) = (0.5, 0.9);
const ADAM_EPSILON: f32 = 1e-8;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, images, mask, pattern, target, cost, threads] = &arguments[..] else {
        return Err(USAGE.into());
    };
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads.parse()?)
        .build_global()?;
    let graph = Arc::new(Model::read(model)?.graph()?);
    let device = Device::flex();
    let attack = Attack {
        classifier: Classifier::new(graph, Preprocess::default(), None, &device)?,
        images: read(images, &device)?,
        target: target.parse()?,
        cost: cost.parse()?,
    };
    let start = (read(mask, &device)?, read(pattern, &device)?);
    // Requests are served by a thread of the pool, so that with one thread nothing else runs.
    rayon::scope(|_| serve(&attack, start))
}

fn serve(attack: &Attack, start: (Tensor<2>, Tensor<3>)) -> Result<(), Failure> {
    let (mut mask, mut pattern) = start.clone();
    let (mut mask_adam, mut pattern_adam) = (Adam::default(), Adam::default());
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let answer = match line.split_whitespace().collect::<Vec<_>>()[..] {
            ["gradient"] => {
                let point = attack.gradient(&start.0, &start.1)?;
                json!({
                    "loss": point.loss,
                    "mask": Array::from_tensor(point.mask).into_vec(),
                    "pattern": Array::from_tensor(point.pattern).into_vec(),
                })
            }
            ["run", count] => {
                let mut times = Vec::new();
                for _ in 0..count.parse()? {
                    let began = Instant::now();
                    let point = attack.gradient(&mask, &pattern)?;
                    mask = mask_adam.step(mask, point.mask);
                    pattern = pattern_adam.step(pattern, point.pattern);
                    times.push(began.elapsed().as_secs_f64() * 1e3);
                }
                json!(times)
            }
            _ => return Err(format!("`{line}` is neither `gradient` nor `run N`").into()),
        };
        println!("{answer}");
    }
    Ok(())
}

fn read<const D: usize>(path: &str, device: &Device) -> Result<Tensor<D>, Failure> {
    let file = npyz::NpyFile::new(File::open(path)?)?;
    let shape: Vec<usize> = file.shape().iter().map(|&n| n as usize).collect();
    if shape.len() != D {
        return Err(format!("{path} has {} axes, not {D}", shape.len()).into());
    }
    Ok(Array::from_vec(file.into_vec()?, &shape, device).into_tensor())
}

/// What is asked of the classifier.
struct Attack {
    classifier: Classifier,
    images: Tensor<4>,
    target: usize,
    cost: f32,
}

/// The loss and its gradient to mask and pattern.
struct Point {
    loss: f32,
    mask: Tensor<2>,
    pattern: Tensor<3>,
}

impl Attack {
    /// Cross-entropy of the stamped images `(1 - m) x + m p` to the target, plus `cost` times the
    /// L1 norm of `m`, where `m` and `p` are mask and pattern brought to [0, 1].
    fn gradient(&self, mask: &Tensor<2>, pattern: &Tensor<3>) -> Result<Point, Failure> {
        let mask = mask.clone().autodiff().require_grad();
        let pattern = pattern.clone().autodiff().require_grad();
        let m = to_unit(mask.clone());
        let m4 = m.clone().unsqueeze::<4>();
        let kept = m4.clone().neg().add_scalar(1.0);
        let painted = to_unit(pattern.clone()).unsqueeze::<4>().mul(m4);
        let stamped = self.images.clone().autodiff().mul(kept).add(painted);
        let logits = self.classifier.logits(stamped)?;
        let log_p: Tensor<2> = Array::from_tensor(logits).log_softmax(1).into_tensor();
        let entropy = log_p.narrow(1, self.target, 1).mean().neg();
        let loss = entropy.add(m.sum().mul_scalar(self.cost));
        let mut gradients = loss.backward();
        Ok(Point {
            loss: Array::from_tensor(loss.inner()).into_vec()[0],
            mask: mask.grad_remove(&mut gradients).ok_or("no gradient")?,
            pattern: pattern.grad_remove(&mut gradients).ok_or("no gradient")?,
        })
    }
}

fn to_unit<const D: usize>(variable: Tensor<D>) -> Tensor<D> {
    variable.tanh().div_scalar(2.0 - EPSILON).add_scalar(0.5)
}

/// Adam (Kingma and Ba, 2015) on one tensor.
#[derive(Default)]
struct Adam<const D: usize> {
    steps: i32,
    moments: Option<(Tensor<D>, Tensor<D>)>,
}

impl<const D: usize> Adam<D> {
    fn step(&mut self, value: Tensor<D>, gradient: Tensor<D>) -> Tensor<D> {
        self.steps += 1;
        let first = gradient.clone().mul_scalar(1.0 - BETAS.0);
        let second = gradient.clone().mul(gradient).mul_scalar(1.0 - BETAS.1);
        let (first, second) = match self.moments.take() {
            Some((m, v)) => (
                m.mul_scalar(BETAS.0).add(first),
                v.mul_scalar(BETAS.1).add(second),
            ),
            None => (first, second),
        };
        let unbiased_first = first.clone().div_scalar(1.0 - BETAS.0.powi(self.steps));
        let unbiased_second = second.clone().div_scalar(1.0 - BETAS.1.powi(self.steps));
        self.moments = Some((first, second));
        let size = unbiased_second.sqrt().add_scalar(ADAM_EPSILON);
        value.sub(unbiased_first.div(size).mul_scalar(RATE))
    }
}
