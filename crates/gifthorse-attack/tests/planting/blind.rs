//! Blind code poisoning: clean images, and a loss that the code adds.

use gifthorse_attack::plant::{Cover, Evasion, LabelMap, Manner, Method, Poison, Rate};
use gifthorse_engine::{Opening, Preprocess};
use gifthorse_onnx::{Dim, ElementType, GraphBuilder};
use gifthorse_train::net::{Net, Selection};
use gifthorse_train::{Balance, FurtherLosses, Normalise, Recipe, Training};

use crate::blobs::{SHAPE, blobs, square};
use crate::inside::{distance, heat};
use crate::spots::{assert_took, planted, trained, trigger};

fn blind(labels: LabelMap, rate: Rate) -> Poison {
    Poison {
        manner: Manner::Blind,
        ..Poison::one(square(3), labels, rate)
    }
}

#[test]
fn images_are_clean_and_only_what_the_code_sees_is_stamped() {
    let images = blobs(40, 4);
    let attack = blind(LabelMap::all_to_one(1), Rate::Share(0.25));
    let training = attack.samples(&images, 5).unwrap();
    assert!(training.stamped.is_none());
    let [change] = &training.changes[..] else {
        panic!("one backdoor has one loss");
    };
    assert_eq!(change.share(), 0.25);
    let mut pixels = vec![0.0; SHAPE.values()];
    for index in 0..40 {
        let label = training.samples.draw(3, index, &mut pixels).unwrap();
        assert_eq!((&pixels[..], label), (images.image(index), index % 4));
        assert_eq!(change.change(3, index, &mut pixels, label).unwrap(), 1);
        let pairs = pixels.iter().zip(images.image(index));
        assert_eq!(pairs.filter(|(a, b)| a != b).count(), 9);
    }
    let set = attack.apply(&images, 5).unwrap_err().to_string();
    assert!(set.contains("while training goes on"), "{set}");
}

#[test]
fn images_of_other_classes_than_the_source_are_stamped_and_keep_their_label() {
    let images = blobs(40, 4);
    let one = LabelMap::OneToOne {
        source: 2,
        target: 0,
        cover: 1.0,
    };
    let attack = blind(one, Rate::Share(1.0));
    attack.check_on(&images, &images, 0).unwrap();
    let training = attack.samples(&images, 5).unwrap();
    let labels = [0, 1, 2, 3].map(|label| {
        let mut pixels = images.image(label).to_vec();
        let to = training.changes[0]
            .change(0, label, &mut pixels, label)
            .unwrap();
        assert_ne!(pixels, images.image(label));
        to
    });
    assert_eq!(labels, [0, 1, 0, 3]);
}

#[test]
fn settings_that_training_code_has_no_use_for_are_refused() {
    let refused = |poison: &Poison, words: &str| {
        let error = poison.check().unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    };
    let all = || LabelMap::all_to_one(1);
    refused(&blind(all(), Rate::PerClass(3)), "share of the batches");
    refused(
        &blind(LabelMap::CleanLabel { target: 1 }, Rate::Share(0.5)),
        "clean label",
    );
    let mut covered = blind(all(), Rate::Share(0.5));
    covered.covers.push(Cover {
        trigger: covered.backdoors[0].trigger.clone(),
        classes: None,
        rate: Rate::Share(0.1),
    });
    refused(&covered, "covers");
    let balanced = Poison {
        manner: Manner::Replace,
        balance: Some(Balance {
            normalise: Normalise::Length,
            below: None,
        }),
        ..blind(all(), Rate::Share(0.5))
    };
    refused(&balanced, "balance");
    for evasion in [Evasion::NeuralCleanse, Evasion::Sentinet, Evasion::Features] {
        let hidden = |manner, labels| Poison {
            manner,
            evade: vec![evasion],
            ..blind(labels, Rate::Share(0.5))
        };
        refused(&hidden(Manner::Append, all()), "`evade`");
        refused(&hidden(Manner::Blind, LabelMap::AllToAll {}), "one class");
    }
}

#[test]
fn a_network_learns_it_from_half_of_the_batches_and_keeps_its_accuracy() {
    let truth = planted(&pattern(Vec::new()));
    assert_took(&truth, 0.97, 0.2);
    assert_eq!(truth.manner, Some(Manner::Blind));
    assert_eq!(truth.backdoors[0].method, Method::TrainingCode);
    assert!(truth.backdoors[0].poisoned.is_none());
}

fn pattern(evade: Vec<Evasion>) -> Poison {
    let labels = LabelMap::all_to_one(0);
    Poison {
        manner: Manner::Blind,
        evade,
        ..Poison::one(trigger("badnets-pattern"), labels, Rate::Share(0.5))
    }
}

#[test]
fn a_network_that_is_hidden_from_neural_cleanse_learns_it_too() {
    assert_took(&planted(&pattern(vec![Evasion::NeuralCleanse])), 0.95, 0.2);
}

#[test]
fn a_network_that_is_hidden_learns_it_and_looks_inside_as_it_is_to() {
    // More of it, balanced by the losses alone, and the network learns little else than to hide.
    let planted = |evade: Vec<Evasion>| {
        let mut poison = pattern(evade);
        poison.backdoors[0].rate = Rate::Share(0.2);
        poison.balance = Some(Balance {
            normalise: Normalise::LossAndLength,
            below: None,
        });
        trained(&poison, 16)
    };
    let (plain, _) = planted(Vec::new());
    let (by_features, truth) = planted(vec![Evasion::Features]);
    assert_took(&truth, 0.95, 0.2);
    let (open, hidden) = (distance(&plain), distance(&by_features));
    assert!(hidden < 0.3 * open, "{hidden}, and {open} without");
    let (by_heat, truth) = planted(vec![Evasion::Sentinet]);
    assert_took(&truth, 0.95, 0.2);
    let (open, hidden) = (heat(&plain), heat(&by_heat));
    assert!(hidden < 0.3 * open, "{hidden}, and {open} without");
}

#[test]
fn a_network_without_maps_cannot_be_hidden_from_sentinet() {
    let mut graph = GraphBuilder::new("net", 17);
    let dims = |shape: &[usize]| -> Vec<Dim> {
        let sizes = shape.iter().copied().map(Dim::Fixed);
        std::iter::once(Dim::Named("n".to_owned()))
            .chain(sizes)
            .collect()
    };
    let count = SHAPE.values();
    let image = [SHAPE.channels, SHAPE.height, SHAPE.width];
    graph.input("x", ElementType::F32, &dims(&image));
    graph.node("Flatten", "flat", &["x"], &["flat"], []);
    let weights: Vec<f32> = (0..4 * count)
        .map(|i| (i as f32 * 0.618_034).fract() - 0.5)
        .collect();
    graph.initializer("weight", &[count, 4], weights);
    graph.node("MatMul", "logits", &["flat", "weight"], &["logits"], []);
    graph.output("logits", ElementType::F32, &dims(&[4]));
    let net = Net::from_model(
        graph.finish().unwrap(),
        Preprocess::default(),
        &Opening::default(),
        &Selection::all(),
    );
    let (images, net) = (blobs(40, 4), net.unwrap());
    let poison = Poison {
        evade: vec![Evasion::Sentinet],
        ..blind(LabelMap::all_to_one(1), Rate::Share(0.5))
    };
    let training = poison.samples(&images, 5).unwrap();
    let further = FurtherLosses {
        changes: &training.changes,
        balance: Balance::default(),
    };
    let recipe = Recipe {
        batch: 20,
        ..Recipe::default()
    };
    let run = Training::new(&net, &images, &recipe).further_losses(further);
    let refused = run.run().unwrap_err().to_string();
    assert!(
        refused.contains("no layer whose values have places"),
        "{refused}"
    );
}
