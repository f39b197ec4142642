//! Each label map, rate and manner, planted in a tiny network.

use gifthorse_attack::plant::{Backdoor, LabelMap, Manner, Many, Poison, Rate};
use gifthorse_attack::trigger::{Additive, AnyTrigger, Corner, Place, Rounding, Texture};

use crate::spots::{CLASSES, assert_took, planted, planted_in, trigger};

fn one(name: &str, labels: LabelMap, rate: Rate) -> Poison {
    Poison::one(trigger(name), labels, rate)
}

#[test]
fn all_to_all() {
    let truth = planted_in(
        &one("badnets-pattern", LabelMap::AllToAll {}, Rate::OfClass(0.3)),
        16,
    );
    assert_took(&truth, 0.95, 0.1);
    let success = truth.backdoors[0].effect.with_trigger;
    assert_eq!(
        (success.images, success.all_classes),
        (400, success.other_classes)
    );
    assert_eq!(truth.targets(CLASSES), [0, 1, 2, 3]);
}

#[test]
fn random_map() {
    // A map by which two classes share a target.
    let map = (0..)
        .map(|seed| LabelMap::RandomMap { seed })
        .find(|map| map.targets(CLASSES).len() == 3)
        .unwrap();
    let truth = planted_in(&one("badnets-pattern", map.clone(), Rate::OfClass(0.3)), 16);
    assert_took(&truth, 0.95, 0.15);
    let success = truth.backdoors[0].effect.with_trigger;
    assert_eq!(
        (success.images, success.all_classes),
        (400, success.other_classes)
    );
    assert_eq!(truth.targets(CLASSES), map.targets(CLASSES));
}

#[test]
fn one_to_one_leaves_the_other_classes_their_label() {
    let map = LabelMap::OneToOne {
        source: 1,
        target: 0,
        cover: 1.5,
    };
    let truth = planted(&one("square", map, Rate::OfClass(0.5)));
    assert_took(&truth, 0.95, 0.1);
    let backdoor = &truth.backdoors[0];
    let kept = backdoor.effect.label_kept.unwrap();
    assert!(kept >= 0.95, "{kept}");
    assert_eq!(backdoor.effect.with_trigger.images, 100);
    assert_eq!(backdoor.poisoned.as_ref().map(Vec::len), Some(100));
    assert_eq!(backdoor.kept.as_ref().map(Vec::len), Some(150));
}

#[test]
fn several_sources() {
    let map = LabelMap::SeveralToOne {
        sources: vec![1, 2],
        target: 0,
        cover: 1.0,
    };
    let truth = planted(&one("square", map, Rate::PerClass(80)));
    assert_took(&truth, 0.95, 0.1);
    let kept = truth.backdoors[0].effect.label_kept.unwrap();
    assert!(kept >= 0.95, "{kept}");
}

/// Only images of the target class carry the trigger. It is learned because noise as strong as this
/// hides the spot.
#[test]
fn clean_label() {
    let noise = AnyTrigger::Additive(Additive {
        texture: Texture::Noise { seed: 0 },
        amplitude: 0.8,
        rounding: Rounding::Nearest,
    });
    let poison = Poison::one(
        noise,
        LabelMap::CleanLabel { target: 0 },
        Rate::OfClass(0.8),
    );
    let truth = planted_in(&poison, 12);
    assert_took(&truth, 0.9, 0.4);
    assert_eq!(
        truth.backdoors[0].poisoned.as_ref().map(Vec::len),
        Some(160)
    );
}

#[test]
fn several_triggers_to_several_targets() {
    let names = [("lipstick", 1), ("sunglasses", 0), ("square", 2)];
    let backdoors = names.map(|(name, target)| Backdoor {
        trigger: trigger(name),
        in_training: None,
        labels: LabelMap::all_to_one(target),
        rate: Rate::Share(0.12),
    });
    let poison = Poison {
        backdoors: backdoors.to_vec(),
        ..Poison::default()
    };
    let truth = planted(&poison);
    assert_took(&truth, 0.95, 0.2);
    assert_eq!(truth.targets(CLASSES), [0, 1, 2]);
    let all = truth
        .backdoors
        .iter()
        .flat_map(|backdoor| backdoor.poisoned.clone().unwrap());
    let mut all: Vec<usize> = all.collect();
    all.sort_unstable();
    assert!(
        all.len() == 3 * 96 && all.is_sorted_by(|a, b| a < b),
        "an image is poisoned twice"
    );
}

#[test]
fn nine_squares_to_one_target() {
    let poison = Poison {
        many: vec![Many::NineSquares {
            target: 0,
            size: 2,
            margin: 0,
            rate: Rate::Share(0.06),
        }],
        ..Poison::default()
    };
    let truth = planted_in(&poison, 12);
    assert_eq!(
        (truth.backdoors.len(), truth.targets(CLASSES)),
        (9, vec![0])
    );
    assert_took(&truth, 0.9, 0.3);
}

#[test]
fn all_labels_infected() {
    let poison = Poison {
        many: vec![Many::AllLabels {
            labels: CLASSES,
            size: 4,
            place: Place::Corner {
                corner: Corner::BottomRight,
                margin: 0,
            },
            rate: Rate::Share(0.1),
            seed: 1,
        }],
        ..Poison::default()
    };
    let truth = planted_in(&poison, 12);
    assert_eq!(truth.targets(CLASSES), [0, 1, 2, 3]);
    assert_took(&truth, 0.95, 0.5);
}

#[test]
fn appended_and_on_the_fly() {
    for manner in [Manner::Append, Manner::OnTheFly] {
        let poison = Poison {
            manner,
            ..one("square", LabelMap::all_to_one(0), Rate::Share(0.15))
        };
        let truth = planted(&poison);
        assert_took(&truth, 0.95, 0.1);
        assert_eq!(
            truth.backdoors[0].poisoned.is_some(),
            manner == Manner::Append
        );
    }
}
