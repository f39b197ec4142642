use proptest::prelude::*;

use super::*;
use crate::testing::{difference, numbers, to_lanes};
use crate::{Binding, Clamp, Graph, Operation, Order, Plan};

const EPSILON: f32 = 1e-3;

/// `[pixel][channel]` values with a mean that is large beside their deviation.
fn values(count: usize, channels: usize, seed: u64) -> Vec<f32> {
    let random = numbers(count * channels, seed).into_iter().enumerate();
    random
        .map(|(i, v)| v + 10.0 * (i % channels) as f32)
        .collect()
}

/// Mean and sum of squared deviations of one channel.
fn moments_of(values: &[f32], channels: usize, channel: usize) -> (f64, f64) {
    let own = || {
        values
            .iter()
            .skip(channel)
            .step_by(channels)
            .map(|&v| f64::from(v))
    };
    let mean = own().sum::<f64>() / own().count() as f64;
    (mean, own().map(|v| (v - mean).powi(2)).sum())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn sums_are_those_of_the_definition(
        pixels in 1usize..400,
        channels in 1usize..100,
        cut in 0.0..1.0f64,
        seed in any::<u64>(),
    ) {
        let (x, g) = (values(pixels, channels, seed), numbers(pixels * channels, !seed));
        let shape = MapShape { height: 1, width: pixels, channels };
        let (groups, lanes, gradient) = (shape.groups(), to_lanes(&x, shape), to_lanes(&g, shape));
        let cut = (cut * pixels as f64) as usize * groups;
        for isa in Isa::available() {
            let mut moments = Moments::of(isa, groups, &lanes[..cut]);
            moments.join(&Moments::of(isa, groups, &lanes[cut..]));
            prop_assert_eq!(moments.count, pixels);
            let mut sums = GradientSums::of(isa, &moments, &lanes[..cut], &gradient[..cut]);
            sums.join(&GradientSums::of(isa, &moments, &lanes[cut..], &gradient[cut..]));
            for channel in 0..channels {
                let (mean, squares) = moments_of(&x, channels, channel);
                prop_assert!((moments.mean[channel] - mean).abs() < 1e-6 * mean.abs().max(1.0));
                let apart = (moments.squares[channel] - squares).abs();
                prop_assert!(apart < 1e-4 * squares.max(1e-2), "{} not {}", moments.squares[channel], squares);
                let own = (channel..x.len()).step_by(channels);
                let pairs = own.map(|i| (f64::from(g[i]), f64::from(x[i]) - mean));
                let (plain, along) = pairs.fold((0.0, 0.0), |(p, a), (g, d)| (p + g, a + g * d));
                prop_assert!((sums.plain[channel] - plain).abs() < 1e-5 * pixels as f64);
                prop_assert!((sums.along[channel] - along).abs() < 1e-6 * pixels as f64);
            }
        }
    }
}

/// `clamp(norm(x) + y)` on maps of two groups of channels.
fn plan(shape: MapShape) -> Plan {
    let mut graph = Graph::new();
    let x = graph.input(shape, Order::ChannelsLast);
    let y = graph.input(shape, Order::ChannelsLast);
    let operation = Operation::BatchNorm {
        epsilon: EPSILON,
        scale: graph.parameter(shape.channels),
        bias: graph.parameter(shape.channels),
        tag: 9,
    };
    let normed = graph.add("norm", operation, &[x]).unwrap();
    let sum = graph.add("sum", Operation::Sum, &[normed, y]).unwrap();
    let relu = Operation::Clamp(Clamp::Relu);
    let out = graph.add("relu", relu, &[sum]).unwrap();
    graph.output(out, Order::ChannelsLast);
    Plan::new(&graph)
}

#[test]
fn a_fused_norm_and_its_gradients_are_those_of_the_definition() {
    let shape = MapShape {
        height: 3,
        width: 4,
        channels: 19,
    };
    let (samples, channels) = (11, shape.channels);
    let pixels = samples * shape.pixels();
    let x = values(pixels, channels, 1);
    let y = numbers(x.len(), 2);
    let cotangent = numbers(x.len(), 3);
    let scale: Vec<f32> = numbers(channels, 4).iter().map(|v| v + 2.0).collect();
    let bias = numbers(channels, 5);
    let plan = plan(shape);
    let binding = |values, gradient| Binding { values, gradient };
    let bound = plan.bind(
        &[binding(&scale, true), binding(&bias, true)],
        &[true, true],
    );
    let (outputs, saved) = bound.forward_saving(samples, &[&x, &y]);
    let statistics = saved.statistics().to_vec();
    let gradients = bound.backward(saved, &[Some(&cotangent)]);

    let mut wanted = vec![0.0; x.len()];
    let (mut to_x, mut to_y) = (wanted.clone(), wanted.clone());
    let (mut to_scale, mut to_bias) = (Vec::new(), Vec::new());
    let [seen] = &statistics[..] else {
        unreachable!("there is one norm");
    };
    assert_eq!((seen.tag, seen.count), (9, pixels));
    for channel in 0..channels {
        let (mean, squares) = moments_of(&x, channels, channel);
        assert!((f64::from(seen.mean[channel]) - mean).abs() < 1e-5 * mean.max(1.0));
        let unbiased = squares / (pixels - 1) as f64;
        assert!((f64::from(seen.variance[channel]) - unbiased).abs() < 1e-5 * unbiased);
        let deviation = (squares / pixels as f64 + f64::from(EPSILON)).sqrt();
        let own = || (channel..x.len()).step_by(channels);
        let normal = |i: usize| (f64::from(x[i]) - mean) / deviation;
        let (scale, bias) = (f64::from(scale[channel]), f64::from(bias[channel]));
        let sum = |i: usize| normal(i) * scale + bias + f64::from(y[i]);
        let gradient = |i: usize| match sum(i) > 0.0 {
            true => f64::from(cotangent[i]),
            false => 0.0,
        };
        let mean_of = |of: &dyn Fn(usize) -> f64| own().map(of).sum::<f64>() / pixels as f64;
        let (plain, along) = (mean_of(&gradient), mean_of(&|i| gradient(i) * normal(i)));
        for i in own() {
            wanted[i] = sum(i).max(0.0) as f32;
            to_y[i] = gradient(i) as f32;
            to_x[i] = (scale / deviation * (gradient(i) - plain - normal(i) * along)) as f32;
        }
        to_scale.push((along * pixels as f64) as f32);
        to_bias.push((plain * pixels as f64) as f32);
    }
    assert_eq!(difference(&wanted, &outputs[0], 1e-4), None);
    let inputs: Vec<Vec<f32>> = gradients.inputs.into_iter().flatten().collect();
    assert_eq!(difference(&to_x, &inputs[0], 1e-4), None);
    assert_eq!(difference(&to_y, &inputs[1], 0.0), None);
    let parameters: Vec<Vec<f32>> = gradients.parameters.into_iter().flatten().collect();
    assert_eq!(difference(&to_scale, &parameters[0], 1e-4), None);
    assert_eq!(difference(&to_bias, &parameters[1], 1e-4), None);

    // Without a gradient to the parameters, those to the inputs are the same.
    let bound = plan.bind(
        &[binding(&scale, false), binding(&bias, false)],
        &[true, true],
    );
    let (_, saved) = bound.forward_saving(samples, &[&x, &y]);
    let gradients = bound.backward(saved, &[Some(&cotangent)]);
    assert_eq!(gradients.parameters, [None, None]);
    assert_eq!(
        gradients.inputs.into_iter().flatten().collect::<Vec<_>>(),
        inputs
    );
}

/// A gradient that is the same everywhere goes to the bias alone: whatever is left of it along the
/// deviations comes from the mean that they are taken from.
#[test]
fn a_mean_between_two_numbers_of_single_precision_is_the_mean() {
    let shape = MapShape::vector(1);
    // Half of them 4096 and half of them the next number: their mean lies between the two.
    let x: Vec<f32> = (0..300).map(|i| 4096.0 + (i % 2) as f32 / 2048.0).collect();
    let (lanes, ones) = (to_lanes(&x, shape), to_lanes(&[1.0; 300], shape));
    for isa in Isa::available() {
        let moments = Moments::of(isa, 1, &lanes);
        assert_eq!(moments.mean[0], 4096.0 + 1.0 / 4096.0);
        let sums = GradientSums::of(isa, &moments, &lanes, &ones);
        assert_eq!((sums.plain[0], sums.along[0]), (300.0, 0.0));
    }
}

#[test]
fn a_single_number_becomes_the_bias() {
    let plan = plan(MapShape::vector(1));
    let values = [[3.0f32], [0.5]];
    let bindings = values.each_ref().map(|values| Binding {
        values,
        gradient: true,
    });
    let bound = plan.bind(&bindings, &[true, true]);
    let (outputs, saved) = bound.forward_saving(1, &[&[7.0], &[0.0]]);
    assert_eq!(outputs, [[0.5]]);
    assert_eq!(saved.statistics()[0].variance, [0.0]);
    let gradients = bound.backward(saved, &[Some(&[1.0])]);
    assert_eq!(gradients.inputs, [Some(vec![0.0]), Some(vec![1.0])]);
    assert_eq!(gradients.parameters, [Some(vec![0.0]), Some(vec![1.0])]);
}

#[test]
fn a_norm_without_its_parameters_is_refused() {
    let mut graph = Graph::new();
    let x = graph.input(MapShape::vector(5), Order::ChannelsLast);
    let (scale, bias) = (graph.parameter(5), graph.parameter(4));
    let operation = Operation::BatchNorm {
        epsilon: EPSILON,
        scale,
        bias,
        tag: 0,
    };
    assert!(graph.add("norm", operation, &[x]).is_none());
}
