//! Two-dimensional average pooling.

use crate::kernels::contract::{Backward, Forward, Kernel, Work};
use crate::kernels::on_lanes::{self, OnLanes};
use crate::kernels::pools::sliding::Sliding;
use crate::kernels::window::Window;
use crate::lanes::map::MapShape;
use crate::lanes::{Isa, Lanes};

/// The mean of each window.
#[derive(Debug)]
pub(crate) struct AveragePool {
    kernel: [usize; 2],
    rows: Sliding,
    columns: Sliding,
    /// By which the sum of each window is multiplied.
    factors: Vec<f32>,
    input: MapShape,
    output: MapShape,
    isa: Isa,
}

impl AveragePool {
    /// The kernel for maps of shape `input`. Padding counts as zeros, unless `correction`, one
    /// factor for each pixel of the output, `[height, width]`, makes up for it. `None` if no window
    /// fits, or if there is another number of factors.
    pub(crate) fn new(
        input: MapShape,
        window: &Window,
        correction: Option<&[f32]>,
    ) -> Option<Self> {
        let [rows, columns] = Sliding::over(window, [input.height, input.width])?;
        let output = MapShape {
            height: rows.windows.len(),
            width: columns.windows.len(),
            channels: input.channels,
        };
        let mean = 1.0 / window.kernel.iter().map(|&k| k as f32).product::<f32>();
        let factors = match correction {
            Some(correction) => correction.iter().map(|factor| mean * factor).collect(),
            None => vec![mean; output.pixels()],
        };
        (factors.len() == output.pixels()).then(|| Self {
            kernel: window.kernel,
            rows,
            columns,
            factors,
            input,
            output,
            isa: Isa::detect(),
        })
    }
}

impl Kernel for AveragePool {
    fn name(&self) -> String {
        let [height, width] = self.kernel;
        format!("average pool {height}x{width}")
    }

    fn inputs(&self) -> Vec<MapShape> {
        vec![self.input]
    }

    fn output(&self) -> MapShape {
        self.output
    }

    fn work(&self) -> Work {
        let [height, width] = self.kernel;
        Work {
            operations: (self.output.elements() * (height * width + 1)) as f64,
            constants: size_of_val(&self.factors[..]),
        }
    }

    fn forward(&self, run: Forward<'_>) {
        on_lanes::forward(self.isa, self, run);
    }

    fn backward(&self, run: Backward<'_>) {
        on_lanes::backward(self.isa, self, run);
    }
}

impl OnLanes for AveragePool {
    #[inline(always)]
    fn forward_on<L: Lanes>(&self, l: L, run: Forward<'_>) {
        let (groups, mut finish) = (self.input.groups(), run.finish);
        let (mut at, width) = (0, self.input.width);
        for map in run.inputs[0].chunks_exact(self.input.lanes()) {
            let mut factors = self.factors.iter();
            for row in &self.rows.windows {
                for (column, &factor) in self.columns.windows.iter().zip(&mut factors) {
                    for group in 0..groups {
                        let mut sum = l.splat(0.0);
                        for r in 0..row.count {
                            let y = row.entry + r * self.rows.dilation;
                            for c in 0..column.count {
                                let x = column.entry + c * self.columns.dilation;
                                let value = &map[(y * width + x) * groups + group];
                                sum = l.add(sum, l.load(&value.0));
                            }
                        }
                        finish.store(l, run.out, at, l.mul(sum, l.splat(factor)));
                        at += 1;
                    }
                }
            }
        }
    }

    #[inline(always)]
    fn backward_on<L: Lanes>(&self, l: L, run: Backward<'_>) {
        let (groups, mut finish) = (self.input.groups(), run.finish);
        let mut at = 0;
        for gradient in run.gradient.chunks_exact(self.output.lanes()) {
            for rows in &self.rows.readers {
                for columns in &self.columns.readers {
                    for group in 0..groups {
                        let mut sum = l.splat(0.0);
                        for row in rows {
                            for column in columns {
                                let pixel = row.window * self.output.width + column.window;
                                let part = l.load(&gradient[pixel * groups + group].0);
                                sum = l.mul_add(part, l.splat(self.factors[pixel]), sum);
                            }
                        }
                        finish.store(l, run.out, at, sum);
                        at += 1;
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
