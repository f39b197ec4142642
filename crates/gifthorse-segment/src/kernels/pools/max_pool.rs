//! Two-dimensional max pooling that notes one byte per output for its backward pass.

use crate::kernels::contract::{Backward, Forward, Kernel, Needs, Work};
use crate::kernels::on_lanes::{self, OnLanes};
use crate::kernels::pools::sliding::{Inside, Sliding};
use crate::kernels::window::Window;
use crate::lanes::map::MapShape;
use crate::lanes::{Isa, Lane, Lanes};

/// The largest entry of each window.
///
/// Padding is left out. The gradient goes to the first of equal entries of a window. NaN counts as
/// larger than everything (the last NaN, if there are several). A window that lies in the padding
/// altogether gives `f32::MIN`.
#[derive(Debug)]
pub(crate) struct MaxPool {
    window: Window,
    rows: Sliding,
    columns: Sliding,
    input: MapShape,
    output: MapShape,
    isa: Isa,
}

/// Of a window without any entry.
const NO_TAP: u8 = u8::MAX;

impl MaxPool {
    /// The kernel for maps of shape `input`; `None` if no window fits, or if a window has more than
    /// 255 entries.
    pub(crate) fn new(input: MapShape, window: Window) -> Option<Self> {
        let taps = window.kernel[0].checked_mul(window.kernel[1])?;
        let [rows, columns] = Sliding::over(&window, [input.height, input.width])?;
        (taps <= usize::from(NO_TAP)).then(|| Self {
            output: MapShape {
                height: rows.windows.len(),
                width: columns.windows.len(),
                channels: input.channels,
            },
            window,
            rows,
            columns,
            input,
            isa: Isa::detect(),
        })
    }

    /// The largest entry of one window, and which it is, for the sixteen channels of one group.
    /// `map` is one sample's, from the group's first lane on.
    #[inline(always)]
    fn largest<L: Lanes>(&self, l: L, map: &[Lane], row: Inside, column: Inside) -> (L::V, L::V) {
        let groups = self.input.groups();
        let [down, right] = [
            self.rows.dilation * self.input.width * groups,
            self.columns.dilation * groups,
        ];
        let origin = (row.entry * self.input.width + column.entry) * groups;
        let first_tap = row.tap * self.window.kernel[1] + column.tap;
        let mut best = l.load(&map[origin].0);
        let mut chosen = l.splat(first_tap as f32);
        for r in 0..row.count {
            for c in usize::from(r == 0)..column.count {
                let value = l.load(&map[origin + r * down + c * right].0);
                let tap = l.splat((first_tap + r * self.window.kernel[1] + c) as f32);
                chosen = l.if_below(best, value, tap, chosen);
                chosen = l.if_at_most(value, value, chosen, tap);
                best = l.if_below(best, value, value, best);
                best = l.if_at_most(value, value, best, value);
            }
        }
        (best, chosen)
    }
}

impl Kernel for MaxPool {
    fn name(&self) -> String {
        let [height, width] = self.window.kernel;
        format!("max pool {height}x{width}")
    }

    fn inputs(&self) -> Vec<MapShape> {
        vec![self.input]
    }

    fn output(&self) -> MapShape {
        self.output
    }

    fn work(&self) -> Work {
        let [height, width] = self.window.kernel;
        Work {
            operations: (self.output.elements() * height * width) as f64,
            constants: 0,
        }
    }

    fn needs(&self) -> Needs {
        Needs {
            notes: self.output.lanes(),
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

impl OnLanes for MaxPool {
    #[inline(always)]
    fn forward_on<L: Lanes>(&self, l: L, run: Forward<'_>) {
        let (groups, mut finish) = (self.input.groups(), run.finish);
        let mut at = 0;
        for map in run.inputs[0].chunks_exact(self.input.lanes()) {
            for &row in &self.rows.windows {
                for &column in &self.columns.windows {
                    for group in 0..groups {
                        let map = &map[group..];
                        let (best, notes) = match (row.count, column.count) {
                            (0, _) | (_, 0) => (l.splat(f32::MIN), [NO_TAP; 16]),
                            // With the counts known, the loops over the window are unrolled.
                            (2, 2) => {
                                let two = |inside| Inside { count: 2, ..inside };
                                let (best, tap) = self.largest(l, map, two(row), two(column));
                                (best, l.note(tap))
                            }
                            _ => {
                                let (best, tap) = self.largest(l, map, row, column);
                                (best, l.note(tap))
                            }
                        };
                        finish.store(l, run.out, at, best);
                        if !run.notes.is_empty() {
                            run.notes[at] = notes;
                        }
                        at += 1;
                    }
                }
            }
        }
    }

    #[inline(always)]
    fn backward_on<L: Lanes>(&self, l: L, run: Backward<'_>) {
        let (groups, mut finish) = (self.input.groups(), run.finish);
        let gradients = run.gradient.chunks_exact(self.output.lanes());
        let notes = run.notes.chunks_exact(self.output.lanes());
        let mut at = 0;
        for (gradient, notes) in gradients.zip(notes) {
            for rows in &self.rows.readers {
                for columns in &self.columns.readers {
                    for group in 0..groups {
                        let mut sum = l.splat(0.0);
                        for row in rows {
                            for column in columns {
                                let pixel = row.window * self.output.width + column.window;
                                let lane = pixel * groups + group;
                                let tap = row.tap * self.window.kernel[1] + column.tap;
                                let chosen = l.equal(&notes[lane], tap as u8);
                                let part = l.keep(chosen, l.load(&gradient[lane].0));
                                sum = l.add(sum, part);
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
