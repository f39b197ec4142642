//! Which pixels the rows of the left operand hold.

use crate::kernels::convolutions::axis::Axis;
use crate::lanes::Lane;
use crate::lanes::map::MapShape;

/// Up to how many channels the source's pixels are first put side by side, without the rest of
/// their lanes.
const FEW: usize = 8;

/// Some channels of a map.
#[derive(Clone, Copy, Debug)]
pub(super) struct Side {
    pub(super) map: MapShape,
    /// The first channel, a multiple of sixteen.
    pub(super) first: usize,
    pub(super) channels: usize,
}

impl Side {
    /// Lanes of a pixel before the first of these channels.
    pub(super) fn first_lane(&self) -> usize {
        self.first / Lane::LENGTH
    }

    /// Lanes of a pixel that hold these channels.
    pub(super) fn lanes(&self) -> usize {
        self.channels.div_ceil(Lane::LENGTH)
    }
}

/// The shape of the left operand.
///
/// A row holds what one block of pixels of the result takes from the source: for each tap,
/// all channels. It lies in lanes, of which only the entries that exist take part.
#[derive(Debug)]
pub(super) struct Patches {
    /// Which blocks, along rows and columns.
    pub(super) axes: [Axis; 2],
    pub(super) source: Side,
    /// Whether pixels lie side by side: then a run of lanes holds a row of taps, otherwise one tap.
    pub(super) dense: bool,
    /// Lanes of a run.
    pub(super) run_lanes: usize,
    /// For each lane of a row, the index of its first entry, and in the end the number of entries.
    pub(super) entries: Vec<usize>,
}

impl Patches {
    pub(super) fn new(axes: [Axis; 2], source: Side) -> Self {
        let [down, across] = &axes;
        let dense = source.channels <= FEW && across.taps.len() > 1 && across.is_consecutive();
        let (runs, run) = if dense {
            (down.taps.len(), across.taps.len() * source.channels)
        } else {
            (down.taps.len() * across.taps.len(), source.channels)
        };
        let run_lanes = run.div_ceil(Lane::LENGTH);
        let mut entries: Vec<usize> = (0..runs)
            .flat_map(|i| (0..run_lanes).map(move |lane| i * run + Lane::LENGTH * lane))
            .collect();
        entries.push(runs * run);
        Self {
            axes,
            source,
            dense,
            run_lanes,
            entries,
        }
    }

    /// Entries of a row.
    pub(super) fn depth(&self) -> usize {
        self.entries.last().copied().unwrap_or(0)
    }

    /// Lanes of a row.
    pub(super) fn row_lanes(&self) -> usize {
        self.entries.len() - 1
    }

    /// Rows for one sample.
    pub(super) fn rows(&self) -> usize {
        self.axes[0].count * self.axes[1].count
    }
}
