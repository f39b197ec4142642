//! The last stage: products transformed back, biased, and scattered to channel planes.
//!
//! The outputs of a row of tiles are four whole rows of pixels and thus one piece of each
//! channel plane; they are collected as sixteen-channel vectors and then transposed, so that
//! planes are written by whole cache lines.

use std::ops::Range;

use super::tiling::Tiling;
use super::transform::{OUTPUTS, PRODUCTS, output_tile};
use crate::kernels::lanes::{Lane, Lanes, Pair, ROWS, Task, transpose_block};

/// Writes the outputs of a run of rows of tiles.
pub(super) struct OutputStage<'a> {
    /// `[group of ROWS tiles][pair of output lanes][product]`
    pub(super) products: &'a [[[Pair; ROWS]; PRODUCTS]],
    pub(super) tiling: &'a Tiling,
    pub(super) rows: Range<usize>,
    /// Scratch: the pixels of a row of tiles.
    pub(super) strip: &'a mut Vec<Lane>,
    pub(super) channels: usize,
    /// `[pair of output lanes]`
    pub(super) bias: &'a [Pair],
    /// `[batch, channels, out_height, out_width]`
    pub(super) out: &'a mut [f32],
}

impl Task for OutputStage<'_> {
    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let (height, width) = (
            self.tiling.geometry.out_height,
            self.tiling.geometry.out_width,
        );
        let (size, columns) = (height * width, self.tiling.columns);
        let groups = self.channels.div_ceil(16);
        // What lies beyond the right edge goes behind the four rows of pixels.
        self.strip.resize(2 * OUTPUTS * width, Lane::default());
        for (group, bias) in self.bias.as_flattened().iter().take(groups).enumerate() {
            let (channel, pair, lane) = (16 * group, group / 2, group % 2);
            let planes = (self.channels - channel).min(16);
            let bias = lanes.load(&bias.0);
            for (i, row) in self.rows.clone().enumerate() {
                let (image, row) = self.tiling.place(row);
                let y = OUTPUTS * row;
                for column in 0..columns {
                    let slot = i * columns + column;
                    let products = &self.products[slot / ROWS * self.bias.len() + pair];
                    let tile = output_tile(lanes, products, slot % ROWS, lane);
                    for c in 0..OUTPUTS {
                        let x = OUTPUTS * column + c;
                        let x = if x < width { x } else { OUTPUTS * width };
                        for r in 0..OUTPUTS {
                            let to = &mut self.strip[r * width + x];
                            lanes.store(&mut to.0, lanes.add(tile[r][c], bias));
                        }
                    }
                }
                let start = (image * self.channels + channel) * size + y * width;
                let strip = &self.strip[..(height - y).min(OUTPUTS) * width];
                scatter(lanes, strip, &mut self.out[start..], size, planes);
            }
        }
    }
}

/// Transposes pixels into the beginnings of `planes` channel planes, `size` values apart.
#[inline(always)]
fn scatter<L: Lanes>(lanes: L, strip: &[Lane], out: &mut [f32], size: usize, planes: usize) {
    if strip.len() < 16 {
        return scatter_few(lanes, strip, out, size, planes);
    }
    for start in (0..strip.len()).step_by(16) {
        // The last sixteen pixels may overlap those before.
        let pixel = start.min(strip.len() - 16);
        let pixels = &strip[pixel..pixel + 16];
        let mut rows = [lanes.splat(0.0); 16];
        for i in 0..16 {
            rows[i] = lanes.load(&pixels[i].0);
        }
        let columns = lanes.transpose(rows);
        for i in 0..16 {
            if i < planes
                && let Some(to) = out[i * size + pixel..].first_chunk_mut()
            {
                lanes.store(to, columns[i]);
            }
        }
    }
}

/// As [`scatter`], for fewer than sixteen pixels.
#[inline(always)]
fn scatter_few<L: Lanes>(lanes: L, strip: &[Lane], out: &mut [f32], size: usize, planes: usize) {
    let mut block = [Lane::default(); 16];
    block[..strip.len()].copy_from_slice(strip);
    transpose_block(lanes, &mut block);
    for (to, values) in out.chunks_mut(size).zip(&block[..planes]) {
        to[..strip.len()].copy_from_slice(&values.0[..strip.len()]);
    }
}
