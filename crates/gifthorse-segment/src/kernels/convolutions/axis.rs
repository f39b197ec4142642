//! Sliding windows along one axis of a map, forward and backward.
//!
//! A convolution, its gradient to the input and a transposed convolution all are sums over taps: a
//! position of the result takes, for each tap, one position of the source times one entry of the
//! kernel. An [`Axis`] says which, for positions that are evenly spaced and take the same taps. A
//! forward convolution needs one; backward, with a stride of s, position y of the result takes
//! entries k of the kernel for which `y + pad - k * dilation` is a multiple of s, so there are s
//! kinds of positions.

/// Blocks of consecutive positions ("cells") of the result along one axis, evenly spaced, and the
/// taps that they take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Axis {
    /// First position of the first block.
    pub(crate) start: usize,
    /// From one block to the next.
    pub(crate) step: usize,
    /// Number of blocks.
    pub(crate) count: usize,
    /// Positions of a block. Those of the last block may lie beyond the end of the result.
    pub(crate) cells: usize,
    /// How far the taps move in the source from one block to the next.
    pub(crate) source_step: usize,
    /// By ascending offset.
    pub(crate) taps: Vec<Tap>,
}

/// A position of the source that a block takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tap {
    /// Position that the first block takes; it and those after it may lie outside the source.
    pub(crate) offset: isize,
    /// For each cell of the block, by which entry of the kernel it is multiplied, if any.
    pub(crate) kernel: Vec<Option<usize>>,
}

/// A window's geometry along one axis.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slide {
    pub(crate) kernel: usize,
    pub(crate) stride: usize,
    pub(crate) dilation: usize,
    pub(crate) pad: usize,
    /// Size of the map over which the windows slide.
    pub(crate) input: usize,
    /// Number of windows.
    pub(crate) output: usize,
}

impl Slide {
    /// The convolution, by blocks of `cells` windows.
    pub(crate) fn forward(&self, cells: usize) -> Axis {
        let taps = taps(cells, self.kernel, |cell, k| {
            Some((cell * self.stride + k * self.dilation) as isize - self.pad as isize)
        });
        Axis {
            start: 0,
            step: cells,
            count: self.output.div_ceil(cells),
            cells,
            source_step: cells * self.stride,
            taps,
        }
        .without_blind_taps(self.input)
    }

    /// Its transpose, from windows to the map, in one kind of block of `multiple` strides.
    pub(crate) fn backward(&self, multiple: usize) -> Axis {
        let cells = multiple * self.stride;
        Axis {
            start: 0,
            step: cells,
            count: self.input.div_ceil(cells),
            cells,
            source_step: multiple,
            taps: taps(cells, self.kernel, |cell, k| self.source(cell, k)),
        }
        .without_blind_taps(self.output)
    }

    /// Its transpose, position by position: as many axes as the stride, each with only the taps
    /// that it needs.
    pub(crate) fn backward_phases(&self) -> Vec<Axis> {
        let phases = 0..self.stride.min(self.input);
        phases
            .map(|start| {
                Axis {
                    start,
                    step: self.stride,
                    count: (self.input - start).div_ceil(self.stride),
                    cells: 1,
                    source_step: 1,
                    taps: taps(1, self.kernel, |_, k| self.source(start, k)),
                }
                .without_blind_taps(self.output)
            })
            .collect()
    }

    /// Which window has its entry `k` over position `at` of the map.
    fn source(&self, at: usize, k: usize) -> Option<isize> {
        let distance = (at + self.pad) as isize - (k * self.dilation) as isize;
        let stride = self.stride as isize;
        (distance.rem_euclid(stride) == 0).then(|| distance.div_euclid(stride))
    }
}

impl Axis {
    /// Whether each tap lies right after the one before it.
    pub(crate) fn is_consecutive(&self) -> bool {
        self.taps
            .windows(2)
            .all(|pair| pair[1].offset == pair[0].offset + 1)
    }

    /// The blocks for which all taps lie inside a source of `size` positions.
    pub(crate) fn interior(&self, size: usize) -> std::ops::Range<usize> {
        let (Some(first), Some(last)) = (self.taps.first(), self.taps.last()) else {
            return 0..self.count;
        };
        let step = self.source_step;
        let start = first.offset.min(0).unsigned_abs().div_ceil(step);
        let room = size as isize - 1 - last.offset;
        let end = if room < 0 {
            0
        } else {
            room as usize / step + 1
        };
        let end = end.min(self.count);
        start.min(end)..end
    }

    /// Without the taps that see nothing of a source of `size` positions from any block.
    fn without_blind_taps(mut self, size: usize) -> Self {
        let (count, step) = (self.count, self.source_step);
        self.taps.retain(|tap| {
            (0..count).any(|i| (0..size as isize).contains(&((i * step) as isize + tap.offset)))
        });
        self
    }
}

/// All offsets that `source(cell, k)` gives, and for each the entry of the kernel that a cell takes
/// there.
fn taps(cells: usize, kernel: usize, source: impl Fn(usize, usize) -> Option<isize>) -> Vec<Tap> {
    let mut taps: Vec<Tap> = Vec::new();
    for cell in 0..cells {
        for k in 0..kernel {
            let Some(offset) = source(cell, k) else {
                continue;
            };
            let at = match taps.binary_search_by_key(&offset, |tap| tap.offset) {
                Ok(at) => at,
                Err(at) => {
                    let kernel = vec![None; cells];
                    taps.insert(at, Tap { offset, kernel });
                    at
                }
            };
            taps[at].kernel[cell] = Some(k);
        }
    }
    taps
}
