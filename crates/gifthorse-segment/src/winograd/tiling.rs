//! Where the tiles of a convolution lie.

use std::ops::Range;

use super::transform::OUTPUTS;
use crate::kernels::lanes::ROWS;

/// Shape of a 3x3 stride-1 convolution: output (y, x) sees the input rows
/// `y - top ..= y - top + 2` and columns `x - left ..= x - left + 2`, and what lies outside the
/// input is zero.
///
/// `top` and `left` are the pads of a forward pass; a backward pass may have negative ones.
/// The pads at the bottom and on the right follow from the output's size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    /// Images.
    pub batch: usize,
    /// Rows of the input.
    pub height: usize,
    /// Columns of the input.
    pub width: usize,
    /// Rows of the output.
    pub out_height: usize,
    /// Columns of the output.
    pub out_width: usize,
    /// Rows of zeros above the input.
    pub top: isize,
    /// Columns of zeros to the left of the input.
    pub left: isize,
}

impl Geometry {
    /// Shape of the convolution with turned filters that gives the gradient to the input from the
    /// one to the output.
    pub fn backward(&self) -> Self {
        Self {
            batch: self.batch,
            height: self.out_height,
            width: self.out_width,
            out_height: self.height,
            out_width: self.width,
            top: 2 - self.top,
            left: 2 - self.left,
        }
    }
}

/// Outputs cut into tiles of 4x4. Rows of tiles are numbered down an image, then image by image.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tiling {
    pub(super) geometry: Geometry,
    /// Rows of tiles of an image.
    rows: usize,
    /// Tiles in a row.
    pub(super) columns: usize,
}

impl Tiling {
    pub(super) fn new(geometry: Geometry) -> Self {
        let rows = geometry.out_height.div_ceil(OUTPUTS);
        let columns = geometry.out_width.div_ceil(OUTPUTS);
        Self {
            geometry,
            rows,
            columns,
        }
    }

    /// Number of rows of tiles in all images.
    pub(super) fn rows(&self) -> usize {
        self.geometry.batch * self.rows
    }

    /// The image of a row of tiles, and which of the image's rows it is.
    pub(super) fn place(&self, row: usize) -> (usize, usize) {
        (row / self.rows, row % self.rows)
    }

    /// How many rows of tiles to work on at a time: about `tiles` tiles, such that the last
    /// group of [`ROWS`] tiles is as full as can be.
    pub(super) fn run_length(&self, tiles: usize) -> usize {
        let most = (tiles / self.columns).clamp(1, self.rows().max(1));
        let idle = |rows: usize| {
            let tiles = rows * self.columns;
            (tiles.next_multiple_of(ROWS) - tiles) as f64 / tiles as f64
        };
        let candidates = most / 2 + 1..=most;
        candidates
            .rev()
            .min_by(|a, b| idle(*a).total_cmp(&idle(*b)))
            .unwrap_or(most)
    }

    /// Cuts a run of rows of tiles where one image ends and the next begins.
    pub(super) fn by_image(&self, rows: Range<usize>) -> impl Iterator<Item = Range<usize>> {
        let per_image = self.rows;
        let mut start = rows.start;
        std::iter::from_fn(move || {
            let end = rows.end.min((start / per_image + 1) * per_image);
            let run = start..end;
            start = end;
            (!run.is_empty()).then_some(run)
        })
    }
}
