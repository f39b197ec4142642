//! A segment run on arrays.

use std::sync::Arc;

use burn_backend::TensorMetadata;
use burn_backend::tensor::FloatTensor;
use burn_dispatch::backends::autodiff::checkpoint::strategy::{
    BalancedCheckpointing, NoCheckpointing,
};
use burn_dispatch::backends::flex::FlexTensor;
use burn_dispatch::backends::{Autodiff, Flex};
use burn_dispatch::{
    BackendTensor, DispatchAutodiffContext, DispatchTensor, DispatchTensorKind,
    GradientCheckpointingStrategy,
};
use burn_tensor::{DType, TensorData};
use gifthorse_segment::{Binding, Plan, Statistics};

use super::autodiff::enter;
use crate::execute::array::Array;

/// A tensor with its place in an autodiff graph.
pub type TrackedTensor = FloatTensor<Autodiff<Flex>>;

/// The value of a plan's parameter.
pub struct Weight {
    pub value: Array,
    /// Where each number of the parameter is in the row-major value; `None` if they are in its
    /// order.
    pub order: Option<Arc<[usize]>>,
}

/// Runs a plan on arrays `[samples, ..]`; gives the outputs in the shapes given, tracked if an
/// operand is. `None`, with nothing done, if an array is not in f32 on the `flex` device. With them
/// comes what the plan's batch norms saw.
pub fn run(
    plan: &Arc<Plan>,
    samples: usize,
    inputs: &[Array],
    weights: Vec<Weight>,
    shapes: &[Vec<usize>],
    seed: Option<u64>,
) -> Option<(Vec<Array>, Vec<Statistics>)> {
    let inputs = inputs.iter().map(|input| (input.clone(), None));
    let weights = weights.into_iter().map(|w| (w.value, w.order));
    let count = inputs.len();
    let operands: Vec<Operand> = inputs
        .chain(weights)
        .map(|(value, order)| Operand::of(value.into_dispatch(), order))
        .collect::<Option<_>>()?;
    let place = operands.iter().find_map(|operand| operand.place.as_ref());
    let context = place.map(|(_, context)| *context);
    let run = Run {
        plan,
        samples,
        inputs: count,
        shapes,
        seed,
    };
    let Some(context) = context else {
        let (outputs, statistics) = run.untracked(operands);
        return Some((outputs.into_iter().map(plain).collect(), statistics));
    };
    let balanced = DispatchAutodiffContext::Enabled(GradientCheckpointingStrategy::Balanced);
    let (outputs, statistics) = if context == balanced {
        enter::<BalancedCheckpointing>(&run, operands)
    } else {
        enter::<NoCheckpointing>(&run, operands)
    };
    let array = |output| {
        let kind = DispatchTensorKind::Flex(BackendTensor::Autodiff(output));
        let kind = DispatchTensorKind::Autodiff(Box::new(kind));
        Array::from_dispatch(DispatchTensor {
            kind,
            autodiff: context,
        })
    };
    Some((outputs.into_iter().map(array).collect(), statistics))
}

/// An input or a parameter.
pub struct Operand {
    /// In the order that the plan wants, contiguous.
    values: FlexTensor,
    /// Where it is in an autodiff graph, if it is in one.
    pub place: Option<(TrackedTensor, DispatchAutodiffContext)>,
    pub form: Form,
}

/// How an operand looks outside.
#[derive(Clone, Debug)]
pub struct Form {
    shape: Vec<usize>,
    order: Option<Arc<[usize]>>,
}

impl Operand {
    fn of(x: DispatchTensor, order: Option<Arc<[usize]>>) -> Option<Self> {
        if x.kind.dtype() != DType::F32 {
            return None;
        }
        let DispatchTensor { kind, autodiff } = x;
        let (values, place) = match kind {
            DispatchTensorKind::Flex(BackendTensor::Float(x)) => (x, None),
            DispatchTensorKind::Autodiff(inner) => match *inner {
                DispatchTensorKind::Flex(BackendTensor::Autodiff(x)) => {
                    (x.clone().into_parts().0, Some((x, autodiff)))
                }
                _ => return None,
            },
            _ => return None,
        };
        let shape = values.layout().shape().to_vec();
        let values = values.to_contiguous();
        let values = match &order {
            None => values,
            Some(order) => {
                let from = values_of(&values);
                let ordered = order.iter().map(|&at| from[at]).collect();
                tensor(ordered, &[order.len()])
            }
        };
        Some(Self {
            values,
            place,
            form: Form { shape, order },
        })
    }
}

impl Form {
    /// A gradient as the plan gives it (zeros if it gives none), as the operand looks outside.
    pub fn restore(&self, gradient: Option<Vec<f32>>) -> FlexTensor {
        let zeros = || vec![0.0; self.shape.iter().product()];
        let gradient = gradient.unwrap_or_else(zeros);
        let gradient = match &self.order {
            None => gradient,
            Some(order) => {
                let mut restored = zeros();
                for (&at, value) in order.iter().zip(gradient) {
                    restored[at] = value;
                }
                restored
            }
        };
        tensor(gradient, &self.shape)
    }
}

/// What is to be run.
pub struct Run<'a> {
    plan: &'a Arc<Plan>,
    pub samples: usize,
    /// How many of the operands are inputs; the others are parameters.
    inputs: usize,
    shapes: &'a [Vec<usize>],
    /// For what is random; `None` if nothing is.
    seed: Option<u64>,
}

impl Run<'_> {
    /// Runs forward alone.
    pub fn untracked(&self, operands: Vec<Operand>) -> (Vec<FlexTensor>, Vec<Statistics>) {
        let plan = self.bind(&operands, &vec![false; operands.len()]);
        let (samples, slices) = (self.samples, self.slices(&operands));
        let (outputs, statistics) = match plan.looks_at_batches() {
            true => {
                let (outputs, saved) = plan.forward_saving(samples, &slices);
                (outputs, saved.statistics().to_vec())
            }
            false => (plan.forward(samples, &slices), Vec::new()),
        };
        (self.tensors(outputs).collect(), statistics)
    }

    /// The plan for these operands, some of which want a gradient.
    pub fn bind(&self, operands: &[Operand], wanted: &[bool]) -> Arc<Plan> {
        let parameters = operands.iter().zip(wanted).skip(self.inputs);
        let bindings: Vec<Binding<'_>> = parameters
            .map(|(operand, &gradient)| Binding {
                values: values_of(&operand.values),
                gradient,
            })
            .collect();
        let inputs = &wanted[..self.inputs];
        // A plan without parameters computes the gradients to all its inputs, unless something else
        // is said.
        let some = inputs.contains(&true) && inputs.contains(&false);
        let plan = match bindings.is_empty() && !some {
            true => self.plan.clone(),
            false => Arc::new(self.plan.bind(&bindings, inputs)),
        };
        match self.seed {
            None => plan,
            Some(seed) => Arc::new(plan.with_seed(seed)),
        }
    }

    /// The values of the inputs.
    pub fn slices<'o>(&self, operands: &'o [Operand]) -> Vec<&'o [f32]> {
        let inputs = operands.iter().take(self.inputs);
        inputs.map(|operand| values_of(&operand.values)).collect()
    }

    /// Outputs in their shapes.
    pub fn tensors(&self, outputs: Vec<Vec<f32>>) -> impl Iterator<Item = FlexTensor> {
        let outputs = outputs.into_iter().zip(self.shapes);
        outputs.map(|(values, shape)| tensor(values, shape))
    }
}

fn plain(value: FlexTensor) -> Array {
    let kind = DispatchTensorKind::Flex(BackendTensor::Float(value));
    let autodiff = DispatchAutodiffContext::Disabled;
    Array::from_dispatch(DispatchTensor { kind, autodiff })
}

/// A tensor of row-major values.
pub fn tensor(values: Vec<f32>, shape: &[usize]) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(values, shape.to_vec()))
}

/// The values of a contiguous tensor in row-major order.
pub fn values_of(x: &FlexTensor) -> &[f32] {
    let (start, count) = (x.layout().start_offset(), x.layout().num_elements());
    &x.storage::<f32>()[start..start + count]
}
