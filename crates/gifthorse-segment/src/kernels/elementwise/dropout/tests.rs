use super::*;
use crate::testing::numbers;
use crate::{Graph, Operation, Plan};

const SHAPE: MapShape = MapShape {
    height: 9,
    width: 7,
    channels: 21,
};
const SAMPLES: usize = 40;
const RATIO: f32 = 0.3;

fn plan(order: Order, site: usize) -> Plan {
    let mut graph = Graph::new();
    let x = graph.input(SHAPE, order);
    let operation = Operation::Dropout {
        ratio: RATIO,
        site,
        order,
    };
    let out = graph.add("dropout", operation, &[x]).unwrap();
    graph.output(out, order);
    Plan::new(&graph)
}

/// What a plan makes of ones, and the gradient of the sum of all of it weighted by `cotangent`.
fn run(plan: &Plan, cotangent: &[f32]) -> (Vec<f32>, Vec<f32>) {
    let ones = vec![1.0; SAMPLES * SHAPE.elements()];
    let (mut outputs, saved) = plan.forward_saving(SAMPLES, &[&ones]);
    let mut gradients = plan.backward(saved, &[Some(cotangent)]);
    (
        outputs.remove(0),
        gradients.inputs.remove(0).unwrap_or_default(),
    )
}

#[test]
fn elements_are_dropped_as_their_numbers_say_and_so_is_the_gradient() {
    let cotangent = numbers(SAMPLES * SHAPE.elements(), 1);
    for order in [Order::ChannelsFirst, Order::ChannelsLast] {
        let (output, gradient) = run(&plan(order, 4).with_seed(11), &cotangent);
        for sample in 0..SAMPLES {
            let kept = Kept::new(11, 4, sample, RATIO);
            for element in 0..SHAPE.elements() {
                let at = sample * SHAPE.elements() + element;
                let factor = match kept.keeps(element) {
                    true => 1.0 / (1.0 - RATIO),
                    false => 0.0,
                };
                assert_eq!(output[at], factor);
                assert_eq!(gradient[at], cotangent[at] * factor);
            }
        }
    }
}

#[test]
fn the_share_of_dropped_elements_is_the_ratio_and_the_mean_stays() {
    let plan = plan(Order::ChannelsFirst, 0);
    let cotangent = vec![0.0; SAMPLES * SHAPE.elements()];
    let count = cotangent.len() as f64;
    // Four standard deviations of the share.
    let tolerance = 4.0 * (f64::from(RATIO * (1.0 - RATIO)) / count).sqrt();
    for seed in 0..5 {
        let (output, _) = run(&plan.with_seed(seed), &cotangent);
        let dropped = output.iter().filter(|&&v| v == 0.0).count() as f64 / count;
        assert!((dropped - f64::from(RATIO)).abs() < tolerance, "{dropped}");
        let mean = output.iter().map(|&v| f64::from(v)).sum::<f64>() / count;
        assert!(
            (mean - 1.0).abs() < tolerance / f64::from(1.0 - RATIO),
            "{mean}"
        );
    }
}

#[test]
fn seed_site_sample_and_element_all_matter_but_threads_do_not() {
    let cotangent = vec![1.0; SAMPLES * SHAPE.elements()];
    let on = |threads, plan: &Plan| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        pool.build().unwrap().install(|| run(plan, &cotangent))
    };
    let plan_0 = plan(Order::ChannelsLast, 0);
    let output = on(1, &plan_0.with_seed(3));
    assert_eq!(output, on(3, &plan_0.with_seed(3)));
    assert_ne!(output, on(1, &plan_0.with_seed(4)));
    assert_ne!(output, on(1, &plan(Order::ChannelsLast, 1).with_seed(3)));

    // Masks of two samples, or of two halves of one, agree no more often than chance has it.
    let agree = |a: &[f32], b: &[f32]| {
        let same = a.iter().zip(b).filter(|(a, b)| a == b).count();
        same as f64 / a.len() as f64
    };
    let chance = f64::from(RATIO * RATIO + (1.0 - RATIO) * (1.0 - RATIO));
    let (first, rest) = output.0.split_at(SHAPE.elements());
    let half = SHAPE.elements() / 2;
    for share in [
        agree(first, &rest[..SHAPE.elements()]),
        agree(&first[..half], &first[half..2 * half]),
    ] {
        assert!((share - chance).abs() < 0.08, "{share}, by chance {chance}");
    }
}

#[test]
fn a_ratio_that_leaves_nothing_is_refused() {
    for ratio in [1.0, 1.5, -0.1, f32::NAN] {
        assert!(Dropout::new(SHAPE, ratio, 0, Order::ChannelsLast).is_none());
    }
}
