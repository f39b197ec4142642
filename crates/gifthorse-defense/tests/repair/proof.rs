//! What is counted, and what falls short.

use gifthorse_data::{ImageShape, Images};
use gifthorse_defense::repair::measure::Measured;
use gifthorse_defense::repair::{KnownTrigger, Limits, Shortfall};
use gifthorse_defense::trigger::{Patch, Trigger};
use gifthorse_engine::Classifier;

use crate::graphs::brighter_half;

/// Pictures of two pixels; the class is which of them is brighter.
fn images(pixels: &[[f32; 2]], labels: &[usize]) -> Images {
    let shape = ImageShape {
        channels: 1,
        height: 1,
        width: 2,
    };
    let names = (0..labels.len()).map(|place| place.to_string()).collect();
    let pixels = pixels.concat();
    Images::new(shape, pixels, Some(labels.to_vec()), Vec::new(), names).unwrap()
}

fn measured(classifier: &Classifier, trigger: &[KnownTrigger]) -> Measured {
    let pixels = [[0.9, 0.1], [0.8, 0.4], [0.1, 0.3], [0.6, 0.5], [0.2, 0.7]];
    let images = images(&pixels, &[0, 0, 1, 1, 1]);
    Measured::of(classifier, &images, trigger).unwrap()
}

#[test]
fn success_and_robust_accuracy_are_of_other_classes_than_the_target() {
    let classifier = brighter_half(1.0);
    let trigger = KnownTrigger {
        target: Some(1),
        source: None,
        // The second pixel becomes 0.85.
        trigger: Trigger::Patch(Patch {
            mask: vec![0.0, 1.0],
            pattern: vec![0.0, 0.85],
        }),
    };
    let found = measured(&classifier, std::slice::from_ref(&trigger));
    assert_eq!((found.clean.hits, found.clean.trials), (4, 5));
    let effect = &found.triggers[0];
    assert_eq!((effect.success.hits, effect.success.trials), (1, 2));
    assert_eq!((effect.without.hits, effect.robust.hits), (0, 1));
    assert!((effect.excess() - 0.5).abs() < 1e-12);
    let from_one = KnownTrigger {
        source: Some(1),
        ..trigger
    };
    assert_eq!(
        measured(&classifier, &[from_one]).triggers[0]
            .success
            .trials,
        0
    );
}

#[test]
fn one_image_is_never_too_many_and_two_may_be() {
    let trigger = |value: f32| KnownTrigger {
        target: Some(1),
        source: None,
        trigger: Trigger::Patch(Patch {
            mask: vec![0.0, 1.0],
            pattern: vec![0.0, value],
        }),
    };
    let good = brighter_half(1.0);
    let limits = Limits {
        budget: 0.01,
        excess: 0.01,
    };
    let one = measured(&good, &[trigger(0.85)]);
    assert!(limits.shortfalls(&one, &one).is_empty());
    let two = measured(&good, &[trigger(1.0)]);
    assert_eq!(
        limits.shortfalls(&two, &two),
        [Shortfall::Trigger {
            target: Some(1),
            led: 2,
            without: 0,
            of: 2
        }]
    );
    // Answers the other way round: four of five are lost, one is won.
    let bad = measured(&brighter_half(-1.0), &[]);
    let before = measured(&good, &[]);
    assert_eq!(bad.lost_since(&before), 3);
    assert_eq!(
        limits.shortfalls(&before, &bad),
        [Shortfall::Accuracy { lost: 3, of: 5 }]
    );
    assert!(limits.distance(&before, &bad) > limits.distance(&before, &before));
}
