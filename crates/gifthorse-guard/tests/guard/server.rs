//! A small server of the protocol. Its model `signs` gives images of four pixels the scores
//! `[mean, 1 - mean]`; any other name does the same.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body as HttpBody, Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::sleep;
use tokio_rustls::TlsAcceptor;
use tonic::server::{Grpc, UnaryService};
use tonic::{Code, Status};
use tonic_prost::ProstCodec;

use crate::messages::{Choice, InferRequest, InferResponse, Live, Nothing, Tensor};

type Broken = Box<dyn std::error::Error + Send + Sync>;
type Body = UnsyncBoxBody<Bytes, Broken>;

/// What the server saw.
#[derive(Default)]
pub struct Seen {
    /// Requests for inference.
    pub inferences: AtomicUsize,
    /// Bodies of requests over REST.
    pub bodies: Mutex<Vec<Bytes>>,
}

/// A server that runs until dropped.
pub struct Server {
    pub address: SocketAddr,
    pub seen: Arc<Seen>,
    running: JoinHandle<()>,
}

impl Server {
    pub async fn start() -> Self {
        Self::start_at("127.0.0.1:0".parse().unwrap(), None).await
    }

    pub async fn start_at(address: SocketAddr, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Seen::default());
        let shared = Arc::clone(&seen);
        let running = tokio::spawn(async move {
            // Dropped with the task, and the connections with it.
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (tls, shared) = (tls.clone(), Arc::clone(&shared));
                connections.spawn(async move {
                    let service = service_fn(move |request| answer(Arc::clone(&shared), request));
                    let builder = auto::Builder::new(TokioExecutor::new());
                    // A client may break off.
                    let _ = match tls {
                        None => {
                            builder
                                .serve_connection(TokioIo::new(stream), service)
                                .await
                        }
                        Some(acceptor) => match acceptor.accept(stream).await {
                            Ok(stream) => {
                                builder
                                    .serve_connection(TokioIo::new(stream), service)
                                    .await
                            }
                            Err(_) => return,
                        },
                    };
                });
            }
        });
        Self {
            address,
            seen,
            running,
        }
    }

    pub fn inferences(&self) -> usize {
        self.seen.inferences.load(Ordering::SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.running.abort();
    }
}

async fn answer(seen: Arc<Seen>, request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
    let path = request.uri().path().to_owned();
    let is_grpc = request
        .headers()
        .get("content-type")
        .is_some_and(|content| content == "application/grpc");
    Ok(match path.as_str() {
        "/inference.GRPCInferenceService/ModelInfer" if is_grpc => {
            let infer = GrpcInfer(seen);
            let mut grpc = Grpc::new(ProstCodec::<InferResponse, InferRequest>::default())
                .accept_compressed(tonic::codec::CompressionEncoding::Gzip)
                .send_compressed(tonic::codec::CompressionEncoding::Gzip);
            let answer = grpc.unary(infer, request).await;
            answer.map(|body| body.map_err(Into::into).boxed_unsync())
        }
        "/inference.GRPCInferenceService/ServerLive" if is_grpc => {
            let mut grpc = Grpc::new(ProstCodec::<Live, Nothing>::default());
            let answer = grpc.unary(GrpcLive, request).await;
            answer.map(|body| body.map_err(Into::into).boxed_unsync())
        }
        "/stream" => Response::new(pieces(true).boxed_unsync()),
        "/half" => Response::new(pieces(false).boxed_unsync()),
        _ if path.ends_with("/infer") => rest_infer(&seen, request).await,
        _ => echo(request).await,
    })
}

/// Tells what came, in what is sent back.
async fn echo(request: Request<Incoming>) -> Response<Body> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let mut response = Response::new(whole(body));
    *response.status_mut() = StatusCode::from_u16(207).unwrap();
    let headers = response.headers_mut();
    let line = format!("{} {}", head.method, head.uri);
    headers.insert("x-line", line.parse().unwrap());
    for (name, value) in &head.headers {
        let name = format!("x-got-{name}");
        headers.append(
            hyper::header::HeaderName::try_from(name).unwrap(),
            value.clone(),
        );
    }
    response
}

/// Pieces that are sent one after the other.
struct Pieces(mpsc::Receiver<Result<Frame<Bytes>, Broken>>);

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        self.0.poll_recv(context)
    }
}

/// Two pieces, a while apart, and a third or an end that is none.
fn pieces(ends_well: bool) -> Pieces {
    let (sender, pieces) = mpsc::channel(1);
    tokio::spawn(async move {
        for piece in ["one ", "two "] {
            let _ = sender.send(Ok(Frame::data(Bytes::from(piece)))).await;
            sleep(Duration::from_millis(50)).await;
        }
        let last = if ends_well {
            Ok(Frame::data(Bytes::from("three")))
        } else {
            Err("broken off".into())
        };
        let _ = sender.send(last).await;
    });
    Pieces(pieces)
}

fn whole(body: impl Into<Bytes>) -> Body {
    let body = Full::from(body.into());
    body.map_err(|never| match never {}).boxed_unsync()
}

fn scores(pixels: &[f32]) -> Vec<f32> {
    let mean = |image: &[f32; 4]| image.iter().sum::<f32>() / 4.0;
    let images = pixels.as_chunks::<4>().0.iter();
    images
        .flat_map(|image| [mean(image), 1.0 - mean(image)])
        .collect()
}

fn bytes_of(numbers: &[f32]) -> Vec<u8> {
    numbers
        .iter()
        .flat_map(|number| number.to_le_bytes())
        .collect()
}

fn numbers_of(bytes: &[u8]) -> Vec<f32> {
    bytes
        .as_chunks::<4>()
        .0
        .iter()
        .map(|four| f32::from_le_bytes(*four))
        .collect()
}

async fn rest_infer(seen: &Seen, request: Request<Incoming>) -> Response<Body> {
    let (head, body) = request.into_parts();
    let Ok(body) = body.collect().await else {
        return Response::new(whole(""));
    };
    let body = body.to_bytes();
    seen.bodies.lock().unwrap().push(body.clone());
    let length = head.headers.get("inference-header-content-length");
    let length = length.map_or(Ok(body.len()), |length| length.to_str().unwrap().parse());
    let Ok(length) = length else {
        return refuse("the server cannot read this");
    };
    let Ok(asked) = serde_json::from_slice::<Value>(&body[..length.min(body.len())]) else {
        return refuse("the server cannot read this");
    };
    let parameters = &asked["parameters"];
    let input = &asked["inputs"][0];
    let pixels: Vec<f32> = match input["data"].as_array() {
        Some(data) => data
            .iter()
            .map(|n| n.as_f64().unwrap_or_default() as f32)
            .collect(),
        None => numbers_of(&body[length.min(body.len())..]),
    };
    if pixels.is_empty() || !pixels.len().is_multiple_of(4) {
        return refuse("the server wants images of four pixels");
    }
    seen.inferences.fetch_add(1, Ordering::SeqCst);
    sleep(Duration::from_millis(
        parameters["delay_ms"].as_u64().unwrap_or(0),
    ))
    .await;
    let scores = scores(&pixels);
    let shape = [pixels.len() / 4, 2];
    let mut output = json!({"name": "scores", "datatype": "FP32", "shape": shape});
    let mut binary = Vec::new();
    if parameters["binary_data_output"] == true {
        binary = bytes_of(&scores);
        output["parameters"] = json!({"binary_data_size": binary.len()});
    } else {
        output["data"] = json!(scores);
    }
    let answer = json!({"model_name": "signs", "id": asked["id"], "outputs": [output]}).to_string();
    let mut response = Response::new(whole([answer.as_bytes(), &binary].concat()));
    let headers = response.headers_mut();
    headers.insert("content-type", "application/json".parse().unwrap());
    headers.insert("x-server", "small".parse().unwrap());
    if !binary.is_empty() {
        headers.insert("inference-header-content-length", answer.len().into());
    }
    response
}

fn refuse(why: &str) -> Response<Body> {
    let mut response = Response::new(whole(json!({"error": why}).to_string()));
    *response.status_mut() = StatusCode::BAD_REQUEST;
    response
}

type Boxed<T> = Pin<Box<dyn Future<Output = Result<tonic::Response<T>, Status>> + Send>>;

struct GrpcLive;

impl UnaryService<Nothing> for GrpcLive {
    type Response = Live;
    type Future = Boxed<Live>;

    fn call(&mut self, _: tonic::Request<Nothing>) -> Self::Future {
        Box::pin(async { Ok(tonic::Response::new(Live { live: true })) })
    }
}

struct GrpcInfer(Arc<Seen>);

impl UnaryService<InferRequest> for GrpcInfer {
    type Response = InferResponse;
    type Future = Boxed<InferResponse>;

    fn call(&mut self, request: tonic::Request<InferRequest>) -> Self::Future {
        let seen = Arc::clone(&self.0);
        Box::pin(async move {
            let asked = request.into_inner();
            let typed = asked
                .inputs
                .first()
                .and_then(|input| input.contents.clone());
            let pixels = match asked.raw.first() {
                Some(raw) => numbers_of(raw),
                None => typed.unwrap_or_default().fp32,
            };
            if pixels.is_empty() || !pixels.len().is_multiple_of(4) {
                return Err(Status::new(
                    Code::OutOfRange,
                    "the server wants four pixels",
                ));
            }
            seen.inferences.fetch_add(1, Ordering::SeqCst);
            let delay = asked
                .parameters
                .get("delay_ms")
                .and_then(|p| p.choice.clone());
            if let Some(Choice::Int(delay)) = delay {
                sleep(Duration::from_millis(delay as u64)).await;
            }
            let output = Tensor {
                name: "scores".to_owned(),
                datatype: "FP32".to_owned(),
                shape: vec![pixels.len() as i64 / 4, 2],
                ..Tensor::default()
            };
            Ok(tonic::Response::new(InferResponse {
                model_name: asked.model_name,
                id: asked.id,
                outputs: vec![output],
                raw: vec![bytes_of(&scores(&pixels))],
                later: "kept".to_owned(),
                ..InferResponse::default()
            }))
        })
    }
}
