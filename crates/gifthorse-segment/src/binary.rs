//! Functions of two numbers, one or both of which come from values of the network.

mod arithmetic;
mod side;

pub use arithmetic::Arithmetic;
pub use side::{Extent, Operand};

use crate::across::{first_or, sum};
use crate::kernel::{Backward, Forward, Kernel, Needs, Work};
use crate::lanes::{Isa, Lane, Lanes};
use crate::map::MapShape;
use crate::on_lanes::{self, OnLanes};
use side::Side;

/// A function of two maps, of which one may be constant; either may be one pixel or one channel that stands for all.
#[derive(Debug)]
pub(crate) struct Binary {
    function: Arithmetic,
    sides: [Side; 2],
    shape: MapShape,
    isa: Isa,
}

impl Binary {
    /// The kernel whose output has a shape, of a left and a right operand. `None` if both are constant, or if a constant has
    /// another number of elements than its extent says.
    pub(crate) fn new(
        shape: MapShape,
        function: Arithmetic,
        operands: [Operand; 2],
    ) -> Option<Self> {
        let [left, right] = operands.map(|operand| Side::new(shape, operand));
        let sides = [left?, right?];
        (sides.iter().any(Side::is_value)).then(|| Self {
            function,
            sides,
            shape,
            isa: Isa::detect(),
        })
    }

    /// Which side the input of this number is.
    fn side_of(&self, input: usize) -> usize {
        input + usize::from(!self.sides[0].is_value())
    }

    /// Both operands' lanes for the whole group of samples, of values as far as they are there.
    #[inline(always)]
    fn operands<'a>(&'a self, inputs: &'a [&'a [Lane]]) -> [&'a [Lane]; 2] {
        let mut inputs = inputs.iter();
        let [left, right] = &self.sides;
        [left, right].map(|side| match side.constant() {
            Some(lanes) => lanes,
            None => inputs.next().copied().unwrap_or_default(),
        })
    }

    /// The gradient to one side that comes through one lane of the output, with zeros beyond the last channel if it
    /// is to be summed over channels.
    #[inline(always)]
    fn through<L: Lanes>(
        &self,
        l: L,
        to: usize,
        (operands, gradient): ([&[Lane]; 2], &[Lane]),
        (sample, pixel, group): (usize, usize, usize),
    ) -> L::V {
        let [a, b] = [0, 1].map(|i| self.sides[i].lane(l, operands[i], sample, pixel, group));
        let at = (sample * self.shape.pixels() + pixel) * self.shape.groups() + group;
        let part = self.function.gradient(l, to, a, b, l.load(&gradient[at].0));
        if self.sides[to].extent().channels {
            part
        } else {
            first_or(l, part, self.shape.present(group), 0.0)
        }
    }
}

impl Kernel for Binary {
    fn name(&self) -> String {
        format!("{:?}", self.function).to_lowercase()
    }

    fn inputs(&self) -> Vec<MapShape> {
        let values = self.sides.iter().filter(|side| side.is_value());
        values.map(Side::shape).collect()
    }

    fn output(&self) -> MapShape {
        self.shape
    }

    fn work(&self) -> Work {
        Work {
            operations: self.function.operations() * self.shape.elements() as f64,
            constants: self
                .sides
                .iter()
                .filter_map(Side::constant)
                .map(size_of_val)
                .sum(),
        }
    }

    fn needs(&self) -> Needs {
        let values = [self.sides[0].is_value(), self.sides[1].is_value()];
        Needs {
            inputs: self.function.reads_values(values),
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

impl OnLanes for Binary {
    #[inline(always)]
    fn forward_on<L: Lanes>(&self, l: L, run: Forward<'_>) {
        let operands = self.operands(run.inputs);
        let (mut finish, mut at) = (run.finish, 0);
        for sample in 0..run.samples {
            for pixel in 0..self.shape.pixels() {
                for group in 0..self.shape.groups() {
                    let [a, b] =
                        [0, 1].map(|i| self.sides[i].lane(l, operands[i], sample, pixel, group));
                    finish.store(l, run.out, at, self.function.value(l, a, b));
                    at += 1;
                }
            }
        }
    }

    #[inline(always)]
    fn backward_on<L: Lanes>(&self, l: L, run: Backward<'_>) {
        let from = (self.operands(run.inputs), run.gradient);
        let (mut finish, mut at) = (run.finish, 0);
        let to = self.side_of(run.to);
        let (side, whole) = (&self.sides[to], self.shape);
        let Extent { pixels, channels } = side.extent();
        for sample in 0..run.samples {
            for of_pixel in 0..side.shape().pixels() {
                for of_group in 0..side.shape().groups() {
                    // A number that stands for many gets the sum of their gradients. Rows are summed by themselves, so that
                    // rounding errors stay small.
                    let rows = if pixels { 1 } else { whole.height };
                    let columns = if pixels { 1 } else { whole.width };
                    let groups = if channels { 1 } else { whole.groups() };
                    let mut total = l.splat(0.0);
                    for row in 0..rows {
                        let mut of_row = l.splat(0.0);
                        for column in 0..columns {
                            for group in 0..groups {
                                let pixel = of_pixel + row * whole.width + column;
                                let place = (sample, pixel, of_group + group);
                                of_row = l.add(of_row, self.through(l, to, from, place));
                            }
                        }
                        total = l.add(total, of_row);
                    }
                    if !channels {
                        total = l.splat(sum(l, total));
                    }
                    finish.store(l, run.out, at, total);
                    at += 1;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
