//! Sixteen numbers in memory, and the blocks of them that products are made of.

/// Rows of the left operand of a product that lie side by side: the height of the largest
/// register tile.
pub(crate) const ROWS: usize = 12;

/// Sixteen numbers on a cache line of their own.
#[derive(Clone, Copy, Debug, Default)]
#[repr(align(64))]
pub(crate) struct Lane(pub(crate) [f32; 16]);

impl Lane {
    /// Numbers in a lane.
    pub(crate) const LENGTH: usize = 16;
}

/// Sixteen channels of each of [`ROWS`] rows.
pub(crate) type Left = [Lane; ROWS];

/// Two lanes, that is 32 output channels: the width of the largest register tile.
pub(crate) type Pair = [Lane; 2];

/// The part of a register tile that somebody will read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Used {
    /// 1 to [`ROWS`]
    pub(crate) rows: usize,
    /// 1 or 2
    pub(crate) lanes: usize,
}

/// What becomes of the sums of a register tile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sums {
    /// They replace the output.
    Fresh,
    /// They are added to the output.
    Continued,
}

/// Sixteen small numbers, one for each channel of a lane: what a kernel notes for its backward
/// pass.
pub(crate) type Notes = [u8; 16];
