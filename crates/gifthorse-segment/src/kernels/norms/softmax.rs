//! Softmax over the channels of each pixel, and its logarithm.

use crate::kernels::contract::{Backward, Forward, Kernel, Needs, Work};
use crate::kernels::on_lanes::{self, OnLanes};
use crate::lanes::across::{first_or, largest, sum};
use crate::lanes::functions::exp;
use crate::lanes::map::MapShape;
use crate::lanes::{Isa, Lane, Lanes};

/// What is made of each pixel's channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Normalised {
    /// `e^x / sum(e^x)`
    Softmax,
    /// `x - ln sum(e^x)`
    LogSoftmax,
}

/// A softmax, or its logarithm, over channels. The largest channel is taken off first, so that
/// nothing overflows.
#[derive(Debug)]
pub(crate) struct Softmax {
    kind: Normalised,
    shape: MapShape,
    isa: Isa,
}

impl Softmax {
    /// The kernel for maps of a shape.
    pub(crate) fn new(shape: MapShape, kind: Normalised) -> Self {
        Self {
            kind,
            shape,
            isa: Isa::detect(),
        }
    }

    /// The largest of a pixel's channels.
    #[inline(always)]
    fn largest<L: Lanes>(&self, l: L, pixel: &[Lane]) -> f32 {
        let least = f32::NEG_INFINITY;
        let mut best = l.splat(least);
        for (group, lane) in pixel.iter().enumerate() {
            let value = first_or(l, l.load(&lane.0), self.shape.present(group), least);
            best = l.max(best, value);
        }
        largest(l, best)
    }

    /// The sum over a pixel's channels of what `term` makes of each lane.
    #[inline(always)]
    fn total<L: Lanes>(&self, l: L, mut term: impl FnMut(usize) -> L::V) -> f32 {
        let mut total = l.splat(0.0);
        for group in 0..self.shape.groups() {
            let term = first_or(l, term(group), self.shape.present(group), 0.0);
            total = l.add(total, term);
        }
        sum(l, total)
    }
}

impl Kernel for Softmax {
    fn name(&self) -> String {
        match self.kind {
            Normalised::Softmax => "softmax".to_owned(),
            Normalised::LogSoftmax => "log softmax".to_owned(),
        }
    }

    fn inputs(&self) -> Vec<MapShape> {
        vec![self.shape]
    }

    fn output(&self) -> MapShape {
        self.shape
    }

    fn work(&self) -> Work {
        Work {
            operations: 22.0 * self.shape.elements() as f64,
            constants: 0,
        }
    }

    fn needs(&self) -> Needs {
        Needs {
            output: true,
            ..Needs::default()
        }
    }

    fn forward(&self, run: Forward<'_>) {
        on_lanes::forward(self.isa, self, run);
    }

    fn backward(&self, run: Backward<'_>) {
        on_lanes::backward(self.isa, self, run);
    }
}

impl OnLanes for Softmax {
    #[inline(always)]
    fn forward_on<L: Lanes>(&self, l: L, run: Forward<'_>) {
        let (groups, mut finish, mut at) = (self.shape.groups(), run.finish, 0);
        let mut powers = vec![Lane::default(); groups];
        for pixel in run.inputs[0].chunks_exact(groups) {
            let shift = l.splat(self.largest(l, pixel));
            let total = self.total(l, |group| {
                let power = exp(l, l.sub(l.load(&pixel[group].0), shift));
                l.store(&mut powers[group].0, power);
                power
            });
            for group in 0..groups {
                let value = match self.kind {
                    Normalised::Softmax => l.div(l.load(&powers[group].0), l.splat(total)),
                    Normalised::LogSoftmax => {
                        let shifted = l.sub(l.load(&pixel[group].0), shift);
                        l.sub(shifted, l.splat(total.ln()))
                    }
                };
                finish.store(l, run.out, at, value);
                at += 1;
            }
        }
    }

    #[inline(always)]
    fn backward_on<L: Lanes>(&self, l: L, run: Backward<'_>) {
        let (groups, mut finish, mut at) = (self.shape.groups(), run.finish, 0);
        let outputs = run.output.chunks_exact(groups);
        for (y, g) in outputs.zip(run.gradient.chunks_exact(groups)) {
            let total = l.splat(match self.kind {
                Normalised::Softmax => {
                    self.total(l, |group| l.mul(l.load(&y[group].0), l.load(&g[group].0)))
                }
                Normalised::LogSoftmax => self.total(l, |group| l.load(&g[group].0)),
            });
            for (y, g) in y.iter().zip(g) {
                let (y, g) = (l.load(&y.0), l.load(&g.0));
                let value = match self.kind {
                    Normalised::Softmax => l.mul(y, l.sub(g, total)),
                    Normalised::LogSoftmax => l.sub(g, l.mul(exp(l, y), total)),
                };
                finish.store(l, run.out, at, value);
                at += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests;
