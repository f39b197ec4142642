//! Stands in front of a model server and judges the images that it is sent.
//!
//! A [`Guard`] is a reverse proxy for servers of the Open Inference Protocol v2 (KServe, Triton,
//! MLServer), over REST and gRPC. Requests for inference of the guarded model are read, and their
//! images go to a [`Judge`]; by [`Mode`] the answer is left as it is, marked, refused or corrected.
//! Everything else goes through as it came.
//!
//! ```text
//!  client ──> connection ──> route ──┬─────────────── pass on ───────────────> server
//!                                    └─> place ─> body ─> turn ─┬─> server ─┬─> answer
//!                                                               └─> judge ──┘
//! ```
//!
//! What clients send is hostile. Bytes, requests, connections and time are bounded by [`Limits`]
//! and [`Times`]; a request that cannot be read is answered as the protocol says or goes to the
//! server as it is, by [`Unjudged`].
//!
//! The crate knows nothing of filters. It is built on hyper and rustls, below the level of tonic,
//! since calls that it does not know have to go through byte for byte.

mod admin;
mod admission;
mod body;
mod config;
mod connection;
mod error;
mod form;
mod grpc;
mod guard;
mod infer;
mod judge;
mod log;
mod metrics;
mod paced;
mod parameters;
mod pass;
mod proto;
mod refusal;
mod replace;
mod rest;
mod route;
mod scorer;
mod state;
mod tensor;
mod tls;
mod upstream;

pub use config::{Config, Guarded, Limits, Mode, ServerTls, Times, Unjudged, UpstreamTls};
pub use error::Error;
pub use form::{Form, NoImage};
pub use guard::{Guard, serve};
pub use judge::{Judge, Judged};
