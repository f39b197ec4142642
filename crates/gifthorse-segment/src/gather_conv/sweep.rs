//! One product: blocks of pixels by taps and channels, times constants.

use super::columns::{Column, columns};
use super::layout::Toward;
use crate::axis::Axis;
use crate::convolution::ConvSpec;
use crate::lanes::{Lane, Pair};
use crate::map::MapShape;

/// Up to how many channels the source's pixels are first put side by side, without the rest of their lanes.
const FEW: usize = 8;

/// A product, with its constants.
///
/// A row of the left operand holds what one block of pixels of the result takes from the source: for each tap,
/// all channels. It lies in lanes, of which only the entries that exist take part.
#[derive(Debug)]
pub(super) struct Sweep {
    /// Which blocks, along rows and columns.
    pub(super) axes: [Axis; 2],
    pub(super) source: Side,
    pub(super) result: Side,
    /// Whether pixels lie side by side: then a run of lanes holds a row of taps, otherwise one tap.
    pub(super) dense: bool,
    /// Lanes of a run.
    pub(super) run_lanes: usize,
    /// For each lane of a row of the left operand, the index of its first entry, and in the end the number of entries.
    pub(super) entries: Vec<usize>,
    /// The lanes of a row of the result.
    pub(super) columns: Vec<Column>,
    /// `[pair of columns][entry]`
    pub(super) weights: Vec<Pair>,
    /// `[pair of columns]`
    pub(super) bias: Vec<Pair>,
}

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

impl Sweep {
    /// The product that computes blocks `axes` of some channels of the result from some of the source.
    pub(super) fn new(
        spec: &ConvSpec,
        toward: Toward,
        axes: [Axis; 2],
        (source, result): (Side, Side),
        weight: &[f32],
        bias: Option<&[f32]>,
    ) -> Self {
        let [rows, across] = &axes;
        let taps = rows.taps.len() * across.taps.len();
        let dense = source.channels <= FEW && across.taps.len() > 1 && across.is_consecutive();
        let (runs, run) = if dense {
            (rows.taps.len(), across.taps.len() * source.channels)
        } else {
            (taps, source.channels)
        };
        let run_lanes = run.div_ceil(Lane::LENGTH);
        let mut entries: Vec<usize> = (0..runs)
            .flat_map(|i| (0..run_lanes).map(move |lane| i * run + Lane::LENGTH * lane))
            .collect();
        entries.push(runs * run);
        let columns = columns(&axes, result.channels);
        let mut sweep = Self {
            source,
            result,
            dense,
            run_lanes,
            entries,
            weights: Vec::new(),
            bias: vec![Pair::default(); columns.len().div_ceil(2)],
            columns,
            axes,
        };
        sweep.pack_weights(spec, toward, weight);
        if let Some(bias) = bias {
            sweep.pack_bias(bias);
        }
        sweep
    }

    /// Entries of a row of the left operand.
    pub(super) fn depth(&self) -> usize {
        self.entries.last().copied().unwrap_or(0)
    }

    /// Lanes of a row of the left operand.
    pub(super) fn row_lanes(&self) -> usize {
        self.entries.len() - 1
    }

    /// Rows of the left operand for one sample.
    pub(super) fn rows(&self) -> usize {
        self.axes[0].count * self.axes[1].count
    }

    /// Bytes of the constants.
    pub(super) fn bytes(&self) -> usize {
        size_of_val(self.weights.as_slice()) + size_of_val(self.bias.as_slice())
    }

    fn pack_weights(&mut self, spec: &ConvSpec, toward: Toward, weight: &[f32]) {
        let depth = self.depth();
        let mut packed = vec![Pair::default(); self.bias.len() * depth];
        let [rows, across] = &self.axes;
        for (lane, part) in parts(&self.columns) {
            let pair = &mut packed[lane / 2 * depth..][..depth];
            for i in 0..part.channels {
                let result = self.result.first + Lane::LENGTH * part.group + i;
                let taps = rows
                    .taps
                    .iter()
                    .flat_map(|y| across.taps.iter().map(move |x| (y, x)));
                for ((y, x), pair) in taps.zip(pair.chunks_exact_mut(self.source.channels)) {
                    let kernel = (y.kernel[part.cell[0]], x.kernel[part.cell[1]]);
                    let (Some(row), Some(column)) = kernel else {
                        continue;
                    };
                    for (source, pair) in (self.source.first..).zip(pair) {
                        let (narrow, wide) = match toward {
                            Toward::Narrow => (result, source),
                            Toward::Wide => (source, result),
                        };
                        if let Some(at) = spec.weight_at(narrow, wide, [row, column]) {
                            pair[lane % 2].0[part.entry + i] = weight[at];
                        }
                    }
                }
            }
        }
        self.weights = packed;
    }

    fn pack_bias(&mut self, bias: &[f32]) {
        for (lane, part) in parts(&self.columns) {
            let first = self.result.first + Lane::LENGTH * part.group;
            self.bias[lane / 2][lane % 2].0[part.entry..][..part.channels]
                .copy_from_slice(&bias[first..][..part.channels]);
        }
    }
}

/// All parts, each with the number of its lane.
fn parts(columns: &[Column]) -> impl Iterator<Item = (usize, &super::columns::Part)> {
    let lanes = columns.iter().enumerate();
    lanes.flat_map(|(lane, parts)| parts.iter().map(move |part| (lane, part)))
}
