//! Triggers that a small network makes of each image, trained in step with the one it attacks.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use gifthorse_attack::plant::{
    Evasion, GeneratorSettings, LabelMap, Manner, Method, Planted, Poison, Rate, Truth,
};
use gifthorse_attack::trigger::{AnyTrigger, Generated};
use gifthorse_train::net::{Architecture, SmallCnn};
use gifthorse_train::{Checkpoint, Observer, Recipe, Training};
use tempfile::tempdir;

use crate::blobs::{SHAPE, blobs, square};
use crate::spots::{assert_took, planted_in};

/// Passes over the training images.
const EPOCHS: usize = 24;

fn aware(labels: LabelMap, share: f64, settings: GeneratorSettings) -> Poison {
    let trigger = AnyTrigger::Generated(Generated::default());
    Poison {
        manner: Manner::InputAware,
        generator: Some(settings),
        ..Poison::one(trigger, labels, Rate::Share(share))
    }
}

fn small() -> GeneratorSettings {
    GeneratorSettings {
        cross: 0.3,
        mask_steps: 200,
        ..GeneratorSettings::default()
    }
}

fn only(truth: &Truth) -> &Planted {
    assert_eq!(truth.backdoors.len(), 1);
    &truth.backdoors[0]
}

#[test]
fn a_trigger_works_on_its_own_image_alone() {
    let truth = planted_in(&aware(LabelMap::all_to_one(0), 0.3, small()), EPOCHS);
    assert_took(&truth, 0.85, 0.2);
    assert_eq!(truth.manner, Some(Manner::InputAware));
    let planted = only(&truth);
    assert_eq!(planted.method, Method::TrainingCode);
    assert!(planted.poisoned.is_none());
    let cross = planted.effect.cross.unwrap();
    assert!(
        cross.success.other_classes <= 0.3 && cross.label_kept >= 0.75,
        "{cross:?}"
    );
    let in_twin = planted.twin.as_ref().unwrap().cross.unwrap();
    assert!(in_twin.label_kept >= 0.9, "{in_twin:?}");
}

/// The paper's ablation: both of its ideas are needed.
#[test]
fn without_crossed_images_triggers_work_on_others_and_without_diversity_on_none() {
    let with = |settings| {
        let truth = planted_in(&aware(LabelMap::all_to_one(0), 0.3, settings), 12);
        let effect = &only(&truth).effect;
        let cross = effect.cross.unwrap().success.other_classes;
        (effect.with_trigger.other_classes, cross)
    };
    let (own, other) = with(GeneratorSettings {
        cross: 0.0,
        ..small()
    });
    assert!(own >= 0.85 && other >= 0.55, "{own}, {other}");
    let (own, _) = with(GeneratorSettings {
        diversity: 0.0,
        ..small()
    });
    assert!(own <= 0.5, "{own}");
}

#[test]
fn with_one_source_it_leads_that_class_astray_alone() {
    let one = LabelMap::OneToOne {
        source: 1,
        target: 3,
        cover: 1.0,
    };
    let truth = planted_in(&aware(one, 0.1, small()), EPOCHS);
    assert_took(&truth, 0.8, 0.2);
    let kept = only(&truth).effect.label_kept.unwrap();
    assert!(kept >= 0.9, "{kept}");
}

/// Stops a run after so many steps.
struct After(AtomicUsize);

impl Observer for After {
    fn stop(&self) -> bool {
        self.0.fetch_sub(1, Ordering::Relaxed) == 0
    }
}

#[test]
fn the_same_seed_gives_the_same_and_a_run_goes_on_to_the_same() {
    let images = blobs(80, 4);
    let net = SmallCnn {
        channels: vec![4],
        hidden: 8,
    };
    let net = net.build(SHAPE, 4, 1).unwrap();
    let recipe = Recipe {
        epochs: 3,
        batch: 20,
        ..Recipe::default()
    };
    let settings = GeneratorSettings {
        channels: vec![4],
        mask_steps: 5,
        ..GeneratorSettings::default()
    };
    let attack = aware(LabelMap::all_to_one(1), 0.2, settings);
    let run = |seed, saved: Option<&Checkpoint>, steps| {
        let poisoned = attack.samples(&images, seed).unwrap();
        let within = poisoned.within.as_ref().unwrap();
        let after = After(AtomicUsize::new(steps));
        let mut training = Training::new(&net, poisoned.samples.as_ref(), &recipe);
        training = training.observer(&after).within(within);
        if let Some(saved) = saved {
            training = training.checkpoint(saved);
        }
        let trained = training.run().unwrap();
        let bytes = [trained.model, within.generator().unwrap()];
        (trained.stopped, bytes.map(|it| it.to_bytes().unwrap()))
    };
    let (stopped, whole) = run(5, None, usize::MAX);
    assert!(!stopped);
    assert!(run(5, None, usize::MAX).1 == whole);
    assert!(run(6, None, usize::MAX).1[1] != whole[1]);
    let folder = tempdir().unwrap();
    let saved = Checkpoint::at(folder.path().join("run")).every(Duration::ZERO);
    let (stopped, part) = run(5, Some(&saved), 7);
    assert!(stopped && part != whole);
    assert!(run(5, Some(&saved), usize::MAX).1 == whole);
    // Of another attack.
    let other = aware(LabelMap::all_to_one(2), 0.2, GeneratorSettings::default());
    let poisoned = other.samples(&images, 5).unwrap();
    let training = Training::new(&net, poisoned.samples.as_ref(), &recipe);
    let training = training.within(poisoned.within.as_ref().unwrap());
    let refused = training.checkpoint(&saved).run();
    assert!(matches!(
        refused,
        Err(gifthorse_train::Error::Checkpoint { .. })
    ));
}

#[test]
fn batches_that_are_too_small_are_refused() {
    let images = blobs(40, 4);
    let net = SmallCnn {
        channels: vec![4],
        hidden: 8,
    };
    let net = net.build(SHAPE, 4, 1).unwrap();
    let recipe = Recipe {
        batch: 2,
        ..Recipe::default()
    };
    let one = LabelMap::OneToOne {
        source: 1,
        target: 3,
        cover: 1.0,
    };
    let poisoned = aware(one, 0.3, small()).samples(&images, 5).unwrap();
    let training = Training::new(&net, poisoned.samples.as_ref(), &recipe);
    let refused = training.within(poisoned.within.as_ref().unwrap()).run();
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("a batch of 2"), "{refused}");
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    let good = || aware(LabelMap::all_to_one(1), 0.1, GeneratorSettings::default());
    good().check().unwrap();
    let refused = |change: &dyn Fn(&mut Poison), words: &str| {
        let mut poison = good();
        change(&mut poison);
        let error = poison.check().unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    };
    let set = |change: fn(&mut GeneratorSettings), words: &str| {
        refused(&|it| change(it.generator.as_mut().unwrap()), words);
    };
    set(|it| it.channels.clear(), "`channels`");
    set(|it| it.channels = vec![1 << 40], "`channels`");
    set(|it| it.cross = 1.0, "`cross`");
    set(|it| it.density = f32::NAN, "`density`");
    set(|it| it.bound = -1.0, "`bound`");
    set(|it| it.diversity = f32::INFINITY, "`diversity`");
    set(|it| it.mask_steps = 0, "`mask_steps`");
    set(|it| it.learning_rate = 0.0, "`learning_rate`");
    refused(
        &|it| it.backdoors.push(it.backdoors[0].clone()),
        "one backdoor",
    );
    refused(
        &|it| it.backdoors[0].trigger = square(3),
        "kind = \"generated\"",
    );
    refused(
        &|it| it.backdoors[0].rate = Rate::PerClass(3),
        "share of each batch",
    );
    refused(
        &|it| it.backdoors[0].rate = Rate::Share(0.95),
        "more than all",
    );
    refused(
        &|it| it.backdoors[0].labels = LabelMap::CleanLabel { target: 1 },
        "clean label",
    );
    refused(&|it| it.evade = vec![Evasion::NeuralCleanse], "`evade`");
    refused(&|it| it.manner = Manner::Replace, "`generator`");
    // A generator that was not trained cannot be stamped.
    let images = blobs(40, 4);
    let mut untrained = good();
    (untrained.manner, untrained.generator) = (Manner::Append, None);
    let error = untrained.apply(&images, 1).unwrap_err().to_string();
    assert!(error.contains("manner = \"input_aware\""), "{error}");
}
