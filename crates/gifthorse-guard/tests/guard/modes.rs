//! What each mode makes of clean and of stamped images.

use std::sync::atomic::Ordering;
use std::time::Duration;

use gifthorse_guard::Mode;
use serde_json::json;
use tonic::Code;

use crate::calls::{
    PATH, delayed, infer_binary, infer_json, json_request, raw_message, scores, typed_message,
};
use crate::client::{Answer, Client};
use crate::corner::{CLEAN, Corner, HOPELESS, STAMPED};
use crate::messages::{Choice, InferResponse};
use crate::rig::Rig;

/// The scores in an answer in JSON.
fn json_scores(answer: &Answer) -> Vec<f32> {
    let json = answer.json();
    let data = json["outputs"][0]["data"].as_array().unwrap();
    data.iter().map(|n| n.as_f64().unwrap() as f32).collect()
}

/// The scores behind the JSON of an answer, and the JSON.
fn binary_scores(answer: &Answer) -> (Vec<f32>, serde_json::Value) {
    let length = &answer.headers["inference-header-content-length"];
    let length: usize = length.to_str().unwrap().parse().unwrap();
    let (json, binary) = answer.body.split_at(length);
    let json: serde_json::Value = serde_json::from_slice(json).unwrap();
    assert_eq!(
        json["outputs"][0]["parameters"]["binary_data_size"],
        binary.len()
    );
    (numbers(binary), json)
}

fn numbers(bytes: &[u8]) -> Vec<f32> {
    let (numbers, rest) = bytes.as_chunks::<4>();
    assert!(rest.is_empty());
    numbers
        .iter()
        .map(|four| f32::from_le_bytes(*four))
        .collect()
}

fn parameter(answer: &InferResponse, name: &str) -> Option<Choice> {
    answer.parameters.get(name)?.choice.clone()
}

fn text(text: &str) -> Option<Choice> {
    Some(Choice::Text(text.to_owned()))
}

#[tokio::test]
async fn flag_marks_answers_and_changes_nothing_else() {
    let rig = Rig::new(Mode::Flag).await;
    let images = [CLEAN, STAMPED];
    let answer = infer_json(&rig.client, &images).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers["x-server"], "small");
    let marks = json!({
        "gifthorse_flagged": true,
        "gifthorse_flagged_images": "1",
        "gifthorse_score": "0.125,1",
        "gifthorse_p_value": "0.875,0.001",
    });
    assert_eq!(answer.json()["parameters"], marks);
    assert_eq!(answer.json()["id"], "17");
    assert_eq!(json_scores(&answer), scores(&images));

    let (found, json) = binary_scores(&infer_binary(&rig.client, &images).await);
    assert_eq!(found, scores(&images));
    assert_eq!(json["parameters"], marks);

    for message in [raw_message(&images), typed_message(&images)] {
        let packed = rig.client.infer_packed(message.clone()).await.unwrap();
        for answer in [rig.client.infer(message).await.unwrap(), packed] {
            let answer = answer.into_inner();
            assert_eq!(
                parameter(&answer, "gifthorse_flagged"),
                Some(Choice::Bool(true))
            );
            assert_eq!(parameter(&answer, "gifthorse_flagged_images"), text("1"));
            assert_eq!(parameter(&answer, "gifthorse_score"), text("0.125,1"));
            assert_eq!(parameter(&answer, "gifthorse_p_value"), text("0.875,0.001"));
            assert_eq!(numbers(&answer.raw[0]), scores(&images));
            assert_eq!((answer.id.as_str(), answer.later.as_str()), ("17", "kept"));
        }
    }

    let clean = infer_json(&rig.client, &[CLEAN]).await.json();
    assert_eq!(clean["parameters"]["gifthorse_flagged"], false);
    assert_eq!(clean["parameters"]["gifthorse_flagged_images"], "");
    assert_eq!(
        rig.metric("gifthorse_guard_images_total{flagged=\"true\"}")
            .await,
        6.0
    );
    assert_eq!(
        rig.metric("gifthorse_guard_images_total{flagged=\"false\"}")
            .await,
        7.0
    );
    assert_eq!(rig.metric("gifthorse_guard_score_count").await, 13.0);
    assert_eq!(rig.metric("gifthorse_guard_added_seconds_count").await, 7.0);
}

#[tokio::test]
async fn flag_leaves_errors_of_the_server_as_they_are() {
    let rig = Rig::new(Mode::Flag).await;
    let answer = rig.client.post(PATH, r#"{"inputs": []}"#).await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.error(), "the server wants images of four pixels");
    let mut message = raw_message(&[CLEAN]);
    message.raw[0].truncate(4);
    let status = rig.client.infer(message).await.unwrap_err();
    assert_eq!(status.code(), Code::OutOfRange);
}

#[tokio::test]
async fn reject_refuses_the_whole_request_and_asks_the_server_nothing() {
    let rig = Rig::new(Mode::Reject).await;
    let images = [CLEAN, STAMPED, CLEAN, HOPELESS];
    for answer in [
        infer_json(&rig.client, &images).await,
        infer_binary(&rig.client, &images).await,
    ] {
        assert_eq!(answer.status, 422);
        assert!(
            answer.error().contains("of 4 image(s), those at 1,3"),
            "{}",
            answer.error()
        );
        assert_eq!(answer.headers["gifthorse-flagged"], "1,3");
    }
    for message in [raw_message(&images), typed_message(&images)] {
        let status = rig.client.infer(message).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        assert!(
            status.message().contains("of 4 image(s), those at 1,3"),
            "{status}"
        );
        assert_eq!(status.metadata().get("gifthorse-flagged").unwrap(), "1,3");
    }
    assert_eq!(rig.server.inferences(), 0);
}

#[tokio::test]
async fn reject_leaves_answers_to_clean_images_as_they_are() {
    let rig = Rig::new(Mode::Reject).await;
    let direct = Client::new(rig.server.address);
    let ours = infer_json(&rig.client, &[CLEAN]).await;
    assert_eq!(ours.body, infer_json(&direct, &[CLEAN]).await.body);
    let ours = infer_binary(&rig.client, &[CLEAN]).await;
    assert_eq!(ours.body, infer_binary(&direct, &[CLEAN]).await.body);
    let ours = rig.client.infer(raw_message(&[CLEAN])).await.unwrap();
    let theirs = direct.infer(raw_message(&[CLEAN])).await.unwrap();
    assert_eq!(ours.into_inner(), theirs.into_inner());
}

#[tokio::test]
async fn a_safe_label_takes_the_place_of_the_answer() {
    let rig = Rig::new(Mode::SafeLabel).await;
    // The server gives the stamped image class 0 with 0.75, and 1 is its safe label.
    let images = [CLEAN, STAMPED];
    assert_eq!(scores(&images), [0.71875, 0.28125, 0.75, 0.25]);
    let wanted = [0.71875, 0.28125, 0.25, 0.75];
    let answer = infer_json(&rig.client, &images).await;
    assert_eq!(json_scores(&answer), wanted);
    assert_eq!(
        answer.json()["parameters"]["gifthorse_replaced_images"],
        "1"
    );
    let (found, json) = binary_scores(&infer_binary(&rig.client, &images).await);
    assert_eq!(found, wanted);
    assert_eq!(json["parameters"]["gifthorse_flagged_images"], "1");
    let answer = rig
        .client
        .infer(raw_message(&images))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(numbers(&answer.raw[0]), wanted);
    assert_eq!(answer.later, "kept");
    assert_eq!(parameter(&answer, "gifthorse_replaced_images"), text("1"));

    let clean = infer_json(&rig.client, &[CLEAN]).await;
    assert_eq!(json_scores(&clean), scores(&[CLEAN]));
    assert_eq!(clean.json()["parameters"]["gifthorse_replaced_images"], "");
}

#[tokio::test]
async fn a_flagged_image_without_a_safe_label_is_refused() {
    let rig = Rig::new(Mode::SafeLabel).await;
    let answer = infer_json(&rig.client, &[STAMPED, HOPELESS]).await;
    assert_eq!(answer.status, 422);
    assert_eq!(answer.headers["gifthorse-flagged"], "1");
    let status = rig
        .client
        .infer(raw_message(&[HOPELESS]))
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
}

#[tokio::test]
async fn an_answer_that_cannot_be_corrected_is_not_given() {
    let rig = Rig::with(Mode::SafeLabel, Corner::default(), |config| {
        config.guarded.output = Some("other".to_owned());
    })
    .await;
    let answer = infer_json(&rig.client, &[STAMPED]).await;
    assert_eq!(answer.status, 502);
    assert!(
        answer.error().contains("cannot be replaced"),
        "{}",
        answer.error()
    );
    let status = rig.client.infer(raw_message(&[STAMPED])).await.unwrap_err();
    assert_eq!(status.code(), Code::Internal);
    assert_eq!(infer_json(&rig.client, &[CLEAN]).await.status, 200);
}

#[tokio::test]
async fn shadow_changes_nothing_and_nobody_waits() {
    // The judge takes longer than the test would bear to wait for twice a request.
    let slow = Corner {
        takes: Duration::from_millis(300),
        ..Corner::default()
    };
    let rig = Rig::with(Mode::Shadow { share: 1.0 }, slow, |config| {
        config.limits.scorers = 1;
    })
    .await;
    let direct = Client::new(rig.server.address);
    for images in [[CLEAN], [STAMPED]] {
        let ours = infer_json(&rig.client, &images).await;
        assert_eq!(ours.body, infer_json(&direct, &images).await.body);
        let ours = rig.client.infer(raw_message(&images)).await.unwrap();
        let theirs = direct.infer(raw_message(&images)).await.unwrap();
        assert_eq!(ours.into_inner(), theirs.into_inner());
    }
    // All four were answered before the second of them was judged.
    assert!(rig.judge.judged.load(Ordering::SeqCst) < 4);
    rig.wait_for("gifthorse_guard_images_total{flagged=\"true\"}", 2.0)
        .await;
    rig.wait_for("gifthorse_guard_images_total{flagged=\"false\"}", 2.0)
        .await;
}

#[tokio::test]
async fn a_sample_judges_about_its_share() {
    let rig = Rig::new(Mode::Shadow { share: 0.25 }).await;
    for _ in 0..400 {
        assert_eq!(infer_json(&rig.client, &[CLEAN]).await.status, 200);
    }
    // Beyond six standard deviations of 100 is not by chance.
    rig.wait_for("gifthorse_guard_requests_held", 0.0).await;
    let judged = rig.judge.judged.load(Ordering::SeqCst);
    assert!((48..=152).contains(&judged), "{judged} of 400");
}

#[tokio::test]
async fn shadow_passes_requests_on_when_the_judge_is_busy() {
    let slow = Corner {
        takes: Duration::from_millis(200),
        ..Corner::default()
    };
    let rig = Rig::with(Mode::Shadow { share: 1.0 }, slow, |config| {
        (
            config.limits.concurrency,
            config.limits.queue,
            config.limits.scorers,
        ) = (1, 1, 1);
    })
    .await;
    for _ in 0..10 {
        assert_eq!(infer_json(&rig.client, &[STAMPED]).await.status, 200);
    }
    rig.wait_for("gifthorse_guard_requests_held", 0.0).await;
    let skipped = rig
        .metric("gifthorse_guard_unjudged_requests_total{reason=\"busy\"}")
        .await;
    let judged = rig
        .metric("gifthorse_guard_images_total{flagged=\"true\"}")
        .await;
    assert!(skipped > 0.0 && judged >= 1.0);
    assert_eq!(skipped + judged, 10.0);
}

#[tokio::test]
async fn judging_and_the_server_work_at_the_same_time() {
    let slow = Corner {
        takes: Duration::from_millis(400),
        ..Corner::default()
    };
    let rig = Rig::with(Mode::Flag, slow, |_| {}).await;
    rig.client
        .infer(delayed(raw_message(&[CLEAN]), 400))
        .await
        .unwrap();
    // Of the 400 ms that the judge took, hardly any was added to those of the server.
    let added = rig.metric("gifthorse_guard_added_seconds_sum").await;
    let scoring = rig.metric("gifthorse_guard_scoring_seconds_sum").await;
    assert!(scoring >= 0.4 && added < scoring, "{added} of {scoring}");
    let body = json_request(&[CLEAN], json!({}));
    assert_eq!(rig.client.post(PATH, body).await.status, 200);
}
