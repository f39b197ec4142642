//! A request that has come whole, and what can be done with it.

use std::sync::Arc;
use std::time::Instant;

use hyper::Response;
use hyper::body::Incoming;
use hyper::header::ACCEPT_ENCODING;
use hyper::http::request::Parts;
use tokio::sync::oneshot;

use super::judging::{Found, Why, judge};
use crate::admission::Place;
use crate::body::Whole;
use crate::config::Unjudged;
use crate::grpc;
use crate::log::{self, Asking};
use crate::refusal::Refusal;
use crate::state::State;

/// A request that has come whole.
pub(crate) struct Case {
    pub(crate) asking: Asking,
    pub(crate) head: Parts,
    pub(crate) whole: Arc<Whole>,
    /// Kept by whoever works on the request, so that it counts until all are done.
    pub(crate) place: Arc<Place>,
}

impl Case {
    /// The model that the message names.
    pub(crate) async fn name_model(&self, state: &Arc<State>) -> Result<String, Why> {
        let (head, limit) = (self.head.headers.clone(), state.limits.body);
        let whole = Arc::clone(&self.whole);
        let name = move || {
            let message = grpc::unframed(&head, &whole.bytes, limit)?;
            grpc::model_name(&message)
        };
        // A message that has to be unpacked first is work, and takes memory.
        let is_packed = self.whole.bytes.first() == Some(&1);
        let named = if is_packed {
            state.scorer.run(name).await
        } else {
            name()
        };
        named.map_err(Why::broken)
    }

    /// Sends the request on.
    pub(crate) async fn forward(&self, state: &State) -> Result<Response<Incoming>, Refusal> {
        let upstream = state.upstream(self.asking.protocol)?;
        upstream.send(&self.head, self.whole.body()).await
    }

    /// Asks for an answer that is not compressed, so that it can be changed.
    pub(crate) fn ask_plainly(&mut self) {
        self.head.headers.remove(ACCEPT_ENCODING);
        self.head.headers.remove("grpc-accept-encoding");
    }

    /// Judges the request and says so to metrics and log. `read` is told once its images are read,
    /// and dropped if they cannot be.
    pub(crate) async fn judge(
        &self,
        state: &Arc<State>,
        read: Option<oneshot::Sender<()>>,
    ) -> Result<Found, Why> {
        let started = Instant::now();
        let (whole, place) = (Arc::clone(&self.whole), Arc::clone(&self.place));
        let (shared, protocol) = (Arc::clone(state), self.asking.protocol);
        let headers = self.head.headers.clone();
        let work = move || {
            let _place = place;
            Ok(judge(&shared, protocol, &headers, &whole.bytes, || {
                // Nobody may wait for it.
                let _ = read.map(|read| read.send(()));
            }))
        };
        let judged = state.scorer.run(work).await;
        let found = judged.unwrap_or_else(|text| Err(Why::unjudged(text)))?;
        state.metrics.judged(&found.judged, started.elapsed());
        log::judged(&self.asking, &found.id, &found.judged);
        Ok(found)
    }

    /// Judges the request while nobody waits for it.
    pub(crate) fn judge_aside(&self, state: &Arc<State>) {
        let case = Self {
            asking: self.asking.clone(),
            head: self.head.clone(),
            whole: Arc::clone(&self.whole),
            place: Arc::clone(&self.place),
        };
        let state = Arc::clone(state);
        tokio::spawn(async move {
            if let Err(why) = case.judge(&state, None).await {
                case.tell_unjudged(&state, &why);
            }
        });
    }

    /// Whether a request that cannot be judged goes on.
    pub(crate) fn unjudged(&self, state: &State, why: &Why) -> Result<(), Refusal> {
        self.tell_unjudged(state, why);
        match state.unjudged {
            Unjudged::Pass => Ok(()),
            Unjudged::Refuse => Err(Refusal::new(why.reason, why.text.clone())),
        }
    }

    fn tell_unjudged(&self, state: &State, why: &Why) {
        state.metrics.unjudged(why.reason.name());
        log::unjudged(&self.asking, &why.text);
    }
}
