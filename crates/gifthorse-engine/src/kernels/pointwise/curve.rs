//! Activations as formulas for one number and its gradient.

use super::exp::exp;

/// Which tensor the backward pass reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reads {
    Input,
    Output,
}

/// A function of one number whose gradient follows from its input or from its output.
///
/// Implementations are `#[inline(always)]` and without calls, so that a loop over them is
/// compiled into vector instructions.
pub(super) trait Curve: Copy {
    const READS: Reads;

    fn value(self, x: f32) -> f32;

    /// The gradient to the input from `g`, the one to the output, where `saved` is the input
    /// or the output, as [`Curve::READS`] says.
    fn gradient(self, saved: f32, g: f32) -> f32;
}

#[derive(Clone, Copy)]
pub(super) struct Relu;

impl Curve for Relu {
    const READS: Reads = Reads::Output;

    #[inline(always)]
    fn value(self, x: f32) -> f32 {
        if x <= 0.0 { 0.0 } else { x }
    }

    #[inline(always)]
    fn gradient(self, y: f32, g: f32) -> f32 {
        if y <= 0.0 { 0.0 } else { g }
    }
}

#[derive(Clone, Copy)]
pub(super) struct LeakyRelu {
    pub(super) slope: f32,
}

impl Curve for LeakyRelu {
    const READS: Reads = Reads::Input;

    #[inline(always)]
    fn value(self, x: f32) -> f32 {
        if x < 0.0 { self.slope * x } else { x }
    }

    #[inline(always)]
    fn gradient(self, x: f32, g: f32) -> f32 {
        if x < 0.0 { self.slope * g } else { g }
    }
}

/// With `alpha >= 0` and `gamma > 0`, so that the output has the sign of the input.
#[derive(Clone, Copy)]
pub(super) struct Elu {
    pub(super) alpha: f32,
    pub(super) gamma: f32,
}

impl Curve for Elu {
    const READS: Reads = Reads::Output;

    #[inline(always)]
    fn value(self, x: f32) -> f32 {
        let negative = self.alpha * (exp(x) - 1.0);
        self.gamma * if x > 0.0 { x } else { negative }
    }

    #[inline(always)]
    fn gradient(self, y: f32, g: f32) -> f32 {
        let negative = y + self.gamma * self.alpha;
        g * if y > 0.0 { self.gamma } else { negative }
    }
}

#[derive(Clone, Copy)]
pub(super) struct Clip {
    pub(super) min: f32,
    pub(super) max: f32,
}

impl Clip {
    #[inline(always)]
    fn outside(self, x: f32) -> bool {
        (x < self.min) | (x > self.max)
    }
}

impl Curve for Clip {
    const READS: Reads = Reads::Input;

    #[inline(always)]
    fn value(self, x: f32) -> f32 {
        let low = if x < self.min { self.min } else { x };
        if low > self.max { self.max } else { low }
    }

    #[inline(always)]
    fn gradient(self, x: f32, g: f32) -> f32 {
        if self.outside(x) { 0.0 } else { g }
    }
}

#[derive(Clone, Copy)]
pub(super) struct HardSigmoid {
    pub(super) alpha: f32,
    pub(super) beta: f32,
}

impl HardSigmoid {
    const BOUNDS: Clip = Clip { min: 0.0, max: 1.0 };
}

impl Curve for HardSigmoid {
    const READS: Reads = Reads::Input;

    #[inline(always)]
    fn value(self, x: f32) -> f32 {
        Self::BOUNDS.value(self.alpha * x + self.beta)
    }

    #[inline(always)]
    fn gradient(self, x: f32, g: f32) -> f32 {
        Self::BOUNDS.gradient(self.alpha * x + self.beta, self.alpha * g)
    }
}

#[derive(Clone, Copy)]
pub(super) struct Sigmoid;

impl Curve for Sigmoid {
    const READS: Reads = Reads::Output;

    #[inline(always)]
    fn value(self, x: f32) -> f32 {
        // The exponential never exceeds 1, so nothing overflows.
        let e = exp(-x.abs());
        let numerator = if x < 0.0 { e } else { 1.0 };
        numerator / (1.0 + e)
    }

    #[inline(always)]
    fn gradient(self, y: f32, g: f32) -> f32 {
        g * y * (1.0 - y)
    }
}

#[derive(Clone, Copy)]
pub(super) struct Tanh;

impl Curve for Tanh {
    const READS: Reads = Reads::Output;

    #[inline(always)]
    fn value(self, x: f32) -> f32 {
        let size = x.abs();
        // Near zero `1 - 2 / (e^2x + 1)` loses digits; there the continued fraction
        // `x / (1 + x^2 / (3 + x^2 / (5 + ...)))`, cut after 9 and made one quotient, does not.
        let z = x * x;
        let above = 945.0 + z * (105.0 + z);
        let below = 945.0 + z * (420.0 + z * 15.0);
        let small = size * above / below;
        let large = 1.0 - 2.0 / (exp(2.0 * size) + 1.0);
        let value = if size < 0.5 { small } else { large };
        value.copysign(x)
    }

    #[inline(always)]
    fn gradient(self, y: f32, g: f32) -> f32 {
        g * (1.0 - y * y)
    }
}
