//! Products of two values: a batch of matrices with a batch of matrices, as in attention.
//!
//! Both factors are packed for [`Lanes::product`] as they are read, transposed where need be, and
//! the gradients are products, too.

mod pack;

use std::cell::RefCell;

use pack::{Matrix, pack_left, pack_right};

use crate::kernels::contract::{Backward, Forward, Kernel, Needs, Work};
use crate::lanes::finish::Finish;
use crate::lanes::map::MapShape;
use crate::lanes::{Isa, Lane, Lanes, Left, Pair, ROWS, Task, Used};

/// `A B` or `A B^T` for each row of two maps, whose rows are matrices with a pixel for each row and
/// a channel for each column.
#[derive(Debug)]
pub(crate) struct BatchMatmul {
    left: MapShape,
    right: MapShape,
    output: MapShape,
    transposed: bool,
    isa: Isa,
}

/// Memory that a thread keeps between calls.
#[derive(Default)]
struct Scratch {
    /// `[group of rows][sixteen of the depth]`
    left: Vec<[Left; 1]>,
    /// `[pair of lanes][depth]`
    right: Vec<Pair>,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

impl BatchMatmul {
    /// The kernel of `A` (height: batch, width: rows, channels: depth) and `B` (height: batch,
    /// width: depth, channels: columns; or, if `transposed`, width: columns, channels: depth), to a
    /// map with a column for each channel. `None` if their batches or depths differ.
    pub(crate) fn new(left: MapShape, right: MapShape, transposed: bool) -> Option<Self> {
        let (depth, columns) = if transposed {
            (right.channels, right.width)
        } else {
            (right.width, right.channels)
        };
        (left.height == right.height && left.channels == depth).then(|| Self {
            left,
            right,
            output: MapShape {
                channels: columns,
                ..left
            },
            transposed,
            isa: Isa::detect(),
        })
    }

    fn multiply(
        &self,
        samples: usize,
        factors: [Factor<'_>; 2],
        out: &mut [Lane],
        finish: Finish<'_>,
    ) {
        SCRATCH.with_borrow_mut(|scratch| {
            self.isa.run(Multiply {
                count: samples * self.left.height,
                factors,
                scratch,
                out,
                finish,
            });
        });
    }
}

impl Kernel for BatchMatmul {
    fn name(&self) -> String {
        let transposed = if self.transposed { " transposed" } else { "" };
        format!("product{transposed}")
    }

    fn inputs(&self) -> Vec<MapShape> {
        vec![self.left, self.right]
    }

    fn output(&self) -> MapShape {
        self.output
    }

    fn work(&self) -> Work {
        Work {
            operations: 2.0 * (self.output.elements() * self.left.channels) as f64,
            constants: 0,
        }
    }

    fn needs(&self) -> Needs {
        Needs {
            inputs: true,
            ..Needs::default()
        }
    }

    fn forward(&self, run: Forward<'_>) {
        let right = Factor {
            transposed: self.transposed,
            ..Factor::plain(run.inputs[1], self.right)
        };
        let factors = [Factor::plain(run.inputs[0], self.left), right];
        self.multiply(run.samples, factors, run.out, run.finish);
    }

    /// With `G` the gradient to the output: `G B^T` to `A` and `A^T G` to `B`, or, if `B` is
    /// transposed, `G B` and `G^T A`.
    fn backward(&self, run: Backward<'_>) {
        let gradient = Factor::plain(run.gradient, self.output);
        let a = Factor::plain(run.inputs[0], self.left);
        let b = Factor::plain(run.inputs[1], self.right);
        let factors = match (run.to, self.transposed) {
            (0, false) => [gradient, b.turned()],
            (0, true) => [gradient, b],
            (_, false) => [a.turned(), gradient],
            (_, true) => [gradient.turned(), a],
        };
        self.multiply(run.samples, factors, run.out, run.finish);
    }
}

/// A factor of a product: matrices one behind the other in memory.
#[derive(Clone, Copy)]
struct Factor<'a> {
    lanes: &'a [Lane],
    shape: MapShape,
    /// Whether each matrix is read with its rows as columns.
    transposed: bool,
}

impl<'a> Factor<'a> {
    fn plain(lanes: &'a [Lane], shape: MapShape) -> Self {
        Self {
            lanes,
            shape,
            transposed: false,
        }
    }

    /// The same matrices with their rows as columns.
    fn turned(self) -> Self {
        Self {
            transposed: true,
            ..self
        }
    }

    /// Number `index` of all samples' matrices.
    #[inline(always)]
    fn matrix(&self, index: usize) -> Matrix<'a> {
        let length = self.shape.width * self.shape.groups();
        Matrix {
            lanes: &self.lanes[index * length..][..length],
            groups: self.shape.groups(),
            stored: [self.shape.width, self.shape.channels],
            transposed: self.transposed,
        }
    }
}

/// The products of all matrices.
struct Multiply<'a> {
    /// Of all samples together.
    count: usize,
    factors: [Factor<'a>; 2],
    scratch: &'a mut Scratch,
    out: &'a mut [Lane],
    finish: Finish<'a>,
}

impl Task for Multiply<'_> {
    #[inline(always)]
    fn run<L: Lanes>(self, l: L) {
        let (scratch, mut finish) = (self.scratch, self.finish);
        for index in 0..self.count {
            let [left, right] = self.factors.map(|factor| factor.matrix(index));
            let ([rows, depth], [_, columns]) = (left.size(), right.size());
            pack_left(l, &left, &mut scratch.left);
            pack_right(l, &right, &mut scratch.right);
            let groups = columns.div_ceil(Lane::LENGTH);
            let row_groups = scratch.left.chunks_exact(depth.div_ceil(Lane::LENGTH));
            for (row_group, left) in row_groups.enumerate() {
                let first = row_group * ROWS;
                for (pair, right) in scratch.right.chunks_exact(depth).enumerate() {
                    let used = Used {
                        rows: (rows - first).min(ROWS),
                        lanes: (groups - 2 * pair).min(2),
                    };
                    let mut tile = [Pair::default(); ROWS];
                    l.product(left, 0, right, used, &mut tile);
                    for (row, lanes) in tile.iter().enumerate().take(used.rows) {
                        let at = (index * rows + first + row) * groups + 2 * pair;
                        for (lane, value) in lanes.iter().enumerate().take(used.lanes) {
                            finish.store(l, self.out, at + lane, l.load(&value.0));
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
