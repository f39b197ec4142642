//! Requests for inference, in all ways of writing them.

use bytes::Bytes;
use hyper::Method;
use serde_json::{Value, json};

use crate::client::{Answer, Client};
use crate::messages::{Choice, Contents, InferRequest, Parameter, Tensor};

pub const PATH: &str = "/v2/models/signs/infer";

/// A request in JSON.
pub fn json_request(images: &[[f32; 4]], parameters: Value) -> String {
    let input = json!({
        "name": "x", "datatype": "FP32", "shape": [images.len(), 1, 2, 2], "data": images.as_flattened()
    });
    json!({"id": "17", "parameters": parameters, "inputs": [input]}).to_string()
}

/// A request with a binary tensor, and how long its JSON is.
pub fn binary_request(images: &[[f32; 4]], parameters: Value) -> (Bytes, String) {
    let binary: Vec<u8> = images
        .iter()
        .flatten()
        .flat_map(|n| n.to_le_bytes())
        .collect();
    let input = json!({
        "name": "x", "datatype": "FP32", "shape": [images.len(), 1, 2, 2],
        "parameters": {"binary_data_size": binary.len()}
    });
    let json = json!({"id": "17", "parameters": parameters, "inputs": [input]}).to_string();
    let length = json.len().to_string();
    ([json.as_bytes(), &binary].concat().into(), length)
}

pub async fn infer_json(client: &Client, images: &[[f32; 4]]) -> Answer {
    client.post(PATH, json_request(images, json!({}))).await
}

/// Asks with binary tensors both ways.
pub async fn infer_binary(client: &Client, images: &[[f32; 4]]) -> Answer {
    let (body, length) = binary_request(images, json!({"binary_data_output": true}));
    let headers = [("inference-header-content-length", length.as_str())];
    client.ask(Method::POST, PATH, &headers, body).await
}

/// A request over gRPC with raw contents.
pub fn raw_message(images: &[[f32; 4]]) -> InferRequest {
    InferRequest {
        model_name: "signs".to_owned(),
        id: "17".to_owned(),
        inputs: vec![Tensor {
            name: "x".to_owned(),
            datatype: "FP32".to_owned(),
            shape: vec![images.len() as i64, 1, 2, 2],
            ..Tensor::default()
        }],
        raw: vec![
            images
                .iter()
                .flatten()
                .flat_map(|n| n.to_le_bytes())
                .collect(),
        ],
        ..InferRequest::default()
    }
}

/// The same with typed contents.
pub fn typed_message(images: &[[f32; 4]]) -> InferRequest {
    let mut message = raw_message(images);
    message.raw.clear();
    message.inputs[0].contents = Some(Contents {
        fp32: images.as_flattened().to_vec(),
        ..Contents::default()
    });
    message
}

/// A request that keeps the server busy for so long.
pub fn delayed(mut message: InferRequest, milliseconds: i64) -> InferRequest {
    let choice = Some(Choice::Int(milliseconds));
    message
        .parameters
        .insert("delay_ms".to_owned(), Parameter { choice });
    message
}

/// What the server answers.
pub fn scores(images: &[[f32; 4]]) -> Vec<f32> {
    let mean = |image: &[f32; 4]| image.iter().sum::<f32>() / 4.0;
    images
        .iter()
        .flat_map(|image| [mean(image), 1.0 - mean(image)])
        .collect()
}
