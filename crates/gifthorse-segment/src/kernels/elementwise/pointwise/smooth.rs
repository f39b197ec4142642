//! Functions that are smooth wherever they are defined.

use super::curve::{Curve, Reads};
use crate::lanes::Lanes;
use crate::lanes::functions::{self, exp, negative};

#[derive(Clone, Copy)]
pub(super) struct Exp;

impl Curve for Exp {
    const OPERATIONS: f64 = 18.0;

    fn reads(self) -> Reads {
        Reads::Output
    }

    #[inline(always)]
    fn value<L: Lanes>(self, l: L, x: L::V) -> L::V {
        exp(l, x)
    }

    #[inline(always)]
    fn gradient<L: Lanes>(self, l: L, y: L::V, g: L::V) -> L::V {
        l.mul(g, y)
    }
}

#[derive(Clone, Copy)]
pub(super) struct Log;

impl Curve for Log {
    const OPERATIONS: f64 = 20.0;

    fn reads(self) -> Reads {
        Reads::Input
    }

    #[inline(always)]
    fn value<L: Lanes>(self, l: L, x: L::V) -> L::V {
        l.map(x, f32::ln)
    }

    #[inline(always)]
    fn gradient<L: Lanes>(self, l: L, x: L::V, g: L::V) -> L::V {
        l.div(g, x)
    }
}

#[derive(Clone, Copy)]
pub(super) struct Tanh;

impl Curve for Tanh {
    const OPERATIONS: f64 = 32.0;

    fn reads(self) -> Reads {
        Reads::Output
    }

    #[inline(always)]
    fn value<L: Lanes>(self, l: L, x: L::V) -> L::V {
        functions::tanh(l, x)
    }

    #[inline(always)]
    fn gradient<L: Lanes>(self, l: L, y: L::V, g: L::V) -> L::V {
        l.mul(g, l.sub(l.splat(1.0), l.mul(y, y)))
    }
}

#[derive(Clone, Copy)]
pub(super) struct Sigmoid;

impl Curve for Sigmoid {
    const OPERATIONS: f64 = 22.0;

    fn reads(self) -> Reads {
        Reads::Output
    }

    #[inline(always)]
    fn value<L: Lanes>(self, l: L, x: L::V) -> L::V {
        functions::sigmoid(l, x)
    }

    #[inline(always)]
    fn gradient<L: Lanes>(self, l: L, y: L::V, g: L::V) -> L::V {
        l.mul(l.mul(g, y), l.sub(l.splat(1.0), y))
    }
}

#[derive(Clone, Copy)]
pub(super) struct Erf;

impl Curve for Erf {
    const OPERATIONS: f64 = 50.0;

    fn reads(self) -> Reads {
        Reads::Input
    }

    #[inline(always)]
    fn value<L: Lanes>(self, l: L, x: L::V) -> L::V {
        functions::erf(l, x)
    }

    #[inline(always)]
    fn gradient<L: Lanes>(self, l: L, x: L::V, g: L::V) -> L::V {
        let bell = exp(l, negative(l, l.mul(x, x)));
        l.mul(g, l.mul(bell, l.splat(std::f32::consts::FRAC_2_SQRT_PI)))
    }
}

#[derive(Clone, Copy)]
pub(super) struct Sin;

impl Curve for Sin {
    const OPERATIONS: f64 = 20.0;

    fn reads(self) -> Reads {
        Reads::Input
    }

    #[inline(always)]
    fn value<L: Lanes>(self, l: L, x: L::V) -> L::V {
        l.map(x, f32::sin)
    }

    #[inline(always)]
    fn gradient<L: Lanes>(self, l: L, x: L::V, g: L::V) -> L::V {
        l.mul(g, l.map(x, f32::cos))
    }
}

#[derive(Clone, Copy)]
pub(super) struct Cos;

impl Curve for Cos {
    const OPERATIONS: f64 = 20.0;

    fn reads(self) -> Reads {
        Reads::Input
    }

    #[inline(always)]
    fn value<L: Lanes>(self, l: L, x: L::V) -> L::V {
        l.map(x, f32::cos)
    }

    #[inline(always)]
    fn gradient<L: Lanes>(self, l: L, x: L::V, g: L::V) -> L::V {
        l.mul(g, negative(l, l.map(x, f32::sin)))
    }
}
