//! Operations from one tensor to one tensor, with a backward pass of their own, as nodes of
//! Burn's autodiff.
//!
//! Such an operation reads and writes plain f32 slices, so only tensors of the `flex` (CPU)
//! backend in f32 are taken, tracked by autodiff or not. Nothing is kept for the backward pass
//! unless the input is tracked.

use std::fmt::Debug;

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::{
    BalancedCheckpointing, CheckpointStrategy, NoCheckpointing,
};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind, unary};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{
    Autodiff, BackendTensor, DispatchAutodiffContext, DispatchTensor, DispatchTensorKind, Flex,
    GradientCheckpointingStrategy, TensorMetadata,
};
use burn::tensor::{DType, TensorData};

/// A function of one f32 tensor and its vector-Jacobian product.
pub(crate) trait UnaryOp: Clone + Debug + Send + Sync + 'static {
    /// What follows from the input's shape.
    type Plan;

    /// What the backward pass needs of the forward pass.
    type Saved: Clone + Debug + Send + 'static;

    /// How to go about an input of this shape; `None` if it is not taken.
    fn plan(&self, shape: &[usize]) -> Option<Self::Plan>;

    /// The output, for an input of the planned shape.
    fn forward(&self, x: FlexTensor, plan: Self::Plan) -> FlexTensor;

    /// The output, and what [`UnaryOp::backward`] needs.
    fn forward_saving(&self, x: FlexTensor, plan: Self::Plan) -> (FlexTensor, Self::Saved);

    /// The gradient to the input from the one to the output.
    fn backward(&self, saved: &Self::Saved, gradient: FlexTensor) -> FlexTensor;
}

/// Runs an operation and enters it in the graph of `x` if `x` is tracked.
///
/// # Errors
///
/// Gives `x` back if the operation does not take it: another backend, element type or shape.
pub(crate) fn apply<O: UnaryOp>(
    op: &O,
    x: DispatchTensor,
) -> Result<DispatchTensor, DispatchTensor> {
    if x.kind.dtype() != DType::F32 {
        return Err(x);
    }
    let Some(plan) = op.plan(&x.kind.shape()) else {
        return Err(x);
    };
    let DispatchTensor { kind, autodiff } = x;
    match kind {
        DispatchTensorKind::Flex(BackendTensor::Float(x)) => {
            let kind = DispatchTensorKind::Flex(BackendTensor::Float(op.forward(x, plan)));
            Ok(DispatchTensor { kind, autodiff })
        }
        DispatchTensorKind::Autodiff(inner) => match *inner {
            DispatchTensorKind::Flex(BackendTensor::Autodiff(x)) => {
                let y = match autodiff {
                    DispatchAutodiffContext::Enabled(GradientCheckpointingStrategy::Balanced) => {
                        record::<O, BalancedCheckpointing>(op, x, plan)
                    }
                    _ => record::<O, NoCheckpointing>(op, x, plan),
                };
                let kind = DispatchTensorKind::Flex(BackendTensor::Autodiff(y));
                let kind = DispatchTensorKind::Autodiff(Box::new(kind));
                Ok(DispatchTensor { kind, autodiff })
            }
            other => {
                let kind = DispatchTensorKind::Autodiff(Box::new(other));
                Err(DispatchTensor { kind, autodiff })
            }
        },
        kind => Err(DispatchTensor { kind, autodiff }),
    }
}

fn record<O: UnaryOp, C: CheckpointStrategy>(
    op: &O,
    x: FloatTensor<Autodiff<Flex>>,
    plan: O::Plan,
) -> FloatTensor<Autodiff<Flex>> {
    let (x, guard) = x.into_parts();
    let step = Step(op.clone());
    match step.prepare::<C>([guard]).compute_bound().stateful() {
        OpsKind::Tracked(prepared) => {
            let (y, saved) = op.forward_saving(x, plan);
            prepared.finish(saved, y)
        }
        OpsKind::UnTracked(prepared) => prepared.finish(op.forward(x, plan)),
    }
}

/// The backward step of an operation.
#[derive(Debug)]
struct Step<O>(O);

impl<O: UnaryOp> Backward<Flex, 1> for Step<O> {
    type State = O::Saved;

    fn backward(self, ops: Ops<O::Saved, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        unary::<Flex, _>(ops.parents, ops.node, grads, |gradient| {
            self.0.backward(&ops.state, gradient)
        });
    }
}

/// The tensor's values in row-major order, copied only if they do not lie so.
pub(crate) fn with_values<R>(x: &FlexTensor, read: impl FnOnce(&[f32]) -> R) -> R {
    match x.as_slice::<f32>() {
        Some(values) => read(values),
        None => {
            let x = x.to_contiguous();
            let count = x.layout().num_elements();
            read(&x.storage::<f32>()[..count])
        }
    }
}

/// A tensor of row-major values.
pub(crate) fn tensor(values: Vec<f32>, shape: &[usize]) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(values, shape.to_vec()))
}
