//! Which axis of an array of images is which.

use crate::ImageShape;
use crate::limits::MAX_SIDE;

/// The order of the axes of an array of images.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    /// `[images, height, width]`, or one channel in either place, which is the same in memory.
    Grey,
    /// `[images, height, width, 3]`
    Interleaved,
    /// `[images, 3, height, width]`
    Planes,
}

impl Layout {
    /// The layout, the number of images and the shape of one, from the shape of the array.
    pub fn of(shape: &[u64]) -> Result<(Self, usize, ImageShape), String> {
        let side = |n: u64| {
            usize::try_from(n)
                .ok()
                .filter(|&n| n <= MAX_SIDE as usize && n > 0)
        };
        let is_channels = |n: &u64| matches!(n, 1 | 3);
        let (records, height, width, channels, layout) = match shape {
            [n, h, w] => (n, h, w, 1, Self::Grey),
            [_, c, _, d] if is_channels(c) && is_channels(d) => {
                return Err(format!(
                    "the shape {shape:?} may be [n, channels, height, width] or [n, height, width, channels]"
                ));
            }
            [n, 1, h, w] | [n, h, w, 1] => (n, h, w, 1, Self::Grey),
            [n, 3, h, w] => (n, h, w, 3, Self::Planes),
            [n, h, w, 3] => (n, h, w, 3, Self::Interleaved),
            _ => {
                return Err(format!(
                    "the shape {shape:?} is not [n, height, width], [n, height, width, channels] or \
                     [n, channels, height, width] with 1 or 3 channels"
                ));
            }
        };
        let (Some(height), Some(width)) = (side(*height), side(*width)) else {
            return Err(format!(
                "the shape {shape:?} has a side that is not from 1 to {MAX_SIDE}"
            ));
        };
        let records = usize::try_from(*records).map_err(|error| error.to_string())?;
        let shape = ImageShape {
            channels,
            height,
            width,
        };
        Ok((layout, records, shape))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_of_the_channels_is_found() {
        let layout =
            |shape: &[u64]| Layout::of(shape).map(|(layout, n, s)| (layout, n, s.channels));
        assert_eq!(layout(&[5, 8, 9]), Ok((Layout::Grey, 5, 1)));
        assert_eq!(layout(&[5, 8, 9, 1]), Ok((Layout::Grey, 5, 1)));
        assert_eq!(layout(&[5, 1, 8, 9]), Ok((Layout::Grey, 5, 1)));
        assert_eq!(layout(&[5, 8, 9, 3]), Ok((Layout::Interleaved, 5, 3)));
        assert_eq!(layout(&[5, 3, 8, 9]), Ok((Layout::Planes, 5, 3)));
        for bad in [
            &[5, 3, 8, 3][..],
            &[5, 8, 9, 4],
            &[5, 8],
            &[5, 0, 9],
            &[5, 99_999, 9],
        ] {
            assert!(layout(bad).is_err(), "{bad:?}");
        }
    }
}
