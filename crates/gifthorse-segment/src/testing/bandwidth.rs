//! Speed of the kernels that do little with each number, as a multiple of the time that copying
//! their lanes takes. Run by
//! `cargo test --release -p gifthorse-segment bandwidth -- --ignored --nocapture`.

#![allow(clippy::print_stdout, reason = "it prints a table on request")]

use super::{numbers, to_lanes};
use crate::kernels::batch_matmul::BatchMatmul;
use crate::kernels::contract::{Backward, Batch, Forward, Kernel};
use crate::kernels::convolutions::gather_conv::bench::{best, peak};
use crate::kernels::elementwise::affine::Affine;
use crate::kernels::elementwise::binary::{Arithmetic, Binary, Extent, Operand};
use crate::kernels::elementwise::pointwise::{Function, Pointwise};
use crate::kernels::norms::layer_norm::LayerNorm;
use crate::kernels::norms::softmax::{Normalised, Softmax};
use crate::kernels::pools::average_pool::AveragePool;
use crate::kernels::pools::global_pool::{Global, GlobalPool};
use crate::kernels::pools::max_pool::MaxPool;
use crate::kernels::rearrange::{Origin, Rearrange};
use crate::kernels::window::Window;
use crate::lanes::Lane;
use crate::lanes::finish::Finish;
use crate::lanes::map::MapShape;

/// Both passes of a kernel, and copies of as many lanes as each reads and writes.
fn measure(what: &str, kernel: &dyn Kernel, peak: f64) {
    let samples = 4;
    let (shapes, shape, needs) = (kernel.inputs(), kernel.output(), kernel.needs());
    let lanes = |shape: MapShape| to_lanes(&numbers(samples * shape.elements(), 1), shape);
    let inputs: Vec<Vec<Lane>> = shapes.iter().map(|&shape| lanes(shape)).collect();
    let inputs: Vec<&[Lane]> = inputs.iter().map(Vec::as_slice).collect();
    let mut out = lanes(shape);
    let mut notes = vec![[0; 16]; samples * needs.notes];
    let forward = best(|| {
        kernel.forward(Forward {
            samples,
            batch: Batch::default(),
            inputs: &inputs,
            out: &mut out,
            finish: Finish::PLAIN,
            notes: &mut notes,
        });
    });
    let gradient = lanes(shape);
    let mut gradient_in = lanes(shapes[0]);
    let backward = best(|| {
        kernel.backward(Backward {
            samples,
            batch: Batch::default(),
            to: 0,
            gradient: &gradient,
            inputs: if needs.inputs { &inputs } else { &[] },
            output: if needs.output { &out } else { &[] },
            notes: &notes,
            out: &mut gradient_in,
            finish: Finish::PLAIN,
        });
    });
    // Reads and writes count alike: a copy of half of all lanes touches as many.
    let touched = inputs.iter().map(|lanes| lanes.len()).sum::<usize>() + out.len();
    let (from, mut to) = (
        vec![Lane::default(); touched / 2],
        vec![Lane::default(); touched / 2],
    );
    let copy = best(|| to.copy_from_slice(std::hint::black_box(&from)));
    let share = 100.0 * kernel.work().operations * samples as f64 / peak;
    println!(
        "{what:32} copy {:7.1} us, forward x{:5.2} ({:5.1} % of peak), backward x{:5.2}",
        1e6 * copy,
        forward / copy,
        share / forward,
        backward / copy,
    );
}

fn map(height: usize, width: usize, channels: usize) -> MapShape {
    MapShape {
        height,
        width,
        channels,
    }
}

fn square(side: usize, stride: usize, pad: usize) -> Window {
    Window {
        kernel: [side; 2],
        stride: [stride; 2],
        dilation: [1; 2],
        pads: [(pad, pad); 2],
    }
}

/// Two maps side by side in the channels.
fn joined(pixels: usize, channels: [usize; 2]) -> Vec<Origin> {
    let mut origins = Vec::new();
    for pixel in 0..pixels {
        for (input, count) in channels.into_iter().enumerate() {
            origins.extend((0..count).map(|channel| Origin::Input {
                input,
                element: pixel * count + channel,
            }));
        }
    }
    origins
}

#[test]
#[ignore = "measures speed"]
fn bandwidth() {
    let peak = peak();
    let large = map(28, 28, 64);
    for (side, stride, pad) in [(2, 2, 0), (3, 2, 1), (3, 1, 1)] {
        let kernel = MaxPool::new(large, square(side, stride, pad)).expect("it fits");
        measure(&format!("max pool {side}, stride {stride}"), &kernel, peak);
    }
    let kernel = AveragePool::new(large, &square(2, 2, 0), None).expect("it fits");
    measure("average pool 2, stride 2", &kernel, peak);
    measure(
        "global mean",
        &GlobalPool::new(large, Global::Mean).expect("it fits"),
        peak,
    );
    measure(
        "global max",
        &GlobalPool::new(large, Global::Max).expect("it fits"),
        peak,
    );
    for function in [
        Function::LeakyRelu(0.1),
        Function::Exp,
        Function::Sigmoid,
        Function::Tanh,
        Function::Erf,
        Function::Round,
        Function::Softplus,
    ] {
        measure(
            &format!("{function:?}"),
            &Pointwise::new(large, function),
            peak,
        );
    }
    let each = vec![0.5; 64];
    let kernel = Affine::new(large, &each, &each).expect("it fits");
    measure("affine", &kernel, peak);
    let one_pixel = Extent {
        pixels: false,
        channels: true,
    };
    for (what, extent) in [
        ("of one shape", Extent::ALL),
        ("of a map and a pixel", one_pixel),
    ] {
        let operands = [Operand::Value(extent), Operand::Value(Extent::ALL)];
        let kernel = Binary::new(large, Arithmetic::Mul, operands).expect("it fits");
        measure(&format!("product {what}"), &kernel, peak);
    }
    for channels in [[128, 32], [24, 12]] {
        let shapes = channels.map(|channels| map(28, 28, channels));
        let output = map(28, 28, channels[0] + channels[1]);
        let origins = joined(28 * 28, channels);
        let kernel = Rearrange::new(shapes.to_vec(), output, &origins).expect("it fits");
        measure(&format!("join {channels:?}"), &kernel, peak);
    }
    let tokens = map(1, 197, 192);
    let kernel = Rearrange::new(
        vec![tokens],
        map(3, 197, 64),
        &(0..3 * 197 * 64)
            .map(|at| Origin::Input {
                input: 0,
                element: at / 64 % 197 * 192 + at / (64 * 197) * 64 + at % 64,
            })
            .collect::<Vec<_>>(),
    );
    measure("split heads", &kernel.expect("it fits"), peak);
    let scale = vec![0.5; 192];
    let kernel = LayerNorm::new(tokens, 1e-5, &scale, Some(&scale)).expect("it fits");
    measure("layer norm", &kernel, peak);
    let scores = map(3, 197, 197);
    measure("softmax", &Softmax::new(scores, Normalised::Softmax), peak);
    let heads = map(3, 197, 64);
    for (what, right, left, transposed) in [
        ("queries with keys", heads, heads, true),
        ("scores with values", heads, scores, false),
    ] {
        let kernel = BatchMatmul::new(left, right, transposed).expect("it fits");
        measure(what, &kernel, peak);
    }
}
