//! More than is worked on at a time.

use std::time::Duration;

use gifthorse_guard::Mode;
use serde_json::json;
use tokio::task::JoinSet;
use tonic::Code;

use crate::calls::{PATH, delayed, json_request, raw_message};
use crate::corner::{CLEAN, Corner};
use crate::rig::Rig;

/// A guard that works on two requests and lets two more wait.
async fn narrow() -> Rig {
    Rig::with(Mode::Flag, Corner::default(), |config| {
        (config.limits.concurrency, config.limits.queue) = (2, 2);
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn beyond_the_queue_requests_are_refused_and_no_other_is_lost() {
    let rig = narrow().await;
    let mut asking = JoinSet::new();
    for _ in 0..20 {
        let client = rig.client.clone();
        let body = json_request(&[CLEAN], json!({"delay_ms": 300}));
        asking.spawn(async move { client.post(PATH, body).await });
    }
    let answers = asking.join_all().await;
    let (done, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
    assert!(done.len() >= 4, "{} of 20", done.len());
    assert!(!refused.is_empty());
    for answer in refused {
        assert_eq!(answer.status, 503);
        assert_eq!(answer.headers["retry-after"], "1");
        assert!(!answer.error().is_empty());
    }
    // What was refused asked the server nothing.
    assert_eq!(rig.server.inferences(), done.len());

    let mut asking = JoinSet::new();
    for _ in 0..20 {
        let client = rig.client.clone();
        let message = delayed(raw_message(&[CLEAN]), 300);
        asking.spawn(async move { client.infer(message).await });
    }
    let answers = asking.join_all().await;
    let refused: Vec<_> = answers.into_iter().filter_map(Result::err).collect();
    assert!(!refused.is_empty() && refused.len() <= 16);
    assert!(
        refused
            .iter()
            .all(|status| status.code() == Code::ResourceExhausted)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_too_long_is_refused() {
    let rig = Rig::with(Mode::Flag, Corner::default(), |config| {
        (config.limits.concurrency, config.limits.queue) = (1, 10);
        config.times.queue = Duration::from_millis(100);
    })
    .await;
    let client = rig.client.clone();
    let long = json_request(&[CLEAN], json!({"delay_ms": 2000}));
    let first = tokio::spawn(async move { client.post(PATH, long).await });
    while rig.server.inferences() < 1 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let answer = rig
        .client
        .post(PATH, json_request(&[CLEAN], json!({})))
        .await;
    assert_eq!(answer.status, 503);
    assert!(
        answer.error().contains("waited too long"),
        "{}",
        answer.error()
    );
    assert_eq!(first.await.unwrap().status, 200);
}

#[tokio::test]
async fn bodies_are_bounded_one_by_one_and_together() {
    let rig = Rig::with(Mode::Flag, Corner::default(), |config| {
        config.limits.body = 10_000;
        config.limits.memory = 10_000;
    })
    .await;
    let large = vec![b' '; 10_001];
    let answer = rig.client.post(PATH, large.clone()).await;
    assert_eq!(answer.status, 413);
    assert!(answer.error().contains("larger"), "{}", answer.error());
    let mut message = raw_message(&[CLEAN]);
    message.raw[0] = large;
    let status = rig.client.infer(message).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert_eq!(rig.server.inferences(), 0);
    // What is passed on is not held.
    assert_eq!(
        rig.client
            .post("/elsewhere", vec![0; 5_000_000])
            .await
            .body
            .len(),
        5_000_000
    );

    let client = rig.client.clone();
    let mut body = json_request(&[CLEAN], json!({"delay_ms": 1000}));
    body.extend(std::iter::repeat_n(' ', 8000));
    let held = tokio::spawn(async move { client.post(PATH, body).await });
    while rig.server.inferences() < 1 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let mut body = json_request(&[CLEAN], json!({}));
    body.extend(std::iter::repeat_n(' ', 5000));
    let answer = rig.client.post(PATH, body.clone()).await;
    assert_eq!(answer.status, 503);
    assert!(answer.error().contains("together"), "{}", answer.error());
    assert_eq!(held.await.unwrap().status, 200);
    assert_eq!(rig.client.post(PATH, body).await.status, 200);
}

#[tokio::test]
async fn images_in_a_request_are_bounded() {
    let rig = Rig::with(Mode::Reject, Corner::default(), |config| {
        config.limits.images = 3;
    })
    .await;
    let answer = rig
        .client
        .post(PATH, json_request(&[CLEAN; 4], json!({})))
        .await;
    assert_eq!(answer.status, 422);
    assert!(answer.error().contains("4 images"), "{}", answer.error());
    assert_eq!(
        rig.client
            .post(PATH, json_request(&[CLEAN; 3], json!({})))
            .await
            .status,
        200
    );
}
