//! A server that is not there, dies, and comes back.

use std::time::Duration;

use gifthorse_guard::Mode;
use serde_json::json;
use tokio::time::sleep;
use tonic::Code;

use crate::calls::{PATH, delayed, infer_json, json_request, raw_message};
use crate::corner::{CLEAN, Corner, STAMPED};
use crate::rig::Rig;
use crate::server::Server;

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_is_told_and_one_that_comes_back_is_used() {
    let mut rig = Rig::new(Mode::Flag).await;
    assert_eq!(infer_json(&rig.client, &[CLEAN]).await.status, 200);
    rig.client.infer(raw_message(&[CLEAN])).await.unwrap();
    let address = rig.server.address;

    // Killed with requests under way: they are told.
    let (client, packed) = (rig.client.clone(), rig.client.clone());
    let rest = tokio::spawn(async move {
        let body = json_request(&[CLEAN], json!({"delay_ms": 60_000}));
        client.post(PATH, body).await
    });
    let grpc = tokio::spawn(async move {
        let message = delayed(raw_message(&[CLEAN]), 60_000);
        packed.infer(message).await.unwrap_err()
    });
    while rig.server.inferences() < 4 {
        sleep(Duration::from_millis(5)).await;
    }
    let elsewhere = Server::start().await;
    drop(std::mem::replace(&mut rig.server, elsewhere));
    assert_eq!(rest.await.unwrap().status, 502);
    assert_eq!(grpc.await.unwrap().code(), Code::Unavailable);

    // While it is away.
    let answer = infer_json(&rig.client, &[CLEAN]).await;
    assert_eq!(answer.status, 502);
    assert!(
        answer.error().contains("cannot be reached"),
        "{}",
        answer.error()
    );
    assert_eq!(rig.client.get("/v2/health/ready").await.status, 502);
    let status = rig.client.infer(raw_message(&[CLEAN])).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);

    let _back = Server::start_at(address, None).await;
    assert_eq!(infer_json(&rig.client, &[CLEAN]).await.status, 200);
    rig.client.infer(raw_message(&[CLEAN])).await.unwrap();
    let errors = |protocol: &str| {
        let labels = format!("{{protocol=\"{protocol}\",reason=\"unreachable\"}}");
        format!("gifthorse_guard_upstream_errors_total{labels}")
    };
    assert_eq!(rig.metric(&errors("rest")).await, 3.0);
    assert_eq!(rig.metric(&errors("grpc")).await, 2.0);
}

#[tokio::test]
async fn without_a_grpc_server_grpc_is_not_implemented() {
    let rig = Rig::with(Mode::Flag, Corner::default(), |config| {
        config.grpc_upstream = None;
    })
    .await;
    let status = rig.client.infer(raw_message(&[STAMPED])).await.unwrap_err();
    assert_eq!(status.code(), Code::Unimplemented);
}
