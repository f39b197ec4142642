//! The address for those who run the guard.

use std::sync::Arc;

use gifthorse_engine::{Layout, Preprocess};
use gifthorse_guard::{Error, Form, Guard, Mode};

use crate::calls::infer_json;
use crate::corner::{CLEAN, Corner, STAMPED};
use crate::rig::{Rig, config};

#[tokio::test]
async fn metrics_tell_scores_flags_latency_and_refusals() {
    let rig = Rig::new(Mode::Reject).await;
    infer_json(&rig.client, &[CLEAN]).await;
    infer_json(&rig.client, &[CLEAN, STAMPED]).await;
    let text = rig.admin.get("/metrics").await;
    assert_eq!(text.status, 200);
    let text = String::from_utf8(text.body.to_vec()).unwrap();
    for line in [
        "gifthorse_guard_requests_total{protocol=\"rest\",outcome=\"answered\"} 1",
        "gifthorse_guard_requests_total{protocol=\"rest\",outcome=\"flagged\"} 1",
        "gifthorse_guard_images_total{flagged=\"true\"} 1",
        "gifthorse_guard_images_total{flagged=\"false\"} 2",
        "gifthorse_guard_score_bucket{le=\"0.2\"} 2",
        "gifthorse_guard_score_bucket{le=\"1.0\"} 3",
        "gifthorse_guard_p_value_bucket{le=\"0.001\"} 1",
        "gifthorse_guard_scoring_seconds_count 2",
        "gifthorse_guard_upstream_seconds_count 1",
        "gifthorse_guard_added_seconds_count 1",
        "gifthorse_guard_requests_held 0",
        "gifthorse_guard_connections 1",
    ] {
        assert!(
            text.lines().any(|found| found == line),
            "{line} is not in\n{text}"
        );
    }
}

#[tokio::test]
async fn live_and_ready() {
    let rig = Rig::new(Mode::Flag).await;
    assert_eq!(rig.admin.get("/live").await.status, 200);
    assert_eq!(rig.admin.get("/ready").await.status, 200);
    assert_eq!(rig.admin.get("/else").await.status, 404);
    // What clients reach has none of it: there it is the server's.
    assert_eq!(rig.client.get("/metrics").await.status, 207);
}

#[tokio::test]
async fn settings_that_make_no_sense_are_told() {
    let address = "127.0.0.1:9".parse().unwrap();
    let bind = async |change: fn(&mut gifthorse_guard::Config)| {
        let mut config = config(address, Mode::Flag);
        change(&mut config);
        Guard::bind(&config, Arc::new(Corner::default()))
            .await
            .err()
            .unwrap()
    };
    for error in [
        bind(|config| config.limits.concurrency = 0).await,
        bind(|config| config.limits.memory = 1).await,
        bind(|config| config.mode = Mode::Shadow { share: 0.0 }).await,
        bind(|config| config.mode = Mode::Shadow { share: f64::NAN }).await,
        bind(|config| config.upstream = "127.0.0.1:8000".parse().unwrap()).await,
        bind(|config| {
            let other = Form::new([3, 2, 2], &Preprocess::default(), Layout::Nchw);
            config.guarded.form = other.unwrap();
        })
        .await,
        bind(|config| config.upstream = "ftp://127.0.0.1".parse().unwrap()).await,
        bind(|config| config.upstream = "http://127.0.0.1/v2".parse().unwrap()).await,
    ] {
        assert!(matches!(error, Error::Setting(_)), "{error}");
    }
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut config = config(address, Mode::Flag);
    config.listen = taken.local_addr().unwrap();
    let error = Guard::bind(&config, Arc::new(Corner::default()))
        .await
        .err()
        .unwrap();
    assert!(matches!(error, Error::Listen { .. }), "{error}");
}
