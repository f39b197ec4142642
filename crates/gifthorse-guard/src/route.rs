//! Which requests ask the guarded model.

use hyper::header::CONTENT_TYPE;
use hyper::http::request::Parts;
use hyper::{HeaderMap, Method};
use percent_encoding::percent_decode_str;

const SERVICE: &str = "inference.GRPCInferenceService";

/// What a request speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Protocol {
    /// HTTP with JSON, and binary tensors behind it.
    Rest,
    /// gRPC.
    Grpc,
}

impl Protocol {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let content = headers.get(CONTENT_TYPE).map(|value| value.as_bytes());
        let prefix = content.and_then(|content| content.get(..b"application/grpc".len()));
        match prefix {
            Some(prefix) if prefix.eq_ignore_ascii_case(b"application/grpc") => Self::Grpc,
            _ => Self::Rest,
        }
    }

    /// Its name in metrics and logs.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Rest => "rest",
            Self::Grpc => "grpc",
        }
    }
}

/// What becomes of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// It goes on as it came.
    Pass,
    /// Inference of this model over REST; whether it is guarded is known.
    Infer(String),
    /// Inference over gRPC, of a model that the message names.
    GrpcInfer,
    /// It may ask the guarded model for an answer, and is not judged.
    WayRound,
}

/// Where a request goes. `models` are the guarded ones, all if empty.
///
/// The path is looked at as servers do: percent-decoded, without empty segments, behind any prefix.
pub(crate) fn route(head: &Parts, protocol: Protocol, models: &[String]) -> Route {
    // Some gRPC servers ask for no method, and REST servers may answer others than POST.
    let asks_nothing = [Method::GET, Method::HEAD, Method::OPTIONS].contains(&head.method);
    if protocol == Protocol::Rest && asks_nothing {
        return Route::Pass;
    }
    let segments = segments(head.uri.path());
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    match protocol {
        Protocol::Grpc => match segments[..] {
            [SERVICE, "ModelInfer"] => Route::GrpcInfer,
            [SERVICE, "ModelStreamInfer"] => Route::WayRound,
            _ => Route::Pass,
        },
        Protocol::Rest => rest(&segments, models),
    }
}

fn rest(segments: &[&str], models: &[String]) -> Route {
    let is_guarded = |name: &str| is_guarded(name, models);
    for start in 0..segments.len() {
        match segments[start..] {
            ["v2", "models", name, "infer"] | ["v2", "models", name, "versions", _, "infer"]
                if is_guarded(name) =>
            {
                return Route::Infer(name.to_owned());
            }
            // Settings of Triton's log of requests.
            ["v2", "models", _, "trace", "setting"] => return Route::Pass,
            ["v2", "models", name, _, ..] if is_guarded(name) => return Route::WayRound,
            // KServe's first protocol: `/v1/models/NAME:predict`.
            ["v1", "models", call, ..]
                if is_guarded(call.rsplit_once(':').map_or(call, |(name, _)| name)) =>
            {
                return Route::WayRound;
            }
            _ => {}
        }
    }
    Route::Pass
}

/// Whether a model of this name is guarded.
pub(crate) fn is_guarded(name: &str, models: &[String]) -> bool {
    models.is_empty() || models.iter().any(|guarded| guarded == name)
}

/// The segments of a path as a server may take them.
fn segments(path: &str) -> Vec<String> {
    let mut segments: Vec<String> = Vec::new();
    // An escaped slash may be one too.
    let decoded = percent_decode_str(path).decode_utf8_lossy();
    for segment in decoded.split('/') {
        match segment {
            "" | "." => {}
            ".." => _ = segments.pop(),
            _ => segments.push(segment.to_owned()),
        }
    }
    segments
}

#[cfg(test)]
mod tests;
