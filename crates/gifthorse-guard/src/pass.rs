//! Requests that go on as they came, piece by piece.

use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::{Request, Response};

use crate::body::Body;
use crate::paced::Paced;
use crate::refusal::Refusal;
use crate::route::Protocol;
use crate::state::State;

/// Passes a request on, and its answer back.
pub(crate) async fn pass(
    state: &State,
    protocol: Protocol,
    request: Request<Incoming>,
) -> Result<Response<Body>, Refusal> {
    let (head, body) = request.into_parts();
    let body = Paced::new(body, state.times.read).boxed_unsync();
    let answer = state.upstream(protocol)?.send(&head, body).await?;
    Ok(back(state, answer))
}

/// An answer of the server as it comes.
pub(crate) fn back(state: &State, answer: Response<Incoming>) -> Response<Body> {
    answer.map(|body| Paced::new(body, state.times.upstream).boxed_unsync())
}
