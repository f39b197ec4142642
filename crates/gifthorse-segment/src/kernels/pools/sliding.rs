//! Which entries of an axis a sliding window reads, and which windows read an entry.

use crate::kernels::window::Window;

/// The entries of an axis that one window reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Inside {
    /// The window's first tap that is not in the padding.
    pub(crate) tap: usize,
    /// Taps that are not in the padding, from there on.
    pub(crate) count: usize,
    /// The entry that the first of them reads.
    pub(crate) entry: usize,
}

/// One tap of one window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reader {
    pub(crate) window: usize,
    pub(crate) tap: usize,
}

/// Windows along one axis.
#[derive(Clone, Debug)]
pub(crate) struct Sliding {
    /// What each window reads.
    pub(crate) windows: Vec<Inside>,
    /// By what each entry is read.
    pub(crate) readers: Vec<Vec<Reader>>,
    /// Distance between the entries that a window reads.
    pub(crate) dilation: usize,
}

impl Sliding {
    /// The windows along both axes of a map of this height and width; `None` if there are none, or
    /// if the window has no taps or does not move.
    pub(crate) fn over(window: &Window, size: [usize; 2]) -> Option<[Self; 2]> {
        let steps = [window.kernel, window.stride, window.dilation];
        if size.contains(&0) || steps.iter().any(|step| step.contains(&0)) {
            return None;
        }
        let outputs = window.outputs(size)?;
        Some([0, 1].map(|axis| Self::new(window, axis, size[axis], outputs[axis])))
    }

    fn new(window: &Window, axis: usize, length: usize, outputs: usize) -> Self {
        let (stride, dilation) = (window.stride[axis], window.dilation[axis]);
        let before = window.pads[axis].0;
        let mut readers = vec![Vec::new(); length];
        let windows = (0..outputs).map(|window_index| {
            let entry_of =
                |tap: usize| (window_index * stride + tap * dilation).checked_sub(before);
            let taps = 0..window.kernel[axis];
            let mut inside = taps.filter(|&tap| entry_of(tap).is_some_and(|entry| entry < length));
            let mut found = Inside {
                tap: 0,
                count: 0,
                entry: 0,
            };
            while let Some((tap, entry)) = inside.next().and_then(|tap| Some((tap, entry_of(tap)?)))
            {
                if found.count == 0 {
                    found = Inside {
                        tap,
                        count: 0,
                        entry,
                    };
                }
                found.count += 1;
                readers[entry].push(Reader {
                    window: window_index,
                    tap,
                });
            }
            found
        });
        Self {
            windows: windows.collect(),
            dilation,
            readers,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_is_left_out_and_readers_are_the_inverse() {
        let window = Window {
            kernel: [3, 2],
            stride: [2, 1],
            dilation: [1, 2],
            pads: [(1, 1), (3, 0)],
        };
        let [rows, columns] = Sliding::over(&window, [4, 3]).expect("windows");
        let inside = |tap, count, entry| Inside { tap, count, entry };
        // Rows -1..=1 and 1..=3.
        assert_eq!(rows.windows, [inside(1, 2, 0), inside(0, 3, 1)]);
        // Columns {-3, -1}, {-2, 0}, {-1, 1}, {0, 2}.
        assert_eq!(
            columns.windows,
            [
                inside(0, 0, 0),
                inside(1, 1, 0),
                inside(1, 1, 1),
                inside(0, 2, 0)
            ]
        );
        for axis in [&rows, &columns] {
            let mut read = 0;
            for (entry, readers) in axis.readers.iter().enumerate() {
                for reader in readers {
                    let window = axis.windows[reader.window];
                    assert!((window.tap..window.tap + window.count).contains(&reader.tap));
                    assert_eq!(
                        entry,
                        window.entry + (reader.tap - window.tap) * axis.dilation
                    );
                    read += 1;
                }
            }
            assert_eq!(read, axis.windows.iter().map(|w| w.count).sum::<usize>());
        }
        let still = Window {
            stride: [0, 1],
            ..window
        };
        assert!(Sliding::over(&still, [4, 3]).is_none());
        assert!(Sliding::over(&window, [0, 3]).is_none());
    }
}
