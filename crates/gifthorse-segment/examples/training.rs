//! Times a step of training a stack of 3x3 convolutions and a fully connected layer, part by part,
//! on one thread.
//!
//! `cargo run --release -p gifthorse-segment --example training -- [SAMPLES]`

// What was measured is printed.
#![allow(clippy::print_stdout)]

use std::time::Instant;

use gifthorse_segment::{
    Binding, Clamp, Graph, MapShape, Operation, Order, Plan, Value, Weights, Window,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let samples: usize = std::env::args().nth(1).map_or(Ok(32), |n| n.parse())?;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
    pool.install(|| {
        for channels in [[16, 32, 64], [32, 64, 128], [128, 256, 512]] {
            let step = Step::new(&channels);
            match step {
                Some(step) => step.time(samples),
                None => println!("{channels:?}: no kernel"),
            }
        }
    });
    Ok(())
}

struct Step {
    what: String,
    plan: Plan,
    values: Vec<Vec<f32>>,
}

const SIDE: usize = 32;
const CLASSES: usize = 16;

impl Step {
    fn new(channels: &[usize]) -> Option<Self> {
        let shape = MapShape {
            height: SIDE,
            width: SIDE,
            channels: 3,
        };
        let mut graph = Graph::new();
        let mut values = Vec::new();
        let mut x = graph.input(shape, Order::ChannelsFirst);
        for &to in channels {
            x = layer(&mut graph, &mut values, x, to, [3, 3])?;
            x = graph.add("relu", Operation::Clamp(Clamp::Relu), &[x])?;
            let window = Window {
                stride: [2, 2],
                ..window([2, 2], 0)
            };
            x = graph.add("pool", Operation::MaxPool(window), &[x])?;
        }
        let MapShape { height, width, .. } = graph.shape(x);
        x = layer(&mut graph, &mut values, x, CLASSES, [height, width])?;
        graph.output(x, Order::ChannelsFirst);
        Some(Self {
            what: format!("{channels:?}"),
            plan: Plan::new(&graph),
            values,
        })
    }

    fn time(&self, samples: usize) {
        let input = vec![0.5; samples * 3 * SIDE * SIDE];
        let cotangent = vec![0.1; samples * CLASSES];
        let bindings = self.values.iter().map(|values| Binding {
            values,
            gradient: true,
        });
        let bindings: Vec<Binding<'_>> = bindings.collect();
        let mut best = [f64::INFINITY; 3];
        for _ in 0..10 {
            let start = Instant::now();
            let plan = self.plan.bind(&bindings, &[false]);
            let bound = start.elapsed();
            let (_, saved) = plan.forward_saving(samples, &[&input]);
            let forward = start.elapsed();
            plan.backward(saved, &[Some(&cotangent)]);
            let times = [bound, forward - bound, start.elapsed() - forward];
            for (best, time) in best.iter_mut().zip(times) {
                *best = best.min(time.as_secs_f64() * 1e3);
            }
        }
        let [bind, forward, backward] = best;
        println!(
            "{}: {bind:.2} ms to bind, {forward:.2} ms forward, {backward:.2} ms backward",
            self.what
        );
    }
}

fn window(kernel: [usize; 2], pad: usize) -> Window {
    Window {
        kernel,
        stride: [1, 1],
        dilation: [1, 1],
        pads: [(pad, pad); 2],
    }
}

/// A convolution with parameters: padded by one if its window is three wide, else not.
fn layer(
    graph: &mut Graph,
    values: &mut Vec<Vec<f32>>,
    x: Value,
    outputs: usize,
    kernel: [usize; 2],
) -> Option<Value> {
    let count = graph.shape(x).channels * outputs * kernel[0] * kernel[1];
    let weight = (0..count).map(|i| ((i as f32 * 0.618).fract() - 0.5) / 10.0);
    values.push(weight.collect());
    values.push(vec![0.1; outputs]);
    let operation = Operation::Convolution {
        weights: Weights::Trained {
            weight: graph.parameter(count),
            bias: Some(graph.parameter(outputs)),
        },
        outputs,
        window: window(kernel, usize::from(kernel == [3, 3])),
        groups: 1,
    };
    graph.add("layer", operation, &[x])
}
