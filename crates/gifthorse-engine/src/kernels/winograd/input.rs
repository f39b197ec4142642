//! The first stage: input tiles, gathered from channel planes and transformed.
//!
//! Channels are the vector dimension. Planes of sixteen channels are first transposed into one
//! plane of sixteen-channel vectors with its zero border, from which tiles can be read at any place.

use std::ops::Range;

use super::tiling::Tiling;
use super::transform::{INPUTS, OUTPUTS, input_tile};
use crate::kernels::lanes::{Lane, Lanes, ROWS, Task, TileRow};

/// Scratch of this stage.
#[derive(Debug, Default)]
pub(super) struct Plane {
    /// The plane, and one lane more that takes the pixels which no tile sees.
    lanes: Vec<Lane>,
    /// For each source pixel, the lane that it goes to.
    places: Vec<usize>,
    pitch: usize,
}

/// Transforms the input of a run of tiles.
pub(super) struct InputStage<'a> {
    /// `[batch, channels, height, width]`
    pub(super) input: &'a [f32],
    pub(super) channels: usize,
    pub(super) tiling: &'a Tiling,
    pub(super) tiles: Range<usize>,
    pub(super) plane: &'a mut Plane,
    /// `[product][row of tiles][channels / 16]`: products are `stride` apart.
    pub(super) out: &'a mut [TileRow],
    pub(super) stride: usize,
}

impl Task for InputStage<'_> {
    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let (columns, groups) = (self.tiling.columns, self.channels.div_ceil(16));
        for run in self.tiling.by_image(self.tiles.clone()) {
            let (first, last) = (self.tiling.tile(run.start), self.tiling.tile(run.end - 1));
            let rows = self.plane.lay_out(self.tiling, first.row..last.row + 1);
            let pitch = self.plane.pitch;
            let size = self.tiling.geometry.height * self.tiling.geometry.width;
            for group in 0..groups {
                let channel = first.image * self.channels + 16 * group;
                let count = (self.channels - 16 * group).min(16);
                let source = &self.input[channel * size..(channel + count) * size];
                self.plane.fill(lanes, source, size, rows.clone());
                let (mut row, mut column) = (0, first.column);
                for tile in run.clone() {
                    let slot = tile - self.tiles.start;
                    let at = (slot / ROWS * groups + group) * ROWS + slot % ROWS;
                    let start = OUTPUTS * (row * pitch + column);
                    let out = &mut self.out.as_flattened_mut()[at..];
                    input_tile(
                        lanes,
                        &self.plane.lanes,
                        start,
                        pitch,
                        out,
                        ROWS * self.stride,
                    );
                    column += 1;
                    if column == columns {
                        (row, column) = (row + 1, 0);
                    }
                }
            }
        }
    }
}

impl Plane {
    /// Makes a zero plane for the tiles in rows `rows` of an image, and says which pixels of a
    /// channel go into it.
    fn lay_out(&mut self, tiling: &Tiling, rows: Range<usize>) -> Range<usize> {
        const BORDER: usize = INPUTS - OUTPUTS;
        let geometry = &tiling.geometry;
        let height = OUTPUTS * rows.len() + BORDER;
        self.pitch = OUTPUTS * tiling.columns + BORDER;
        let unseen = height * self.pitch;
        self.lanes.clear();
        self.lanes.resize(unseen + 1, Lane::default());

        // Plane row `y` is input row `y + offset`.
        let offset = (OUTPUTS * rows.start) as isize - geometry.top;
        let inside = |y: isize| y.clamp(0, geometry.height as isize) as usize;
        let (first, end) = (inside(offset), inside(offset + height as isize));
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
        first * geometry.width..end * geometry.width
    }

    /// Transposes the pixels `pixels` of up to sixteen channel planes of `size` pixels into the plane.
    #[inline(always)]
    fn fill<L: Lanes>(&mut self, lanes: L, source: &[f32], size: usize, pixels: Range<usize>) {
        let full = source.len() == 16 * size && pixels.len() >= 16;
        let mut pixel = pixels.start;
        while pixel < pixels.end {
            let mut rows = [lanes.splat(0.0); 16];
            if full {
                // The last sixteen pixels may overlap those before.
                pixel = pixel.min(pixels.end - 16);
                for (i, row) in rows.iter_mut().enumerate() {
                    if let Some(from) = source[i * size + pixel..].first_chunk() {
                        *row = lanes.load(from);
                    }
                }
            } else {
                let count = (pixels.end - pixel).min(16);
                for (row, channel) in rows.iter_mut().zip(source.chunks_exact(size)) {
                    let mut padded = [0.0; 16];
                    padded[..count].copy_from_slice(&channel[pixel..pixel + count]);
                    *row = lanes.load(&padded);
                }
            }
            let places = &self.places[pixel - pixels.start..];
            for (place, value) in places.iter().zip(lanes.transpose(rows)) {
                lanes.store(&mut self.lanes[*place].0, value);
            }
            pixel += 16;
        }
    }
}
