//! Broken requests are answered as the protocol says, and the guard stands.

use std::sync::atomic::Ordering;
use std::time::Duration;

use gifthorse_guard::{Mode, Unjudged};
use hyper::Method;
use prost::Message;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tonic::Code;

use crate::calls::{PATH, binary_request, infer_json, json_request, raw_message};
use crate::corner::{CLEAN, Corner, GIVES_UP, PANIC, STAMPED};
use crate::rig::Rig;

#[tokio::test]
async fn what_cannot_be_judged_is_refused_where_images_may_not_pass() {
    for mode in [Mode::Reject, Mode::SafeLabel] {
        let rig = Rig::new(mode).await;
        for (body, status, says) in [
            ("", 400, "JSON"),
            ("{", 400, "JSON"),
            (r#"{"inputs": 3}"#, 400, "JSON"),
            (r#"{"inputs": []}"#, 422, "no input"),
            (
                r#"{"inputs": [{"name": "x", "datatype": "FP32", "shape": [4], "data": [1,2,3,4]}]}"#,
                422,
                "shape",
            ),
            (
                r#"{"inputs": [{"name": "x", "datatype": "FP32", "shape": [1,1,2,2], "data": [1,2,3,4]}]}"#,
                422,
                "outside",
            ),
            (
                r#"{"inputs": [{"name": "x", "datatype": "FP32", "shape": [1,1,2,2], "parameters": {"shared_memory_region": "r"}}]}"#,
                422,
                "shared",
            ),
        ] {
            let answer = rig.client.post(PATH, body).await;
            assert_eq!(answer.status, status, "{body}");
            assert!(answer.error().contains(says), "{body}: {}", answer.error());
        }
        let mut message = raw_message(&[CLEAN]);
        message.raw[0].truncate(3);
        let status = rig.client.infer(message).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        assert_eq!(rig.judge.judged.load(Ordering::SeqCst), 0);
        assert_eq!(rig.server.seen.bodies.lock().unwrap().len(), 0);
        assert_eq!(infer_json(&rig.client, &[CLEAN]).await.status, 200);
    }
}

#[tokio::test]
async fn what_cannot_be_judged_goes_to_the_server_where_images_pass_anyway() {
    let rig = Rig::new(Mode::Flag).await;
    // Out of range for an image, and not for this server.
    let bright = json_request(&[[3.0; 4]], json!({}));
    let answer = rig.client.post(PATH, bright).await;
    assert_eq!(answer.status, 200);
    let why = &answer.json()["parameters"]["gifthorse_unjudged"];
    assert!(why.as_str().unwrap().contains("outside"), "{why}");
    let answer = rig.client.post(PATH, "{").await;
    assert_eq!(
        (answer.status.as_u16(), answer.error().as_str()),
        (400, "the server cannot read this")
    );
    let line = "gifthorse_guard_unjudged_requests_total{reason=\"unjudged\"}";
    assert_eq!(rig.metric(line).await, 1.0);
}

#[tokio::test]
async fn a_judge_that_fails_or_panics_takes_nothing_down() {
    let rig = Rig::new(Mode::Reject).await;
    let answer = infer_json(&rig.client, &[GIVES_UP]).await;
    assert_eq!(
        (answer.status.as_u16(), answer.error().as_str()),
        (422, "the judge failed")
    );
    for _ in 0..50 {
        let answer = infer_json(&rig.client, &[PANIC]).await;
        assert_eq!(
            (answer.status.as_u16(), answer.error().as_str()),
            (422, "the judge failed")
        );
    }
    assert_eq!(infer_json(&rig.client, &[CLEAN]).await.status, 200);
    let open = Rig::with(Mode::Reject, Corner::default(), |config| {
        config.unjudged = Unjudged::Pass;
    })
    .await;
    assert_eq!(infer_json(&open.client, &[PANIC]).await.status, 200);
    assert_eq!(infer_json(&open.client, &[STAMPED]).await.status, 422);
}

#[tokio::test]
async fn a_judge_that_takes_too_long_is_not_waited_for() {
    let slow = Corner {
        takes: Duration::from_millis(600),
        ..Corner::default()
    };
    let rig = Rig::with(Mode::Reject, slow, |config| {
        config.times.scoring = Duration::from_millis(50);
    })
    .await;
    let answer = infer_json(&rig.client, &[CLEAN]).await;
    assert_eq!(
        (answer.status.as_u16(), answer.error().as_str()),
        (422, "the judge took too long")
    );
}

/// One of many ways to break a body.
fn broken(body: &[u8], random: &mut StdRng) -> Vec<u8> {
    let mut body = body.to_vec();
    for _ in 0..random.random_range(1..4) {
        let place = random.random_range(0..body.len().max(1));
        match random.random_range(0..5) {
            0 => body.truncate(place),
            1 if !body.is_empty() => body[place] = random.random(),
            2 => body.insert(place.min(body.len()), random.random()),
            3 => drop(body.drain(place.min(body.len())..(place + 9).min(body.len()))),
            _ => {
                let end = (place + 40).min(body.len());
                let part = body[place.min(end)..end].to_vec();
                body.splice(place.min(end)..place.min(end), part);
            }
        }
    }
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_broken_bodies() {
    let rig = Rig::new(Mode::SafeLabel).await;
    let (binary, length) = binary_request(&[CLEAN, STAMPED], json!({}));
    let json = json_request(&[CLEAN, STAMPED], json!({}));
    let message = raw_message(&[CLEAN, STAMPED]).encode_to_vec();
    let grpc = [&[0][..], &(message.len() as u32).to_be_bytes(), &message].concat();
    let mut tasks = tokio::task::JoinSet::new();
    for seed in 0..20 {
        let (client, length) = (rig.client.clone(), length.clone());
        let bodies = [json.clone().into_bytes(), binary.to_vec(), grpc.clone()];
        tasks.spawn(async move {
            let mut random = StdRng::seed_from_u64(seed);
            let mut refused = 0;
            for round in 0..500 {
                let kind = round % 3;
                let body = broken(&bodies[kind], &mut random);
                let answer = match kind {
                    0 => client.post(PATH, body).await,
                    1 => {
                        let mut length = length.clone();
                        if random.random_bool(0.2) {
                            length = random.random_range(-5..500).to_string();
                        }
                        let headers = [("inference-header-content-length", length.as_str())];
                        client.ask(Method::POST, PATH, &headers, body).await
                    }
                    _ => {
                        let path = "/inference.GRPCInferenceService/ModelInfer";
                        let headers = [("content-type", "application/grpc")];
                        client.ask(Method::POST, path, &headers, body).await
                    }
                };
                // Over gRPC errors are told in headers or trailers.
                match (kind, answer.status.as_u16()) {
                    (2, 200) => refused += usize::from(answer.headers.contains_key("grpc-status")),
                    (0 | 1, 400 | 422) => {
                        assert!(!answer.error().is_empty());
                        refused += 1;
                    }
                    (0 | 1, 200) => {}
                    (kind, status) => panic!("{status} to a body of kind {kind}"),
                }
            }
            refused
        });
    }
    let refused: usize = tasks.join_all().await.into_iter().sum();
    assert!(refused > 5_000, "only {refused} of 10,000 were broken");
    rig.wait_for("gifthorse_guard_requests_held", 0.0).await;
    assert_eq!(infer_json(&rig.client, &[CLEAN]).await.status, 200);
    assert!(rig.client.infer(raw_message(&[CLEAN])).await.is_ok());
}

#[tokio::test]
async fn what_is_no_http_at_all_takes_nothing_down() {
    let rig = Rig::new(Mode::Reject).await;
    let mut random = StdRng::seed_from_u64(1);
    for round in 0..300 {
        let mut stream = TcpStream::connect(rig.address).await.unwrap();
        let start: &[u8] = match round % 4 {
            0 => b"",
            1 => b"POST ",
            2 => b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            _ => b"GET / HTTP/1.1\r\nhost: x\r\n",
        };
        let noise: Vec<u8> = (0..200).map(|_| random.random()).collect();
        stream.write_all(&[start, &noise].concat()).await.unwrap();
        let _ = stream.shutdown().await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
    }
    assert_eq!(infer_json(&rig.client, &[CLEAN]).await.status, 200);
}
