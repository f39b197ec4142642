//! Sums and products with a constant, and powers.

use super::curve::{Curve, Reads};
use crate::lanes::Lanes;
use crate::lanes::functions::negative;

#[derive(Clone, Copy)]
pub(super) struct Plus(pub(super) f32);

impl Curve for Plus {
    const OPERATIONS: f64 = 1.0;

    fn reads(self) -> Reads {
        Reads::Nothing
    }

    #[inline(always)]
    fn value<L: Lanes>(self, l: L, x: L::V) -> L::V {
        l.add(x, l.splat(self.0))
    }

    #[inline(always)]
    fn gradient<L: Lanes>(self, _: L, _: L::V, g: L::V) -> L::V {
        g
    }
}

#[derive(Clone, Copy)]
pub(super) struct Times(pub(super) f32);

impl Curve for Times {
    const OPERATIONS: f64 = 1.0;

    fn reads(self) -> Reads {
        Reads::Nothing
    }

    #[inline(always)]
    fn value<L: Lanes>(self, l: L, x: L::V) -> L::V {
        l.mul(x, l.splat(self.0))
    }

    #[inline(always)]
    fn gradient<L: Lanes>(self, l: L, _: L::V, g: L::V) -> L::V {
        l.mul(g, l.splat(self.0))
    }
}

#[derive(Clone, Copy)]
pub(super) struct Square;

impl Curve for Square {
    const OPERATIONS: f64 = 1.0;

    fn reads(self) -> Reads {
        Reads::Input
    }

    #[inline(always)]
    fn value<L: Lanes>(self, l: L, x: L::V) -> L::V {
        l.mul(x, x)
    }

    #[inline(always)]
    fn gradient<L: Lanes>(self, l: L, x: L::V, g: L::V) -> L::V {
        l.mul(g, l.add(x, x))
    }
}

#[derive(Clone, Copy)]
pub(super) struct Cube;

impl Curve for Cube {
    const OPERATIONS: f64 = 2.0;

    fn reads(self) -> Reads {
        Reads::Input
    }

    #[inline(always)]
    fn value<L: Lanes>(self, l: L, x: L::V) -> L::V {
        l.mul(l.mul(x, x), x)
    }

    #[inline(always)]
    fn gradient<L: Lanes>(self, l: L, x: L::V, g: L::V) -> L::V {
        l.mul(g, l.mul(l.splat(3.0), l.mul(x, x)))
    }
}

#[derive(Clone, Copy)]
pub(super) struct Sqrt;

impl Curve for Sqrt {
    const OPERATIONS: f64 = 1.0;

    fn reads(self) -> Reads {
        Reads::Output
    }

    #[inline(always)]
    fn value<L: Lanes>(self, l: L, x: L::V) -> L::V {
        l.sqrt(x)
    }

    #[inline(always)]
    fn gradient<L: Lanes>(self, l: L, y: L::V, g: L::V) -> L::V {
        l.mul(g, l.div(l.splat(0.5), y))
    }
}

#[derive(Clone, Copy)]
pub(super) struct Reciprocal;

impl Curve for Reciprocal {
    const OPERATIONS: f64 = 1.0;

    fn reads(self) -> Reads {
        Reads::Output
    }

    #[inline(always)]
    fn value<L: Lanes>(self, l: L, x: L::V) -> L::V {
        l.div(l.splat(1.0), x)
    }

    #[inline(always)]
    fn gradient<L: Lanes>(self, l: L, y: L::V, g: L::V) -> L::V {
        l.mul(g, negative(l, l.mul(y, y)))
    }
}

#[derive(Clone, Copy)]
pub(super) struct Power(pub(super) f32);

impl Curve for Power {
    const OPERATIONS: f64 = 40.0;

    fn reads(self) -> Reads {
        Reads::Input
    }

    #[inline(always)]
    fn value<L: Lanes>(self, l: L, x: L::V) -> L::V {
        l.map(x, |x| x.powf(self.0))
    }

    #[inline(always)]
    fn gradient<L: Lanes>(self, l: L, x: L::V, g: L::V) -> L::V {
        let slope = l.map(x, |x| self.0 * x.powf(self.0 - 1.0));
        l.mul(g, slope)
    }
}
