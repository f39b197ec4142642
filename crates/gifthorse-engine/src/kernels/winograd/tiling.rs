//! Where the tiles of a convolution lie.

use std::ops::Range;

use super::transform::OUTPUTS;

/// Shape of a 3x3 stride-1 convolution: output (y, x) sees the input rows `y - top ..= y - top + 2` and
/// columns `x - left ..= x - left + 2`, and what lies outside the input is zero.
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

/// Outputs cut into tiles of 4x4, numbered along rows, then down an image, then image by image.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tiling {
    pub(super) geometry: Geometry,
    rows: usize,
    pub(super) columns: usize,
}

/// A tile's place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tile {
    pub(super) image: usize,
    /// In units of tiles.
    pub(super) row: usize,
    /// In units of tiles.
    pub(super) column: usize,
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

    /// Number of tiles in all images.
    pub(super) fn count(&self) -> usize {
        self.geometry.batch * self.per_image()
    }

    fn per_image(&self) -> usize {
        self.rows * self.columns
    }

    /// Where tile number `index` lies.
    #[inline(always)]
    pub(super) fn tile(&self, index: usize) -> Tile {
        let (image, within) = (index / self.per_image(), index % self.per_image());
        Tile {
            image,
            row: within / self.columns,
            column: within % self.columns,
        }
    }

    /// Cuts a run of tiles where one image ends and the next begins.
    pub(super) fn by_image(&self, tiles: Range<usize>) -> impl Iterator<Item = Range<usize>> {
        let per_image = self.per_image();
        let mut start = tiles.start;
        std::iter::from_fn(move || {
            let end = tiles.end.min((start / per_image + 1) * per_image);
            let run = start..end;
            start = end;
            (!run.is_empty()).then_some(run)
        })
    }
}
