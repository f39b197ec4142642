//! The windows that are laid over an image.

/// The side of a window is this share of the image's shorter side, rounded up.
const SHARE: (usize, usize) = (5, 32);

/// A square part of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Rows above it.
    pub top: usize,
    /// Columns to its left.
    pub left: usize,
    /// Its side, in pixels.
    pub side: usize,
}

/// Windows that cover an image, neighbours overlapping by a pixel at least.
pub struct Windows {
    /// From left to right and from top to bottom.
    pub all: Vec<Window>,
    /// How many stand beside one another.
    pub columns: usize,
}

impl Windows {
    /// Those of an image of so many rows and columns.
    pub fn over(height: usize, width: usize) -> Self {
        let side = (height.min(width) * SHARE.0).div_ceil(SHARE.1).max(1);
        let columns = begins(width, side);
        let rows = begins(height, side).into_iter();
        let row = |top| columns.iter().map(move |&left| Window { top, left, side });
        Self {
            all: rows.flat_map(row).collect(),
            columns: columns.len(),
        }
    }
}

impl Window {
    /// The places of its pixels among the values of one image, `[channels, height, width]`, in the
    /// order of a pattern, `[channels, side, side]`.
    pub fn places(self, [channels, height, width]: [usize; 3]) -> Vec<usize> {
        let Self { top, left, side } = self;
        let row = |channel: usize, y: usize| {
            let begin = (channel * height + top + y) * width + left;
            begin..begin + side
        };
        let rows = (0..channels).flat_map(|channel| (0..side).map(move |y| row(channel, y)));
        rows.flatten().collect()
    }
}

/// Where windows begin along one direction: evenly, the first and the last at the ends.
fn begins(length: usize, side: usize) -> Vec<usize> {
    let room = length - side;
    let steps = room.div_ceil(side.saturating_sub(1).max(1));
    (0..=steps)
        .map(|step| (step * room + steps / 2).checked_div(steps).unwrap_or(0))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_cover_every_pixel_and_overlap() {
        for (height, width, count) in [(28, 28, 49), (32, 32, 64), (64, 48, 63), (224, 224, 49)] {
            let windows = Windows::over(height, width);
            assert_eq!(windows.all.len(), count, "{height}x{width}");
            assert_eq!(count % windows.columns, 0);
            let mut covered = vec![false; height * width];
            for window in &windows.all {
                for place in window.places([1, height, width]) {
                    covered[place] = true;
                }
            }
            assert!(covered.into_iter().all(|it| it));
        }
        let begins = begins(32, 5);
        assert!(begins.windows(2).all(|it| it[1] - it[0] < 5), "{begins:?}");
    }

    #[test]
    fn tiny_images_have_a_window_for_each_pixel() {
        assert_eq!(Windows::over(1, 1).all.len(), 1);
        assert_eq!(Windows::over(2, 3).all.len(), 6);
    }

    #[test]
    fn places_are_those_of_all_channels() {
        let window = Window {
            top: 1,
            left: 2,
            side: 2,
        };
        assert_eq!(window.places([2, 3, 4]), [6, 7, 10, 11, 18, 19, 22, 23]);
    }
}
