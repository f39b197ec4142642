//! Grouped convolutions by whole lanes.

use crate::kernels::convolutions::spec::ConvSpec;
use crate::lanes::Lane;

/// Some groups of a convolution that are computed as one, whose weight is then zero
/// between channels of different groups.
///
/// They are the fewest whose channels fill whole lanes, or all groups if there are none such.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bundles {
    pub(super) count: usize,
    /// Channels of one bundle in the map with a pixel for each window.
    pub(super) narrow: usize,
    /// Channels of one bundle in the map over which the window slides.
    pub(super) wide: usize,
}

impl Bundles {
    pub(super) fn of(spec: &ConvSpec) -> Self {
        let (narrow, wide) = (spec.narrow().channels, spec.wide().channels);
        let (narrow_each, wide_each) = (narrow / spec.groups, wide / spec.groups);
        let whole = |channels: usize| channels.is_multiple_of(Lane::LENGTH);
        let bundled = (1..spec.groups)
            .filter(|merged| spec.groups.is_multiple_of(*merged))
            .find(|merged| whole(merged * narrow_each) && whole(merged * wide_each))
            .unwrap_or(spec.groups);
        Self {
            count: spec.groups / bundled,
            narrow: bundled * narrow_each,
            wide: bundled * wide_each,
        }
    }
}
