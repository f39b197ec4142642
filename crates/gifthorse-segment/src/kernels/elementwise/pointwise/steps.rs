//! Functions that are flat or straight between jumps and corners.

use super::curve::{Curve, Reads};
use crate::lanes::{Lanes, functions};

#[derive(Clone, Copy)]
pub(super) struct Abs;

impl Curve for Abs {
    const OPERATIONS: f64 = 1.0;

    fn reads(self) -> Reads {
        Reads::Input
    }

    #[inline(always)]
    fn value<L: Lanes>(self, l: L, x: L::V) -> L::V {
        functions::abs(l, x)
    }

    #[inline(always)]
    fn gradient<L: Lanes>(self, l: L, x: L::V, g: L::V) -> L::V {
        l.mul(g, sign(l, x))
    }
}

/// 1, 0 or -1; NaN of NaN.
#[inline(always)]
fn sign<L: Lanes>(l: L, x: L::V) -> L::V {
    let zero = l.splat(0.0);
    let not_below = l.if_below(zero, x, l.splat(1.0), x);
    l.if_below(x, zero, l.splat(-1.0), not_below)
}

#[derive(Clone, Copy)]
pub(super) struct Sign;

impl Curve for Sign {
    const OPERATIONS: f64 = 2.0;

    fn reads(self) -> Reads {
        Reads::Nothing
    }

    #[inline(always)]
    fn value<L: Lanes>(self, l: L, x: L::V) -> L::V {
        sign(l, x)
    }

    #[inline(always)]
    fn gradient<L: Lanes>(self, l: L, _: L::V, _: L::V) -> L::V {
        l.splat(0.0)
    }
}

/// Rounded one way or another.
#[derive(Clone, Copy)]
pub(super) struct Rounded<F>(pub(super) F);

impl<F: Fn(f32) -> f32 + Copy> Curve for Rounded<F> {
    const OPERATIONS: f64 = 1.0;

    fn reads(self) -> Reads {
        Reads::Nothing
    }

    #[inline(always)]
    fn value<L: Lanes>(self, l: L, x: L::V) -> L::V {
        l.map(x, self.0)
    }

    #[inline(always)]
    fn gradient<L: Lanes>(self, l: L, _: L::V, _: L::V) -> L::V {
        l.splat(0.0)
    }
}

#[derive(Clone, Copy)]
pub(super) struct Not;

impl Curve for Not {
    const OPERATIONS: f64 = 1.0;

    fn reads(self) -> Reads {
        Reads::Nothing
    }

    #[inline(always)]
    fn value<L: Lanes>(self, l: L, x: L::V) -> L::V {
        let (zero, one) = (l.splat(0.0), l.splat(1.0));
        l.if_at_most(functions::abs(l, x), zero, one, zero)
    }

    #[inline(always)]
    fn gradient<L: Lanes>(self, l: L, _: L::V, _: L::V) -> L::V {
        l.splat(0.0)
    }
}
