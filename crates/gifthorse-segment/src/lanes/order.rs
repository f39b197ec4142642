//! How the values of a segment lie outside it.

/// In which order the numbers of one sample come and go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Order {
    /// `[channels, height, width]`
    ChannelsFirst,
    /// `[height, width, channels]`
    ChannelsLast,
}
