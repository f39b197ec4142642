//! What the guard itself answers: errors, as each protocol tells them.

use http_body_util::{BodyExt, Full};
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use hyper::{Response, StatusCode};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use crate::body::Body;
use crate::route::Protocol;

/// Which images were flagged, in answers that refuse them.
const FLAGGED: HeaderName = HeaderName::from_static("gifthorse-flagged");
/// What `grpc-message` may not hold as it is.
const UNSAFE: &AsciiSet = &CONTROLS.add(b'%');

/// Why a request gets an error from the guard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// Its body cannot be read.
    Broken,
    /// Its body is larger than allowed.
    TooLarge,
    /// Its body took too long to come.
    Slow,
    /// More is asked than is worked on at a time.
    Busy,
    /// An image is flagged.
    Flagged,
    /// It cannot be judged.
    Unjudged,
    /// It asks the guarded model in a way that is not judged.
    WayRound,
    /// There is no server for its protocol.
    NoServer,
    /// The server cannot be reached, or broke off.
    Unreachable,
    /// The server took too long.
    UpstreamSlow,
    /// The server's answer cannot be read, and so not corrected.
    BadAnswer,
}

impl Reason {
    /// Its name in metrics and logs.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Broken => "broken",
            Self::TooLarge => "too_large",
            Self::Slow => "slow",
            Self::Busy => "busy",
            Self::Flagged => "flagged",
            Self::Unjudged => "unjudged",
            Self::WayRound => "way_round",
            Self::NoServer => "no_server",
            Self::Unreachable => "unreachable",
            Self::UpstreamSlow => "upstream_slow",
            Self::BadAnswer => "bad_answer",
        }
    }

    /// Whether it lies with the server.
    pub(crate) fn is_upstream(self) -> bool {
        matches!(
            self,
            Self::Unreachable | Self::UpstreamSlow | Self::BadAnswer
        )
    }

    fn http_status(self) -> StatusCode {
        match self {
            Self::Broken => StatusCode::BAD_REQUEST,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Slow => StatusCode::REQUEST_TIMEOUT,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::Flagged | Self::Unjudged => StatusCode::UNPROCESSABLE_ENTITY,
            Self::WayRound => StatusCode::FORBIDDEN,
            Self::NoServer => StatusCode::NOT_IMPLEMENTED,
            Self::Unreachable | Self::BadAnswer => StatusCode::BAD_GATEWAY,
            Self::UpstreamSlow => StatusCode::GATEWAY_TIMEOUT,
        }
    }

    /// The status code of gRPC.
    fn grpc_status(self) -> &'static str {
        match self {
            Self::Broken | Self::Flagged | Self::Unjudged => "3", // INVALID_ARGUMENT
            Self::Slow | Self::UpstreamSlow => "4",               // DEADLINE_EXCEEDED
            Self::WayRound => "7",                                // PERMISSION_DENIED
            Self::TooLarge | Self::Busy => "8",                   // RESOURCE_EXHAUSTED
            Self::NoServer => "12",                               // UNIMPLEMENTED
            Self::BadAnswer => "13",                              // INTERNAL
            Self::Unreachable => "14",                            // UNAVAILABLE
        }
    }
}

/// An error that a client gets from the guard.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Refusal {
    pub(crate) reason: Reason,
    pub(crate) message: String,
    /// The flagged images.
    pub(crate) flagged: Vec<usize>,
}

impl Refusal {
    pub(crate) fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
            flagged: Vec::new(),
        }
    }

    /// Refuses images, by their places in the request. Their scores stay with the guard: they would
    /// tell an attacker how to get past it.
    pub(crate) fn flagged(flagged: Vec<usize>, images: usize) -> Self {
        let message = format!(
            "of {images} image(s), those at {} (from 0) look as if they carry a trigger; nothing \
             of the request was answered",
            list(&flagged)
        );
        Self {
            flagged,
            ..Self::new(Reason::Flagged, message)
        }
    }

    /// The error as the protocol tells it.
    pub(crate) fn response(&self, protocol: Protocol) -> Response<Body> {
        let mut response = match protocol {
            Protocol::Rest => self.rest(),
            Protocol::Grpc => self.grpc(),
        };
        let headers = response.headers_mut();
        if !self.flagged.is_empty()
            && let Ok(value) = HeaderValue::from_str(&list(&self.flagged))
        {
            headers.insert(FLAGGED, value);
        }
        if self.reason == Reason::Busy {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }

    fn rest(&self) -> Response<Body> {
        let body = serde_json::json!({ "error": self.message }).to_string();
        let mut response = Response::new(whole(body));
        *response.status_mut() = self.reason.http_status();
        let json = HeaderValue::from_static("application/json");
        response.headers_mut().insert(CONTENT_TYPE, json);
        response
    }

    /// An answer of headers alone, as gRPC has it for errors without a message before them.
    fn grpc(&self) -> Response<Body> {
        let mut response = Response::new(whole(String::new()));
        let headers = response.headers_mut();
        let grpc = HeaderValue::from_static("application/grpc");
        headers.insert(CONTENT_TYPE, grpc);
        let status = HeaderValue::from_static(self.reason.grpc_status());
        headers.insert("grpc-status", status);
        let message = utf8_percent_encode(&self.message, UNSAFE).to_string();
        if let Ok(message) = HeaderValue::from_str(&message) {
            headers.insert("grpc-message", message);
        }
        response
    }
}

/// Places of images, separated by commas.
pub(crate) fn list(places: &[usize]) -> String {
    let places: Vec<String> = places.iter().map(usize::to_string).collect();
    places.join(",")
}

fn whole(text: String) -> Body {
    Full::from(text)
        .map_err(|never| match never {})
        .boxed_unsync()
}
