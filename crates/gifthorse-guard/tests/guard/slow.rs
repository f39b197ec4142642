//! Clients that send or read slowly, and servers that answer slowly.

use std::time::Duration;

use gifthorse_guard::Mode;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tonic::Code;

use crate::calls::{PATH, delayed, infer_json, json_request, raw_message};
use crate::corner::{CLEAN, Corner};
use crate::rig::{Rig, TIMES};

/// Sends this and no more, and gives what comes until the guard hangs up.
async fn send_only(rig: &Rig, text: &str) -> String {
    let mut stream = TcpStream::connect(rig.address).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let read = timeout(TIMES.read, stream.read_to_end(&mut answer)).await;
    read.unwrap().unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

async fn impatient() -> Rig {
    Rig::with(Mode::Reject, Corner::default(), |config| {
        config.times.read = Duration::from_millis(300);
    })
    .await
}

#[tokio::test]
async fn half_a_request_is_answered_and_the_connection_ends() {
    let rig = impatient().await;
    assert_eq!(send_only(&rig, "").await, "");
    assert_eq!(send_only(&rig, "PRI * HT").await, "");
    // Half a head may be answered with 408 or hung up on.
    send_only(&rig, "POST /v2/models/signs/infer HTTP/1.1\r\nhost: x\r\n").await;
    let head =
        format!("POST {PATH} HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n{{\"inputs\"");
    let answer = send_only(&rig, &head).await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(answer.contains("took too long to come"), "{answer}");
    // One that is passed on piece by piece.
    let head = "POST /elsewhere HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\nhalf";
    let answer = send_only(&rig, head).await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    rig.wait_for("gifthorse_guard_requests_held", 0.0).await;
    assert_eq!(rig.server.inferences(), 0);
}

#[tokio::test]
async fn slow_clients_do_not_keep_others_out() {
    let rig = Rig::with(Mode::Reject, Corner::default(), |config| {
        config.times.read = Duration::from_secs(5);
        (config.limits.concurrency, config.limits.queue) = (1, 20);
    })
    .await;
    let head = format!("POST {PATH} HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n{{");
    let mut slow = Vec::new();
    for _ in 0..20 {
        let mut stream = TcpStream::connect(rig.address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        slow.push(stream);
    }
    rig.wait_for("gifthorse_guard_requests_held", 20.0).await;
    // They have places, and no turn.
    assert_eq!(infer_json(&rig.client, &[CLEAN]).await.status, 200);
}

#[tokio::test]
async fn a_slow_server_is_given_up() {
    let rig = Rig::with(Mode::Flag, Corner::default(), |config| {
        config.times.upstream = Duration::from_millis(200);
    })
    .await;
    let body = json_request(&[CLEAN], json!({"delay_ms": 60_000}));
    let answer = rig.client.post(PATH, body).await;
    assert_eq!(answer.status, 504);
    assert!(answer.error().contains("too long"), "{}", answer.error());
    let status = rig
        .client
        .infer(delayed(raw_message(&[CLEAN]), 60_000))
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    for protocol in ["rest", "grpc"] {
        let labels = format!("{{protocol=\"{protocol}\",reason=\"upstream_slow\"}}");
        let line = format!("gifthorse_guard_upstream_errors_total{labels}");
        assert_eq!(rig.metric(&line).await, 1.0);
    }
    assert_eq!(infer_json(&rig.client, &[CLEAN]).await.status, 200);
}
