//! Times the frozen 3x3 convolution against Burn's own, forward and backward to the input, on
//! one thread: `cargo run --release --example conv_bench`.
//!
//! Both run inside the same autodiff graph (input, convolution, product with a fixed cotangent,
//! sum), turn by turn; what is printed are medians of wall-clock time. GFLOP/s count the
//! multiplications and additions of the direct method, twice (forward and backward), whatever the
//! method did.
#![allow(clippy::print_stdout)]

use std::time::{Duration, Instant};

use burn::backend::ops::ConvOptions;
use burn::tensor::module::conv2d;
use burn::tensor::{Device, Distribution, Tensor};
use gifthorse_engine::kernels::FrozenConv;

/// Batch, input channels, height and width, output channels.
const SHAPES: [[usize; 4]; 8] = [
    [32, 3, 32, 32],
    [32, 32, 32, 32],
    [32, 64, 16, 64],
    [32, 128, 8, 128],
    [32, 256, 4, 256],
    [32, 512, 4, 512],
    [32, 64, 56, 64],
    [32, 8, 32, 8],
];

/// Time to spend on a shape.
const BUDGET: Duration = Duration::from_secs(3);

fn main() {
    println!(
        "{:<24} {:>9} {:>9} {:>9} {:>8} {:>6}",
        "shape", "burn ms", "ours ms", "GFLOP/s", "burn", "ratio"
    );
    for [batch, inputs, size, outputs] in SHAPES {
        let plain = Device::flex();
        let weight = Tensor::<4>::random([outputs, inputs, 3, 3], Distribution::Default, &plain);
        let bias = Tensor::<1>::random([outputs], Distribution::Default, &plain);
        let frozen = frozen(&weight, &bias);
        let device = plain.autodiff();
        let x = Tensor::random([batch, inputs, size, size], Distribution::Default, &device);
        let y = Tensor::random([batch, outputs, size, size], Distribution::Default, &device);
        let weight = Tensor::from_inner(weight);
        let bias = Tensor::from_inner(bias);
        let ours = |x: Tensor<4>| {
            frozen
                .apply(x.into_dispatch())
                .ok()
                .map(Tensor::from_dispatch)
        };
        let burn = |x: Tensor<4>| {
            let options = ConvOptions::new([1, 1], [1, 1], [1, 1], 1);
            Some(conv2d(x, weight.clone(), Some(bias.clone()), options))
        };

        let (mut our_times, mut burn_times) = (Vec::new(), Vec::new());
        let start = Instant::now();
        while our_times.len() < 5 || start.elapsed() < BUDGET {
            burn_times.extend(time(&x, &y, burn));
            our_times.extend(time(&x, &y, ours));
        }
        let (ours, burn) = (median(our_times), median(burn_times));
        let flop = 2.0 * 18.0 * (batch * inputs * outputs * size * size) as f64;
        println!(
            "{:<24} {:>9.2} {:>9.2} {:>9.0} {:>8.0} {:>6.2}",
            format!("[{batch},{inputs},{size},{size}]->{outputs}"),
            burn * 1e3,
            ours * 1e3,
            flop / ours / 1e9,
            flop / burn / 1e9,
            burn / ours,
        );
    }
}

fn frozen(weight: &Tensor<4>, bias: &Tensor<1>) -> FrozenConv {
    let shape = weight.dims();
    let weight = weight.to_data().iter::<f32>().collect::<Vec<_>>();
    let bias = bias.to_data().iter::<f32>().collect::<Vec<_>>();
    FrozenConv::new(&weight, shape, Some(&bias), [(1, 1), (1, 1)])
}

/// Seconds of one forward and backward pass; `None` if the operation does not take the input.
fn time(
    x: &Tensor<4>,
    cotangent: &Tensor<4>,
    f: impl Fn(Tensor<4>) -> Option<Tensor<4>>,
) -> Option<f64> {
    let x = x.clone().require_grad();
    let start = Instant::now();
    let loss = (f(x.clone())? * cotangent.clone()).sum();
    let gradient = x.grad(&loss.backward())?;
    let time = start.elapsed().as_secs_f64();
    drop(gradient);
    Some(time)
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(f64::NAN)
}
