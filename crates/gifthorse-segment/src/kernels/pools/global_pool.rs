//! Sum, mean and maximum over all pixels of a map.

use crate::kernels::contract::{Backward, Forward, Kernel, Needs, Work};
use crate::kernels::on_lanes::{self, OnLanes};
use crate::lanes::map::MapShape;
use crate::lanes::{Isa, Lane, Lanes};

/// What is taken of each channel's entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Global {
    /// Their sum.
    Sum,
    /// Their mean.
    Mean,
    /// The largest. NaN counts as larger than everything. Of equal entries, the gradient goes to
    /// the first in the leftmost column, as when the largest of each column is taken first.
    Max,
}

/// Up to how many pixels an `f32` counts.
const COUNTED: usize = 1 << f32::MANTISSA_DIGITS;

/// One number for each channel of a map.
#[derive(Debug)]
pub(crate) struct GlobalPool {
    kind: Global,
    input: MapShape,
    isa: Isa,
}

impl GlobalPool {
    /// The kernel for maps of shape `input`, which have a pixel; `None` if there are more pixels
    /// than the backward pass of [`Global::Max`] can tell apart.
    pub(crate) fn new(input: MapShape, kind: Global) -> Option<Self> {
        (kind != Global::Max || input.pixels() <= COUNTED).then(|| Self {
            kind,
            input,
            isa: Isa::detect(),
        })
    }

    /// By which the sum is multiplied.
    fn factor(&self) -> f32 {
        match self.kind {
            Global::Mean => 1.0 / self.input.pixels() as f32,
            Global::Sum | Global::Max => 1.0,
        }
    }

    /// The sum over pixels, a row at a time: rounding errors add up to less than those of one long
    /// sum.
    #[inline(always)]
    fn sum<L: Lanes>(&self, l: L, map: &[Lane], group: usize) -> L::V {
        let groups = self.input.groups();
        let mut sum = l.splat(0.0);
        for row in map.chunks_exact(self.input.width * groups) {
            let mut of_row = l.splat(0.0);
            for pixel in row.chunks_exact(groups) {
                of_row = l.add(of_row, l.load(&pixel[group].0));
            }
            sum = l.add(sum, of_row);
        }
        sum
    }

    /// The largest entry, and the number of its pixel (exact: there are at most [`COUNTED`]).
    #[inline(always)]
    fn largest<L: Lanes>(&self, l: L, map: &[Lane], group: usize) -> (L::V, L::V) {
        let groups = self.input.groups();
        let mut best = l.load(&map[group].0);
        let mut chosen = l.splat(0.0);
        for column in 0..self.input.width {
            for row in 0..self.input.height {
                let pixel = row * self.input.width + column;
                let value = l.load(&map[pixel * groups + group].0);
                let here = l.splat(pixel as f32);
                // A NaN wins over what is none, and keeps its place.
                let over_number = l.if_at_most(best, best, here, chosen);
                let value_over_number = l.if_at_most(best, best, value, best);
                chosen = l.if_below(best, value, here, chosen);
                best = l.if_below(best, value, value, best);
                chosen = l.if_at_most(value, value, chosen, over_number);
                best = l.if_at_most(value, value, best, value_over_number);
            }
        }
        (best, chosen)
    }
}

impl Kernel for GlobalPool {
    fn name(&self) -> String {
        let kind = match self.kind {
            Global::Sum => "sum",
            Global::Mean => "mean",
            Global::Max => "max",
        };
        format!("global {kind}")
    }

    fn inputs(&self) -> Vec<MapShape> {
        vec![self.input]
    }

    fn output(&self) -> MapShape {
        MapShape::vector(self.input.channels)
    }

    fn work(&self) -> Work {
        Work {
            operations: self.input.elements() as f64,
            constants: 0,
        }
    }

    fn needs(&self) -> Needs {
        Needs {
            inputs: self.kind == Global::Max,
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

impl OnLanes for GlobalPool {
    #[inline(always)]
    fn forward_on<L: Lanes>(&self, l: L, run: Forward<'_>) {
        let (mut at, mut finish) = (0, run.finish);
        for map in run.inputs[0].chunks_exact(self.input.lanes()) {
            for group in 0..self.input.groups() {
                let value = match self.kind {
                    Global::Max => self.largest(l, map, group).0,
                    Global::Sum | Global::Mean => {
                        l.mul(self.sum(l, map, group), l.splat(self.factor()))
                    }
                };
                finish.store(l, run.out, at, value);
                at += 1;
            }
        }
    }

    #[inline(always)]
    fn backward_on<L: Lanes>(&self, l: L, run: Backward<'_>) {
        let (groups, mut finish) = (self.input.groups(), run.finish);
        let lanes = self.input.lanes();
        for (sample, gradient) in run.gradient.chunks_exact(groups).enumerate() {
            for group in 0..groups {
                let gradient = l.mul(l.load(&gradient[group].0), l.splat(self.factor()));
                let chosen = match self.kind {
                    Global::Max => {
                        let map = &run.inputs[0][sample * lanes..][..lanes];
                        Some(self.largest(l, map, group).1)
                    }
                    Global::Sum | Global::Mean => None,
                };
                for pixel in 0..self.input.pixels() {
                    let part = match chosen {
                        None => gradient,
                        Some(chosen) => {
                            let here = l.splat(pixel as f32);
                            let other = l.below(chosen, here) | l.below(here, chosen);
                            l.keep(!other, gradient)
                        }
                    };
                    let at = sample * lanes + pixel * groups + group;
                    finish.store(l, run.out, at, part);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
