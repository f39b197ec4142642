use hyper::Request;

use super::*;

fn routed(method: Method, path: &str, protocol: Protocol, models: &[&str]) -> Route {
    let request = Request::builder().method(method).uri(path).body(());
    let (head, ()) = request.unwrap().into_parts();
    let models: Vec<String> = models.iter().map(|&model| model.to_owned()).collect();
    route(&head, protocol, &models)
}

fn posted(path: &str) -> Route {
    routed(Method::POST, path, Protocol::Rest, &["signs"])
}

#[test]
fn inference_of_the_guarded_model_is_found_however_it_is_spelled() {
    for path in [
        "/v2/models/signs/infer",
        "/v2/models/signs/versions/3/infer",
        "/v2/models/signs/infer/",
        "//v2//models/signs/./infer",
        "/v2/models/other/../signs/infer",
        "/v2/models/%73igns/infer",
        "/v2%2Fmodels/signs%2Finfer",
        "/behind/a/prefix/v2/models/signs/infer?x=1",
    ] {
        assert_eq!(posted(path), Route::Infer("signs".to_owned()), "{path}");
    }
}

#[test]
fn other_requests_pass() {
    for path in [
        "/v2/models/other/infer",
        "/v2/models/signs2/infer",
        "/v2/repository/models/signs/load",
        "/v2/repository/index",
        "/v2/models/signs/trace/setting",
        "/v2/models/signs",
        "/",
    ] {
        assert_eq!(posted(path), Route::Pass, "{path}");
    }
    let got = routed(
        Method::GET,
        "/v2/models/signs/infer",
        Protocol::Rest,
        &["signs"],
    );
    assert_eq!(got, Route::Pass);
}

#[test]
fn ways_round_are_known() {
    for path in [
        "/v2/models/signs/generate",
        "/v2/models/signs/versions/1/generate_stream",
        "/v2/models/signs/infer_stream",
        "/v1/models/signs:predict",
        "/v1/models/%73igns:explain",
    ] {
        assert_eq!(posted(path), Route::WayRound, "{path}");
    }
    assert_eq!(posted("/v1/models/other:predict"), Route::Pass);
}

#[test]
fn without_names_all_models_are_guarded() {
    let all = |path| routed(Method::POST, path, Protocol::Rest, &[]);
    assert_eq!(all("/v2/models/any/infer"), Route::Infer("any".to_owned()));
    assert_eq!(all("/v2/models/any/generate"), Route::WayRound);
    assert_eq!(all("/v1/models/any:predict"), Route::WayRound);
}

#[test]
fn calls_of_grpc() {
    let called = |path| routed(Method::POST, path, Protocol::Grpc, &["signs"]);
    assert_eq!(
        called("/inference.GRPCInferenceService/ModelInfer"),
        Route::GrpcInfer
    );
    assert_eq!(
        called("/inference.GRPCInferenceService/Model%49nfer"),
        Route::GrpcInfer
    );
    assert_eq!(
        called("/inference.GRPCInferenceService/ModelStreamInfer"),
        Route::WayRound
    );
    assert_eq!(
        called("/inference.GRPCInferenceService/ServerLive"),
        Route::Pass
    );
    assert_eq!(called("/grpc.health.v1.Health/Check"), Route::Pass);
}

#[test]
fn the_content_type_tells_the_protocol() {
    for (content, protocol) in [
        ("application/grpc", Protocol::Grpc),
        ("Application/gRPC+proto", Protocol::Grpc),
        ("application/json", Protocol::Rest),
        ("application/octet-stream", Protocol::Rest),
    ] {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, content.parse().unwrap());
        assert_eq!(Protocol::of(&headers), protocol, "{content}");
    }
    assert_eq!(Protocol::of(&HeaderMap::new()), Protocol::Rest);
}

#[test]
fn the_method_is_no_way_round() {
    let path = "/inference.GRPCInferenceService/ModelInfer";
    let put = routed(Method::PUT, path, Protocol::Grpc, &["signs"]);
    assert_eq!(put, Route::GrpcInfer);
    let put = routed(
        Method::PUT,
        "/v2/models/signs/infer",
        Protocol::Rest,
        &["signs"],
    );
    assert_eq!(put, Route::Infer("signs".to_owned()));
}
