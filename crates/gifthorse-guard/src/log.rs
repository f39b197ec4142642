//! What the log says of judged requests. It holds no pictures, and of what clients send only names,
//! cut to a length.

use crate::judge::Judged;
use crate::parameters::{each, flagged};
use crate::refusal::list;
use crate::route::Protocol;

/// Longest name of a client that is logged, in characters.
const LONGEST: usize = 64;

/// Who asked what.
#[derive(Clone, Debug)]
pub(crate) struct Asking {
    pub(crate) protocol: Protocol,
    pub(crate) model: String,
}

/// Tells what was found of a request.
pub(crate) fn judged(asking: &Asking, id: &str, judged: &[Judged]) {
    let flagged = flagged(judged);
    tracing::info!(
        protocol = asking.protocol.name(),
        model = short(&asking.model),
        id = short(id),
        images = judged.len(),
        flagged = flagged.len(),
        flagged_images = list(&flagged),
        scores = each(judged, |judged| judged.score),
        p_values = each(judged, |judged| judged.p_value),
        "judged"
    );
}

/// Tells that a request was not judged.
pub(crate) fn unjudged(asking: &Asking, reason: &str) {
    tracing::warn!(
        protocol = asking.protocol.name(),
        model = short(&asking.model),
        reason,
        "not judged"
    );
}

fn short(name: &str) -> String {
    name.chars().take(LONGEST).collect()
}
