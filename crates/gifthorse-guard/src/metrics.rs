//! Metrics, as Prometheus reads them.

use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::judge::Judged;
use crate::refusal::Refusal;
use crate::route::Protocol;

const SECONDS: [f64; 14] = [
    0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0,
];
const P_VALUES: [f64; 9] = [0.001, 0.003, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    protocol: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ErrorLabels {
    protocol: &'static str,
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabel {
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FlaggedLabel {
    flagged: &'static str,
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It was passed on as it came, unread.
    Passed,
    /// The server answered it, and the answer was left as it is.
    Answered,
    /// The answer has parameters of the guard.
    Marked,
    /// The answer has safe labels.
    Replaced,
}

impl Outcome {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Answered => "answered",
            Self::Marked => "marked",
            Self::Replaced => "replaced",
        }
    }
}

/// All that is counted and measured.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    images: Family<FlaggedLabel, Counter>,
    unjudged: Family<ReasonLabel, Counter>,
    upstream_errors: Family<ErrorLabels, Counter>,
    unmarked: Counter,
    scores: Histogram,
    p_values: Histogram,
    scoring: Histogram,
    upstream: Histogram,
    added: Histogram,
    places: Gauge,
    connections: Gauge,
}

impl Metrics {
    /// With these upper bounds for buckets of scores.
    pub(crate) fn new(buckets: Vec<f64>) -> Self {
        let mut registry = Registry::with_prefix("gifthorse_guard");
        let metrics = Self {
            requests: Family::default(),
            images: Family::default(),
            unjudged: Family::default(),
            upstream_errors: Family::default(),
            unmarked: Counter::default(),
            scores: Histogram::new(buckets),
            p_values: Histogram::new(P_VALUES),
            scoring: Histogram::new(SECONDS),
            upstream: Histogram::new(SECONDS),
            added: Histogram::new(SECONDS),
            places: Gauge::default(),
            connections: Gauge::default(),
            registry: Registry::default(),
        };
        let r = &mut registry;
        r.register(
            "requests",
            "Requests by what became of them",
            metrics.requests.clone(),
        );
        r.register(
            "images",
            "Judged images; the share that is flagged is the flag rate",
            metrics.images.clone(),
        );
        r.register(
            "unjudged_requests",
            "Requests for the guarded model that were not judged",
            metrics.unjudged.clone(),
        );
        r.register(
            "upstream_errors",
            "Requests that the model server did not answer",
            metrics.upstream_errors.clone(),
        );
        r.register(
            "unmarked_answers",
            "Answers that could not be read, and so not marked",
            metrics.unmarked.clone(),
        );
        r.register("score", "Scores of images", metrics.scores.clone());
        r.register("p_value", "P-values of images", metrics.p_values.clone());
        let seconds = Unit::Seconds;
        r.register_with_unit(
            "scoring",
            "From a request being read to its images being judged",
            seconds,
            metrics.scoring.clone(),
        );
        r.register_with_unit(
            "upstream",
            "From sending a judged request on to the beginning of its answer",
            Unit::Seconds,
            metrics.upstream.clone(),
        );
        r.register_with_unit(
            "added",
            "What the guard added to the time of a judged request, after it was read",
            Unit::Seconds,
            metrics.added.clone(),
        );
        r.register(
            "requests_held",
            "Judged requests that are worked on or wait",
            metrics.places.clone(),
        );
        r.register(
            "connections",
            "Connections of clients",
            metrics.connections.clone(),
        );
        Self {
            registry,
            ..metrics
        }
    }

    pub(crate) fn outcome(&self, protocol: Protocol, outcome: Outcome) {
        self.request(protocol, outcome.name());
    }

    pub(crate) fn refused(&self, protocol: Protocol, refusal: &Refusal) {
        let reason = refusal.reason;
        self.request(protocol, reason.name());
        if reason.is_upstream() {
            let labels = ErrorLabels {
                protocol: protocol.name(),
                reason: reason.name(),
            };
            self.upstream_errors.get_or_create(&labels).inc();
        }
    }

    fn request(&self, protocol: Protocol, outcome: &'static str) {
        let labels = RequestLabels {
            protocol: protocol.name(),
            outcome,
        };
        self.requests.get_or_create(&labels).inc();
    }

    pub(crate) fn judged(&self, judged: &[Judged], took: Duration) {
        self.scoring.observe(took.as_secs_f64());
        for image in judged {
            self.scores.observe(image.score);
            self.p_values.observe(image.p_value);
            let flagged = if image.flagged { "true" } else { "false" };
            self.images.get_or_create(&FlaggedLabel { flagged }).inc();
        }
    }

    pub(crate) fn unjudged(&self, reason: &'static str) {
        self.unjudged.get_or_create(&ReasonLabel { reason }).inc();
    }

    pub(crate) fn unmarked(&self) {
        self.unmarked.inc();
    }

    pub(crate) fn upstream(&self, took: Duration) {
        self.upstream.observe(took.as_secs_f64());
    }

    pub(crate) fn added(&self, took: Duration) {
        self.added.observe(took.as_secs_f64());
    }

    pub(crate) fn connection_begins(&self) {
        self.connections.inc();
    }

    pub(crate) fn connection_ends(&self) {
        self.connections.dec();
    }

    /// All of it, with the places that are taken.
    pub(crate) fn text(&self, places: usize) -> String {
        self.places.set(places as i64);
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = text::encode(&mut text, &self.registry);
        text
    }
}
