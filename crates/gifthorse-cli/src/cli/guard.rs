//! Arguments of `guard`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use gifthorse_guard::{Limits, Mode, ServerTls, Times, Unjudged, UpstreamTls};

use super::parse;

/// Arguments of `guard`.
#[derive(Args, Debug)]
pub struct GuardArgs {
    /// The filter that `filter fit` wrote.
    #[arg(long, value_name = "FILTER.json", help_heading = "Filter")]
    pub filter: PathBuf,
    /// The model's ONNX file [default: the file that the filter was fitted to].
    #[arg(long, value_name = "FILE", help_heading = "Filter")]
    pub model_file: Option<PathBuf>,
    /// The repaired model that the filter asks as well [default: where it was].
    #[arg(long, value_name = "FIXED.onnx", help_heading = "Filter")]
    pub repaired: Option<PathBuf>,
    /// Take a model that is not the one that the filter was fitted to.
    #[arg(long, help_heading = "Filter")]
    pub force: bool,
    /// Flag images at another false-positive rate than the filter was fitted for.
    #[arg(long, value_name = "RATE", value_parser = parse::rate, help_heading = "Filter")]
    pub fpr: Option<f64>,
    /// The server's REST address, such as http://127.0.0.1:8000.
    #[arg(long, value_name = "URL", help_heading = "Addresses")]
    pub upstream: hyper::Uri,
    /// The server's gRPC address; without one, gRPC is refused.
    #[arg(long, value_name = "URL", help_heading = "Addresses")]
    pub grpc_upstream: Option<hyper::Uri>,
    /// Where to listen for REST and gRPC; port 0 takes a free one.
    #[arg(long, value_name = "ADDR", help_heading = "Addresses")]
    pub listen: SocketAddr,
    /// Where to have /metrics, /live and /ready, for those who run the guard.
    #[arg(long, value_name = "ADDR", help_heading = "Addresses")]
    pub admin: Option<SocketAddr>,
    /// A name under which the server knows the model; may be given several times [default: all
    /// models].
    #[arg(long, value_name = "NAME", help_heading = "Guarded model")]
    pub model: Vec<String>,
    /// The input that holds the images, where requests have several.
    #[arg(long, value_name = "NAME", help_heading = "Guarded model")]
    pub input: Option<String>,
    /// The output that a safe label replaces, where answers have several.
    #[arg(long, value_name = "NAME", help_heading = "Guarded model")]
    pub output: Option<String>,
    /// What becomes of answers.
    #[arg(
        long,
        value_enum,
        default_value = "flag",
        value_name = "MODE",
        help_heading = "Judgement"
    )]
    mode: ModeArg,
    /// With --mode shadow, judge this share of the requests.
    #[arg(long, value_name = "SHARE", value_parser = parse::sample, default_value_t = 1.0, help_heading = "Judgement")]
    sample: f64,
    /// What becomes of requests that cannot be judged [default: pass with shadow and flag, refuse
    /// with reject and safe-label].
    #[arg(long, value_enum, value_name = "WHAT", help_heading = "Judgement")]
    unjudged: Option<UnjudgedArg>,
    /// Certificates of the guard in PEM format: clients then use TLS.
    #[arg(long, value_name = "FILE", requires = "tls_key", help_heading = "TLS")]
    tls_cert: Option<PathBuf>,
    /// Their private key.
    #[arg(long, value_name = "FILE", requires = "tls_cert", help_heading = "TLS")]
    tls_key: Option<PathBuf>,
    /// Authorities of clients' certificates: clients then need one.
    #[arg(long, value_name = "FILE", requires = "tls_cert", help_heading = "TLS")]
    tls_client_ca: Option<PathBuf>,
    /// Authorities of the server's certificate, for an https address [default: Mozilla's].
    #[arg(long, value_name = "FILE", help_heading = "TLS")]
    upstream_ca: Option<PathBuf>,
    /// Certificates of the guard towards the server.
    #[arg(
        long,
        value_name = "FILE",
        requires = "upstream_key",
        help_heading = "TLS"
    )]
    upstream_cert: Option<PathBuf>,
    /// Their private key.
    #[arg(
        long,
        value_name = "FILE",
        requires = "upstream_cert",
        help_heading = "TLS"
    )]
    upstream_key: Option<PathBuf>,
    #[command(flatten)]
    limits: LimitArgs,
    #[command(flatten)]
    times: TimeArgs,
    /// What the log on standard error tells, a JSON object a line.
    #[arg(long, value_enum, value_name = "LEVEL", default_value_t = LogLevel::Info, help_heading = "Log")]
    pub log_level: LogLevel,
}

/// Bounds of memory and work.
#[derive(Args, Debug)]
#[command(next_help_heading = "Limits")]
struct LimitArgs {
    /// Largest body of a judged request.
    #[arg(long, value_name = "SIZE", value_parser = parse::bytes, default_value = "16M")]
    max_body: usize,
    /// Bodies that are held at a time, all together.
    #[arg(long, value_name = "SIZE", value_parser = parse::bytes, default_value = "512M")]
    max_memory: usize,
    /// Images in one request.
    #[arg(long, value_name = "N", value_parser = parse::count, default_value_t = 256)]
    max_images: usize,
    /// Judged requests that are worked on at a time.
    #[arg(long, value_name = "N", value_parser = parse::count, default_value_t = 64)]
    concurrency: usize,
    /// Judged requests that may be read and wait beyond those.
    #[arg(long, value_name = "N", default_value_t = 256)]
    queue: usize,
    /// Requests whose images are judged at a time [default: as many as threads].
    #[arg(long, value_name = "N", value_parser = parse::count)]
    scorers: Option<usize>,
    /// Connections of clients at a time.
    #[arg(long, value_name = "N", value_parser = parse::count, default_value_t = 1024)]
    connections: usize,
}

/// Bounds of time.
#[derive(Args, Debug)]
#[command(next_help_heading = "Times")]
struct TimeArgs {
    /// For a client to send the head of a request, and the body of a judged one.
    #[arg(long, value_name = "TIME", value_parser = parse::wait, default_value = "10s")]
    read_timeout: Duration,
    /// For a judged request in the queue.
    #[arg(long, value_name = "TIME", value_parser = parse::wait, default_value = "5s")]
    queue_timeout: Duration,
    /// For the images of a request to be judged, the wait for it included.
    #[arg(long, value_name = "TIME", value_parser = parse::wait, default_value = "10s")]
    score_timeout: Duration,
    /// For the server to begin its answer, and between two pieces of it.
    #[arg(long, value_name = "TIME", value_parser = parse::wait, default_value = "60s")]
    upstream_timeout: Duration,
    /// For requests under way to end once the guard is told to stop.
    #[arg(long, value_name = "TIME", value_parser = parse::wait, default_value = "30s")]
    grace: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ModeArg {
    /// Change nothing and let nobody wait; metrics and log tell what was found.
    Shadow,
    /// Tell scores and flags in parameters of the answer.
    Flag,
    /// Refuse requests with a flagged image.
    Reject,
    /// Answer flagged images with the filter's safe label.
    SafeLabel,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum UnjudgedArg {
    /// The server answers them.
    Pass,
    /// The guard refuses them.
    Refuse,
}

/// What is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogLevel {
    /// Nothing but what keeps the guard from its work.
    Error,
    /// Also requests that were not judged, and answers that could not be changed.
    Warn,
    /// Also each judged and each refused request.
    Info,
    /// Also connections that broke.
    Debug,
}

impl GuardArgs {
    /// The mode; a sample of anything but shadow makes no sense.
    ///
    /// # Errors
    /// `--sample` in another mode.
    pub fn mode(&self) -> anyhow::Result<Mode> {
        if self.sample < 1.0 && self.mode != ModeArg::Shadow {
            anyhow::bail!(
                "--sample is for --mode shadow: in the other modes every request has to be judged"
            );
        }
        Ok(match self.mode {
            ModeArg::Shadow => Mode::Shadow { share: self.sample },
            ModeArg::Flag => Mode::Flag,
            ModeArg::Reject => Mode::Reject,
            ModeArg::SafeLabel => Mode::SafeLabel,
        })
    }

    /// What becomes of requests that cannot be judged.
    pub fn unjudged(&self) -> Unjudged {
        match (self.unjudged, self.mode) {
            (Some(UnjudgedArg::Pass), _) | (None, ModeArg::Shadow | ModeArg::Flag) => {
                Unjudged::Pass
            }
            (Some(UnjudgedArg::Refuse), _) | (None, ModeArg::Reject | ModeArg::SafeLabel) => {
                Unjudged::Refuse
            }
        }
    }

    /// TLS towards clients.
    pub fn tls(&self) -> Option<ServerTls> {
        Some(ServerTls {
            certificates: self.tls_cert.clone()?,
            key: self.tls_key.clone()?,
            client_authorities: self.tls_client_ca.clone(),
        })
    }

    /// TLS towards the server.
    pub fn upstream_tls(&self) -> UpstreamTls {
        UpstreamTls {
            authorities: self.upstream_ca.clone(),
            identity: self.upstream_cert.clone().zip(self.upstream_key.clone()),
        }
    }

    /// Bounds of memory and work.
    pub fn limits(&self) -> Limits {
        let args = &self.limits;
        Limits {
            body: args.max_body,
            memory: args.max_memory,
            images: args.max_images,
            concurrency: args.concurrency,
            queue: args.queue,
            scorers: args.scorers.unwrap_or_else(rayon::current_num_threads),
            connections: args.connections,
        }
    }

    /// Bounds of time.
    pub fn times(&self) -> Times {
        let args = &self.times;
        Times {
            read: args.read_timeout,
            queue: args.queue_timeout,
            scoring: args.score_timeout,
            upstream: args.upstream_timeout,
            grace: args.grace,
        }
    }
}
