//! One product: blocks of pixels by taps and channels, times constants.

use super::columns::{Column, Part, columns};
use super::layout::Toward;
use super::patches::{Patches, Side};
use crate::kernels::convolutions::axis::Axis;
use crate::kernels::convolutions::spec::ConvSpec;
use crate::lanes::{Lane, Pair};

/// A product, with its constants if they are packed.
#[derive(Debug)]
pub(super) struct Sweep {
    pub(super) patches: Patches,
    pub(super) result: Side,
    /// The lanes of a row of the result.
    pub(super) columns: Vec<Column>,
    /// `[pair of columns][entry of a row of the left operand]`
    pub(super) weights: Vec<Pair>,
    /// `[pair of columns]`
    pub(super) bias: Vec<Pair>,
}

impl Sweep {
    /// The product that computes blocks `axes` of some channels of the result from some of the
    /// source, without constants.
    pub(super) fn new(axes: [Axis; 2], source: Side, result: Side) -> Self {
        let columns = columns(&axes, result.channels);
        Self {
            patches: Patches::new(axes, source),
            result,
            weights: Vec::new(),
            bias: vec![Pair::default(); columns.len().div_ceil(2)],
            columns,
        }
    }

    /// Packs its constants.
    pub(super) fn pack(
        &mut self,
        spec: &ConvSpec,
        toward: Toward,
        weight: &[f32],
        bias: Option<&[f32]>,
    ) {
        self.pack_weights(spec, toward, weight);
        if let Some(bias) = bias {
            self.pack_bias(bias);
        }
    }

    /// Bytes of the constants.
    pub(super) fn bytes(&self) -> usize {
        size_of_val(self.weights.as_slice()) + size_of_val(self.bias.as_slice())
    }

    fn pack_weights(&mut self, spec: &ConvSpec, toward: Toward, weight: &[f32]) {
        let (depth, source) = (self.patches.depth(), self.patches.source);
        let mut packed = vec![Pair::default(); self.bias.len() * depth];
        let [rows, across] = &self.patches.axes;
        let of_narrow = toward == Toward::Narrow;
        let stride = spec.weight_stride(of_narrow);
        for (lane, part) in parts(&self.columns) {
            let pair = &mut packed[lane / 2 * depth..][..depth];
            for i in 0..part.channels {
                let result = self.result.first + Lane::LENGTH * part.group + i;
                let partners = spec.partners(result, of_narrow);
                let start = partners.start.max(source.first);
                let end = partners.end.min(source.first + source.channels);
                if start >= end {
                    continue;
                }
                let taps = rows
                    .taps
                    .iter()
                    .flat_map(|y| across.taps.iter().map(move |x| (y, x)));
                for ((y, x), pair) in taps.zip(pair.chunks_exact_mut(source.channels)) {
                    let kernel = (y.kernel[part.cell[0]], x.kernel[part.cell[1]]);
                    let (Some(row), Some(column)) = kernel else {
                        continue;
                    };
                    let (narrow, wide) = match toward {
                        Toward::Narrow => (result, start),
                        Toward::Wide => (start, result),
                    };
                    let Some(at) = spec.weight_at(narrow, wide, [row, column]) else {
                        continue;
                    };
                    let pair = &mut pair[start - source.first..end - source.first];
                    for (pair, weight) in pair.iter_mut().zip(weight[at..].iter().step_by(stride)) {
                        pair[lane % 2].0[part.entry + i] = *weight;
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
fn parts(columns: &[Column]) -> impl Iterator<Item = (usize, &Part)> {
    let lanes = columns.iter().enumerate();
    lanes.flat_map(|(lane, parts)| parts.iter().map(move |part| (lane, part)))
}
