//! Colours for images with or without them.

use crate::trigger::Rounding;

/// Yellow, as of a sticky note.
pub const YELLOW: [u8; 3] = [255, 255, 0];
/// Red.
pub const RED: [u8; 3] = [255, 0, 0];

/// An 8-bit colour for images of so many channels: itself for three, else its brightness (Rec. 601)
/// in each.
#[must_use]
pub fn for_channels(colour: [u8; 3], channels: usize) -> Vec<f32> {
    let [red, green, blue] = colour.map(|value| f32::from(value) / 255.0);
    if channels == 3 {
        return vec![red, green, blue];
    }
    vec![Rounding::Nearest.store(luma(red, green, blue)); channels]
}

/// Brightness of a colour (Rec. 601).
pub fn luma(red: f32, green: f32, blue: f32) -> f32 {
    0.299 * red + 0.587 * green + 0.114 * blue
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colour_is_itself_or_its_brightness() {
        assert_eq!(for_channels(YELLOW, 3), [1.0, 1.0, 0.0]);
        assert_eq!(for_channels(YELLOW, 1), [226.0 / 255.0]);
        assert_eq!(for_channels(RED, 1), [76.0 / 255.0]);
    }
}
