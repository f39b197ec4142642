//! A trigger that most starts see nothing of: a unit that is silent for all images until several
//! pixels agree.

use std::sync::Arc;

use gifthorse_defense::detect::neural_cleanse::{Aim, ClassSearch, Snapshot};
use gifthorse_defense::finding::{Finding, State};
use gifthorse_defense::search::Search;
use gifthorse_engine::{Classifier, Device, Preprocess};
use gifthorse_onnx::{Attribute, Dim, ElementType, GraphBuilder};

use crate::bench::{Bench, blocks, side, timeless};

const CLASSES: usize = 6;
const TARGET: usize = 2;

/// Each block votes for its class, and a unit for the target once the last row is bright and dark
/// in turns.
fn shy(threshold: f32) -> Classifier {
    let side = side(CLASSES);
    let pixels = side * side;
    let mut row = vec![0.0; pixels];
    for x in 0..side {
        row[(side - 1) * side + x] = if x % 2 == 0 { 1.0 } else { -1.0 } / side as f32;
    }
    // Without the unit the target is hard to reach: what the other blocks show must be hidden.
    let mut weight = blocks(CLASSES);
    for of_pixel in weight.chunks_exact_mut(CLASSES) {
        of_pixel[TARGET] *= 0.2;
    }
    let mut vote = vec![0.0; CLASSES];
    vote[TARGET] = 300.0;
    let batch = || Dim::Named("batch".to_owned());
    let input = [batch(), Dim::Fixed(1), Dim::Fixed(side), Dim::Fixed(side)];
    let none = || [] as [(&str, Attribute); 0];
    let model = GraphBuilder::new("shy", 17)
        .input("image", ElementType::F32, &input)
        .initializer("weight", &[pixels, CLASSES], weight)
        .initializer("row", &[pixels, 1], row)
        .initializer("threshold", &[1], vec![-threshold])
        .initializer("vote", &[1, CLASSES], vote)
        .node(
            "Flatten",
            "flat",
            &["image"],
            &["pixels"],
            [("axis", Attribute::Int(1))],
        )
        .node(
            "MatMul",
            "score",
            &["pixels", "weight"],
            &["scores"],
            none(),
        )
        .node("MatMul", "turns", &["pixels", "row"], &["turn"], none())
        .node("Add", "less", &["turn", "threshold"], &["excess"], none())
        .node("Relu", "unit", &["excess"], &["unit_out"], none())
        .node("MatMul", "votes", &["unit_out", "vote"], &["extra"], none())
        .node("Add", "sum", &["scores", "extra"], &["logits"], none())
        .output("logits", ElementType::F32, &[batch(), Dim::Fixed(CLASSES)])
        .finish()
        .unwrap();
    let graph = Arc::new(model.graph().unwrap());
    Classifier::new(graph, Preprocess::default(), None, &Device::flex()).unwrap()
}

/// A task whose first start is silent, and where one of three others is not.
fn bench() -> Bench {
    let mut bench = Bench::of(shy(0.06), CLASSES);
    bench.config.steps = 120;
    bench.seed = 5;
    bench
}

fn straight(bench: &Bench, class: usize) -> Finding {
    let mut search = ClassSearch::new(bench.task(), Aim::To(class)).unwrap();
    search.advance(usize::MAX).unwrap();
    assert!(search.has_ended());
    search.finding().unwrap()
}

#[test]
fn another_start_finds_what_the_first_did_not() {
    let mut bench = bench();
    let found = straight(&bench, TARGET);
    bench.config.restarts = 0;
    let missed = straight(&bench, TARGET);
    assert_eq!(
        (found.state, missed.state),
        (State::Reached, State::Reached)
    );
    assert!(
        found.statistic < 0.5 * missed.statistic,
        "{} {}",
        found.statistic,
        missed.statistic
    );
    assert!(found.updates > missed.updates);
}

/// A class without a shy trigger keeps the size that its first start gives.
#[test]
fn other_starts_change_no_size_of_a_clean_class() {
    let mut bench = bench();
    let classes = (0..CLASSES).filter(|&class| class != TARGET);
    for class in classes {
        bench.config.restarts = 3;
        let with = straight(&bench, class);
        bench.config.restarts = 0;
        let without = straight(&bench, class);
        assert_eq!(timeless(vec![with]), timeless(vec![without]));
    }
}

#[test]
fn a_search_that_began_again_is_kept_and_taken_up() {
    let bench = bench();
    let mut broken = ClassSearch::new(bench.task(), Aim::To(TARGET)).unwrap();
    while !broken.has_ended() {
        broken.advance(3).unwrap();
        let text = broken.snapshot().unwrap();
        let snapshot: Snapshot = serde_json::from_str(&text).unwrap();
        broken = ClassSearch::resume(bench.task(), Aim::To(TARGET), snapshot).unwrap();
    }
    let found = timeless(vec![broken.finding().unwrap()]);
    assert_eq!(found, timeless(vec![straight(&bench, TARGET)]));
}
