//! What happens to a kernel's result on its way to memory.
//!
//! A kernel hands each lane of its result to [`Finish::store`] instead of storing it. So a
//! bias-free sum, a residual branch and an activation cost no pass over memory of their own,
//! forward; and backward neither do the sum of two branches' gradients and the activation's mask.

use super::arithmetic::{Lanes, Task};
use super::lane::Lane;

/// What is added to the result.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Add<'a> {
    Nothing,
    /// What is in the output already.
    Present,
    /// A value of the same shape as the output.
    Value(&'a [Lane]),
}

/// What is done to the sum.
#[derive(Debug)]
pub(crate) enum Then<'a> {
    Nothing,
    /// Kept between two bounds, which may be infinite. For each lane, a bit for each channel says
    /// whether the gradient passes; it is written down where there is somebody to read it.
    Clamp(Clamp, Option<&'a mut [u16]>),
    /// Set to zero where the bit is 0.
    Mask(&'a [u16]),
}

/// A ReLU or a clip.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Clamp {
    /// `max(x, 0)`; the gradient passes where `x > 0` (or is NaN).
    Relu,
    /// Kept in `min..=max`; the gradient passes inside, bounds included.
    Clip {
        /// Lower bound.
        min: f32,
        /// Upper bound.
        max: f32,
    },
}

/// The way of a result to memory.
#[derive(Debug)]
pub(crate) struct Finish<'a> {
    pub(crate) add: Add<'a>,
    pub(crate) then: Then<'a>,
}

impl Finish<'_> {
    /// The result is stored as it is.
    #[cfg(test)]
    pub(crate) const PLAIN: Finish<'static> = Finish {
        add: Add::Nothing,
        then: Then::Nothing,
    };

    /// Stores lane `at` of the output.
    #[inline(always)]
    pub(crate) fn store<L: Lanes>(&mut self, lanes: L, out: &mut [Lane], at: usize, value: L::V) {
        let to = &mut out[at].0;
        let sum = match self.add {
            Add::Nothing => value,
            Add::Present => lanes.add(value, lanes.load(to)),
            Add::Value(other) => lanes.add(value, lanes.load(&other[at].0)),
        };
        let result = match &mut self.then {
            Then::Nothing => sum,
            Then::Clamp(clamp, passes) => {
                if let Some(passes) = passes {
                    passes[at] = clamp.passes(lanes, sum);
                }
                clamp.apply(lanes, sum)
            }
            Then::Mask(passes) => lanes.keep(passes[at], sum),
        };
        lanes.store(to, result);
    }
}

impl Clamp {
    #[inline(always)]
    pub(crate) fn apply<L: Lanes>(self, lanes: L, x: L::V) -> L::V {
        match self {
            Self::Relu => lanes.max(lanes.splat(0.0), x),
            Self::Clip { min, max } => {
                let x = lanes.max(lanes.splat(min), x);
                lanes.min(lanes.splat(max), x)
            }
        }
    }

    #[inline(always)]
    pub(crate) fn passes<L: Lanes>(self, lanes: L, x: L::V) -> u16 {
        match self {
            Self::Relu => !lanes.at_most(x, lanes.splat(0.0)),
            Self::Clip { min, max } => {
                !(lanes.below(x, lanes.splat(min)) | lanes.below(lanes.splat(max), x))
            }
        }
    }
}

/// Copies lanes through a [`Finish`]: the kernel of the identity.
pub(crate) struct HandOn<'a, 'b> {
    pub(crate) from: &'a [Lane],
    pub(crate) out: &'a mut [Lane],
    pub(crate) finish: Finish<'b>,
}

impl Task for HandOn<'_, '_> {
    #[inline(always)]
    fn run<L: Lanes>(mut self, lanes: L) {
        for (at, from) in self.from.iter().enumerate() {
            let value = lanes.load(&from.0);
            self.finish.store(lanes, self.out, at, value);
        }
    }
}
