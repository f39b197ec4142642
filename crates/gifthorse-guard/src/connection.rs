//! One connection of a client: HTTP/1.1 or HTTP/2, in the clear or over TLS.

use std::convert::Infallible;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::{CONNECTION, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response, Version};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_rustls::TlsAcceptor;

use crate::body::{Body, Broken};
use crate::config::Times;
use crate::infer::infer;
use crate::metrics::Outcome;
use crate::pass::pass;
use crate::refusal::{Reason, Refusal};
use crate::route::{Protocol, Route, route};
use crate::state::State;

/// Largest head of a request, in bytes.
const HEAD: usize = 64 << 10;
/// For a connection that is about to end: for requests that are on their way, and for its goodbye.
const FAREWELL: Duration = Duration::from_secs(1);

/// Serves a connection until it ends, breaks, or nothing moves on it; told to stop, it ends after
/// the requests that are under way.
pub(crate) async fn serve(
    state: Arc<State>,
    stream: TcpStream,
    tls: Option<TlsAcceptor>,
    stopping: watch::Receiver<bool>,
) {
    // Small answers are not to wait for more.
    let _ = stream.set_nodelay(true);
    match tls {
        None => drive(state, stream, stopping).await,
        Some(acceptor) => match timeout(state.times.read, acceptor.accept(stream)).await {
            Ok(Ok(stream)) => drive(state, stream, stopping).await,
            Ok(Err(error)) => tracing::debug!(%error, "no TLS"),
            Err(_) => tracing::debug!("the TLS handshake took too long"),
        },
    }
}

async fn drive<S>(state: Arc<State>, stream: S, mut stopping: watch::Receiver<bool>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let moved = Arc::new(Moved::new());
    let times = state.times;
    let (shared, stop) = (Arc::clone(&moved), stopping.clone());
    let service = service_fn(move |request: Request<Incoming>| {
        shared.asked.store(true, Ordering::Relaxed);
        let (state, stop) = (Arc::clone(&state), stop.clone());
        async move {
            let is_http1 = request.version() <= Version::HTTP_11;
            let mut answer = answer(&state, request).await;
            if is_http1 && *stop.borrow() {
                let close = HeaderValue::from_static("close");
                answer.headers_mut().insert(CONNECTION, close);
            }
            Ok::<_, Infallible>(answer)
        }
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(times.read)
        .max_buf_size(HEAD);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(HEAD as u32);
    let stream = TokioIo::new(Watched {
        stream,
        moved: Arc::clone(&moved),
    });
    let mut connection = pin!(builder.serve_connection(stream, service));
    tokio::select! {
        ended = connection.as_mut() => return note(ended),
        () = moved.stalled(&times) => {
            connection.as_mut().graceful_shutdown();
            let _ = timeout(FAREWELL, connection).await;
            return;
        }
        () = stopped(&mut stopping) => {}
    }
    connection.as_mut().graceful_shutdown();
    tokio::select! {
        ended = connection => note(ended),
        () = moved.stalled(&times) => {}
    }
}

/// Waits until the guard is stopped, and then as long again as a request may take that a client has
/// sent already: one that lies unread on a connection that is closed would be lost.
async fn stopped(stopping: &mut watch::Receiver<bool>) {
    let _ = stopping.wait_for(|stop| *stop).await;
    sleep(FAREWELL).await;
}

fn note(ended: Result<(), Broken>) {
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke");
    }
}

/// Answers a request, whatever comes of it.
async fn answer(state: &Arc<State>, request: Request<Incoming>) -> Response<Body> {
    let protocol = Protocol::of(request.headers());
    let (head, body) = request.into_parts();
    let route = route(&head, protocol, &state.guarded.models);
    let request = Request::from_parts(head, body);
    let answer = match route {
        Route::Infer(model) => infer(state, protocol, Some(model), request).await,
        Route::GrpcInfer => infer(state, protocol, None, request).await,
        Route::WayRound if state.refuses_ways_round() => Err(Refusal::new(
            Reason::WayRound,
            "the guarded model is asked in a way that the guard cannot judge",
        )),
        Route::WayRound => {
            state.metrics.unjudged("way_round");
            passed(pass(state, protocol, request).await)
        }
        Route::Pass => passed(pass(state, protocol, request).await),
    };
    match answer {
        Ok((answer, outcome)) => {
            state.metrics.outcome(protocol, outcome);
            answer
        }
        Err(refusal) => {
            state.metrics.refused(protocol, &refusal);
            tracing::info!(
                protocol = protocol.name(),
                reason = refusal.reason.name(),
                message = refusal.message,
                "refused"
            );
            refusal.response(protocol)
        }
    }
}

fn passed(answer: Result<Response<Body>, Refusal>) -> Result<(Response<Body>, Outcome), Refusal> {
    answer.map(|answer| (answer, Outcome::Passed))
}

/// When something last moved on a connection.
struct Moved {
    start: Instant,
    /// Milliseconds since the start.
    last: AtomicU64,
    /// Whether a request has come.
    asked: AtomicBool,
}

impl Moved {
    fn new() -> Self {
        Self {
            start: Instant::now(),
            last: AtomicU64::new(0),
            asked: AtomicBool::new(false),
        }
    }

    fn now(&self) {
        let since = self.start.elapsed().as_millis() as u64;
        self.last.store(since, Ordering::Relaxed);
    }

    /// Waits until nothing has moved for too long.
    async fn stalled(&self, times: &Times) {
        while self.deadline(times) > Instant::now() {
            sleep_until(self.deadline(times)).await;
        }
    }

    /// Until when something has to move: for the first request as long as a client may take to send
    /// its head, later also as long as an answer may take.
    fn deadline(&self, times: &Times) -> Instant {
        let last = self.start + Duration::from_millis(self.last.load(Ordering::Relaxed));
        let answer = times.queue + times.scoring + times.upstream;
        if self.asked.load(Ordering::Relaxed) {
            last + times.read + answer
        } else {
            // Not from the last byte on: over HTTP/2 a client can send some for ever and ask nothing.
            self.start + times.read
        }
    }
}

/// A stream that notes when bytes move.
struct Watched<S> {
    stream: S,
    moved: Arc<Moved>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if read.is_ready() {
            self.moved.now();
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        if written.is_ready() {
            self.moved.now();
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
