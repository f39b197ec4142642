//! Whether a trigger uses the features of the class that it leads to.

use gifthorse_defense::ex_ray::{layers, opinion};
use gifthorse_defense::trigger::{Patch, Trigger};

use crate::bench::{Bench, UNITS, side, with_units};

const CLASSES: usize = 6;
const TARGET: usize = 4;

/// A white patch on these pixels.
fn white(pixels: &[usize]) -> Trigger {
    let area = side(CLASSES) * side(CLASSES);
    let mut mask = vec![0.0; area];
    for &pixel in pixels {
        mask[pixel] = 1.0;
    }
    Trigger::Patch(Patch {
        mask,
        pattern: vec![1.0; area],
    })
}

#[test]
fn a_corner_uses_other_features_than_the_class_and_its_own_sign_the_same() {
    let bench = Bench::of(with_units(CLASSES, Some(TARGET)), CLASSES);
    let subject = bench.subject();
    assert_eq!(layers(subject.classifier).unwrap()[0].name(), UNITS);
    let side = side(CLASSES);
    let corner = opinion(&subject, &white(&[side * side - 1]), TARGET);
    let corner = corner.unwrap().unwrap();
    let sign = opinion(&subject, &sign_of_target(), TARGET)
        .unwrap()
        .unwrap();
    assert_eq!((corner.layer.as_str(), corner.victims), (UNITS, 5));
    assert!(corner.similarity < 0.3, "{corner:?}");
    assert!(sign.similarity > 0.7, "{sign:?}");
}

/// All blocks as in images of the target: its own lit, the others dark.
fn sign_of_target() -> Trigger {
    let side = side(CLASSES);
    let inside = |at: usize| at / side < side - 2 && at % side < side - 2;
    let block = |at: usize| at / side / 2 * ((side - 2) / 2) + at % side / 2;
    let all = side * side;
    let mask = (0..all).map(|at| f32::from(u8::from(inside(at)))).collect();
    let lit = |at: usize| f32::from(u8::from(inside(at) && block(at) == TARGET));
    Trigger::Patch(Patch {
        mask,
        pattern: (0..all).map(lit).collect(),
    })
}

#[test]
fn nothing_is_said_of_a_trigger_that_leads_nowhere() {
    let bench = Bench::of(with_units(CLASSES, None), CLASSES);
    let nowhere = opinion(&bench.subject(), &white(&[]), TARGET).unwrap();
    assert_eq!(nowhere, None);
}
