//! Times the hot loop of a scan on a model: forward and backward to the input, one thread.
//!
//! `cargo run --release -p gifthorse-engine --example gradient -- MODEL.onnx [BATCH]`

// What was measured is printed.
#![allow(clippy::print_stdout)]

use std::sync::Arc;
use std::time::Instant;

use gifthorse_engine::{Array, Classifier, Device, PlanPart, Preprocess, Tensor};
use gifthorse_onnx::Model;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments
        .next()
        .ok_or("usage: gradient MODEL.onnx [BATCH]")?;
    let batch: usize = arguments.next().map_or(Ok(32), |b| b.parse())?;
    let graph = Arc::new(Model::read(&path)?.graph()?);
    let device = Device::flex();
    let classifier = Classifier::new(graph, Preprocess::default(), None, &device)?;
    let [channels, height, width] = classifier.shape();
    let shape = [batch, channels, height, width];
    let pixels = (0..shape.iter().product()).map(|i: usize| (i as f32 * 0.618_034).fract());
    let pixels = Array::from_vec(pixels.collect(), &shape, &device);
    let mut times = Vec::new();
    for _ in 0..8 {
        let start = Instant::now();
        let images: Tensor<4> = pixels.clone().into_tensor();
        let images = images.autodiff().require_grad();
        let logits = classifier.logits(images.clone())?;
        let mut gradients = logits.slice([0..batch, 0..1]).sum().backward();
        let gradient = images.grad_remove(&mut gradients).ok_or("no gradient")?;
        let size = Array::from_tensor(gradient.abs().sum()).into_vec()[0];
        times.push(start.elapsed().as_secs_f64() * 1e3);
        if times.len() == 1 {
            println!("sum of |gradient| {size}");
        }
    }
    times.remove(0);
    times.sort_by(f64::total_cmp);
    println!(
        "{path}: batch {batch}, {:.1} ms (median of {})",
        times[times.len() / 2],
        times.len()
    );
    for part in classifier.network().plan(batch)? {
        match part {
            PlanPart::Segment(stages) => {
                for stage in stages {
                    let [forward, backward] = stage.time.map(|t| t.as_secs_f64() * 1e3 / 8.0);
                    let rate = stage.work.operations * batch as f64 / forward / 1e6;
                    println!(
                        "{:28} {:?} {forward:.3} ms forward ({rate:.0} GFLOP/s), {backward:.3} ms backward",
                        stage.kernel, stage.output
                    );
                }
            }
            PlanPart::Step { name, shape, .. } => println!("{name} {shape:?}"),
        }
    }
    Ok(())
}
