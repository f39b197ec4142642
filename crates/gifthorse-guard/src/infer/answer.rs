//! Makes the client's answer of the server's.

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::CONTENT_LENGTH;
use hyper::http::response::Parts;
use hyper::{HeaderMap, Response};

use super::case::Case;
use super::judging::{Found, Why};
use super::no_memory;
use crate::body::{Body, Unread, Whole, read_whole};
use crate::config::Mode;
use crate::metrics::Outcome;
use crate::parameters::{Parameters, flagged};
use crate::pass::back;
use crate::refusal::{Reason, Refusal};
use crate::replace::Correction;
use crate::route::Protocol;
use crate::state::State;
use crate::{grpc, rest};

/// Marks an answer, and corrects it for flagged images in that mode. An error of the server stays
/// as it is.
pub(super) async fn finish(
    state: &State,
    case: &Case,
    answer: Response<Incoming>,
    found: Result<Found, Why>,
) -> Result<(Response<Body>, Outcome), Refusal> {
    if !answer.status().is_success() || is_error(answer.headers()) {
        return Ok((back(state, answer), Outcome::Answered));
    }
    let (mut head, body) = answer.into_parts();
    let held = state.admission.held();
    let reading = read_whole(body, state.limits.body, held, state.times.upstream);
    let mut whole = reading.await.map_err(unread)?;
    if whole.trailers.as_ref().is_some_and(is_error) {
        return Ok((Response::from_parts(head, whole.body()), Outcome::Answered));
    }
    let (corrections, parameters) = match &found {
        Err(why) => (Vec::new(), Parameters::unjudged(&why.text)),
        Ok(found) => {
            let corrections = corrections(state.mode, found);
            let places: Vec<usize> = corrections.iter().map(|c| c.image).collect();
            let parameters = Parameters::of(&found.judged);
            let is_corrected = state.mode == Mode::SafeLabel;
            (
                corrections,
                if is_corrected {
                    parameters.replaced(&places)
                } else {
                    parameters
                },
            )
        }
    };
    let images = found.map_or(0, |found| found.judged.len());
    let changes = Changes {
        output: state.guarded.output.as_deref(),
        images,
        corrections: &corrections,
        parameters: &parameters,
    };
    let outcome = match changes.apply(case.asking.protocol, &mut head, &whole, state.limits.body) {
        Ok(changed) => {
            let held = state.admission.held();
            whole = whole.with(changed, held).ok_or_else(no_memory)?;
            if corrections.is_empty() {
                Outcome::Marked
            } else {
                Outcome::Replaced
            }
        }
        Err(reason) if corrections.is_empty() => {
            tracing::warn!(reason, "an answer is not marked");
            state.metrics.unmarked();
            Outcome::Answered
        }
        Err(reason) => {
            tracing::warn!(reason, "an answer cannot be corrected");
            return Err(Refusal::new(
                Reason::BadAnswer,
                "an image is flagged, and the model server's answer to it cannot be replaced",
            ));
        }
    };
    Ok((Response::from_parts(head, whole.body()), outcome))
}

/// Whether headers or trailers tell an error of gRPC.
fn is_error(headers: &HeaderMap) -> bool {
    let status = headers.get("grpc-status");
    status.is_some_and(|status| status.as_bytes() != b"0")
}

fn corrections(mode: Mode, found: &Found) -> Vec<Correction> {
    if mode != Mode::SafeLabel {
        return Vec::new();
    }
    let flagged = flagged(&found.judged).into_iter();
    let corrections = flagged.filter_map(|image| {
        let label = found.judged[image].safe_label?;
        Some(Correction { image, label })
    });
    corrections.collect()
}

struct Changes<'a> {
    output: Option<&'a str>,
    images: usize,
    corrections: &'a [Correction],
    parameters: &'a Parameters,
}

impl Changes<'_> {
    /// The body with the changes; `head` tells its length.
    fn apply(
        &self,
        protocol: Protocol,
        head: &mut Parts,
        whole: &Whole,
        limit: usize,
    ) -> Result<Bytes, String> {
        let (images, corrections) = (self.images, self.corrections);
        match protocol {
            Protocol::Rest => {
                // What fails half way changes nothing.
                let mut headers = head.headers.clone();
                let mut body = whole.bytes.clone();
                if !corrections.is_empty() {
                    body = rest::correct(&mut headers, &body, self.output, images, corrections)?;
                }
                body = rest::mark(&mut headers, &body, self.parameters)?;
                head.headers = headers;
                Ok(body)
            }
            Protocol::Grpc => {
                let mut message = grpc::unframed(&head.headers, &whole.bytes, limit)?;
                if !corrections.is_empty() {
                    message = grpc::correct(&message, self.output, images, corrections)?;
                }
                let body = grpc::framed(&grpc::mark(&message, self.parameters)?);
                head.headers.remove(CONTENT_LENGTH);
                Ok(body)
            }
        }
    }
}

fn unread(why: Unread) -> Refusal {
    let refuse = |reason, message| Refusal::new(reason, message);
    match why {
        Unread::TooLarge => refuse(
            Reason::BadAnswer,
            "the model server's answer is larger than the guard reads",
        ),
        Unread::NoMemory => no_memory(),
        Unread::Slow => refuse(
            Reason::UpstreamSlow,
            "the model server took too long to end its answer",
        ),
        Unread::Broken(error) => {
            tracing::debug!(%error, "an answer broke off");
            refuse(Reason::Unreachable, "the model server broke off")
        }
    }
}
