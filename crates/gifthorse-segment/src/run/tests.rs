//! Plans against the same graph run node by node.

mod plain;
mod random;

use proptest::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::alone::alone;
use crate::kernels::parameter::{Binding, Weights};
use crate::kernels::window::Window;
use crate::lanes::finish::Clamp;
use crate::lanes::map::MapShape;
use crate::lanes::order::Order;
use crate::plan::compiled::Plan;
use crate::plan::graph::Graph;
use crate::plan::operation::Operation;
use crate::run::passes::{Gradients, Saved};
use crate::testing::numbers;
use plain::{Results, execute};
use random::{Recipe, any_recipe};

/// What a graph is run on.
struct Case {
    graph: Graph,
    samples: usize,
    inputs: Vec<Vec<f32>>,
    cotangents: Vec<Option<Vec<f32>>>,
    parameters: Vec<Vec<f32>>,
}

/// Outputs, and gradients to inputs and parameters.
type Pass = (Vec<Vec<f32>>, Gradients);

impl Case {
    fn of(recipe: &Recipe) -> Self {
        Self::new(recipe.graph(), recipe.samples, &recipe.given)
    }

    fn new(graph: Graph, samples: usize, given: &[bool]) -> Self {
        let length = |value| samples * graph.shape(value).elements();
        let inputs = graph.inputs.iter().enumerate();
        let inputs = inputs.map(|(i, end)| numbers(length(end.0), 100 + i as u64));
        let cotangents = graph.outputs.iter().zip(given).enumerate();
        let cotangents = cotangents
            .map(|(i, (end, given))| given.then(|| numbers(length(end.0), 200 + i as u64)));
        let parameters = graph.parameters.iter().enumerate();
        let parameters = parameters.map(|(i, &length)| {
            let numbers = numbers(length, 300 + i as u64);
            numbers.into_iter().map(|v| 0.6 * v).collect()
        });
        Self {
            samples,
            inputs: inputs.collect(),
            cotangents: cotangents.collect(),
            parameters: parameters.collect(),
            graph,
        }
    }

    /// Its graph's plan, for the gradients to everything.
    fn plan(&self) -> Plan {
        let binding = |values| Binding {
            values,
            gradient: true,
        };
        let bindings: Vec<Binding<'_>> = self.parameters.iter().map(|v| binding(v)).collect();
        Plan::new(&self.graph).bind(&bindings, &vec![true; self.inputs.len()])
    }

    /// The same node by node.
    fn execute(&self) -> Results {
        let parameters: Vec<&[f32]> = self.parameters.iter().map(Vec::as_slice).collect();
        execute(
            &self.graph,
            self.samples,
            &self.inputs,
            &self.cotangents,
            &parameters,
        )
    }

    fn forward_saving(&self, plan: &Plan) -> (Vec<Vec<f32>>, Saved) {
        let inputs: Vec<&[f32]> = self.inputs.iter().map(Vec::as_slice).collect();
        plan.forward_saving(self.samples, &inputs)
    }

    fn backward(&self, plan: &Plan, saved: Saved) -> Gradients {
        let cotangents: Vec<Option<&[f32]>> =
            self.cotangents.iter().map(|c| c.as_deref()).collect();
        plan.backward(saved, &cotangents)
    }

    /// Forward and backward.
    fn run(&self, plan: &Plan) -> Pass {
        let (outputs, saved) = self.forward_saving(plan);
        (outputs, self.backward(plan, saved))
    }

    /// The same with NaN everywhere.
    fn poisoned(&self) -> Self {
        let nan = |numbers: &Vec<f32>| vec![f32::NAN; numbers.len()];
        let cotangents = self.cotangents.iter();
        Self {
            graph: Graph::new(),
            samples: self.samples,
            inputs: self.inputs.iter().map(nan).collect(),
            cotangents: cotangents.map(|given| given.as_ref().map(nan)).collect(),
            parameters: Vec::new(),
        }
    }
}

fn pool(threads: usize) -> ThreadPool {
    let pool = ThreadPoolBuilder::new().num_threads(threads).build();
    pool.expect("threads can be started")
}

fn bits(pass: &Pass) -> Vec<Vec<u32>> {
    let gradients = pass.1.inputs.iter().chain(&pass.1.parameters).flatten();
    let all = pass.0.iter().chain(gradients);
    all.map(|numbers| numbers.iter().map(|x| x.to_bits()).collect())
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn as_node_by_node(recipe in any_recipe()) {
        let case = Case::of(&recipe);
        let wanted = case.execute();
        // Long chains of products may overflow.
        let numbers = wanted.outputs.iter().chain(&wanted.gradients).flatten();
        prop_assume!(wanted.scale.is_finite() && numbers.copied().all(f32::is_finite));
        let plan = case.plan();
        // What a kernel reads of memory that nobody wrote is now NaN.
        pool(2).install(|| case.poisoned().run(&plan));
        let given = pool(2).install(|| case.run(&plan));
        for (wanted, given) in wanted.outputs.iter().zip(&given.0) {
            // Nothing that fusing does rounds.
            prop_assert_eq!(wanted, given);
        }
        // Sums of three gradients and more round as they are ordered.
        let inputs = wanted.gradients.iter().zip(given.1.inputs.iter().flatten());
        for (wanted_gradient, given) in inputs {
            let tolerance = 2e-5 * wanted.scale;
            let close = |(a, b): (&f32, &f32)| (a - b).abs() <= tolerance;
            let off = wanted_gradient.iter().zip(given).position(|pair| !close(pair));
            prop_assert_eq!(off, None, "{:?} {:?}", off.map(|at| (wanted_gradient[at], given[at])), plan.describe());
        }
        // A plan makes no difference between no cotangents and zeros.
        for (at, wanted_sum) in wanted.parameters.iter().enumerate() {
            let given = &given.1.parameters[at];
            let (Some(wanted_sum), Some(given)) = (wanted_sum, given) else {
                prop_assert!(wanted_sum.is_none() && given.iter().flatten().all(|v| *v == 0.0));
                continue;
            };
            let size = wanted_sum.iter().fold(wanted.scale, |most, v| most.max(v.abs()));
            let apart = wanted_sum.iter().zip(given).map(|(a, b)| (a - b).abs());
            let apart = apart.fold(0.0, f32::max);
            prop_assert!(apart <= 1e-4 * size, "parameter {at}: {apart} of {size}, {:?}", plan.describe());
        }
        let forward_only = pool(2).install(|| {
            let inputs: Vec<&[f32]> = case.inputs.iter().map(Vec::as_slice).collect();
            plan.forward(case.samples, &inputs)
        });
        prop_assert_eq!(&forward_only, &given.0);
        for threads in [1, 3] {
            let other = pool(threads).install(|| case.run(&plan));
            prop_assert_eq!(bits(&other), bits(&given));
        }
        prop_assert_eq!(bits(&alone(|| case.run(&plan))), bits(&given));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn forward_passes_may_come_before_the_backward_passes_of_others(recipe in any_recipe()) {
        let case = Case::of(&recipe);
        let other = Case::new(recipe.graph(), 5, &[true; 5]);
        let wanted = [case.run(&case.plan()), other.run(&case.plan())];
        for in_order in [true, false] {
            let plan = case.plan();
            for _ in 0..2 {
                let given = pool(2).install(|| {
                    let (outputs, saved) = case.forward_saving(&plan);
                    let (other_outputs, other_saved) = other.forward_saving(&plan);
                    if in_order {
                        let gradients = case.backward(&plan, saved);
                        let others = other.backward(&plan, other_saved);
                        [(outputs, gradients), (other_outputs, others)]
                    } else {
                        let others = other.backward(&plan, other_saved);
                        let gradients = case.backward(&plan, saved);
                        [(outputs, gradients), (other_outputs, others)]
                    }
                });
                prop_assert_eq!(given.each_ref().map(bits), wanted.each_ref().map(bits));
            }
        }
    }

    #[test]
    fn threads_share_a_plan(recipe in any_recipe()) {
        let plan = Case::of(&recipe).plan();
        let cases: Vec<Case> = (0..4)
            .map(|i| Case::new(recipe.graph(), 1 + (recipe.samples + 11 * i) % 70, &recipe.given))
            .collect();
        let wanted: Vec<_> = cases.iter().map(|case| bits(&case.run(&case.plan()))).collect();
        let together = pool(2);
        let given: Vec<_> = std::thread::scope(|scope| {
            let run = |(i, case): (usize, &Case)| match i % 2 {
                0 => together.install(|| bits(&case.run(&plan))),
                _ => alone(|| bits(&case.run(&plan))),
            };
            let threads: Vec<_> = cases
                .iter()
                .enumerate()
                .map(|each| scope.spawn(move || run(each)))
                .collect();
            threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
        });
        prop_assert_eq!(given, wanted);
    }
}

/// Runs a graph of one input, and the same node by node, and says whether all is equal to the last
/// bit.
fn is_exact(graph: Graph) -> bool {
    let outputs = graph.outputs.len();
    let case = Case::new(graph, 3, &vec![true; outputs]);
    let wanted = case.execute();
    let (outputs, gradients) = case.run(&case.plan());
    let gradients: Vec<Vec<f32>> = gradients.inputs.into_iter().flatten().collect();
    (outputs, gradients) == (wanted.outputs, wanted.gradients)
}

const SHAPE: MapShape = MapShape {
    height: 2,
    width: 3,
    channels: 19,
};

#[test]
fn an_input_that_is_an_output_twice_has_both_gradients() {
    let mut graph = Graph::new();
    let x = graph.input(SHAPE, Order::ChannelsFirst);
    graph.input(SHAPE, Order::ChannelsLast);
    graph.output(x, Order::ChannelsLast);
    let flat = MapShape {
        height: 1,
        width: 6,
        ..SHAPE
    };
    let recast = graph.recast(x, flat).expect("as many pixels");
    graph.output(recast, Order::ChannelsFirst);
    assert!(is_exact(graph));
}

#[test]
fn an_activation_whose_operand_is_read_elsewhere_is_not_fused() {
    let mut graph = Graph::new();
    let x = graph.input(SHAPE, Order::ChannelsFirst);
    let add = |graph: &mut Graph, operation, inputs: &[_]| {
        graph.add("", operation, inputs).expect("fits")
    };
    let relu = Operation::Clamp(Clamp::Relu);
    let double = add(&mut graph, Operation::Sum, &[x, x]);
    let clamped = add(&mut graph, relu.clone(), &[double]);
    let quadruple = add(&mut graph, Operation::Sum, &[clamped, clamped]);
    let sum = add(&mut graph, Operation::Sum, &[quadruple, double]);
    let last = add(&mut graph, relu, &[sum]);
    graph.output(clamped, Order::ChannelsFirst);
    graph.output(last, Order::ChannelsLast);
    graph.output(last, Order::ChannelsFirst);
    assert!(is_exact(graph));
}

#[test]
fn a_plan_without_outputs_or_without_samples_gives_nothing() {
    let mut graph = Graph::new();
    graph.input(SHAPE, Order::ChannelsFirst);
    let x = numbers(2 * SHAPE.elements(), 1);
    let plan = Plan::new(&graph);
    let (outputs, saved) = plan.forward_saving(2, &[&x]);
    assert!(outputs.is_empty());
    assert_eq!(plan.backward(saved, &[]).inputs, [Some(vec![0.0; x.len()])]);

    let mut graph = Graph::new();
    let x = graph.input(SHAPE, Order::ChannelsFirst);
    let y = graph.add("", Operation::Softmax, &[x]).expect("fits");
    graph.output(y, Order::ChannelsFirst);
    let plan = Plan::new(&graph);
    let (outputs, saved) = plan.forward_saving(0, &[&[]]);
    assert_eq!(outputs, [vec![]]);
    assert_eq!(plan.backward(saved, &[Some(&[])]).inputs, [Some(vec![])]);
}

#[test]
fn memory_stays_as_large_as_it_is() {
    let mut graph = Graph::new();
    let x = graph.input(SHAPE, Order::ChannelsFirst);
    let mut y = x;
    for _ in 0..3 {
        y = graph.add("", Operation::Softmax, &[y]).expect("fits");
    }
    graph.output(y, Order::ChannelsFirst);
    let case = Case::new(graph, 2, &[true]);
    let plan = Plan::new(&case.graph);
    let round = || {
        // Another thread has one arena during the forward pass, and gives it back before the
        // backward pass.
        let busy = plan.arenas.take();
        let (_, saved) = case.forward_saving(&plan);
        plan.arenas.give(busy);
        case.backward(&plan, saved);
        let arenas: usize = plan.arenas.all(|arena| arena.free_lanes()).iter().sum();
        arenas + plan.tapes.all(|tape| tape.lanes()).iter().sum::<usize>()
    };
    // With several, how many arenas there are depends on whether they happen to run at once.
    let one_thread = rayon::ThreadPoolBuilder::new().num_threads(1).build();
    one_thread.expect("a thread").install(|| {
        for _ in 0..3 {
            round();
        }
        let settled = round();
        (0..10).for_each(|_| assert_eq!(round(), settled));
    });
}

#[test]
fn what_does_not_fit_has_no_kernel() {
    let mut graph = Graph::new();
    let x = graph.input(SHAPE, Order::ChannelsFirst);
    let window = Window {
        kernel: [2, 2],
        stride: [1, 1],
        dilation: [1, 1],
        pads: [(0, 0); 2],
    };
    let weight = vec![1.0; 3 * 19 * 4];
    let mut add = |weight: &[f32], bias: Option<&[f32]>, outputs, window, groups| {
        let weights = Weights::Fixed { weight, bias };
        let operation = Operation::Convolution {
            weights,
            outputs,
            window,
            groups,
        };
        let forward = graph.add("", operation, &[x]).is_some();
        let output = MapShape {
            height: 3,
            width: 4,
            channels: outputs,
        };
        let weights = Weights::Fixed { weight, bias };
        let operation = Operation::ConvolutionTransposed {
            weights,
            output,
            window,
            groups,
        };
        assert_eq!(graph.add("", operation, &[x]).is_some(), forward);
        forward
    };
    assert!(add(&weight, Some(&[0.0; 3]), 3, window, 1));
    assert!(!add(&weight[1..], None, 3, window, 1));
    assert!(!add(&weight, Some(&[0.0; 2]), 3, window, 1));
    assert!(!add(&weight, None, 3, window, 0));
    assert!(!add(&weight, None, 3, window, 3));
    assert!(!add(&[], None, 0, window, 1));
    let zero = [0, 1];
    assert!(!add(
        &[],
        None,
        3,
        Window {
            kernel: zero,
            ..window
        },
        1
    ));
    assert!(!add(
        &weight,
        None,
        3,
        Window {
            stride: zero,
            ..window
        },
        1
    ));
    assert!(!add(
        &weight,
        None,
        3,
        Window {
            dilation: zero,
            ..window
        },
        1
    ));
    let most = [(usize::MAX, 1); 2];
    assert_eq!(
        Window {
            pads: most,
            ..window
        }
        .outputs([2, 3]),
        None
    );
    assert_eq!(
        Window {
            kernel: [usize::MAX; 2],
            dilation: [2, 2],
            ..window
        }
        .outputs([2, 3]),
        None
    );
    let nothing = MapShape {
        channels: 0,
        ..SHAPE
    };
    let operation = Operation::Rearrange {
        output: nothing,
        origins: &[],
    };
    assert_eq!(graph.add("", operation, &[x]), None);
}

#[test]
#[should_panic(expected = "length of a cotangent")]
fn a_cotangent_of_too_few_samples_is_refused() {
    let mut graph = Graph::new();
    let x = graph.input(SHAPE, Order::ChannelsFirst);
    graph.output(x, Order::ChannelsFirst);
    let case = Case::new(graph, 2, &[true]);
    let plan = Plan::new(&case.graph);
    let (_, saved) = case.forward_saving(&plan);
    plan.backward(saved, &[Some(&case.inputs[0][1..])]);
}
