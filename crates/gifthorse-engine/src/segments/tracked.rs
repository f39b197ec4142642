//! A plan as one operation of Burn's autodiff.
//!
//! Burn's operations have one output each, so a segment is entered as a trunk, whose backward pass runs the plan's
//! once, and one tap for each output, which only hands its cotangent to the trunk. The trunk's own
//! output is a stand-in of one element.

use std::sync::{Arc, Mutex, PoisonError};

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::{
    BalancedCheckpointing, CheckpointStrategy, NoCheckpointing,
};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, NodeGuard, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{
    Autodiff, BackendTensor, DispatchAutodiffContext, DispatchTensor, DispatchTensorKind, Flex,
    GradientCheckpointingStrategy, TensorMetadata,
};
use burn::tensor::{DType, TensorData};
use gifthorse_segment::{Plan, Saved};

use crate::array::Array;

/// Most inputs of a segment: Burn's operations have their number of parents in their type.
pub const MOST_INPUTS: usize = 4;

/// Runs a plan on arrays `[samples, ..]`; gives the outputs in the shapes given, tracked if an input is. `None`, with nothing done,
/// if an array is not in f32 on the `flex` device.
pub fn run(
    plan: &Arc<Plan>,
    samples: usize,
    inputs: &[Array],
    shapes: &[Vec<usize>],
) -> Option<Vec<Array>> {
    let inputs: Vec<Input> = inputs
        .iter()
        .map(|input| Input::of(input.clone().into_dispatch()))
        .collect::<Option<_>>()?;
    let tracked = inputs.iter().find_map(|input| match input {
        Input::Tracked(_, context) => Some(context.clone()),
        Input::Plain(_) => None,
    });
    let Some(context) = tracked else {
        let values: Vec<FlexTensor> = inputs.into_iter().map(Input::untracked).collect();
        let outputs = with_slices(&values, |slices| plan.forward(samples, slices));
        let outputs = outputs.into_iter().zip(shapes);
        let array = |(values, shape): (Vec<f32>, &Vec<usize>)| {
            let kind = DispatchTensorKind::Flex(BackendTensor::Float(tensor(values, shape)));
            let autodiff = DispatchAutodiffContext::Disabled;
            Array::from_dispatch(DispatchTensor { kind, autodiff })
        };
        return Some(outputs.map(array).collect());
    };
    let run = Run {
        plan,
        samples,
        shapes,
    };
    let balanced = DispatchAutodiffContext::Enabled(GradientCheckpointingStrategy::Balanced);
    let outputs = if context == balanced {
        run.with_parents::<BalancedCheckpointing>(inputs)
    } else {
        run.with_parents::<NoCheckpointing>(inputs)
    }?;
    let array = |output| {
        let kind = DispatchTensorKind::Flex(BackendTensor::Autodiff(output));
        let kind = DispatchTensorKind::Autodiff(Box::new(kind));
        Array::from_dispatch(DispatchTensor {
            kind,
            autodiff: context.clone(),
        })
    };
    Some(outputs.into_iter().map(array).collect())
}

type TrackedTensor = FloatTensor<Autodiff<Flex>>;

/// An operand.
enum Input {
    Plain(FlexTensor),
    Tracked(TrackedTensor, DispatchAutodiffContext),
}

impl Input {
    fn of(x: DispatchTensor) -> Option<Self> {
        if x.kind.dtype() != DType::F32 {
            return None;
        }
        let DispatchTensor { kind, autodiff } = x;
        match kind {
            DispatchTensorKind::Flex(BackendTensor::Float(x)) => Some(Self::Plain(x)),
            DispatchTensorKind::Autodiff(inner) => match *inner {
                DispatchTensorKind::Flex(BackendTensor::Autodiff(x)) => {
                    Some(Self::Tracked(x, autodiff))
                }
                _ => None,
            },
            _ => None,
        }
    }

    fn untracked(self) -> FlexTensor {
        match self {
            Self::Plain(x) => x,
            Self::Tracked(x, _) => x.into_parts().0,
        }
    }

    /// The values, and the place in the graph; what is not tracked gets one of its own.
    fn into_parts(self) -> (FlexTensor, NodeGuard) {
        match self {
            Self::Tracked(x, _) => x.into_parts(),
            Self::Plain(x) => TrackedTensor::new(x).into_parts(),
        }
    }
}

struct Run<'a> {
    plan: &'a Arc<Plan>,
    samples: usize,
    shapes: &'a [Vec<usize>],
}

impl Run<'_> {
    fn with_parents<C: CheckpointStrategy>(
        &self,
        inputs: Vec<Input>,
    ) -> Option<Vec<TrackedTensor>> {
        let (values, guards): (Vec<_>, Vec<_>) = inputs.into_iter().map(Input::into_parts).unzip();
        Some(match guards.len() {
            1 => self.enter::<C, 1>(&values, guards.try_into().ok()?),
            2 => self.enter::<C, 2>(&values, guards.try_into().ok()?),
            3 => self.enter::<C, 3>(&values, guards.try_into().ok()?),
            4 => self.enter::<C, MOST_INPUTS>(&values, guards.try_into().ok()?),
            _ => return None,
        })
    }

    fn enter<C: CheckpointStrategy, const N: usize>(
        &self,
        values: &[FlexTensor],
        guards: [NodeGuard; N],
    ) -> Vec<TrackedTensor> {
        let trunk = match Trunk::<N>.prepare::<C>(guards).compute_bound().stateful() {
            OpsKind::Tracked(trunk) => trunk,
            OpsKind::UnTracked(trunk) => {
                let outputs = with_slices(values, |slices| self.plan.forward(self.samples, slices));
                // Only its tie to the inputs matters, and there is none.
                drop(trunk.finish(stand_in()));
                return self.tensors(outputs).map(TrackedTensor::new).collect();
            }
        };
        let (outputs, saved) = with_slices(values, |slices| {
            self.plan.forward_saving(self.samples, slices)
        });
        let tape = Tape(Arc::new(Mutex::new(Recorded {
            plan: self.plan.clone(),
            saved: Some(saved),
            cotangents: outputs.iter().map(|_| None).collect(),
            shapes: values.iter().map(|x| x.layout().shape().to_vec()).collect(),
        })));
        let trunk = trunk.finish(tape.clone(), stand_in());
        self.tensors(outputs)
            .enumerate()
            .map(|(output, value)| {
                let tap = Tap(output).prepare::<C>([trunk.node()]);
                match tap.compute_bound().stateful() {
                    OpsKind::Tracked(tap) => tap.finish(tape.clone(), value),
                    OpsKind::UnTracked(tap) => tap.finish(value),
                }
            })
            .collect()
    }

    fn tensors(&self, outputs: Vec<Vec<f32>>) -> impl Iterator<Item = FlexTensor> {
        let outputs = outputs.into_iter().zip(self.shapes);
        outputs.map(|(values, shape)| tensor(values, shape))
    }
}

/// What trunk and taps share: the forward pass's memory, and the cotangents that came so far.
#[derive(Clone, Debug)]
struct Tape(Arc<Mutex<Recorded>>);

#[derive(Debug)]
struct Recorded {
    plan: Arc<Plan>,
    /// `None` after the backward pass.
    saved: Option<Saved>,
    cotangents: Vec<Option<FlexTensor>>,
    /// Of the inputs.
    shapes: Vec<Vec<usize>>,
}

/// Runs the backward pass.
#[derive(Debug)]
struct Trunk<const N: usize>;

impl<const N: usize> Backward<Flex, N> for Trunk<N> {
    type State = Tape;

    fn backward(self, ops: Ops<Tape, N>, grads: &mut Gradients, _: &mut Checkpointer) {
        drop(grads.consume::<Flex>(&ops.node));
        let mut tape = ops.state.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(saved) = tape.saved.take() else {
            return;
        };
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
        for ((parent, gradient), shape) in ops.parents.iter().zip(gradients).zip(&tape.shapes) {
            if let Some(parent) = parent {
                grads.register::<Flex>(parent.id, tensor(gradient, shape));
            }
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

fn tensor(values: Vec<f32>, shape: &[usize]) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(values, shape.to_vec()))
}

/// The values of contiguous tensors in row-major order.
fn values_of(x: &FlexTensor) -> &[f32] {
    let (start, count) = (x.layout().start_offset(), x.layout().num_elements());
    &x.storage::<f32>()[start..start + count]
}

fn with_slices<R>(tensors: &[FlexTensor], then: impl FnOnce(&[&[f32]]) -> R) -> R {
    let contiguous: Vec<FlexTensor> = tensors.iter().map(FlexTensor::to_contiguous).collect();
    let slices: Vec<&[f32]> = contiguous.iter().map(values_of).collect();
    then(&slices)
}
