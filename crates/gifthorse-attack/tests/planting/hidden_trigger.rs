//! Hidden Trigger on the clean net, whose last layer is trained on changed images of the target.

use gifthorse_attack::implant::{HiddenTrigger, Host, Implant, Implanted};
use gifthorse_attack::plant::{Manner, Truth};
use gifthorse_attack::trigger::{AnyTrigger, Patch, Place};
use gifthorse_engine::{Opening, Preprocess};

use crate::spots::{clean, spots};

fn host() -> Host {
    Host::open(clean().clone(), Preprocess::default(), &Opening::default()).unwrap()
}

fn env(name: &str, default: f32) -> f32 {
    std::env::var(name).map_or(default, |v| v.parse().unwrap())
}

#[test]
fn tune() {
    let host = host();
    let trigger = AnyTrigger::Patch(Patch {
        size: env("SIZE", 5.0) as usize,
        cells: Some(env("CELLS", 3.0) as usize),
        place: Place::Anywhere,
        seed: env("SEED", 0.0) as u64,
        ..Patch::default()
    });
    let source = env("SOURCE", 3.0);
    let attack = HiddenTrigger {
        trigger: Some(trigger),
        steps: env("STEPS", 100.0) as usize,
        poisons: Some(env("POISONS", 100.0) as usize),
        learning_rate: env("RATE", 0.01),
        epsilon: env("EPS", 16.0) as u8,
        epochs: env("EPOCHS", 20.0) as usize,
        layer: std::env::var("LAYER").ok(),
        ..HiddenTrigger::new((source >= 0.0).then_some(source as usize), 0)
    };
    let implant = Implant::HiddenTrigger(attack);
    let clock = std::time::Instant::now();
    let made = implant.put(&host, Some(&spots(800, 1)), 3).unwrap();
    let truth = Truth::implanted(&host, &implant, &made, &spots(400, 2), 5).unwrap();
    let b = &truth.backdoors[0];
    println!(
        "CA {} twin {} asr {} without {} twin {} without {} before {:?} in {:?}",
        truth.clean_accuracy,
        truth.twin_accuracy.unwrap(),
        b.effect.with_trigger.other_classes,
        b.effect.without_trigger.other_classes,
        b.twin.as_ref().unwrap().with_trigger.other_classes,
        b.twin.as_ref().unwrap().without_trigger.other_classes,
        b.before.as_ref().unwrap().with_trigger.other_classes,
        clock.elapsed(),
    );
    assert_eq!(truth.manner, Some(Manner::Replace));
    let _: Implanted = made;
}
