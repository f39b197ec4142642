//! The address for those who run the guard: `/metrics`, `/live` and `/ready`.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;

use crate::state::State;

/// Connections at a time.
const CONNECTIONS: usize = 16;

/// Serves until dropped.
pub(crate) async fn serve(
    state: Arc<State>,
    listener: TcpListener,
    stopping: watch::Receiver<bool>,
) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            continue;
        };
        let (state, stopping) = (Arc::clone(&state), stopping.clone());
        tokio::spawn(async move {
            let _place = place;
            let shared = Arc::clone(&state);
            let service = service_fn(move |request| {
                let answer = answer(&shared, &request, *stopping.borrow());
                async move { Ok::<_, Infallible>(answer) }
            });
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(state.times.read)
                .keep_alive(false)
                .serve_connection(TokioIo::new(stream), service);
            // One request and its answer.
            let _ = timeout(2 * state.times.read, connection).await;
        });
    }
}

fn answer(state: &State, request: &Request<Incoming>, is_stopping: bool) -> Response<Full<Bytes>> {
    let (status, text) = match request.uri().path() {
        "/metrics" => {
            let text = state.metrics.text(state.admission.taken());
            let mut response = Response::new(Full::from(text));
            let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
            let kind = HeaderValue::from_static(kind);
            response.headers_mut().insert(CONTENT_TYPE, kind);
            return response;
        }
        "/live" => (StatusCode::OK, "live\n"),
        "/ready" if is_stopping => (StatusCode::SERVICE_UNAVAILABLE, "stopping\n"),
        "/ready" => (StatusCode::OK, "ready\n"),
        _ => (
            StatusCode::NOT_FOUND,
            "there are /metrics, /live and /ready\n",
        ),
    };
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    response
}
