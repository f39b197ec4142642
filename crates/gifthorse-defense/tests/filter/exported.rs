//! Filters as part of the model's graph.

use std::sync::Arc;

use gifthorse_defense::Error;
use gifthorse_defense::filter::FILTERS;
use gifthorse_engine::{Classifier, Device, Opening, Preprocess};
use gifthorse_onnx::{Dim, ElementType, GraftOutputs, GraphBuilder, Model};

use crate::subject::{Subject, scores};

/// Filters whose score a graph computes from one image.
const EXPORTED: [&str; 2] = ["neuron_activation", "mmdf"];

/// The model with a value `[batch, 1]` as an output.
fn listed(model: &Model, value: &str) -> Model {
    let dims = [Dim::Named("batch".to_owned()), Dim::Fixed(1)];
    let mut listed = model.clone();
    let opset = model.graph().unwrap().opset("").unwrap();
    let part = GraphBuilder::new("output", opset)
        .input(value, ElementType::F32, &dims)
        .node("Identity", "give", &[value], &["given"], [])
        .output("given", ElementType::F32, &dims)
        .finish()
        .unwrap();
    listed.graft(&part, "", GraftOutputs::Listed).unwrap();
    listed
}

/// That output. One score stands for two classes, whose logits are as far apart as it says.
fn values(model: &Model, pixels: &[f32]) -> Vec<f32> {
    let opening = Opening {
        output: Some("given".to_owned()),
        ..Opening::default()
    };
    let graph = Arc::new(model.graph().unwrap());
    let (size, device) = (Some([16, 16]), Device::flex());
    let opened = Classifier::open(graph, Preprocess::default(), size, &opening, &device).unwrap();
    let logits = opened.evaluate(pixels).unwrap();
    logits
        .chunks_exact(2)
        .map(|pair| pair[1] - pair[0])
        .collect()
}

#[test]
fn the_graph_gives_the_score_and_answers_as_before() {
    let subject = Subject::new(true);
    let images = subject.bench.proof.subset(&(0..80).collect::<Vec<_>>());
    for row in &FILTERS {
        let name = row.about.name;
        let score = subject.fitted(name, subject.known());
        let mut model = subject.bench.model.clone();
        let value = match score.export(&mut model) {
            Ok(value) => value,
            Err(Error::CannotFilter(why)) => {
                assert!(!EXPORTED.contains(&name), "{name}: {why}");
                continue;
            }
            Err(other) => panic!("{name}: {other}"),
        };
        assert!(EXPORTED.contains(&name), "{name} is exported");
        let graph = Arc::new(model.graph().unwrap());
        let (size, device) = (Some([16, 16]), Device::flex());
        let opened = Classifier::new(graph, Preprocess::default(), size, &device).unwrap();
        let answers = |classifier: &Classifier| classifier.evaluate(images.pixels()).unwrap();
        assert_eq!(answers(&opened), answers(&subject.classifier), "{name}");
        let exported = values(&listed(&model, &value), images.pixels());
        let wanted = scores(&*score, images.pixels());
        assert_eq!(exported.len(), wanted.len());
        for (found, wanted) in exported.iter().zip(&wanted) {
            let off = (f64::from(*found) - wanted).abs();
            assert!(
                off <= 1e-4 * wanted.abs().max(1.0),
                "{name}: {found} {wanted}"
            );
        }
    }
}
