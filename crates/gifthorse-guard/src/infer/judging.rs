//! Reads the images of a request and judges them; on a thread that may block.

use bytes::Bytes;
use hyper::HeaderMap;

use crate::grpc;
use crate::judge::Judged;
use crate::refusal::Reason;
use crate::rest;
use crate::route::Protocol;
use crate::state::State;
use crate::tensor::images;

/// What was found of the images of a request.
#[derive(Debug)]
pub(crate) struct Found {
    /// What the client calls the request.
    pub(crate) id: String,
    /// Of each image.
    pub(crate) judged: Vec<Judged>,
}

/// Why a request was not judged.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Why {
    /// What it is refused with, if it is.
    pub(crate) reason: Reason,
    pub(crate) text: String,
}

/// Most characters of a reason.
const LONGEST: usize = 300;

impl Why {
    pub(crate) fn broken(text: String) -> Self {
        Self::new(Reason::Broken, &text)
    }

    pub(crate) fn unjudged(text: String) -> Self {
        Self::new(Reason::Unjudged, &text)
    }

    /// What a client sent may stand in the text, so that it is cut: it goes to the log and to the
    /// answer, and no picture is to be in either.
    fn new(reason: Reason, text: &str) -> Self {
        let text = text.chars().take(LONGEST).collect();
        Self { reason, text }
    }
}

/// Judges the images of a request; `read` is called once they are read.
pub(crate) fn judge(
    state: &State,
    protocol: Protocol,
    headers: &HeaderMap,
    body: &Bytes,
    read: impl FnOnce(),
) -> Result<Found, Why> {
    let limit = state.limits.body;
    let asked = match protocol {
        Protocol::Rest => rest::read(headers, body, limit),
        Protocol::Grpc => {
            grpc::unframed(headers, body, limit).and_then(|message| grpc::read(&message))
        }
    };
    let asked = asked.map_err(Why::broken)?;
    let guarded = &state.guarded;
    let most = state.limits.images;
    let (count, pixels) = images(
        &asked.tensors,
        guarded.input.as_deref(),
        &guarded.form,
        most,
    )
    .map_err(|error| Why::unjudged(error.to_string()))?;
    read();
    // What ails it is for those who run the guard.
    let judged = state.judge.judge(&pixels).map_err(|reason| {
        tracing::warn!(reason, "the judge failed");
        Why::unjudged("the judge failed".to_owned())
    })?;
    if judged.len() != count {
        let of = judged.len();
        let text = format!("the judge spoke of {of} images, and there are {count}");
        return Err(Why::unjudged(text));
    }
    Ok(Found {
        id: asked.id,
        judged,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_sent_is_cut() {
        let why = Why::broken(format!("the input {:?} is broken", "x".repeat(1 << 20)));
        assert_eq!(why.text.chars().count(), LONGEST);
        assert!(why.text.starts_with("the input"));
    }
}
