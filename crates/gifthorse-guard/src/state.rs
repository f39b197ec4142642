//! What all requests share.

use std::sync::Arc;

use crate::admission::Admission;
use crate::config::{Config, Guarded, Limits, Mode, Times, Unjudged};
use crate::error::Error;
use crate::judge::Judge;
use crate::metrics::Metrics;
use crate::refusal::{Reason, Refusal};
use crate::route::Protocol;
use crate::scorer::Scorer;
use crate::tls;
use crate::upstream::Upstream;

/// A guard at work, apart from its connections.
pub(crate) struct State {
    pub(crate) judge: Arc<dyn Judge>,
    pub(crate) guarded: Guarded,
    pub(crate) mode: Mode,
    pub(crate) unjudged: Unjudged,
    pub(crate) limits: Limits,
    pub(crate) times: Times,
    pub(crate) admission: Admission,
    pub(crate) scorer: Scorer,
    pub(crate) metrics: Metrics,
    rest: Upstream,
    grpc: Option<Upstream>,
}

impl State {
    pub(crate) fn new(config: &Config, judge: Arc<dyn Judge>) -> Result<Self, Error> {
        config.check()?;
        let (of_judge, of_form) = (judge.shape(), config.guarded.form.image());
        if of_judge != of_form {
            return Err(Error::Setting(format!(
                "images are {of_form:?} for the guard, and {of_judge:?} for the judge"
            )));
        }
        let trust = tls::client(&config.upstream_tls)?;
        let upstream = |protocol, origin| {
            Upstream::new(protocol, origin, trust.clone(), config.times.upstream)
        };
        Ok(Self {
            rest: upstream(Protocol::Rest, &config.upstream),
            grpc: config
                .grpc_upstream
                .as_ref()
                .map(|origin| upstream(Protocol::Grpc, origin)),
            metrics: Metrics::new(judge.buckets()),
            judge,
            guarded: config.guarded.clone(),
            mode: config.mode,
            unjudged: config.unjudged,
            limits: config.limits,
            times: config.times,
            admission: Admission::new(&config.limits),
            scorer: Scorer::new(config.limits.scorers, config.times.scoring),
        })
    }

    /// Whether what may ask the guarded model without being judged is refused.
    pub(crate) fn refuses_ways_round(&self) -> bool {
        self.unjudged == Unjudged::Refuse
    }

    /// The server for a protocol.
    pub(crate) fn upstream(&self, protocol: Protocol) -> Result<&Upstream, Refusal> {
        match protocol {
            Protocol::Rest => Ok(&self.rest),
            Protocol::Grpc => self.grpc.as_ref().ok_or_else(|| {
                Refusal::new(Reason::NoServer, "the guard was given no gRPC server")
            }),
        }
    }
}
