//! Where the tiles of a convolution lie.

use super::transform::OUTPUTS;
use crate::lanes::ROWS;

/// Shape of a 3x3 stride-1 convolution: output (y, x) sees the input rows
/// `y - top ..= y - top + 2` and columns `x - left ..= x - left + 2`, and what lies outside the
/// input is zero.
///
/// `top` and `left` are the pads of a forward pass; a backward pass may have negative ones.
/// The pads at the bottom and on the right follow from the output's size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Geometry {
    /// Rows of the input.
    pub(super) height: usize,
    /// Columns of the input.
    pub(super) width: usize,
    /// Rows of the output.
    pub(super) out_height: usize,
    /// Columns of the output.
    pub(super) out_width: usize,
    /// Rows of zeros above the input.
    pub(super) top: isize,
    /// Columns of zeros to the left of the input.
    pub(super) left: isize,
}

impl Geometry {
    /// Shape of the convolution with turned filters that gives the gradient to the input from the
    /// one to the output.
    pub(super) fn backward(&self) -> Self {
        Self {
            height: self.out_height,
            width: self.out_width,
            out_height: self.height,
            out_width: self.width,
            top: 2 - self.top,
            left: 2 - self.left,
        }
    }
}

/// Outputs cut into tiles of 4x4, numbered along the rows of an image, and image by image.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tiling {
    pub(super) geometry: Geometry,
    /// Rows of tiles of an image.
    rows: usize,
    /// Tiles in a row.
    columns: usize,
}

/// Where a tile is: its image, and its first output's row and column.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) image: usize,
    pub(super) y: usize,
    pub(super) x: usize,
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

    /// Number of tiles of an image.
    pub(super) fn per_image(&self) -> usize {
        self.rows * self.columns
    }

    /// Where a tile is.
    pub(super) fn place(&self, tile: usize) -> Place {
        let (image, tile) = (tile / self.per_image(), tile % self.per_image());
        Place {
            image,
            y: OUTPUTS * (tile / self.columns),
            x: OUTPUTS * (tile % self.columns),
        }
    }

    /// The next tile's place.
    #[inline(always)]
    pub(super) fn next(&self, place: Place) -> Place {
        let Place { image, y, x } = place;
        if x + OUTPUTS < self.geometry.out_width {
            Place {
                image,
                y,
                x: x + OUTPUTS,
            }
        } else if y + OUTPUTS < self.geometry.out_height {
            Place {
                image,
                y: y + OUTPUTS,
                x: 0,
            }
        } else {
            Place {
                image: image + 1,
                y: 0,
                x: 0,
            }
        }
    }

    /// How many tiles to work on at a time where `all` are to be done and `most` fit: in equal runs
    /// of whole groups of [`ROWS`] tiles.
    pub(super) fn run_length(all: usize, most: usize) -> usize {
        let groups = all.div_ceil(ROWS);
        let most = (most / ROWS).max(1);
        let runs = groups.div_ceil(most);
        groups.div_ceil(runs) * ROWS
    }
}
