//! How the values of a segment lie in memory.

use super::lane::Lane;

/// Shape of one sample's value: a map of pixels, each with its channels.
///
/// In memory it is channels last, `[sample][row][column][group of sixteen channels]`, one
/// lane a group. Where the channels are no multiple of sixteen, the last lane of each pixel has
/// entries beyond them. What these hold is not specified: no kernel may let them reach a
/// channel that exists.
///
/// A vector of features is a map of one pixel; a row of tokens is a map of height one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MapShape {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// Channels of a pixel.
    pub channels: usize,
}

impl MapShape {
    /// A map of one pixel.
    pub fn vector(channels: usize) -> Self {
        Self {
            height: 1,
            width: 1,
            channels,
        }
    }

    /// Rows times columns.
    pub fn pixels(&self) -> usize {
        self.height * self.width
    }

    /// Numbers in one sample.
    pub fn elements(&self) -> usize {
        self.pixels() * self.channels
    }

    /// Groups of sixteen channels, the last of which may not be full.
    pub(crate) fn groups(&self) -> usize {
        self.channels.div_ceil(Lane::LENGTH)
    }

    /// Lanes of one sample.
    pub(crate) fn lanes(&self) -> usize {
        self.pixels() * self.groups()
    }
}
