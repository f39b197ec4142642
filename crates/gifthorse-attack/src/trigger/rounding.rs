//! What an 8-bit file makes of a pixel.

use serde::{Deserialize, Serialize};

/// How a changed pixel becomes one of the 256 values of an 8-bit image.
///
/// A poisoned image that is kept in a file has been rounded; one that is stamped in memory has not.
/// Values are brought into `[0, 1]` first, never wrapped round as a bare cast to a byte would.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rounding {
    /// To the nearest, as an image library stores it.
    #[default]
    Nearest,
    /// To the next lower, as a bare cast to a byte does.
    Down,
    /// Not at all.
    None,
}

impl Rounding {
    /// The value that is stored for `value`: in `[0, 1]`, and a multiple of 1/255 unless this is
    /// [`Rounding::None`].
    #[must_use]
    pub fn store(self, value: f32) -> f32 {
        let value = value.clamp(0.0, 1.0);
        match self {
            Self::None => value,
            Self::Nearest => (value * 255.0).round() / 255.0,
            // A multiple of 1/255 may come out a little below its byte, which is not to cost it a
            // whole step.
            Self::Down => (value * 255.0 + 1e-3).floor() / 255.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_byte_stays_and_what_lies_between_goes_where_it_should() {
        for byte in 0..=255_u8 {
            let value = f32::from(byte) / 255.0;
            for rounding in [Rounding::Nearest, Rounding::Down, Rounding::None] {
                assert_eq!(rounding.store(value), value);
            }
        }
        let between = 100.7 / 255.0;
        assert_eq!(Rounding::Nearest.store(between), 101.0 / 255.0);
        assert_eq!(Rounding::Down.store(between), 100.0 / 255.0);
        assert_eq!(Rounding::None.store(between), between);
    }

    #[test]
    fn nothing_wraps_round() {
        for rounding in [Rounding::Nearest, Rounding::Down, Rounding::None] {
            assert_eq!(rounding.store(256.0 / 255.0), 1.0);
            assert_eq!(rounding.store(-1.0 / 255.0), 0.0);
        }
    }
}
