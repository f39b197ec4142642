//! What does not ask the guarded model goes through as it came.

use std::time::{Duration, Instant};

use bytes::Bytes;
use gifthorse_guard::Mode;
use http_body_util::{BodyExt, Empty};
use hyper::{Method, Request};
use hyper_util::client::legacy::Client as Pool;
use hyper_util::rt::TokioExecutor;
use serde_json::json;

use crate::calls::{json_request, raw_message};
use crate::corner::STAMPED;
use crate::messages::{Live, Nothing};
use crate::rig::Rig;

#[tokio::test]
async fn requests_and_answers_are_the_same_with_and_without_the_guard() {
    let rig = Rig::new(Mode::Reject).await;
    let direct = crate::client::Client::new(rig.server.address);
    let headers = [
        ("x-mine", "a"),
        ("x-mine", "b"),
        ("authorization", "Bearer x"),
    ];
    for (method, path) in [
        (Method::GET, "/v2/health/ready"),
        (Method::GET, "/v2/models/signs"),
        (Method::GET, "/v2/models/signs/ready"),
        (Method::POST, "/v2/repository/index"),
        (Method::PUT, "/v2/x%20y//z?q=%2F&r="),
        (Method::DELETE, "/"),
    ] {
        let mut answers = Vec::new();
        for client in [&rig.client, &direct] {
            let mut answer = client
                .ask(method.clone(), path, &headers, vec![7; 100_000])
                .await;
            for differs in ["date", "x-got-host"] {
                answer.headers.remove(differs);
            }
            answers.push((answer.status, answer.headers, answer.body));
        }
        assert_eq!(answers[0], answers[1], "{method} {path}");
        assert_eq!(answers[0].0.as_u16(), 207);
    }
}

#[tokio::test]
async fn another_model_is_not_judged() {
    let rig = Rig::new(Mode::Reject).await;
    let body = json_request(&[STAMPED], json!({}));
    let answer = rig.client.post("/v2/models/other/infer", body).await;
    assert_eq!(answer.status, 200);
    let mut message = raw_message(&[STAMPED]);
    message.model_name = "other".to_owned();
    let answer = rig.client.infer(message).await.unwrap().into_inner();
    assert!(answer.parameters.is_empty());
    assert_eq!(answer.later, "kept");
    assert_eq!(
        rig.judge.judged.load(std::sync::atomic::Ordering::SeqCst),
        0
    );
}

#[tokio::test]
async fn other_calls_of_grpc_go_through() {
    let rig = Rig::new(Mode::Reject).await;
    let path = "/inference.GRPCInferenceService/ServerLive";
    let live: Live = rig
        .client
        .call(path, Nothing {})
        .await
        .unwrap()
        .into_inner();
    assert!(live.live);
    // The server's own error, and not the guard's.
    let mut other = raw_message(&[STAMPED]);
    other.model_name = "other".to_owned();
    other.raw[0].clear();
    let status = rig.client.infer(other).await.unwrap_err();
    assert_eq!(
        (status.code(), status.message()),
        (tonic::Code::OutOfRange, "the server wants four pixels")
    );
}

#[tokio::test]
async fn bodies_stream() {
    let rig = Rig::new(Mode::Reject).await;
    let pool: Pool<_, Empty<Bytes>> = Pool::builder(TokioExecutor::new()).build_http();
    let uri = format!("http://{}/stream", rig.address);
    let request = Request::get(uri).body(Empty::new()).unwrap();
    let started = Instant::now();
    let mut body = pool.request(request).await.unwrap().into_body();
    let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(first, "one ");
    // The server takes a tenth of a second over the rest.
    let until_first = started.elapsed();
    let rest = body.collect().await.unwrap().to_bytes();
    assert_eq!(rest, "two three");
    assert!(started.elapsed() >= until_first + Duration::from_millis(40));
}

#[tokio::test]
async fn an_answer_that_breaks_off_does_not_look_whole() {
    let rig = Rig::new(Mode::Reject).await;
    assert!(
        rig.client
            .try_ask(Method::GET, "/half", &[], "")
            .await
            .is_err()
    );
    assert_eq!(rig.client.get("/stream").await.body, "one two three");
}
