//! The prediction against what a plan really holds.

use super::*;
use crate::{Clamp, Graph, MapShape, Operation, Order, Weights, Window};

/// A residual block with strides, pools and a layer whose backward pass reads its input.
fn network() -> Plan {
    let window = |stride: usize| Window {
        kernel: [3, 3],
        stride: [stride; 2],
        dilation: [1, 1],
        pads: [(1, 1); 2],
    };
    let convolution = |weight, outputs, stride| Operation::Convolution {
        weights: Weights::Fixed { weight, bias: None },
        outputs,
        window: window(stride),
        groups: 1,
    };
    let mut graph = Graph::new();
    let image = MapShape {
        height: 12,
        width: 10,
        channels: 3,
    };
    let image = graph.input(image, Order::ChannelsFirst);
    let first = vec![0.1; 20 * 3 * 9];
    let second = vec![0.1; 20 * 20 * 9];
    let third = vec![0.1; 40 * 20 * 9];
    let mut add = |name, operation, inputs: &[Value]| graph.add(name, operation, inputs).unwrap();
    let a = add("first", convolution(&first, 20, 1), &[image]);
    let a = add("relu", Operation::Clamp(Clamp::Relu), &[a]);
    let b = add("second", convolution(&second, 20, 1), &[a]);
    let b = add("sum", Operation::Sum, &[b, a]);
    let b = add("softmax", Operation::Softmax, &[b]);
    let c = add("third", convolution(&third, 40, 2), &[b]);
    let c = add("clip", Operation::Clamp(Clamp::Relu), &[c]);
    let d = add("pool", Operation::MaxPool(window(2)), &[c]);
    graph.output(d, Order::ChannelsFirst);
    Plan::new(&graph)
}

/// Bytes of the values and notes that a plan holds.
fn held(plan: &Plan) -> usize {
    let notes = |tape: &crate::plan::arena::Tape| -> usize {
        let passes = tape.passes.iter().map(|bits| size_of_val(&bits[..]));
        let notes = tape.notes.iter().map(|notes| size_of_val(&notes[..]));
        passes.chain(notes).sum()
    };
    let arenas: usize = plan.arenas.all(|arena| arena.free_lanes()).iter().sum();
    let lanes = arenas + plan.tapes.all(|tape| tape.lanes()).iter().sum::<usize>();
    lanes * size_of::<Lane>() + plan.tapes.all(notes).iter().sum::<usize>()
}

fn on_one_thread(run: impl FnOnce() + Send) {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
    pool.unwrap().install(run);
}

fn pass(samples: usize, backward: bool) -> Pass {
    Pass {
        samples,
        backward,
        together: false,
    }
}

#[test]
fn values_are_as_many_as_the_arenas_hold() {
    for passes in [
        vec![pass(7, false)],
        vec![pass(7, true)],
        vec![pass(50, false), pass(32, true)],
        vec![pass(64, true), pass(5, false)],
    ] {
        let plan = network();
        on_one_thread(|| {
            for pass in passes.iter().cycle().take(4 * passes.len()) {
                let size = plan
                    .inputs()
                    .map(|(shape, _)| shape.elements())
                    .sum::<usize>();
                let pixels = crate::testing::numbers(pass.samples * size, 1);
                let input: &[&[f32]] = &[&pixels];
                if pass.backward {
                    let (outputs, saved) = plan.forward_saving(pass.samples, input);
                    plan.backward(saved, &[Some(&outputs[0])]);
                } else {
                    plan.forward(pass.samples, input);
                }
            }
        });
        assert_eq!(plan.memory(&passes, 1).values, held(&plan), "{passes:?}");
    }
}

#[test]
fn each_thread_has_its_own_unless_it_shares() {
    let plan = network();
    let memory = |threads| plan.memory(&[pass(32, true)], threads);
    let (one, four) = (memory(1), memory(4));
    assert_eq!(one.constants, four.constants);
    assert_eq!(four.ends, 4 * one.ends);
    assert_eq!(four.values, 4 * one.values);
    let shared = Pass {
        together: true,
        ..pass(32, true)
    };
    let shared = plan.memory(&[shared], 4);
    assert_eq!(shared.ends, one.ends);
    assert!(shared.values < 2 * one.values);
}
