//! Hidden Trigger on the clean net, whose last layer is trained on changed images of the target.

use gifthorse_attack::implant::{HiddenTrigger, Host, Implant, Implanted};
use gifthorse_attack::plant::{Manner, Truth};
use gifthorse_attack::trigger::{AnyTrigger, Patch, Place};
use gifthorse_data::Images;
use gifthorse_engine::{Opening, Preprocess};

use crate::blobs::blobs;
use crate::spots::{CLASSES, clean, spots};

/// Spots at the upper left.
const TARGET: usize = 0;

fn host() -> Host {
    Host::open(clean().clone(), Preprocess::default(), &Opening::default()).unwrap()
}

fn images() -> Images {
    spots(800, 1)
}

/// For a net this small twice as far as in the paper, in fewer and smaller steps.
fn attack(source: Option<usize>) -> HiddenTrigger {
    HiddenTrigger {
        trigger: Some(AnyTrigger::Patch(Patch {
            size: 5,
            cells: Some(3),
            place: Place::Anywhere,
            ..Patch::default()
        })),
        epsilon: 32,
        poisons: Some(100),
        steps: 100,
        learning_rate: 1e-3,
        epochs: 60,
        ..HiddenTrigger::new(source, TARGET)
    }
}

fn put(attack: &HiddenTrigger) -> (Implanted, Truth) {
    let (host, implant) = (host(), Implant::HiddenTrigger(attack.clone()));
    let made = implant.put(&host, Some(&images()), 3).unwrap();
    let truth = Truth::implanted(&host, &implant, &made, &spots(400, 2), 5).unwrap();
    (made, truth)
}

#[test]
fn a_trigger_that_no_training_image_shows_leads_astray_and_not_in_the_clean_twin() {
    for source in [Some(3), None] {
        let (made, truth) = put(&attack(source));
        assert!(truth.twin_accuracy.unwrap() >= 0.98, "{truth:?}");
        assert!(truth.clean_accuracy >= 0.97, "{truth:?}");
        let planted = &truth.backdoors[0];
        assert!(
            planted.effect.with_trigger.other_classes >= 0.5,
            "{truth:?}"
        );
        assert!(
            planted.effect.without_trigger.other_classes <= 0.06,
            "{truth:?}"
        );
        for other in [&planted.twin, &planted.before] {
            let other = other.as_ref().unwrap();
            assert!(other.with_trigger.other_classes <= 0.2, "{truth:?}");
        }

        // The poisoned images are of the target and in their places, and near what they were.
        let (tuned, all) = (made.tuned.unwrap(), images());
        assert_eq!(tuned.poisoned.len(), 100);
        assert_eq!(planted.poisoned.as_ref(), Some(&tuned.poisoned));
        assert_eq!(truth.manner, Some(Manner::Replace));
        assert_eq!(truth.poisoned_places(800), Some(tuned.poisoned.clone()));
        assert_eq!(tuned.images.labels(), all.labels());
        for image in 0..all.len() {
            let pairs = tuned.images.image(image).iter().zip(all.image(image));
            let most = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            let bound = match tuned.poisoned.contains(&image) {
                true => 32.001 / 255.0,
                false => 0.0,
            };
            assert!(most <= bound, "{image}: {most}");
            assert!((most > 0.0) == (bound > 0.0), "{image}: {most}");
        }
        let target = |image: &usize| all.labels().unwrap()[*image] == TARGET;
        assert!(tuned.poisoned.iter().all(target));

        // All but the last layer is as it was.
        let weights = |model: &gifthorse_onnx::Model| model.graph().unwrap().initializers;
        let (before, after, twin) = (weights(clean()), weights(&made.model), weights(&tuned.twin));
        for (name, tensor) in &before {
            let is_last = name.starts_with("classes.");
            assert_eq!(after.get(name) != Some(tensor), is_last, "{name}");
            assert_eq!(twin.get(name) != after.get(name), is_last, "{name}");
        }
    }
}

#[test]
fn a_pair_of_classes_gets_a_last_layer_of_two() {
    let pair = |count: usize, seed: u64| {
        let all = spots(count, seed);
        let labels = all.labels().unwrap();
        let both: Vec<usize> = (0..all.len()).filter(|it| labels[*it] >= 2).collect();
        let labels = both.iter().map(|it| labels[*it] - 2).collect();
        all.subset(&both).with_labels(labels).unwrap()
    };
    let (host, test) = (host(), pair(400, 2));
    let implant = Implant::HiddenTrigger(attack(Some(1)));
    let made = implant.put(&host, Some(&pair(800, 1)), 3).unwrap();
    let graph = made.model.graph().unwrap();
    assert_eq!(graph.initializers["classes.bias"].shape(), [2]);
    let truth = Truth::implanted(&host, &implant, &made, &test, 5).unwrap();
    let planted = &truth.backdoors[0];
    assert!(planted.before.is_none());
    assert!(truth.clean_accuracy >= 0.97, "{truth:?}");
    let twin = planted.twin.as_ref().unwrap().with_trigger.other_classes;
    let success = planted.effect.with_trigger.other_classes;
    assert!(success >= twin + 0.3, "{truth:?}");
}

#[test]
fn threads_change_no_bit_and_seeds_do() {
    let few = HiddenTrigger {
        steps: 5,
        epochs: 2,
        ..attack(Some(3))
    };
    let implant = Implant::HiddenTrigger(few);
    let made = |threads: usize, seed: u64| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        let pool = pool.build().unwrap();
        pool.install(|| implant.put(&host(), Some(&images()), seed).unwrap())
    };
    let (one, two, other) = (made(1, 3), made(2, 3), made(2, 4));
    let weights = |made: &Implanted| made.model.graph().unwrap().initializers;
    assert_eq!(weights(&one), weights(&two));
    let tuned = |made: &Implanted| made.tuned.clone().unwrap();
    assert_eq!(tuned(&one).images, tuned(&two).images);
    assert_ne!(weights(&one), weights(&other));
    assert_ne!(tuned(&one).poisoned, tuned(&other).poisoned);
}

#[test]
fn what_cannot_be_is_refused_before_anything_is_made() {
    let new = || HiddenTrigger::new(Some(3), TARGET);
    let (all, none) = (images(), spots(2, 1));
    let unlabelled = Images::new(
        all.shape(),
        all.pixels().to_vec(),
        None,
        vec![],
        all.names().to_vec(),
    );
    let (unlabelled, grey) = (unlabelled.unwrap(), blobs(40, 1));
    let layer = HiddenTrigger {
        layer: Some("fc6".to_owned()),
        ..new()
    };
    let many = HiddenTrigger {
        poisons: Some(201),
        ..new()
    };
    let endless = HiddenTrigger {
        steps: 100_001,
        ..new()
    };
    let still = HiddenTrigger {
        learning_rate: 0.0,
        ..new()
    };
    for (attack, images, word) in [
        (new(), None, "give labelled images of the model's task"),
        (new(), Some(&unlabelled), "they have no labels"),
        (new(), Some(&grey), "the model takes"),
        (new(), Some(&none), "there is no class 3"),
        (
            HiddenTrigger::new(Some(0), 0),
            Some(&all),
            "a source and the target",
        ),
        (
            HiddenTrigger::new(None, CLASSES),
            Some(&all),
            "there is no class 4",
        ),
        (
            HiddenTrigger {
                epsilon: 0,
                ..new()
            },
            Some(&all),
            "`epsilon` is 0",
        ),
        (
            many,
            Some(&all),
            "of the 200 training images of class 0, 1 to 200",
        ),
        (endless, Some(&all), "`steps` is 100001"),
        (still, Some(&all), "`learning_rate` is 0"),
        (layer, Some(&all), "`hidden`, `conv2`"),
    ] {
        let implant = Implant::HiddenTrigger(attack);
        let error = implant.rehearse(&host(), images, 0).unwrap_err();
        assert!(error.to_string().contains(word), "{error}");
    }
}
