//! Activations in two or more pieces.

use super::curve::{Curve, Reads};
use crate::lanes::Lanes;
use crate::lanes::finish::Clamp;
use crate::lanes::functions::{abs, exp, log_1p, negative, sigmoid};

#[derive(Clone, Copy)]
pub(super) struct Clamped(pub(super) Clamp);

impl Curve for Clamped {
    const OPERATIONS: f64 = 1.0;

    fn reads(self) -> Reads {
        Reads::Input
    }

    #[inline(always)]
    fn value<L: Lanes>(self, l: L, x: L::V) -> L::V {
        self.0.apply(l, x)
    }

    #[inline(always)]
    fn gradient<L: Lanes>(self, l: L, x: L::V, g: L::V) -> L::V {
        l.keep(self.0.passes(l, x), g)
    }
}

#[derive(Clone, Copy)]
pub(super) struct LeakyRelu {
    pub(super) slope: f32,
}

impl Curve for LeakyRelu {
    const OPERATIONS: f64 = 2.0;

    fn reads(self) -> Reads {
        Reads::Input
    }

    #[inline(always)]
    fn value<L: Lanes>(self, l: L, x: L::V) -> L::V {
        l.if_below(x, l.splat(0.0), l.mul(x, l.splat(self.slope)), x)
    }

    #[inline(always)]
    fn gradient<L: Lanes>(self, l: L, x: L::V, g: L::V) -> L::V {
        l.if_below(x, l.splat(0.0), l.mul(g, l.splat(self.slope)), g)
    }
}

#[derive(Clone, Copy)]
pub(super) struct Elu {
    pub(super) alpha: f32,
    pub(super) gamma: f32,
}

impl Curve for Elu {
    const OPERATIONS: f64 = 20.0;

    /// With these signs, the output has the sign of the input.
    fn reads(self) -> Reads {
        if self.alpha >= 0.0 && self.gamma > 0.0 {
            Reads::Output
        } else {
            Reads::Input
        }
    }

    #[inline(always)]
    fn value<L: Lanes>(self, l: L, x: L::V) -> L::V {
        let below = l.sub(exp(l, x), l.splat(1.0));
        let below = l.mul(l.splat(self.alpha), below);
        l.mul(l.splat(self.gamma), l.if_below(l.splat(0.0), x, x, below))
    }

    #[inline(always)]
    fn gradient<L: Lanes>(self, l: L, saved: L::V, g: L::V) -> L::V {
        let (gamma, scale) = (l.splat(self.gamma), l.splat(self.gamma * self.alpha));
        let below = match self.reads() {
            Reads::Output => l.add(saved, scale),
            _ => l.mul(exp(l, saved), scale),
        };
        l.mul(g, l.if_below(l.splat(0.0), saved, gamma, below))
    }
}

#[derive(Clone, Copy)]
pub(super) struct Softplus;

impl Curve for Softplus {
    const OPERATIONS: f64 = 40.0;

    fn reads(self) -> Reads {
        Reads::Input
    }

    #[inline(always)]
    fn value<L: Lanes>(self, l: L, x: L::V) -> L::V {
        let tail = log_1p(l, exp(l, negative(l, abs(l, x))));
        l.add(l.max(l.splat(0.0), x), tail)
    }

    /// Zero at zero: the reference makes the function of `max(x, 0)` and `|x|`, neither of which
    /// has a gradient there.
    #[inline(always)]
    fn gradient<L: Lanes>(self, l: L, x: L::V, g: L::V) -> L::V {
        let zero = l.splat(0.0);
        let slope = l.if_at_most(abs(l, x), zero, zero, sigmoid(l, x));
        l.mul(g, slope)
    }
}

#[derive(Clone, Copy)]
pub(super) struct HardSigmoid {
    pub(super) alpha: f32,
    pub(super) beta: f32,
}

impl HardSigmoid {
    const BOUNDS: Clamp = Clamp::Clip { min: 0.0, max: 1.0 };

    #[inline(always)]
    fn line<L: Lanes>(self, l: L, x: L::V) -> L::V {
        l.add(l.mul(l.splat(self.alpha), x), l.splat(self.beta))
    }
}

impl Curve for HardSigmoid {
    const OPERATIONS: f64 = 4.0;

    fn reads(self) -> Reads {
        Reads::Input
    }

    #[inline(always)]
    fn value<L: Lanes>(self, l: L, x: L::V) -> L::V {
        Self::BOUNDS.apply(l, self.line(l, x))
    }

    #[inline(always)]
    fn gradient<L: Lanes>(self, l: L, x: L::V, g: L::V) -> L::V {
        let inside = Self::BOUNDS.passes(l, self.line(l, x));
        l.keep(inside, l.mul(l.splat(self.alpha), g))
    }
}
