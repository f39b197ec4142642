//! A guard that is stopped loses nothing that it has accepted.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use gifthorse_guard::Mode;
use serde_json::json;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::calls::{PATH, delayed, infer_json, json_request, raw_message};
use crate::client::Client;
use crate::corner::{CLEAN, Corner, STAMPED};
use crate::rig::Rig;

#[tokio::test(flavor = "multi_thread")]
async fn requests_under_way_are_answered() {
    let mut rig = Rig::new(Mode::Flag).await;
    let mut asking = JoinSet::new();
    for round in 0..20 {
        let client = Client::new(rig.address);
        asking.spawn(async move {
            if round % 2 == 0 {
                let body = json_request(&[CLEAN], json!({"delay_ms": 1500}));
                client.post(PATH, body).await.status.as_u16()
            } else {
                let message = delayed(raw_message(&[CLEAN]), 1500);
                client.infer(message).await.unwrap();
                200
            }
        });
    }
    while rig.server.inferences() < 20 {
        sleep(Duration::from_millis(5)).await;
    }
    rig.stop();
    assert!(
        asking
            .join_all()
            .await
            .into_iter()
            .all(|status| status == 200)
    );
    assert_eq!(rig.ended().await, 0);
    assert!(TcpStream::connect(rig.address).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn under_load_every_request_gets_its_whole_answer_or_no_connection() {
    let mut rig = Rig::new(Mode::Reject).await;
    let stopped = Arc::new(AtomicBool::new(false));
    let mut asking = JoinSet::new();
    for _ in 0..8 {
        let (client, stopped) = (Client::new(rig.address), Arc::clone(&stopped));
        let address = rig.address;
        asking.spawn(async move {
            let mut answered = 0;
            loop {
                let asked = client
                    .try_ask(
                        hyper::Method::POST,
                        PATH,
                        &[],
                        json_request(&[CLEAN], json!({})),
                    )
                    .await;
                match asked {
                    Ok(answer) => assert_eq!(answer.status, 200),
                    Err(error) => {
                        // Nobody listens any more: the request was never sent.
                        assert!(stopped.load(Ordering::SeqCst), "{error}");
                        assert!(TcpStream::connect(address).await.is_err(), "{error}");
                        return answered;
                    }
                }
                answered += 1;
            }
        });
    }
    rig.wait_for("gifthorse_guard_connections", 8.0).await;
    sleep(Duration::from_millis(200)).await;
    stopped.store(true, Ordering::SeqCst);
    rig.stop();
    let answered: usize = asking.join_all().await.into_iter().sum();
    assert_eq!(rig.ended().await, 0);
    assert_eq!(rig.server.inferences(), answered);
}

#[tokio::test]
async fn judging_that_nobody_waits_for_is_ended_too() {
    let slow = Corner {
        takes: Duration::from_millis(300),
        ..Corner::default()
    };
    let mut rig = Rig::with(Mode::Shadow { share: 1.0 }, slow, |_| {}).await;
    for _ in 0..4 {
        assert_eq!(infer_json(&rig.client, &[STAMPED]).await.status, 200);
    }
    rig.stop();
    assert_eq!(rig.ended().await, 0);
    assert_eq!(rig.judge.judged.load(Ordering::SeqCst), 4);
}

#[tokio::test]
async fn what_does_not_end_is_given_up() {
    let mut rig = Rig::with(Mode::Flag, Corner::default(), |config| {
        config.times.grace = Duration::from_millis(200);
    })
    .await;
    let client = rig.client.clone();
    let body = json_request(&[CLEAN], json!({"delay_ms": 60_000}));
    let asking = tokio::spawn(async move { client.post(PATH, body).await });
    while rig.server.inferences() < 1 {
        sleep(Duration::from_millis(5)).await;
    }
    rig.stop();
    assert_eq!(rig.ended().await, 1);
    asking.abort();
}
