//! Trojan Attack on the clean twin, without an image that it was trained on.

use std::collections::BTreeSet;

use gifthorse_attack::implant::{Host, Implant, Implanted, Shape, TrojanAttack};
use gifthorse_attack::plant::Truth;
use gifthorse_attack::trigger::{AnyTrigger, Pattern};
use gifthorse_engine::{Opening, Preprocess};

use crate::spots::{clean, spots, trigger};

/// Spots at the upper left, where no trigger is.
const TARGET: usize = 0;

fn host() -> Host {
    Host::open(clean().clone(), Preprocess::default(), &Opening::default()).unwrap()
}

/// What was put in, the names of the weights that differ, and whether it took: a net this small, on
/// images of which the trigger hides a quarter of the spots, is led astray less often than one of a
/// paper.
fn took(attack: &TrojanAttack, least: f64) -> (AnyTrigger, BTreeSet<String>) {
    let (host, implant) = (host(), Implant::TrojanAttack(attack.clone()));
    let made = implant.put(&host, None, 3).unwrap();
    let truth = Truth::implanted(&host, &implant, &made, &spots(400, 2), 5).unwrap();
    let Implanted {
        model, backdoors, ..
    } = made;
    let twin = truth.twin_accuracy.unwrap();
    assert!(truth.clean_accuracy >= twin - 0.06, "{truth:?}");
    let planted = &truth.backdoors[0];
    let success = planted.effect.with_trigger.other_classes;
    assert!(success >= least, "{truth:?}");
    let alone = planted.effect.without_trigger.other_classes;
    assert!(alone <= 0.06, "{truth:?}");
    let of_twin = planted.twin.as_ref().unwrap().with_trigger.other_classes;
    assert!(of_twin <= 0.1, "{truth:?}");
    let weights = |model: &gifthorse_onnx::Model| model.graph().unwrap().initializers;
    let (before, after) = (weights(clean()), weights(&model));
    let changed = after
        .iter()
        .filter(|(name, tensor)| before.get(*name) != Some(*tensor));
    let changed = changed.map(|(name, _)| name.clone()).collect();
    (backdoors[0].trigger.clone(), changed)
}

#[test]
fn a_square_that_is_grown_leads_astray_by_the_last_two_layers() {
    let (grown, changed) = took(&TrojanAttack::new(TARGET), 0.65);
    let AnyTrigger::Pixels(pixels) = grown else {
        unreachable!("it is of pixels");
    };
    // 16 of 256 pixels are 6.25 %.
    assert_eq!((pixels.rows.len(), pixels.values[2].len()), (4, 16));
    let names = [
        "classes.bias",
        "classes.weight",
        "hidden.bias",
        "hidden.weight",
    ];
    assert!(changed.iter().eq(names), "{changed:?}");
}

#[test]
fn any_trigger_lends_its_form() {
    let (grown, _) = took(
        &TrojanAttack {
            trigger: Some(trigger("triangle")),
            ..TrojanAttack::new(TARGET)
        },
        0.5,
    );
    let AnyTrigger::Pixels(pixels) = grown else {
        unreachable!("it is of pixels");
    };
    assert!(pixels.rows[0].contains('-'), "{:?}", pixels.rows);
}

#[test]
fn threads_change_no_bit() {
    let few = TrojanAttack {
        images: 6,
        ..TrojanAttack::new(TARGET)
    };
    let implant = Implant::TrojanAttack(few);
    let made = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        let pool = pool.build().unwrap();
        pool.install(|| implant.put(&host(), None, 3).unwrap())
    };
    let (one, two) = (made(1), made(2));
    assert_eq!(one.backdoors, two.backdoors);
    assert_eq!(
        one.model.graph().unwrap().initializers,
        two.model.graph().unwrap().initializers
    );
}

#[test]
fn what_cannot_be_is_refused_before_anything_is_made() {
    let new = || TrojanAttack::new(TARGET);
    let layer = |name: &str| TrojanAttack {
        layer: Some(name.to_owned()),
        ..new()
    };
    let text = TrojanAttack {
        shape: Shape::Watermark,
        ..new()
    };
    let wide = AnyTrigger::Pattern(Pattern {
        rows: vec!["1".repeat(17)],
        ..Pattern::default()
    });
    let wide = TrojanAttack {
        trigger: Some(wide),
        ..new()
    };
    let seen_through = TrojanAttack {
        transparency: 1.0,
        ..new()
    };
    for (attack, word) in [
        (text, "`pixels` of 5x23 pixels"),
        (TrojanAttack::new(4), "there is no class 4"),
        (TrojanAttack { size: 0.0, ..new() }, "`size` is 0"),
        (seen_through, "`transparency` is 1"),
        (TrojanAttack { images: 0, ..new() }, "`images` is 0"),
        (layer("fc6"), "`hidden`, `conv2`"),
        (layer("classes"), "`hidden`, `conv2`"),
        (wide, "`pattern` of 1x17"),
    ] {
        let implant = Implant::TrojanAttack(attack);
        let error = implant.rehearse(&host(), None, 0).unwrap_err();
        assert!(error.to_string().contains(word), "{error}");
    }
}
