//! A segment in Burn's autodiff.
//!
//! Burn's operations have one output each, and the number of their parents in their type. So a
//! segment is entered as several: a branch for each operand, two of which at a time are joined
//! until one is left; a trunk on it, whose backward pass runs the plan's once; and a tap for each
//! output, which only hands its cotangent to the trunk. The outputs of branches, joins and trunk
//! are stand-ins of one element: what is computed goes from one to the other by a shared tape.

use std::sync::{Arc, Mutex, PoisonError};

use burn_dispatch::backends::Flex;
use burn_dispatch::backends::autodiff::checkpoint::base::Checkpointer;
use burn_dispatch::backends::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn_dispatch::backends::autodiff::grads::Gradients;
use burn_dispatch::backends::autodiff::ops::{Backward, Ops, OpsKind};
use burn_dispatch::backends::flex::FlexTensor;
use gifthorse_segment::{Plan, Saved, Statistics};

use super::tracked::{Form, Operand, Run, TrackedTensor, tensor, values_of};

/// Runs forward on operands some of which are in an autodiff graph; gives what batch norms saw as
/// well.
pub fn enter<C: CheckpointStrategy>(
    run: &Run<'_>,
    mut operands: Vec<Operand>,
) -> (Vec<TrackedTensor>, Vec<Statistics>) {
    let places = operands.iter_mut().map(|operand| operand.place.take());
    let branches: Vec<_> = places
        .enumerate()
        .map(|(at, place)| {
            let guard = place?.0.into_parts().1;
            match Branch(at).prepare::<C>([guard]).compute_bound().stateful() {
                OpsKind::Tracked(branch) => Some(branch),
                // It is in a graph, and nobody wants the gradient.
                OpsKind::UnTracked(_) => None,
            }
        })
        .collect();
    let wanted: Vec<bool> = branches.iter().map(Option::is_some).collect();
    if !wanted.contains(&true) {
        let (outputs, statistics) = run.untracked(operands);
        let outputs = outputs.into_iter().map(TrackedTensor::new);
        return (outputs.collect(), statistics);
    }
    let plan = run.bind(&operands, &wanted);
    let (outputs, saved) = plan.forward_saving(run.samples, &run.slices(&operands));
    let statistics = saved.statistics().to_vec();
    let tape = Tape(Arc::new(Mutex::new(Recorded {
        plan,
        saved: Some(saved),
        cotangents: outputs.iter().map(|_| None).collect(),
        forms: operands.into_iter().map(|operand| operand.form).collect(),
        gradients: Vec::new(),
    })));
    let branches = branches.into_iter().flatten();
    let joined = branches
        .map(|branch| branch.finish(tape.clone(), stand_in()))
        .reduce(join::<C>);
    let root = joined.unwrap_or_else(|| TrackedTensor::new(stand_in()));
    let trunk = Trunk.prepare::<C>([root.into_parts().1]).compute_bound();
    let trunk = match trunk.stateful() {
        OpsKind::Tracked(trunk) => trunk.finish(tape.clone(), stand_in()),
        OpsKind::UnTracked(trunk) => trunk.finish(stand_in()),
    };
    let outputs = run
        .tensors(outputs)
        .enumerate()
        .map(|(output, value)| {
            let tap = Tap(output).prepare::<C>([trunk.node()]);
            match tap.compute_bound().stateful() {
                OpsKind::Tracked(tap) => tap.finish(tape.clone(), value),
                OpsKind::UnTracked(tap) => tap.finish(value),
            }
        })
        .collect();
    (outputs, statistics)
}

fn join<C: CheckpointStrategy>(a: TrackedTensor, b: TrackedTensor) -> TrackedTensor {
    let guards = [a, b].map(|tensor| tensor.into_parts().1);
    Join.prepare::<C>(guards)
        .compute_bound()
        .stateless(stand_in())
}

/// What the operations of a segment share: the forward pass's memory, the cotangents that came so
/// far, and the gradients that have still to go.
#[derive(Clone, Debug)]
struct Tape(Arc<Mutex<Recorded>>);

#[derive(Debug)]
struct Recorded {
    plan: Arc<Plan>,
    /// `None` after the backward pass.
    saved: Option<Saved>,
    cotangents: Vec<Option<FlexTensor>>,
    /// Of the operands.
    forms: Vec<Form>,
    /// To the operands; empty before the backward pass.
    gradients: Vec<Option<Vec<f32>>>,
}

/// Hands the gradient to one operand on.
#[derive(Debug)]
struct Branch(usize);

impl Backward<Flex, 1> for Branch {
    type State = Tape;

    fn backward(self, ops: Ops<Tape, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        drop(grads.consume::<Flex>(&ops.node));
        let mut tape = ops.state.0.lock().unwrap_or_else(PoisonError::into_inner);
        let gradient = tape.gradients.get_mut(self.0).and_then(Option::take);
        if let ([Some(operand)], Some(form)) = (&ops.parents, tape.forms.get(self.0)) {
            grads.register::<Flex>(operand.id, form.restore(gradient));
        }
    }
}

/// Joins two nodes into one; its backward pass sets off those of both.
#[derive(Debug)]
struct Join;

impl Backward<Flex, 2> for Join {
    type State = ();

    fn backward(self, ops: Ops<(), 2>, grads: &mut Gradients, _: &mut Checkpointer) {
        drop(grads.consume::<Flex>(&ops.node));
        for parent in ops.parents.iter().flatten() {
            grads.register::<Flex>(parent.id, stand_in());
        }
    }
}

/// Runs the backward pass.
#[derive(Debug)]
struct Trunk;

impl Backward<Flex, 1> for Trunk {
    type State = Tape;

    fn backward(self, ops: Ops<Tape, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        drop(grads.consume::<Flex>(&ops.node));
        let mut tape = ops.state.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(saved) = tape.saved.take() {
            let cotangents = std::mem::take(&mut tape.cotangents);
            let contiguous: Vec<Option<FlexTensor>> = cotangents
                .into_iter()
                .map(|cotangent| cotangent.map(|c| c.to_contiguous()))
                .collect();
            let slices: Vec<Option<&[f32]>> = contiguous
                .iter()
                .map(|cotangent| cotangent.as_ref().map(values_of))
                .collect();
            let gradients = tape.plan.backward(saved, &slices);
            tape.gradients = [gradients.inputs, gradients.parameters].concat();
        }
        if let [Some(branches)] = &ops.parents {
            grads.register::<Flex>(branches.id, stand_in());
        }
    }
}

/// Hands the cotangent of one output to the trunk.
#[derive(Debug)]
struct Tap(usize);

impl Backward<Flex, 1> for Tap {
    type State = Tape;

    fn backward(self, ops: Ops<Tape, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let cotangent = grads.consume::<Flex>(&ops.node);
        let mut tape = ops.state.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = tape.cotangents.get_mut(self.0) {
            *slot = Some(cotangent);
        }
        // The trunk runs only if something is registered for it.
        if let [Some(trunk)] = &ops.parents {
            grads.register::<Flex>(trunk.id, stand_in());
        }
    }
}

fn stand_in() -> FlexTensor {
    tensor(vec![0.0], &[1])
}
