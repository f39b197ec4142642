//! A client of both protocols, by the same connections.

use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::http::uri::PathAndQuery;
use hyper::{HeaderMap, Method, Request, StatusCode, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client as Pool;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use prost::Message;
use rustls::{ClientConfig, RootCertStore};
use tonic::client::Grpc;
use tonic::codec::CompressionEncoding;
use tonic::{Response, Status};
use tonic_prost::ProstCodec;

use crate::messages::{InferRequest, InferResponse};

type Connector = HttpsConnector<HttpConnector>;

/// Asks a guard, or a server.
#[derive(Clone)]
pub struct Client {
    base: String,
    http1: Pool<Connector, Full<Bytes>>,
    http2: Pool<Connector, tonic::body::Body>,
}

/// An answer over REST.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The text of an error, as the protocol has it.
    pub fn error(&self) -> String {
        self.json()["error"].as_str().unwrap().to_owned()
    }
}

impl Client {
    pub fn new(address: SocketAddr) -> Self {
        let roots = RootCertStore::empty();
        let trust = ClientConfig::builder()
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self::with_base(&format!("http://{address}"), trust)
    }

    pub fn with_base(base: &str, trust: ClientConfig) -> Self {
        let connector = || {
            HttpsConnectorBuilder::new()
                .with_tls_config(trust.clone())
                .https_or_http()
        };
        Self {
            base: base.to_owned(),
            http1: Pool::builder(TokioExecutor::new()).build(connector().enable_http1().build()),
            http2: Pool::builder(TokioExecutor::new())
                .http2_only(true)
                .build(connector().enable_http2().build()),
        }
    }

    /// # Errors
    /// When no whole answer came.
    pub async fn try_ask(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Result<Answer, Box<dyn std::error::Error + Send + Sync>> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = self
            .http1
            .request(request.body(Full::from(body.into()))?)
            .await?;
        let (head, body) = answer.into_parts();
        Ok(Answer {
            status: head.status,
            headers: head.headers,
            body: body.collect().await?.to_bytes(),
        })
    }

    pub async fn ask(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Answer {
        self.try_ask(method, path, headers, body).await.unwrap()
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path, &[], "").await
    }

    pub async fn post(&self, path: &str, body: impl Into<Bytes>) -> Answer {
        self.ask(Method::POST, path, &[], body).await
    }

    /// A call over gRPC.
    ///
    /// # Errors
    /// The status, if it is not OK.
    pub async fn call<M, R>(&self, path: &'static str, message: M) -> Result<Response<R>, Status>
    where
        M: Message + 'static,
        R: Message + Default + 'static,
    {
        self.unary(path, message, false).await
    }

    pub async fn infer(&self, request: InferRequest) -> Result<Response<InferResponse>, Status> {
        self.call("/inference.GRPCInferenceService/ModelInfer", request)
            .await
    }

    /// The same, with messages compressed both ways.
    pub async fn infer_packed(
        &self,
        request: InferRequest,
    ) -> Result<Response<InferResponse>, Status> {
        self.unary("/inference.GRPCInferenceService/ModelInfer", request, true)
            .await
    }

    async fn unary<M, R>(
        &self,
        path: &'static str,
        message: M,
        is_packed: bool,
    ) -> Result<Response<R>, Status>
    where
        M: Message + 'static,
        R: Message + Default + 'static,
    {
        let origin: Uri = self.base.parse().unwrap();
        let mut grpc = Grpc::with_origin(self.http2.clone(), origin);
        if is_packed {
            grpc = grpc
                .send_compressed(CompressionEncoding::Gzip)
                .accept_compressed(CompressionEncoding::Gzip);
        }
        grpc.ready()
            .await
            .map_err(|error| Status::unknown(error.to_string()))?;
        let codec = ProstCodec::<M, R>::default();
        let path = PathAndQuery::from_static(path);
        grpc.unary(tonic::Request::new(message), path, codec).await
    }
}
