//! The server behind the guard.

use std::error::Error as _;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::{
    CONNECTION, EXPECT, HOST, HeaderMap, HeaderName, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE,
    TRAILER, TRANSFER_ENCODING, UPGRADE,
};
use hyper::http::request::Parts;
use hyper::http::uri::PathAndQuery;
use hyper::{Request, Response, Uri, Version};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::ClientConfig;
use tokio::time::timeout;

use crate::body::Body;
use crate::paced::Stalled;
use crate::refusal::{Reason, Refusal};
use crate::route::Protocol;

/// How long a connection is kept for the next request. Servers close them too (uvicorn, which runs
/// MLServer, after five seconds), and a request sent at that moment would be lost.
const IDLE: Duration = Duration::from_secs(4);
/// How often an HTTP/2 connection in use is asked whether it is alive.
const PING: Duration = Duration::from_secs(10);

/// The server's address for one protocol, with the connections to it.
#[derive(Debug)]
pub(crate) struct Upstream {
    client: Client<HttpsConnector<HttpConnector>, Body>,
    origin: Uri,
    version: Version,
    within: Duration,
}

impl Upstream {
    pub(crate) fn new(
        protocol: Protocol,
        origin: &Uri,
        tls: ClientConfig,
        within: Duration,
    ) -> Self {
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http();
        let mut http = HttpConnector::new();
        http.set_nodelay(true);
        http.set_connect_timeout(Some(within));
        // The connector of hyper-rustls decides by the scheme.
        http.enforce_http(false);
        let (connector, version) = match protocol {
            Protocol::Rest => (
                connector.enable_http1().wrap_connector(http),
                Version::HTTP_11,
            ),
            Protocol::Grpc => (
                connector.enable_http2().wrap_connector(http),
                Version::HTTP_2,
            ),
        };
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .http2_only(protocol == Protocol::Grpc)
            .http2_keep_alive_interval(PING)
            .build(connector);
        Self {
            client,
            origin: origin.clone(),
            version,
            within,
        }
    }

    /// Sends a request on, and gives the answer once it begins.
    ///
    /// # Errors
    /// A refusal that lies with the server, or with a client that stopped sending.
    pub(crate) async fn send(
        &self,
        head: &Parts,
        body: Body,
    ) -> Result<Response<Incoming>, Refusal> {
        let mut request = Request::new(body);
        *request.method_mut() = head.method.clone();
        *request.uri_mut() = self.uri(head.uri.path_and_query());
        *request.version_mut() = self.version;
        *request.headers_mut() = head.headers.clone();
        let headers = request.headers_mut();
        end_to_end(headers);
        headers.remove(HOST);
        headers.remove(EXPECT);
        match timeout(self.within, self.client.request(request)).await {
            Ok(Ok(mut response)) => {
                end_to_end(response.headers_mut());
                Ok(response)
            }
            Ok(Err(error)) => Err(failure(&error)),
            Err(_) => Err(Refusal::new(
                Reason::UpstreamSlow,
                "the model server took too long to answer",
            )),
        }
    }

    fn uri(&self, path: Option<&PathAndQuery>) -> Uri {
        let mut parts = self.origin.clone().into_parts();
        parts.path_and_query = path.cloned().or(parts.path_and_query);
        // The origin was checked, and a path may be behind any.
        Uri::from_parts(parts).unwrap_or_else(|_| self.origin.clone())
    }
}

/// Takes off what is said to the next hop only; what gRPC says there, that it reads trailers,
/// stays.
fn end_to_end(headers: &mut HeaderMap) {
    let trailers = headers
        .get(TE)
        .filter(|value| value.as_bytes() == b"trailers");
    let trailers = trailers.cloned();
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    let always = [
        CONNECTION,
        HeaderName::from_static("keep-alive"),
        HeaderName::from_static("proxy-connection"),
        PROXY_AUTHENTICATE,
        PROXY_AUTHORIZATION,
        TE,
        TRAILER,
        TRANSFER_ENCODING,
        UPGRADE,
    ];
    for name in always.into_iter().chain(named) {
        headers.remove(name);
    }
    if let Some(trailers) = trailers {
        headers.insert(TE, trailers);
    }
}

fn failure(error: &hyper_util::client::legacy::Error) -> Refusal {
    let mut cause = error.source();
    while let Some(at) = cause {
        if at.is::<Stalled>() {
            return Refusal::new(
                Reason::Slow,
                "the body of the request took too long to come",
            );
        }
        cause = at.source();
    }
    let message = if error.is_connect() {
        "the model server cannot be reached"
    } else {
        "the model server broke off"
    };
    Refusal::new(Reason::Unreachable, message)
}
