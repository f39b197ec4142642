//! A function of one number and its gradient, as formulas.

use crate::lanes::Lanes;

/// Which value the gradient is computed from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reads {
    Nothing,
    Input,
    Output,
}

/// A function of sixteen numbers, each by itself; implementations are `#[inline(always)]`.
pub(super) trait Curve: Copy {
    /// About how many the forward pass takes, for one number.
    const OPERATIONS: f64;

    fn reads(self) -> Reads;

    fn value<L: Lanes>(self, l: L, x: L::V) -> L::V;

    /// The gradient to the input from `g`, the one to the output, where `saved` is the input
    /// or the output, as [`Curve::reads`] says.
    fn gradient<L: Lanes>(self, l: L, saved: L::V, g: L::V) -> L::V;
}
