//! Functions of two numbers, one or both of which come from values of the network.

mod arithmetic;
mod side;

pub use arithmetic::Arithmetic;
pub use side::{Extent, Operand};

use crate::kernels::contract::{Backward, Forward, Kernel, Needs, Work};
use crate::kernels::on_lanes::{self, OnLanes};
use crate::lanes::across::{first_or, sum};
use crate::lanes::map::MapShape;
use crate::lanes::{Isa, Lane, Lanes};
use side::{Side, Walk};

/// A function of two maps, of which one may be constant; either may be one pixel or one channel
/// that stands for all.
#[derive(Debug)]
pub(crate) struct Binary {
    function: Arithmetic,
    sides: [Side; 2],
    shape: MapShape,
    isa: Isa,
}

impl Binary {
    /// The kernel whose output has a shape, of a left and a right operand. `None` if both are
    /// constant, or if a constant has another number of elements than its extent says, or none.
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

    /// The ways through both operands.
    #[inline(always)]
    fn walks<'a>(&'a self, inputs: &'a [&'a [Lane]]) -> [Walk<'a>; 2] {
        let right = inputs.get(usize::from(self.sides[0].is_value()));
        let [left_side, right_side] = &self.sides;
        [
            left_side.walk(inputs.first().copied()),
            right_side.walk(right.copied()),
        ]
    }

    #[inline(always)]
    fn values<L: Lanes>(&self, l: L, run: Forward<'_>, of: impl Fn(L::V, L::V) -> L::V) {
        let [a, b] = self.walks(run.inputs);
        let (mut finish, mut at) = (run.finish, 0);
        for sample in 0..run.samples {
            for pixel in 0..self.shape.pixels() {
                let (a_lanes, b_lanes) = (a.pixel(sample, pixel), b.pixel(sample, pixel));
                for group in 0..self.shape.groups() {
                    let value = of(a.lane(l, a_lanes, group), b.lane(l, b_lanes, group));
                    finish.store(l, run.out, at, value);
                    at += 1;
                }
            }
        }
    }

    /// The gradient to a side that has a number for each element. `of` gives it, of both operands
    /// and the gradient to the output.
    #[inline(always)]
    fn gradients<L: Lanes>(&self, l: L, run: Backward<'_>, of: impl Fn(L::V, L::V, L::V) -> L::V) {
        let [a, b] = self.walks(run.inputs);
        let (mut finish, mut at) = (run.finish, 0);
        for sample in 0..run.samples {
            for pixel in 0..self.shape.pixels() {
                let (a_lanes, b_lanes) = (a.pixel(sample, pixel), b.pixel(sample, pixel));
                for group in 0..self.shape.groups() {
                    let (a, b) = (a.lane(l, a_lanes, group), b.lane(l, b_lanes, group));
                    let part = of(a, b, l.load(&run.gradient[at].0));
                    finish.store(l, run.out, at, part);
                    at += 1;
                }
            }
        }
    }

    /// The gradient to a side of which a number stands for many elements: the sum of theirs. Rows
    /// are summed by themselves, so that rounding errors stay small.
    #[inline(always)]
    fn summed_gradients<L: Lanes>(&self, l: L, run: Backward<'_>, to: usize) {
        let [a, b] = self.walks(run.inputs);
        let (mut finish, mut at) = (run.finish, 0);
        let (side, whole) = (&self.sides[to], self.shape);
        let Extent { pixels, channels } = side.extent();
        let [rows, columns] = if pixels {
            [1, 1]
        } else {
            [whole.height, whole.width]
        };
        let groups = if channels { 1 } else { whole.groups() };
        for sample in 0..run.samples {
            for of_pixel in 0..side.shape().pixels() {
                for of_group in 0..side.shape().groups() {
                    let mut total = l.splat(0.0);
                    for row in 0..rows {
                        let mut of_row = l.splat(0.0);
                        for column in 0..columns {
                            let pixel = of_pixel + row * whole.width + column;
                            let lanes = [a.pixel(sample, pixel), b.pixel(sample, pixel)];
                            let start = (sample * whole.pixels() + pixel) * whole.groups();
                            for group in of_group..of_group + groups {
                                let (a, b) =
                                    (a.lane(l, lanes[0], group), b.lane(l, lanes[1], group));
                                let g = l.load(&run.gradient[start + group].0);
                                let part = self.function.gradient(l, to, a, b, g);
                                let part = if channels {
                                    part
                                } else {
                                    first_or(l, part, whole.present(group), 0.0)
                                };
                                of_row = l.add(of_row, part);
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
    /// The function is chosen outside of the loops.
    #[inline(always)]
    fn forward_on<L: Lanes>(&self, l: L, run: Forward<'_>) {
        use Arithmetic::{Add, Div, Max, Min, Mul, Pow, Sub};
        match self.function {
            Add => self.values(l, run, |a, b| Add.value(l, a, b)),
            Sub => self.values(l, run, |a, b| Sub.value(l, a, b)),
            Mul => self.values(l, run, |a, b| Mul.value(l, a, b)),
            Div => self.values(l, run, |a, b| Div.value(l, a, b)),
            Pow => self.values(l, run, |a, b| Pow.value(l, a, b)),
            Max => self.values(l, run, |a, b| Max.value(l, a, b)),
            Min => self.values(l, run, |a, b| Min.value(l, a, b)),
        }
    }

    #[inline(always)]
    fn backward_on<L: Lanes>(&self, l: L, run: Backward<'_>) {
        use Arithmetic::{Add, Div, Max, Min, Mul, Pow, Sub};
        let to = self.side_of(run.to);
        if self.sides[to].extent() != Extent::ALL {
            return self.summed_gradients(l, run, to);
        }
        match self.function {
            Add => self.gradients(l, run, |a, b, g| Add.gradient(l, to, a, b, g)),
            Sub => self.gradients(l, run, |a, b, g| Sub.gradient(l, to, a, b, g)),
            Mul => self.gradients(l, run, |a, b, g| Mul.gradient(l, to, a, b, g)),
            Div => self.gradients(l, run, |a, b, g| Div.gradient(l, to, a, b, g)),
            Pow => self.gradients(l, run, |a, b, g| Pow.gradient(l, to, a, b, g)),
            Max => self.gradients(l, run, |a, b, g| Max.gradient(l, to, a, b, g)),
            Min => self.gradients(l, run, |a, b, g| Min.gradient(l, to, a, b, g)),
        }
    }
}

#[cfg(test)]
mod tests;
