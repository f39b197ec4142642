//! A request for inference of the guarded model, from its first byte to its answer.

mod answer;
mod case;
mod judging;

use std::sync::Arc;
use std::time::Instant;

use hyper::body::Incoming;
use hyper::{Request, Response};
use tokio::sync::oneshot;

use crate::body::{Body, Unread, read_whole};
use crate::config::{Mode, Unjudged};
use crate::log::Asking;
use crate::metrics::Outcome;
use crate::parameters::flagged;
use crate::pass::{back, pass};
use crate::refusal::{Reason, Refusal};
use crate::route::{Protocol, is_guarded};
use crate::state::State;
use crate::tensor::Tensor;
use case::Case;
use judging::Found;

/// What a request asks.
#[derive(Debug)]
pub(crate) struct Asked {
    /// What the client calls the request.
    pub(crate) id: String,
    pub(crate) tensors: Vec<Tensor>,
}

/// Answers a request for inference. `model` is what the path says; over gRPC the message says it.
pub(crate) async fn infer(
    state: &Arc<State>,
    protocol: Protocol,
    model: Option<String>,
    request: Request<Incoming>,
) -> Result<(Response<Body>, Outcome), Refusal> {
    if let Mode::Shadow { share } = state.mode
        && !rand::random_bool(share)
    {
        return Ok((pass(state, protocol, request).await?, Outcome::Passed));
    }
    let place = match (state.admission.place(), state.mode) {
        (Ok(place), _) => place,
        (Err(_), Mode::Shadow { .. }) => {
            state.metrics.unjudged("busy");
            return Ok((pass(state, protocol, request).await?, Outcome::Passed));
        }
        (Err(busy), _) => return Err(busy),
    };
    let (head, body) = request.into_parts();
    let held = state.admission.held();
    let reading = read_whole(body, state.limits.body, held, state.times.read);
    let whole = reading.await.map_err(unread)?;
    let read = Instant::now();
    let mut case = Case {
        asking: Asking {
            protocol,
            model: model.unwrap_or_default(),
        },
        head,
        whole: Arc::new(whole),
        place: Arc::new(place),
    };
    if protocol == Protocol::Grpc {
        match case.name_model(state).await {
            Ok(model) if !is_guarded(&model, &state.guarded.models) => {
                let answer = case.forward(state).await?;
                return Ok((back(state, answer), Outcome::Passed));
            }
            Ok(model) => case.asking.model = model,
            Err(why) => {
                case.unjudged(state, &why)?;
                let answer = case.forward(state).await?;
                return Ok((back(state, answer), Outcome::Answered));
            }
        }
    }
    if let Mode::Shadow { .. } = state.mode {
        case.judge_aside(state);
        let answer = case.forward(state).await?;
        return Ok((back(state, answer), Outcome::Answered));
    }
    let _turn = state.admission.turn(state.times.queue).await?;
    let (answer, outcome, waited) = match state.mode {
        Mode::Reject => reject(state, &case).await?,
        _ => correct(state, &mut case).await?,
    };
    state.metrics.upstream(waited);
    state.metrics.added(read.elapsed().saturating_sub(waited));
    Ok((answer, outcome))
}

type Answered = (Response<Body>, Outcome, std::time::Duration);

/// Judges first, so that no flagged image reaches the server.
async fn reject(state: &Arc<State>, case: &Case) -> Result<Answered, Refusal> {
    match case.judge(state, None).await {
        Ok(found) => refuse_flagged(&found, |_| true)?,
        Err(why) => case.unjudged(state, &why)?,
    }
    let sent = Instant::now();
    let answer = case.forward(state).await?;
    Ok((back(state, answer), Outcome::Answered, sent.elapsed()))
}

/// Judges while the server works, and then marks or corrects its answer.
async fn correct(state: &Arc<State>, case: &mut Case) -> Result<Answered, Refusal> {
    case.ask_plainly();
    let case = &*case;
    let (read, is_read) = oneshot::channel();
    let forwarding = async {
        // What cannot be read and is to be refused does not reach the server either.
        if state.unjudged == Unjudged::Refuse && is_read.await.is_err() {
            std::future::pending::<()>().await;
        }
        let sent = Instant::now();
        let answer = case.forward(state).await?;
        Ok((answer, sent.elapsed()))
    };
    let judging = async {
        match case.judge(state, Some(read)).await {
            Ok(found) => {
                if state.mode == Mode::SafeLabel {
                    refuse_flagged(&found, |place| found.judged[place].safe_label.is_none())?;
                }
                Ok(Ok(found))
            }
            Err(why) => {
                case.unjudged(state, &why)?;
                Ok(Err(why))
            }
        }
    };
    let ((answer, waited), found) = tokio::try_join!(forwarding, judging)?;
    let (answer, outcome) = answer::finish(state, case, answer, found).await?;
    Ok((answer, outcome, waited))
}

/// Refuses a request with a flagged image for which `reason` holds.
fn refuse_flagged(found: &Found, reason: impl Fn(usize) -> bool) -> Result<(), Refusal> {
    let flagged: Vec<usize> = flagged(&found.judged)
        .into_iter()
        .filter(|&place| reason(place))
        .collect();
    if flagged.is_empty() {
        return Ok(());
    }
    Err(Refusal::flagged(flagged, found.judged.len()))
}

/// The place of the output that is corrected: the one named, or the only one there is.
pub(crate) fn the_output<'a>(
    names: impl Iterator<Item = &'a str>,
    name: Option<&str>,
) -> Result<usize, String> {
    let mut places = names
        .enumerate()
        .filter(|(_, output)| name.is_none_or(|name| *output == name));
    match (places.next(), places.next(), name) {
        (Some((place, _)), None, _) => Ok(place),
        (None, _, Some(name)) => Err(format!("the answer has no output {name:?}")),
        (None, _, None) => Err("the answer has no output".to_owned()),
        _ => Err(
            "the answer has several outputs, and the guard is not told which is the scores"
                .to_owned(),
        ),
    }
}

fn unread(why: Unread) -> Refusal {
    match why {
        Unread::TooLarge => Refusal::new(
            Reason::TooLarge,
            "the body of the request is larger than the guard reads",
        ),
        Unread::NoMemory => no_memory(),
        Unread::Slow => Refusal::new(
            Reason::Slow,
            "the body of the request took too long to come",
        ),
        Unread::Broken(error) => {
            tracing::debug!(%error, "a body broke off");
            Refusal::new(Reason::Broken, "the body of the request broke off")
        }
    }
}

fn no_memory() -> Refusal {
    Refusal::new(
        Reason::Busy,
        "the bodies of all requests together are larger than the guard holds",
    )
}
