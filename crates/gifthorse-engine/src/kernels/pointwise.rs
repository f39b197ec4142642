//! Activations in one pass over memory forward and one backward.
//!
//! Burn computes most of them from several operations, each of which reads and writes whole
//! tensors, and calls the C library for each exponential. Here the loop over an activation's
//! formula is compiled for each instruction set ([`Isa`]). Where nobody else holds the input, or
//! the gradient, the result takes its place in memory.

mod curve;
mod exp;

use burn::backend::DispatchTensor;
use burn::backend::flex::FlexTensor;

use curve::{Clip, Curve, Elu, HardSigmoid, LeakyRelu, Reads, Relu, Sigmoid, Tanh};

use super::lanes::{Isa, Lanes, Task};
use super::unary_op::{self, UnaryOp, with_values};
use crate::program::Unary;

/// An activation: `Relu`, `LeakyRelu`, `Elu`, `Clip`, `Sigmoid`, `Tanh` or `HardSigmoid`.
#[derive(Clone, Debug)]
pub struct Pointwise {
    function: Unary,
    isa: Isa,
}

impl Pointwise {
    /// The kernel for a function, if there is one.
    pub fn new(function: Unary) -> Option<Self> {
        let supported = match function {
            Unary::Relu
            | Unary::LeakyRelu(_)
            | Unary::Clip { .. }
            | Unary::Sigmoid
            | Unary::Tanh
            | Unary::HardSigmoid { .. } => true,
            // The backward pass takes the sign of the input from the output.
            Unary::Elu { alpha, gamma } => alpha >= 0.0 && gamma > 0.0,
            _ => false,
        };
        supported.then(|| Self {
            function,
            isa: Isa::detect(),
        })
    }

    /// Whether results are those of the reference to the last bit.
    pub fn is_exact(&self) -> bool {
        !matches!(
            self.function,
            Unary::Elu { .. } | Unary::Sigmoid | Unary::Tanh
        )
    }

    /// Computes the function of each element of an f32 tensor of any shape.
    ///
    /// # Errors
    ///
    /// Gives `x` back if it is not an f32 tensor of the `flex` backend.
    pub fn apply(&self, x: DispatchTensor) -> Result<DispatchTensor, DispatchTensor> {
        unary_op::apply(self, x)
    }

    /// Does something with the function's formula.
    fn with_curve<U: UseCurve>(&self, then: U) -> U::Result {
        match self.function {
            Unary::LeakyRelu(slope) => then.with(LeakyRelu { slope }),
            Unary::Elu { alpha, gamma } => then.with(Elu { alpha, gamma }),
            Unary::Clip { min, max } => then.with(Clip { min, max }),
            Unary::HardSigmoid { alpha, beta } => then.with(HardSigmoid { alpha, beta }),
            Unary::Sigmoid => then.with(Sigmoid),
            Unary::Tanh => then.with(Tanh),
            _ => then.with(Relu),
        }
    }
}

impl UnaryOp for Pointwise {
    type Plan = ();
    type Saved = FlexTensor;

    fn plan(&self, _: &[usize]) -> Option<()> {
        Some(())
    }

    fn forward(&self, x: FlexTensor, (): ()) -> FlexTensor {
        self.with_curve(Forward { x, isa: self.isa })
    }

    fn forward_saving(&self, x: FlexTensor, plan: ()) -> (FlexTensor, FlexTensor) {
        match self.with_curve(WhatIsRead) {
            Reads::Output => {
                let y = self.forward(x, plan);
                (y.clone(), y)
            }
            Reads::Input => (self.forward(x.clone(), plan), x),
        }
    }

    fn backward(&self, saved: &FlexTensor, gradient: FlexTensor) -> FlexTensor {
        with_values(saved, |saved| {
            self.with_curve(Backward {
                saved,
                gradient,
                isa: self.isa,
            })
        })
    }
}

/// Something to do with a formula that is chosen when the program runs.
trait UseCurve {
    type Result;

    fn with<C: Curve>(self, curve: C) -> Self::Result;
}

struct WhatIsRead;

impl UseCurve for WhatIsRead {
    type Result = Reads;

    fn with<C: Curve>(self, _: C) -> Reads {
        C::READS
    }
}

struct Forward {
    x: FlexTensor,
    isa: Isa,
}

impl UseCurve for Forward {
    type Result = FlexTensor;

    fn with<C: Curve>(self, curve: C) -> FlexTensor {
        rewrite(self.x, |values| self.isa.run(Values { curve, values }))
    }
}

struct Backward<'a> {
    saved: &'a [f32],
    gradient: FlexTensor,
    isa: Isa,
}

impl UseCurve for Backward<'_> {
    type Result = FlexTensor;

    fn with<C: Curve>(self, curve: C) -> FlexTensor {
        rewrite(self.gradient, |gradient| {
            self.isa.run(Gradients {
                curve,
                saved: self.saved,
                gradient,
            });
        })
    }
}

/// Replaces all values of a tensor, in its own memory if nobody else holds it.
fn rewrite(mut x: FlexTensor, change: impl FnOnce(&mut [f32])) -> FlexTensor {
    let count = x.layout().num_elements();
    let plain = x.is_contiguous() && x.layout().start_offset() == 0;
    if plain
        && let Some(values) = x.try_storage_mut::<f32>()
        && values.len() == count
    {
        change(values);
        return x;
    }
    let mut values = with_values(&x, <[f32]>::to_vec);
    change(&mut values);
    unary_op::tensor(values, x.layout().shape())
}

struct Values<'a, C> {
    curve: C,
    values: &'a mut [f32],
}

impl<C: Curve> Task for Values<'_, C> {
    #[inline(always)]
    fn run<L: Lanes>(self, _: L) {
        for value in self.values {
            *value = self.curve.value(*value);
        }
    }
}

struct Gradients<'a, C> {
    curve: C,
    saved: &'a [f32],
    gradient: &'a mut [f32],
}

impl<C: Curve> Task for Gradients<'_, C> {
    #[inline(always)]
    fn run<L: Lanes>(self, _: L) {
        for (gradient, saved) in self.gradient.iter_mut().zip(self.saved) {
            *gradient = self.curve.gradient(*saved, *gradient);
        }
    }
}

#[cfg(test)]
mod tests;
