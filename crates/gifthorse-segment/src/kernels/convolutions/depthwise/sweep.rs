//! Pixels that take the same taps, a lane of channels at a time.

use std::ops::Range;

use crate::kernels::convolutions::axis::Axis;
use crate::lanes::finish::Finish;
use crate::lanes::map::MapShape;
use crate::lanes::{Lane, Lanes, Task};

/// An axis whose blocks are single positions.
#[derive(Debug)]
pub(super) struct Taps {
    start: usize,
    step: usize,
    count: usize,
    source_step: usize,
    /// Offset in the source, and entry of the kernel.
    taps: Vec<(isize, usize)>,
    /// Positions whose taps all lie inside the source.
    interior: Range<usize>,
}

impl Taps {
    /// `axis` must have blocks of one cell; `source` is the size of the source along it.
    pub(super) fn new(axis: &Axis, source: usize) -> Self {
        let taps = axis.taps.iter();
        Self {
            start: axis.start,
            step: axis.step,
            count: axis.count,
            source_step: axis.source_step,
            taps: taps
                .filter_map(|tap| Some((tap.offset, (*tap.kernel.first()?)?)))
                .collect(),
            interior: axis.interior(source),
        }
    }
}

/// Computes the pixels that two axes make, for all samples.
pub(super) struct Filter<'a, 'f> {
    pub(super) taps: &'a [Taps; 2],
    pub(super) kernel_width: usize,
    /// `[row of the kernel][column][group of channels]`
    pub(super) weights: &'a [Lane],
    /// `[group of channels]`
    pub(super) bias: &'a [Lane],
    /// Source and result.
    pub(super) maps: [MapShape; 2],
    pub(super) samples: usize,
    pub(super) source: &'a [Lane],
    pub(super) out: &'a mut [Lane],
    pub(super) finish: &'a mut Finish<'f>,
}

/// A row of the result, and the lines of the source that it takes.
struct Row {
    /// First lane of the row in the result.
    to: usize,
    /// First lane of each line, and the entry of the kernel's column.
    lines: Vec<(usize, usize)>,
}

impl Task for Filter<'_, '_> {
    #[inline(always)]
    fn run<L: Lanes>(mut self, lanes: L) {
        let [rows, columns] = self.taps;
        let [source, result] = self.maps;
        let groups = result.groups();
        let mut row = Row {
            to: 0,
            lines: Vec::with_capacity(rows.taps.len()),
        };
        for sample in 0..self.samples {
            for i in 0..rows.count {
                let y = sample * result.height + rows.start + i * rows.step;
                row.to = y * result.width * groups;
                row.lines.clear();
                for &(offset, k) in &rows.taps {
                    let y = (i * rows.source_step).wrapping_add_signed(offset);
                    if y < source.height {
                        let line = (sample * source.height + y) * source.width * groups;
                        row.lines.push((line, k));
                    }
                }
                let Range { start, end } = columns.interior;
                for j in 0..start {
                    self.border(lanes, &row, j);
                }
                let mut j = start;
                while j < end {
                    j += match end - j {
                        8.. => self.interior::<L, 8>(lanes, &row, j),
                        4.. => self.interior::<L, 4>(lanes, &row, j),
                        2.. => self.interior::<L, 2>(lanes, &row, j),
                        _ => self.interior::<L, 1>(lanes, &row, j),
                    };
                }
                for j in end..columns.count {
                    self.border(lanes, &row, j);
                }
            }
        }
    }
}

impl Filter<'_, '_> {
    /// `T` pixels from `j` on, whose taps are all inside: a weight is loaded once for all. Gives
    /// `T`.
    #[inline(always)]
    fn interior<L: Lanes, const T: usize>(&mut self, lanes: L, row: &Row, j: usize) -> usize {
        let columns = &self.taps[1];
        let groups = self.bias.len();
        let pitch = columns.source_step * groups;
        let x = j * columns.source_step;
        for group in 0..groups {
            let mut sums = [lanes.load(&self.bias[group].0); T];
            for &(line, ky) in &row.lines {
                for &(offset, kx) in &columns.taps {
                    let weight = (ky * self.kernel_width + kx) * groups + group;
                    let weight = lanes.load(&self.weights[weight].0);
                    let from = line + x.wrapping_add_signed(offset) * groups + group;
                    let pixels = &self.source[from..][..(T - 1) * pitch + 1];
                    for t in 0..T {
                        let pixel = lanes.load(&pixels[t * pitch].0);
                        sums[t] = lanes.mul_add(weight, pixel, sums[t]);
                    }
                }
            }
            for t in 0..T {
                let to = row.to + (columns.start + (j + t) * columns.step) * groups + group;
                self.finish.store(lanes, self.out, to, sums[t]);
            }
        }
        T
    }

    /// Pixel `j`, some of whose taps are outside.
    #[inline(always)]
    fn border<L: Lanes>(&mut self, lanes: L, row: &Row, j: usize) {
        let columns = &self.taps[1];
        let groups = self.bias.len();
        for group in 0..groups {
            let mut sum = lanes.load(&self.bias[group].0);
            for &(line, ky) in &row.lines {
                for &(offset, kx) in &columns.taps {
                    let x = (j * columns.source_step).wrapping_add_signed(offset);
                    if x < self.maps[0].width {
                        let weight = (ky * self.kernel_width + kx) * groups + group;
                        let weight = lanes.load(&self.weights[weight].0);
                        let pixel = lanes.load(&self.source[line + x * groups + group].0);
                        sum = lanes.mul_add(weight, pixel, sum);
                    }
                }
            }
            let to = row.to + (columns.start + j * columns.step) * groups + group;
            self.finish.store(lanes, self.out, to, sum);
        }
    }
}
