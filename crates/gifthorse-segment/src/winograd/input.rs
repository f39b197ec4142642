//! The first stage: input tiles, gathered from channel planes and transformed.
//!
//! Channels are the vector dimension. Planes of sixteen channels are first transposed into one
//! plane of sixteen-channel vectors with its zero border, from which tiles can be read at any
//! place.

use std::ops::Range;

use super::tiling::{Geometry, Tiling};
use super::transform::{INPUTS, OUTPUTS, PRODUCTS, input_tile};
use crate::kernels::lanes::{Lane, Lanes, Left, ROWS, Task, transpose_block};

/// Scratch of this stage.
#[derive(Debug, Default)]
pub(super) struct Plane {
    /// The plane, and one lane more that takes the pixels which no tile sees.
    lanes: Vec<Lane>,
    /// For each source pixel, the lane that it goes to.
    places: Vec<usize>,
    pitch: usize,
    /// What it is laid out for.
    layout: Option<(Geometry, Range<usize>)>,
}

/// Transforms the input of a run of rows of tiles.
pub(super) struct InputStage<'a> {
    /// `[batch, channels, height, width]`
    pub(super) input: &'a [f32],
    pub(super) channels: usize,
    pub(super) tiling: &'a Tiling,
    pub(super) rows: Range<usize>,
    pub(super) plane: &'a mut Plane,
    /// `[group of ROWS tiles][group of sixteen channels][product]`
    pub(super) out: &'a mut [[Left; PRODUCTS]],
}

impl Task for InputStage<'_> {
    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let (columns, groups) = (self.tiling.columns, self.channels.div_ceil(16));
        let size = self.tiling.geometry.height * self.tiling.geometry.width;
        for run in self.tiling.by_image(self.rows.clone()) {
            let (image, first) = self.tiling.place(run.start);
            let pixels = self.plane.lay_out(self.tiling, first..first + run.len());
            let pitch = self.plane.pitch;
            for group in 0..groups {
                let channel = image * self.channels + 16 * group;
                let count = (self.channels - 16 * group).min(16);
                let source = &self.input[channel * size..(channel + count) * size];
                self.plane.fill(lanes, source, size, pixels.clone());
                let mut slot = (run.start - self.rows.start) * columns;
                for row in 0..run.len() {
                    for column in 0..columns {
                        let plane = &self.plane.lanes[OUTPUTS * (row * pitch + column)..];
                        let out = &mut self.out[slot / ROWS * groups + group];
                        input_tile(lanes, plane, pitch, out, slot % ROWS);
                        slot += 1;
                    }
                }
            }
        }
    }
}

impl Plane {
    /// Lays the plane out for the tiles in rows `rows` of an image, and says which pixels of a
    /// channel go into it.
    fn lay_out(&mut self, tiling: &Tiling, rows: Range<usize>) -> Range<usize> {
        const BORDER: usize = INPUTS - OUTPUTS;
        let geometry = &tiling.geometry;
        let height = OUTPUTS * rows.len() + BORDER;
        // Plane row `y` is input row `y + offset`.
        let offset = (OUTPUTS * rows.start) as isize - geometry.top;
        let inside = |y: isize| y.clamp(0, geometry.height as isize) as usize;
        let (first, end) = (inside(offset), inside(offset + height as isize));
        let pixels = first * geometry.width..end * geometry.width;

        // The border stays zero, and every other lane is overwritten for each image.
        let layout = Some((*geometry, rows));
        if self.layout == layout {
            return pixels;
        }
        self.layout = layout;
        self.pitch = OUTPUTS * tiling.columns + BORDER;
        let unseen = height * self.pitch;
        self.lanes.clear();
        self.lanes.resize(unseen + 1, Lane::default());
        self.places.clear();
        for y in first..end {
            let start = (y as isize - offset) * self.pitch as isize;
            for x in 0..geometry.width {
                let column = x as isize + geometry.left;
                let seen = (0..self.pitch as isize).contains(&column);
                self.places.push(if seen {
                    (start + column) as usize
                } else {
                    unseen
                });
            }
        }
        pixels
    }

    /// Transposes the pixels `pixels` of up to sixteen channel planes, `size` pixels each, into
    /// the plane.
    #[inline(always)]
    fn fill<L: Lanes>(&mut self, lanes: L, source: &[f32], size: usize, pixels: Range<usize>) {
        if pixels.is_empty() {
            // These tiles see nothing but the border.
            return;
        }
        if pixels.len() < 16 {
            return self.fill_few(lanes, source, size, pixels);
        }
        for start in pixels.clone().step_by(16) {
            // The last sixteen pixels may overlap those before.
            let pixel = start.min(pixels.end - 16);
            let mut rows = [lanes.splat(0.0); 16];
            for i in 0..16 {
                // Channels that are not there are zero.
                if let Some(from) = source
                    .get(i * size + pixel..)
                    .and_then(<[f32]>::first_chunk)
                {
                    rows[i] = lanes.load(from);
                }
            }
            let columns = lanes.transpose(rows);
            let places = &self.places[pixel - pixels.start..][..16];
            for i in 0..16 {
                lanes.store(&mut self.lanes[places[i]].0, columns[i]);
            }
        }
    }

    /// As [`fill`](Self::fill), for fewer than sixteen pixels.
    #[inline(always)]
    fn fill_few<L: Lanes>(&mut self, lanes: L, source: &[f32], size: usize, pixels: Range<usize>) {
        let mut block = [Lane::default(); 16];
        for (row, channel) in block.iter_mut().zip(source.chunks_exact(size)) {
            row.0[..pixels.len()].copy_from_slice(&channel[pixels.clone()]);
        }
        transpose_block(lanes, &mut block);
        for (place, value) in self.places.iter().zip(block) {
            self.lanes[*place] = value;
        }
    }
}
