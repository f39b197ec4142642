//! Single operators: output against onnxruntime, gradient against PyTorch in f64.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use gifthorse_engine::{Device, Network};
use gifthorse_onnx::Model;
use serde::Deserialize;

use crate::{formula, golden, run};

#[derive(Deserialize)]
struct Case {
    name: String,
    /// The model file in hexadecimal.
    model: String,
    shape: Vec<usize>,
    low: f32,
    width: f32,
    output: Vec<f32>,
    gradient: Option<Vec<f32>>,
}

impl Case {
    fn check(&self) -> Result<(), String> {
        let bytes: Vec<u8> = (0..self.model.len())
            .step_by(2)
            .map(|i| u8::from_str_radix(&self.model[i..i + 2], 16).unwrap())
            .collect();
        let graph = Model::from_bytes(bytes, None).and_then(|m| m.graph());
        let graph = Arc::new(graph.map_err(|e| e.to_string())?);
        let network = Network::uncut(graph, None, Device::flex()).map_err(|e| e.to_string())?;
        let size = self.shape.iter().product();
        let x: Vec<f32> =
            formula::uniform(formula::FIRST_TENSOR, size, self.low, self.width).collect();
        let (output, slopes) = match &self.gradient {
            None => (run::logits(&network, &x, self.shape[0]), None),
            Some(expected) => {
                let (output, gradient) = run::logits_and_gradient(&network, &x, self.shape[0]);
                (output, Some((gradient, expected)))
            }
        };
        let error = golden::relative_error(&output, &self.output);
        if error > 1e-5 {
            return Err(format!(
                "output differs by {error:.1e}: {output:?} not {:?}",
                self.output
            ));
        }
        let Some((gradient, expected)) = slopes else {
            return Ok(());
        };
        let error = golden::relative_error(&gradient, expected);
        if error > 1e-4 {
            return Err(format!(
                "gradient differs by {error:.1e}: {gradient:?} not {expected:?}"
            ));
        }
        Ok(())
    }
}

#[test]
fn operators_agree_with_onnxruntime_and_pytorch() {
    let mut cases: Vec<Case> = golden::index("nodes.json");
    cases.extend(golden::index::<Case>("fused.json"));
    let mut failures = Vec::new();
    for case in &cases {
        let result = catch_unwind(AssertUnwindSafe(|| case.check()));
        if let Err(reason) = result.unwrap_or_else(|_| Err("panicked".to_string())) {
            failures.push(format!("{}: {reason}", case.name));
        }
    }
    let count = failures.len();
    assert!(
        failures.is_empty(),
        "{count} of {} cases\n{}",
        cases.len(),
        failures.join("\n")
    );
}
