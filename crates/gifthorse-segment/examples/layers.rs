//! Times single 3x3 layers, forward and backward, on one thread.
//!
//! `cargo run --release -p gifthorse-segment --example layers -- [SAMPLES]`

// What was measured is printed.
#![allow(clippy::print_stdout)]

use std::time::Instant;

use gifthorse_segment::{Clamp, Graph, MapShape, Operation, Order, Plan, Weights, Window};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let samples: usize = std::env::args().nth(1).map_or(Ok(16), |n| n.parse())?;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
    pool.install(|| {
        println!("layer | ms forward | GFLOP/s (as if direct) | ms backward | GFLOP/s");
        for (size, from, to) in [
            (32, 3, 32),
            (32, 32, 32),
            (16, 32, 64),
            (16, 64, 64),
            (8, 64, 128),
            (8, 128, 128),
            (32, 3, 64),
            (32, 64, 64),
            (16, 128, 128),
            (8, 256, 256),
            (4, 512, 512),
        ] {
            layer(samples, size, from, to);
        }
    });
    Ok(())
}

fn layer(samples: usize, size: usize, from: usize, to: usize) {
    let weight: Vec<f32> = (0..9 * from * to)
        .map(|i| (i as f32 * 0.618).fract() - 0.5)
        .collect();
    let shape = MapShape {
        height: size,
        width: size,
        channels: from,
    };
    let mut graph = Graph::new();
    let x = graph.input(shape, Order::ChannelsLast);
    let window = Window {
        kernel: [3, 3],
        stride: [1, 1],
        dilation: [1, 1],
        pads: [(1, 1); 2],
    };
    let conv = Operation::Convolution {
        weights: Weights::Fixed {
            weight: &weight,
            bias: None,
        },
        outputs: to,
        window,
        groups: 1,
    };
    let Some(y) = graph.add("conv", conv, &[x]) else {
        return println!("no kernel");
    };
    let Some(y) = graph.add("relu", Operation::Clamp(Clamp::Relu), &[y]) else {
        return println!("no kernel");
    };
    graph.output(y, Order::ChannelsLast);
    let plan = Plan::new(&graph);
    let input = vec![0.5; samples * shape.elements()];
    let cotangent = vec![0.5; samples * size * size * to];
    let mut best = [f64::INFINITY; 2];
    let start = Instant::now();
    let mut before = [0.0; 2];
    while start.elapsed().as_secs_f64() < 0.7 {
        let (_, saved) = plan.forward_saving(samples, &[&input]);
        plan.backward(saved, &[Some(&cotangent)]);
        let sum = plan.describe().iter().fold([0.0; 2], |sum, stage| {
            [0, 1].map(|way| sum[way] + stage.time[way].as_secs_f64())
        });
        for i in 0..2 {
            best[i] = best[i].min(sum[i] - before[i]);
        }
        before = sum;
    }
    let operations = (2 * 9 * from * to * size * size * samples) as f64;
    println!(
        "{from}->{to} @{size} | {:.3} | {:.0} | {:.3} | {:.0}",
        best[0] * 1e3,
        operations / best[0] / 1e9,
        best[1] * 1e3,
        operations / best[1] / 1e9
    );
}
