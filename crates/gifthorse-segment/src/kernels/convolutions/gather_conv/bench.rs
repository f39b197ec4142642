//! Speed, as a share of what the processor's multipliers could do. Run by
//! `cargo test --release -p gifthorse-segment speed_of -- --ignored --nocapture`.

#![allow(clippy::print_stdout, reason = "it prints a table on request")]

use std::time::Instant;

use super::*;
use crate::kernels::contract::Batch;
use crate::kernels::convolutions::naive;
use crate::kernels::window::Window;
use crate::lanes::{Lanes, Task};
use crate::testing::{numbers, to_lanes};

/// Independent multiplications and additions, as many as keep the multipliers busy.
struct Multiply {
    times: usize,
    sum: f32,
}

impl Task for &mut Multiply {
    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let (a, b) = (lanes.splat(0.999), lanes.splat(1e-3));
        let mut sums = [lanes.splat(self.sum); 12];
        for _ in 0..self.times {
            for sum in &mut sums {
                *sum = lanes.mul_add(a, *sum, b);
            }
        }
        let mut total = [0.0; 16];
        for sum in sums {
            let mut values = [0.0; 16];
            lanes.store(&mut values, sum);
            for i in 0..16 {
                total[i] += values[i];
            }
        }
        self.sum = total.iter().sum();
    }
}

/// The shortest of several times, in seconds.
pub(crate) fn best(mut run: impl FnMut()) -> f64 {
    run();
    let begin = Instant::now();
    let mut best = f64::INFINITY;
    while begin.elapsed().as_secs_f64() < 0.4 {
        let start = Instant::now();
        run();
        best = best.min(start.elapsed().as_secs_f64());
    }
    best
}

/// Operations a second that the multipliers can do, on one thread.
pub(crate) fn peak() -> f64 {
    let mut task = Multiply {
        times: 1_000_000,
        sum: 1.0,
    };
    let isa = Isa::detect();
    let seconds = best(|| isa.run(&mut task));
    assert!(task.sum.is_finite());
    2.0 * 12.0 * 16.0 * task.times as f64 / seconds
}

/// Multiplications and additions that the definition makes, pads included.
fn operations(spec: &ConvSpec, samples: usize) -> f64 {
    2.0 * (spec.weight_length() * spec.narrow().pixels() * samples) as f64
}

/// Runs a kernel both ways and prints a line.
pub(crate) fn measure(what: &str, kernel: &dyn Kernel, spec: &ConvSpec, samples: usize) {
    let operations = operations(spec, samples);
    let input = to_lanes(&numbers(samples * spec.input.elements(), 1), spec.input);
    let gradient = to_lanes(&numbers(samples * spec.output.elements(), 2), spec.output);
    let mut out = vec![Lane::default(); gradient.len()];
    let mut gradient_in = vec![Lane::default(); input.len()];
    let forward = best(|| {
        kernel.forward(Forward {
            samples,
            batch: Batch::default(),
            inputs: &[&input],
            out: &mut out,
            finish: Finish::PLAIN,
            notes: &mut [],
        });
    });
    let backward = best(|| {
        kernel.backward(Backward {
            samples,
            batch: Batch::default(),
            to: 0,
            gradient: &gradient,
            inputs: &[],
            output: &[],
            notes: &[],
            out: &mut gradient_in,
            finish: Finish::PLAIN,
        });
    });
    let peak = peak();
    let column = |seconds: f64| {
        let rate = operations / seconds;
        format!(
            "{:8.3} ms {:6.1} GFLOP/s {:3.0} %",
            1e3 * seconds,
            rate / 1e9,
            100.0 * rate / peak
        )
    };
    println!(
        "{what:34} b{samples:<3} {} | {}",
        column(forward),
        column(backward)
    );
}

fn window(kernel: usize, stride: usize, pad: usize) -> Window {
    Window {
        kernel: [kernel; 2],
        stride: [stride; 2],
        dilation: [1; 2],
        pads: [(pad, pad); 2],
    }
}

#[test]
#[ignore = "measures speed"]
fn speed_of_gathered_convolutions() {
    println!(
        "multipliers: {:.1} GFLOP/s; forward | backward",
        peak() / 1e9
    );
    let cases = [
        ("3x3 s1 64->64 @32", [32, 32, 64], 64, window(3, 1, 1), 16),
        ("3x3 s1 512->512 @4", [4, 4, 512], 512, window(3, 1, 1), 16),
        ("3x3 s2 64->128 @32", [32, 32, 64], 128, window(3, 2, 1), 16),
        ("3x3 s2 256->512 @8", [8, 8, 256], 512, window(3, 2, 1), 16),
        ("1x1 s2 64->128 @32", [32, 32, 64], 128, window(1, 2, 0), 16),
        ("7x7 s2 3->64 @224", [224, 224, 3], 64, window(7, 2, 3), 2),
        ("3x3 s1 3->64 @32", [32, 32, 3], 64, window(3, 1, 1), 16),
        (
            "16x16 s16 3->768 @224",
            [224, 224, 3],
            768,
            window(16, 16, 0),
            2,
        ),
        ("fc 2048->512", [1, 1, 2048], 512, window(1, 1, 0), 16),
        ("fc 2048->512", [1, 1, 2048], 512, window(1, 1, 0), 32),
        ("fc 512->43", [1, 1, 512], 43, window(1, 1, 0), 16),
        ("fc 512->43", [1, 1, 512], 43, window(1, 1, 0), 32),
        ("fc 7x7x512->4096", [7, 7, 512], 4096, window(7, 1, 0), 16),
        (
            "linear 197x768->3072",
            [1, 197, 768],
            3072,
            window(1, 1, 0),
            4,
        ),
        (
            "linear 197x3072->768",
            [1, 197, 3072],
            768,
            window(1, 1, 0),
            4,
        ),
        ("1x1 24->144 @56", [56, 56, 24], 144, window(1, 1, 0), 4),
        ("1x1 144->24 @56", [56, 56, 144], 24, window(1, 1, 0), 4),
        ("1x1 320->1280 @7", [7, 7, 320], 1280, window(1, 1, 0), 16),
    ];
    for (what, input, outputs, window, samples) in cases {
        let Some(spec) = naive::convolution(input, outputs, window, 1) else {
            panic!("{what}: no window fits");
        };
        let weight = numbers(spec.weight_length(), 3);
        let kernel = GatherConv::new(&spec, &weight, None, None);
        measure(what, &kernel, &spec, samples);
    }
}

/// A weight packed for each direction, and one packed once.
#[test]
#[ignore = "measures speed"]
fn speed_of_turned_weights() {
    for (what, input, outputs, window, samples) in [
        ("fc 7x7x512->4096", [7, 7, 512], 4096, window(7, 1, 0), 32),
        ("fc 4096->4096", [1, 1, 4096], 4096, window(1, 1, 0), 32),
        (
            "linear 17x1024->4096",
            [1, 17, 1024],
            4096,
            window(1, 1, 0),
            32,
        ),
        (
            "linear 197x1024->4096",
            [1, 197, 1024],
            4096,
            window(1, 1, 0),
            8,
        ),
        (
            "linear 197x4096->1024",
            [1, 197, 4096],
            1024,
            window(1, 1, 0),
            8,
        ),
        (
            "linear 197x1024->3072",
            [1, 197, 1024],
            3072,
            window(1, 1, 0),
            8,
        ),
    ] {
        let Some(spec) = naive::convolution(input, outputs, window, 1) else {
            panic!("{what}: no window fits");
        };
        let weight = numbers(spec.weight_length(), 3);
        for once in [None, Some(0), None, Some(0)] {
            let kernel = GatherConv::new(&spec, &weight, None, once);
            let times = if once.is_some() { "once" } else { "twice" };
            measure(&format!("{what} {times}"), &kernel, &spec, samples);
        }
    }
}

#[test]
#[ignore = "measures speed"]
fn speed_of_weight_gradients() {
    for (what, input, outputs, window, samples) in [
        ("3x3 s1 64->64 @32", [32, 32, 64], 64, window(3, 1, 1), 16),
        ("3x3 s2 256->512 @8", [8, 8, 256], 512, window(3, 2, 1), 16),
        ("7x7 s2 3->64 @224", [224, 224, 3], 64, window(7, 2, 3), 2),
        ("fc 2048->512", [1, 1, 2048], 512, window(1, 1, 0), 32),
        (
            "linear 197x768->3072",
            [1, 197, 768],
            3072,
            window(1, 1, 0),
            4,
        ),
    ] {
        let Some(spec) = naive::convolution(input, outputs, window, 1) else {
            panic!("{what}: no window fits");
        };
        let input = to_lanes(&numbers(samples * spec.input.elements(), 1), spec.input);
        let gradient = to_lanes(&numbers(samples * spec.output.elements(), 2), spec.output);
        let sought = WeightGradient::new(spec);
        let asked = Asked {
            weight: true,
            bias: true,
        };
        let seconds = best(|| {
            let mut sums = sought.zeros(asked);
            sought.add(samples, &input, &gradient, &mut sums);
            sought.finish(&sums);
        });
        let rate = operations(&spec, samples) / seconds;
        println!(
            "gradient to weight, {what:24} b{samples:<3} {:8.3} ms {:6.1} GFLOP/s {:3.0} %",
            1e3 * seconds,
            rate / 1e9,
            100.0 * rate / peak()
        );
    }
}
