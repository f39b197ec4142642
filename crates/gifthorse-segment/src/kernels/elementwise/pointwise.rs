//! Functions of one number, in one pass over memory forward and one backward.

mod activations;
mod curve;
mod powers;
mod smooth;
mod steps;

use crate::kernels::contract::{Backward, Forward, Kernel, Needs, Work};
use crate::kernels::on_lanes::{self, OnLanes};
use crate::lanes::finish::Clamp;
use crate::lanes::map::MapShape;
use crate::lanes::{Isa, Lanes};
use curve::{Curve, Reads};

/// A function of one number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Function {
    /// `-x`
    Neg,
    /// `|x|`; its gradient at zero is zero.
    Abs,
    /// `e^x`
    Exp,
    /// Natural logarithm.
    Log,
    /// Square root.
    Sqrt,
    /// `1 / x`
    Reciprocal,
    /// Hyperbolic tangent.
    Tanh,
    /// Sine.
    Sin,
    /// Cosine.
    Cos,
    /// Gauss error function.
    Erf,
    /// Sign; no gradient.
    Sign,
    /// Rounded down; no gradient.
    Floor,
    /// Rounded up; no gradient.
    Ceil,
    /// Rounded to even; no gradient.
    Round,
    /// A ReLU or a clip that could not be fused to the kernel before it.
    Clamp(Clamp),
    /// Logistic function.
    Sigmoid,
    /// `x` where positive, the given multiple elsewhere.
    LeakyRelu(f32),
    /// `x` where positive, `alpha (e^x - 1)` elsewhere, all times `gamma`; the gradient at zero is
    /// that from below.
    Elu {
        /// Scale of the negative part.
        alpha: f32,
        /// Scale of everything.
        gamma: f32,
    },
    /// `ln(1 + e^x)`
    Softplus,
    /// `max(0, min(1, alpha x + beta))`; the gradient passes inside, bounds included.
    HardSigmoid {
        /// Slope.
        alpha: f32,
        /// Offset.
        beta: f32,
    },
    /// `x + c`
    AddScalar(f32),
    /// `c x`
    MulScalar(f32),
    /// `x ^ c`
    PowScalar(f32),
    /// 1 where `x` is zero, 0 elsewhere; no gradient.
    Not,
}

/// A function of each number of a map.
#[derive(Debug)]
pub(crate) struct Pointwise {
    function: Function,
    shape: MapShape,
    isa: Isa,
}

impl Pointwise {
    /// The kernel for maps of a shape.
    pub(crate) fn new(shape: MapShape, function: Function) -> Self {
        Self {
            function,
            shape,
            isa: Isa::detect(),
        }
    }
}

impl Kernel for Pointwise {
    fn name(&self) -> String {
        format!("{:?}", self.function).to_lowercase()
    }

    fn inputs(&self) -> Vec<MapShape> {
        vec![self.shape]
    }

    fn output(&self) -> MapShape {
        self.shape
    }

    fn work(&self) -> Work {
        Work {
            operations: self.function.with_curve(Cost) * self.shape.elements() as f64,
            constants: 0,
        }
    }

    fn needs(&self) -> Needs {
        let reads = self.function.with_curve(WhatIsRead);
        Needs {
            inputs: reads == Reads::Input,
            output: reads == Reads::Output,
            notes: 0,
        }
    }

    fn forward(&self, run: Forward<'_>) {
        on_lanes::forward(self.isa, self, run);
    }

    fn backward(&self, run: Backward<'_>) {
        on_lanes::backward(self.isa, self, run);
    }
}

impl OnLanes for Pointwise {
    #[inline(always)]
    fn forward_on<L: Lanes>(&self, lanes: L, run: Forward<'_>) {
        self.function.with_curve(Values { lanes, run });
    }

    #[inline(always)]
    fn backward_on<L: Lanes>(&self, lanes: L, run: Backward<'_>) {
        self.function.with_curve(Gradients { lanes, run });
    }
}

/// Something to do with a formula that is chosen when the program runs; implementations are
/// `#[inline(always)]`.
trait UseCurve {
    type Result;

    fn with<C: Curve>(self, curve: C) -> Self::Result;
}

struct WhatIsRead;

impl UseCurve for WhatIsRead {
    type Result = Reads;

    fn with<C: Curve>(self, curve: C) -> Reads {
        curve.reads()
    }
}

struct Cost;

impl UseCurve for Cost {
    type Result = f64;

    fn with<C: Curve>(self, _: C) -> f64 {
        C::OPERATIONS
    }
}

struct Values<'a, L> {
    lanes: L,
    run: Forward<'a>,
}

impl<L: Lanes> UseCurve for Values<'_, L> {
    type Result = ();

    #[inline(always)]
    fn with<C: Curve>(self, curve: C) {
        let Self { lanes, run } = self;
        let mut finish = run.finish;
        for (at, x) in run.inputs[0].iter().enumerate() {
            let value = curve.value(lanes, lanes.load(&x.0));
            finish.store(lanes, run.out, at, value);
        }
    }
}

struct Gradients<'a, L> {
    lanes: L,
    run: Backward<'a>,
}

impl<L: Lanes> UseCurve for Gradients<'_, L> {
    type Result = ();

    #[inline(always)]
    fn with<C: Curve>(self, curve: C) {
        let Self { lanes, run } = self;
        let mut finish = run.finish;
        let saved = match curve.reads() {
            Reads::Input => run.inputs[0],
            Reads::Output => run.output,
            // The gradient takes the place of what nobody reads.
            Reads::Nothing => run.gradient,
        };
        for (at, (saved, gradient)) in saved.iter().zip(run.gradient).enumerate() {
            let (saved, gradient) = (lanes.load(&saved.0), lanes.load(&gradient.0));
            let value = curve.gradient(lanes, saved, gradient);
            finish.store(lanes, run.out, at, value);
        }
    }
}

impl Function {
    /// Does something with the function's formula.
    #[inline(always)]
    fn with_curve<U: UseCurve>(self, then: U) -> U::Result {
        match self {
            Self::Neg => then.with(powers::Times(-1.0)),
            Self::Abs => then.with(steps::Abs),
            Self::Exp => then.with(smooth::Exp),
            Self::Log => then.with(smooth::Log),
            Self::Sqrt | Self::PowScalar(0.5) => then.with(powers::Sqrt),
            Self::Reciprocal | Self::PowScalar(-1.0) => then.with(powers::Reciprocal),
            Self::Tanh => then.with(smooth::Tanh),
            Self::Sin => then.with(smooth::Sin),
            Self::Cos => then.with(smooth::Cos),
            Self::Erf => then.with(smooth::Erf),
            Self::Sign => then.with(steps::Sign),
            Self::Floor => then.with(steps::Rounded(f32::floor)),
            Self::Ceil => then.with(steps::Rounded(f32::ceil)),
            Self::Round => then.with(steps::Rounded(f32::round_ties_even)),
            Self::Clamp(clamp) => then.with(activations::Clamped(clamp)),
            Self::Sigmoid => then.with(smooth::Sigmoid),
            Self::LeakyRelu(slope) => then.with(activations::LeakyRelu { slope }),
            Self::Elu { alpha, gamma } => then.with(activations::Elu { alpha, gamma }),
            Self::Softplus => then.with(activations::Softplus),
            Self::HardSigmoid { alpha, beta } => {
                then.with(activations::HardSigmoid { alpha, beta })
            }
            Self::AddScalar(value) => then.with(powers::Plus(value)),
            Self::MulScalar(value) => then.with(powers::Times(value)),
            Self::PowScalar(1.0) => then.with(powers::Times(1.0)),
            Self::PowScalar(2.0) => then.with(powers::Square),
            Self::PowScalar(3.0) => then.with(powers::Cube),
            Self::PowScalar(exponent) => then.with(powers::Power(exponent)),
            Self::Not => then.with(steps::Not),
        }
    }
}

#[cfg(test)]
mod tests;
