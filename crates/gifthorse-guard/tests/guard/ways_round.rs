//! Ways to ask the guarded model that are not judged.

use gifthorse_guard::Mode;
use tonic::Code;

use crate::calls::raw_message;
use crate::corner::STAMPED;
use crate::messages::InferResponse;
use crate::rig::Rig;

const WAYS: [&str; 3] = [
    "/v2/models/signs/generate",
    "/v2/models/signs/versions/1/generate_stream",
    "/v1/models/signs:predict",
];

#[tokio::test]
async fn they_are_closed_where_unjudged_requests_are_refused() {
    let rig = Rig::new(Mode::Reject).await;
    for way in WAYS {
        let answer = rig.client.post(way, "{}").await;
        assert_eq!(answer.status, 403, "{way}");
        assert!(
            answer.error().contains("cannot judge"),
            "{}",
            answer.error()
        );
    }
    let stream = "/inference.GRPCInferenceService/ModelStreamInfer";
    let answer = rig
        .client
        .call::<_, InferResponse>(stream, raw_message(&[STAMPED]))
        .await;
    assert_eq!(answer.unwrap_err().code(), Code::PermissionDenied);
    assert_eq!(
        rig.client
            .post("/v2/models/other/generate", "{}")
            .await
            .status,
        207
    );
}

#[tokio::test]
async fn they_are_open_and_counted_where_unjudged_requests_pass() {
    let rig = Rig::new(Mode::Flag).await;
    for way in WAYS {
        assert_eq!(rig.client.post(way, "{}").await.status, 207, "{way}");
    }
    let line = "gifthorse_guard_unjudged_requests_total{reason=\"way_round\"}";
    assert_eq!(rig.metric(line).await, 3.0);
}
