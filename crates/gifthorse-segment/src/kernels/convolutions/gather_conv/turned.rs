//! The constants of the gradient to the input, read from those of the forward pass.
//!
//! Packed for both directions, a weight is in memory twice. Where that is too much
//! ([`Graph::pack_once`]), it is packed once; of its transpose, two lanes of columns at a time are
//! made where they are used, which makes the backward pass half as long again
//! (`speed_of_turned_weights`).
//!
//! [`Graph::pack_once`]: crate::Graph::pack_once

use super::columns::Column;
use super::layout::{Toward, choose};
use super::sweep::Sweep;
use crate::kernels::convolutions::axis::Axis;
use crate::kernels::convolutions::spec::ConvSpec;
use crate::lanes::{Lane, Lanes, Pair};

/// Whether the backward pass of a convolution is one product that can read the constants of the
/// forward pass.
pub(super) fn fits(spec: &ConvSpec) -> bool {
    if spec.transposed || spec.groups > 1 || spec.input.channels < Lane::LENGTH {
        return false;
    }
    match (
        &choose(spec, Toward::Narrow)[..],
        &choose(spec, Toward::Wide)[..],
    ) {
        ([forward], [backward]) => is_transpose(forward, backward),
        _ => false,
    }
}

/// Whether one pixel of the narrow map takes exactly the pixels, in their order, that one block of
/// the wide map gives back to.
fn is_transpose(forward: &[Axis; 2], backward: &[Axis; 2]) -> bool {
    forward.iter().zip(backward).all(|(forward, backward)| {
        let [tap] = &backward.taps[..] else {
            return false;
        };
        let taken = forward.taps.iter().map(|tap| tap.kernel[0]);
        forward.cells == 1 && taken.eq(tap.kernel.iter().copied())
    })
}

/// Makes the constants of two lanes of columns (or the one that is left) of the transpose of
/// `forward`: one pair for each channel of its result.
#[inline(always)]
pub(super) fn turn<'a, L: Lanes>(
    l: L,
    forward: &Sweep,
    columns: impl Iterator<Item = &'a Column> + Clone,
    out: &mut Vec<Pair>,
) {
    let (depth, outputs) = (forward.patches.depth(), forward.result.channels);
    let across = forward.patches.axes[1].taps.len();
    out.resize(outputs, Pair::default());
    for (first, out) in out.chunks_mut(Lane::LENGTH).enumerate() {
        let packed = &forward.weights[first / 2 * depth..][..depth];
        for (lane, parts) in columns.clone().enumerate() {
            let mut block = [l.splat(0.0); Lane::LENGTH];
            for part in parts {
                let tap = part.cell[0] * across + part.cell[1];
                let entry = tap * forward.patches.source.channels + Lane::LENGTH * part.group;
                let pairs = &packed[entry..][..part.channels];
                for (vector, pair) in block.iter_mut().zip(pairs) {
                    *vector = l.load(&pair[first % 2].0);
                }
            }
            for (pair, vector) in out.iter_mut().zip(l.transpose(block)) {
                l.store(&mut pair[lane].0, vector);
            }
        }
    }
}
