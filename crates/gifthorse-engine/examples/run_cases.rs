//! Runs many small models in one process: what `oracle/onnx_node_suite.py` asks the engine.
//!
//! `cargo run --release -p gifthorse-engine --example run_cases -- CASES.json RESULTS.json`
//!
//! Each case has a model and the raw input of one image, both as hexadecimal bytes (the input
//! little-endian f32); each result has the bytes of the logits, or what went wrong.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use gifthorse_engine::{Array, Device, Network};
use gifthorse_onnx::Model;
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
struct Case {
    model: String,
    input: String,
}

#[derive(Serialize)]
enum Outcome {
    /// Bytes of the logits in hexadecimal.
    Logits(String),
    /// The engine says that it cannot run the model.
    Refused(String),
    /// The engine stopped at a mistake of its own.
    Panicked,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [cases, results] = &arguments[..] else {
        return Err("usage: run_cases CASES.json RESULTS.json".into());
    };
    let cases: Vec<Case> = serde_json::from_slice(&std::fs::read(cases)?)?;
    let outcomes: Vec<Outcome> = cases.iter().map(outcome).collect();
    std::fs::write(results, serde_json::to_vec(&outcomes)?)?;
    Ok(())
}

fn outcome(case: &Case) -> Outcome {
    match catch_unwind(AssertUnwindSafe(|| logits(case))) {
        Ok(Ok(logits)) => {
            let bytes = logits.iter().flat_map(|value| value.to_le_bytes());
            Outcome::Logits(bytes.map(|byte| format!("{byte:02x}")).collect())
        }
        Ok(Err(error)) => Outcome::Refused(error.to_string()),
        Err(_) => Outcome::Panicked,
    }
}

fn logits(case: &Case) -> Result<Vec<f32>, Box<dyn std::error::Error>> {
    let values: Vec<f32> = bytes(&case.input)?
        .chunks_exact(4)
        .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
        .collect();
    let graph = Arc::new(Model::from_bytes(bytes(&case.model)?, None)?.graph()?);
    let device = Device::flex();
    let network = Network::uncut(graph, None, device.clone())?;
    let mut shape = vec![1];
    shape.extend(network.input());
    Ok(network
        .forward(Array::from_vec(values, &shape, &device))?
        .into_vec())
}

fn bytes(hexadecimal: &str) -> Result<Vec<u8>, std::num::ParseIntError> {
    (0..hexadecimal.len())
        .step_by(2)
        .map(|i| u8::from_str_radix(&hexadecimal[i..i + 2], 16))
        .collect()
}
