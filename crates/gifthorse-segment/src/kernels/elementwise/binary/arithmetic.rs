//! Functions of two numbers and their gradients.

use crate::lanes::Lanes;
use crate::lanes::functions::negative;

/// A function of two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arithmetic {
    /// `a + b`
    Add,
    /// `a - b`
    Sub,
    /// `a * b`
    Mul,
    /// `a / b`
    Div,
    /// `a ^ b`
    Pow,
    /// `a` if `a >= b`, else `b`; the gradient goes to the one that is taken.
    Max,
    /// `a` if `a <= b`, else `b`; the gradient goes to the one that is taken.
    Min,
}

impl Arithmetic {
    /// About how many the forward pass takes, for one number.
    pub(super) fn operations(self) -> f64 {
        match self {
            Self::Pow => 40.0,
            _ => 1.0,
        }
    }

    /// Whether the gradient to some value depends on a value, given which sides are values.
    pub(super) fn reads_values(self, [left, right]: [bool; 2]) -> bool {
        match self {
            Self::Add | Self::Sub => false,
            Self::Mul => left && right,
            Self::Div => right,
            Self::Pow | Self::Max | Self::Min => true,
        }
    }

    #[inline(always)]
    pub(super) fn value<L: Lanes>(self, l: L, a: L::V, b: L::V) -> L::V {
        match self {
            Self::Add => l.add(a, b),
            Self::Sub => l.sub(a, b),
            Self::Mul => l.mul(a, b),
            Self::Div => l.div(a, b),
            Self::Pow => l.map2(a, b, f32::powf),
            Self::Max => l.if_at_most(b, a, a, b),
            Self::Min => l.if_at_most(a, b, a, b),
        }
    }

    /// The gradient to `a` (`to` 0) or `b` (`to` 1) from `g`, the one to the result.
    #[inline(always)]
    pub(super) fn gradient<L: Lanes>(self, l: L, to: usize, a: L::V, b: L::V, g: L::V) -> L::V {
        let zero = l.splat(0.0);
        match (self, to) {
            (Self::Add, _) | (Self::Sub, 0) => g,
            (Self::Sub, _) => negative(l, g),
            (Self::Mul, 0) => l.mul(g, b),
            (Self::Mul, _) => l.mul(g, a),
            (Self::Div, 0) => l.div(g, b),
            (Self::Div, _) => negative(l, l.mul(g, l.div(a, l.mul(b, b)))),
            (Self::Pow, 0) => l.mul(g, l.map2(a, b, |a, b| b * a.powf(b - 1.0))),
            (Self::Pow, _) => l.mul(g, l.map2(a, b, |a, b| a.powf(b) * a.ln())),
            (Self::Max, 0) => l.if_at_most(b, a, g, zero),
            (Self::Max, _) => l.if_at_most(b, a, zero, g),
            (Self::Min, 0) => l.if_at_most(a, b, g, zero),
            (Self::Min, _) => l.if_at_most(a, b, zero, g),
        }
    }
}
