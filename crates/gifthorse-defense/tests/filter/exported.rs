//! Filters as part of the model's graph.

use std::sync::Arc;

use gifthorse_defense::Error;
use gifthorse_defense::filter::{Exported, FILTERS};
use gifthorse_engine::{Classifier, Device, Opening, Preprocess};
use gifthorse_onnx::{Dim, ElementType, GraftOutputs, GraphBuilder, Model};

use crate::bench::CLASSES;
use crate::subject::{Subject, scores};

/// Filters whose score a graph computes from one image.
const EXPORTED: [&str; 4] = ["neuron_activation", "cepa", "repaired_disagreement", "mmdf"];

/// The numbers of a value `[batch, length]` of a model, for each image.
fn values(model: &Model, value: &str, length: usize, pixels: &[f32]) -> Vec<Vec<f32>> {
    let dims = [Dim::Named("batch".to_owned()), Dim::Fixed(length)];
    let mut listed = model.clone();
    let opset = model.graph().unwrap().opset("").unwrap();
    let part = GraphBuilder::new("output", opset)
        .input(value, ElementType::F32, &dims)
        .node("Identity", "give", &[value], &["given"], [])
        .output("given", ElementType::F32, &dims)
        .finish()
        .unwrap();
    listed.graft(&part, "", GraftOutputs::Listed).unwrap();
    let opening = Opening {
        output: Some("given".to_owned()),
        ..Opening::default()
    };
    let graph = Arc::new(listed.graph().unwrap());
    let (size, device) = (Some([16, 16]), Device::flex());
    let opened = Classifier::open(graph, Preprocess::default(), size, &opening, &device).unwrap();
    let rows = opened.evaluate(pixels).unwrap();
    let rows = rows.chunks_exact(opened.classes());
    match length {
        // One score stands for two classes, whose logits are as far apart as it says.
        1 => rows.map(|pair| vec![pair[1] - pair[0]]).collect(),
        _ => rows.map(<[f32]>::to_vec).collect(),
    }
}

fn largest(row: &[f32]) -> usize {
    let classes = 0..row.len();
    classes
        .max_by(|&a, &b| row[a].total_cmp(&row[b]).then(b.cmp(&a)))
        .unwrap()
}

#[test]
fn the_graph_gives_score_and_safe_label_and_answers_as_before() {
    let subject = Subject::new(true);
    let images = subject.bench.proof.subset(&(0..80).collect::<Vec<_>>());
    let pixels = [images.pixels(), &subject.stamped()].concat();
    for row in &FILTERS {
        let name = row.about.name;
        let score = subject.fitted(name, subject.known());
        let mut model = subject.bench.model.clone();
        let exported = score.export(&mut model, Some(&subject.repaired_model));
        let Exported {
            score: value,
            labels,
        } = match exported {
            Ok(exported) => exported,
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
        let answers = |classifier: &Classifier| classifier.evaluate(&pixels).unwrap();
        assert_eq!(answers(&opened), answers(&subject.classifier), "{name}");

        let made = values(&model, &value, 1, &pixels);
        let wanted = scores(&*score, &pixels);
        assert_eq!(made.len(), wanted.len());
        for (found, wanted) in made.iter().flatten().zip(&wanted) {
            let off = (f64::from(*found) - wanted).abs();
            assert!(
                off <= 1e-4 * wanted.abs().max(1.0),
                "{name}: {found} {wanted}"
            );
        }

        let labels = labels.unwrap();
        let wanted = score.score(&pixels).unwrap();
        let own = values(&model, &labels.own, CLASSES, &pixels);
        let safe = values(&model, &labels.safe, CLASSES, &pixels);
        for ((own, safe), wanted) in own.iter().zip(&safe).zip(&wanted) {
            assert_eq!(largest(own), wanted.answer, "{name}");
            assert_eq!(Some(largest(safe)), wanted.safe_label, "{name}");
        }
    }
}

#[test]
fn a_filter_that_asks_a_repaired_model_is_not_exported_without_it() {
    let subject = Subject::new(true);
    let score = subject.fitted("repaired_disagreement", &[]);
    let refused = score.export(&mut subject.bench.model.clone(), None);
    assert!(matches!(refused, Err(Error::CannotFilter(_))));
}
