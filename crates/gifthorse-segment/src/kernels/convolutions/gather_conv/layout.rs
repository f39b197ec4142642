//! Which products compute a convolution.

use super::bundle::Bundles;
use super::columns::lanes_of;
use crate::kernels::convolutions::axis::Axis;
use crate::kernels::convolutions::spec::ConvSpec;
use crate::lanes::Lane;

/// Which map a pass computes from the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Toward {
    /// The map with a pixel for each window: a convolution, or a transposed one backward.
    Narrow,
    /// The map over which the window slides.
    Wide,
}

/// What copying a lane costs, in multiplications of a lane.
const COPY: usize = 4;

/// Strides, or pixels, that a block may have along an axis. (Or all of them, where few windows see
/// the whole map.)
const MULTIPLES: std::ops::RangeInclusive<usize> = 1..=4;

/// The cheapest sets of blocks that cover the result: each pair of axes is a product.
///
/// Blocks of several pixels take more taps than each of their pixels needs, and the weights between
/// are zero. They pay where the pixels share most taps (patches) and where a lane has room for more
/// than one of them (few channels, as those of an image).
pub(super) fn choose(spec: &ConvSpec, toward: Toward) -> Vec<[Axis; 2]> {
    let [rows, columns] = spec.slides().map(|slide| match toward {
        Toward::Narrow => MULTIPLES.map(|m| vec![slide.forward(m)]).collect(),
        Toward::Wide => {
            let whole = slide.input.div_ceil(slide.stride);
            std::iter::once(slide.backward_phases())
                .chain(MULTIPLES.chain([whole]).map(|m| vec![slide.backward(m)]))
                .collect::<Vec<_>>()
        }
    });
    let bundles = Bundles::of(spec);
    let (source, result) = match toward {
        Toward::Narrow => (bundles.wide, bundles.narrow),
        Toward::Wide => (bundles.narrow, bundles.wide),
    };
    let candidates = rows.iter().flat_map(|rows| {
        columns.iter().map(move |columns| {
            let pairs = rows.iter().flat_map(|rows| {
                columns
                    .iter()
                    .map(move |columns| [rows.clone(), columns.clone()])
            });
            pairs.collect::<Vec<_>>()
        })
    });
    let total = |axes: &Vec<[Axis; 2]>| axes.iter().map(|a| cost(a, source, result)).sum::<usize>();
    candidates.min_by_key(total).unwrap_or_default()
}

/// Multiplications of lanes, or what takes as long.
fn cost(axes: &[Axis; 2], source: usize, result: usize) -> usize {
    let [rows, columns] = axes;
    let blocks = rows.count * columns.count;
    let taps = rows.taps.len() * columns.taps.len();
    let lanes = lanes_of(rows.cells * columns.cells, result);
    blocks * (taps * (source * lanes + COPY * source.div_ceil(Lane::LENGTH)) + COPY * lanes)
}
