//! What a guard is told: whom it listens to, whom it stands in front of, what it does.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use hyper::Uri;

use crate::error::Error;
use crate::form::Form;

/// Settings of a guard.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where it listens, for REST and gRPC alike. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where `/metrics`, `/live` and `/ready` are, in plain HTTP; nowhere if absent.
    pub admin: Option<SocketAddr>,
    /// The server's REST address: scheme, host and port.
    pub upstream: Uri,
    /// The server's gRPC address; without one, gRPC is answered with `UNIMPLEMENTED`.
    pub grpc_upstream: Option<Uri>,
    /// How clients reach the guard; in the clear if absent.
    pub tls: Option<ServerTls>,
    /// Whom the guard trusts when an upstream address has the scheme `https`.
    pub upstream_tls: UpstreamTls,
    /// Which requests are judged, and how their images are read.
    pub guarded: Guarded,
    /// What becomes of the answers.
    pub mode: Mode,
    /// What becomes of requests that cannot be judged.
    pub unjudged: Unjudged,
    /// Bounds of memory and work.
    pub limits: Limits,
    /// Bounds of time.
    pub times: Times,
}

/// The guarded model.
#[derive(Clone, Debug)]
pub struct Guarded {
    /// Names under which the server knows it; all models if empty.
    pub models: Vec<String>,
    /// The input that holds the images; if absent, a request has to have one input only.
    pub input: Option<String>,
    /// The output that a safe label replaces; if absent, an answer has to have one output only.
    pub output: Option<String>,
    /// How the tensor that clients send becomes images again.
    pub form: Form,
}

/// What becomes of the answers to judged requests.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Mode {
    /// Nothing: no byte is changed and no answer waits. Metrics and logs tell what was found.
    Shadow {
        /// The share of requests that are judged, in (0, 1].
        share: f64,
    },
    /// They get parameters that tell scores and flags.
    Flag,
    /// A request with a flagged image is refused, and does not reach the server.
    Reject,
    /// The answer for a flagged image becomes the safe label.
    SafeLabel,
}

/// What becomes of a request that cannot be judged: its body is broken, holds no images of the
/// right shape, or lies in memory shared with the server; the judge fails or takes too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unjudged {
    /// The server answers it.
    Pass,
    /// The guard refuses it.
    Refuse,
}

/// Bounds of memory and work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the body of a judged request, and of the answer to it.
    pub body: usize,
    /// Bytes of all bodies that are held at a time.
    pub memory: usize,
    /// Images in one request.
    pub images: usize,
    /// Judged requests that are worked on at a time.
    pub concurrency: usize,
    /// Judged requests that are read or wait beyond those.
    pub queue: usize,
    /// Calls of the judge at a time.
    pub scorers: usize,
    /// Connections of clients at a time.
    pub connections: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body: 16 << 20,
            memory: 512 << 20,
            images: 256,
            concurrency: 64,
            queue: 256,
            scorers: std::thread::available_parallelism().map_or(1, usize::from),
            connections: 1024,
        }
    }
}

/// Bounds of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// For a client to send the head of a request, and the body of a judged one; between two pieces
    /// of a body that is passed on.
    pub read: Duration,
    /// In the queue.
    pub queue: Duration,
    /// For the judge, the wait for it included.
    pub scoring: Duration,
    /// For the server to begin its answer, and between two pieces of it.
    pub upstream: Duration,
    /// For requests that are under way to end once the guard is stopped.
    pub grace: Duration,
}

impl Default for Times {
    fn default() -> Self {
        Self {
            read: Duration::from_secs(10),
            queue: Duration::from_secs(5),
            scoring: Duration::from_secs(10),
            upstream: Duration::from_secs(60),
            grace: Duration::from_secs(30),
        }
    }
}

/// Files in PEM format of the side that clients see.
#[derive(Clone, Debug)]
pub struct ServerTls {
    /// Certificates, the guard's own first.
    pub certificates: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// Authorities of clients' certificates; if given, clients need one.
    pub client_authorities: Option<PathBuf>,
}

/// Files in PEM format of the side that the server sees.
#[derive(Clone, Debug, Default)]
pub struct UpstreamTls {
    /// Authorities of the server's certificate; Mozilla's if absent.
    pub authorities: Option<PathBuf>,
    /// The guard's own certificates as a client, and their key.
    pub identity: Option<(PathBuf, PathBuf)>,
}

impl Config {
    /// What makes no sense in it.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let limits = &self.limits;
        let least = [
            ("body", limits.body),
            ("memory", limits.memory),
            ("images", limits.images),
            ("concurrency", limits.concurrency),
            ("scorers", limits.scorers),
            ("connections", limits.connections),
        ];
        if let Some((name, _)) = least.iter().find(|(_, limit)| *limit == 0) {
            return Err(Error::Setting(format!(
                "the limit of {name} is 0, so that nothing would be judged"
            )));
        }
        if limits.memory < limits.body {
            return Err(Error::Setting(format!(
                "one body may have {} bytes and all together only {}",
                limits.body, limits.memory
            )));
        }
        if let Mode::Shadow { share } = self.mode
            && !(share > 0.0 && share <= 1.0)
        {
            return Err(Error::Setting(format!(
                "the share of judged requests is {share}, and has to lie above 0 and up to 1"
            )));
        }
        for address in std::iter::once(&self.upstream).chain(&self.grpc_upstream) {
            let has_path = !matches!(address.path(), "" | "/") || address.query().is_some();
            let scheme = address.scheme_str();
            if !matches!(scheme, Some("http" | "https"))
                || address.authority().is_none()
                || has_path
            {
                return Err(Error::Setting(format!(
                    "the upstream {address} is neither http://HOST:PORT nor https://HOST:PORT"
                )));
            }
        }
        Ok(())
    }
}
