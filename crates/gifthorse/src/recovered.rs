//! What a report holds of a trigger, as it is stamped on images.

use gifthorse_defense::trigger::{
    Additive, ColourMap, LocalMap, Patch, SpacePatch, Transformation, Trigger, Warp,
};
use gifthorse_report::evidence::Recovered;

/// What was recovered, as it is stamped; none for an image that answers by itself.
pub fn stamped(recovered: Recovered) -> Option<Trigger> {
    Some(match recovered {
        Recovered::Patch(stored) => Trigger::Patch(Patch {
            mask: stored.mask().values().to_vec(),
            pattern: stored.pattern().values().to_vec(),
        }),
        Recovered::ColourMap(change) => ColourMap::of(change.numbers).into(),
        Recovered::Warp(change) => Warp::of(change.numbers).into(),
        Recovered::LocalMap(change) => LocalMap::of(change.numbers).into(),
        Recovered::SpacePatch(change) => SpacePatch::of(change.numbers).into(),
        Recovered::Additive(change) => Additive::of(change.numbers).into(),
        Recovered::Image(_) => return None,
    })
}
