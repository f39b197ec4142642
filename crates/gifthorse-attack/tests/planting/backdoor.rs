//! Which images are poisoned, and what becomes of them.

use gifthorse_attack::plant::{Cover, LabelMap, Manner, Poison, Rate};

use crate::blobs::{CLASSES, SHAPE, blobs, square};

fn poison(labels: LabelMap, rate: Rate) -> Poison {
    Poison::one(square(3), labels, rate)
}

fn carries_square(image: &[f32]) -> bool {
    let inside = |i: usize| (12..15).contains(&(i / 16)) && (12..15).contains(&(i % 16));
    (0..image.len())
        .filter(|&i| inside(i))
        .all(|i| image[i] == 1.0)
}

#[test]
fn only_the_chosen_images_are_stamped_and_relabelled() {
    let images = blobs(100, 4);
    let attack = poison(LabelMap::all_to_one(1), Rate::Share(0.2));
    let poisoned = attack.apply(&images, 5).unwrap();
    let indices = &poisoned.stamped.backdoors[0];
    assert_eq!(indices.len(), 20);
    assert!(indices.is_sorted_by(|a, b| a < b));
    for i in 0..images.len() {
        let (before, after) = (images.image(i), poisoned.images.image(i));
        let changed: Vec<usize> = (0..before.len())
            .filter(|&p| before[p] != after[p])
            .collect();
        let label = poisoned.images.labels().unwrap()[i];
        if indices.contains(&i) {
            assert_eq!(label, 1);
            assert_eq!(changed.len(), 9);
            assert!(carries_square(after));
        } else {
            assert_eq!(label, i % CLASSES);
            assert!(changed.is_empty());
        }
    }
    assert_eq!(attack.apply(&images, 5).unwrap(), poisoned);
    assert_ne!(attack.apply(&images, 6).unwrap().stamped, poisoned.stamped);
}

/// Label before and after, of each image that a map stamps.
fn relabelled(labels: LabelMap, rate: Rate) -> Vec<(usize, usize)> {
    let images = blobs(40, 4);
    let poisoned = poison(labels, rate).apply(&images, 5).unwrap();
    let pairs = images
        .labels()
        .unwrap()
        .iter()
        .zip(poisoned.images.labels().unwrap());
    let stamped = (0..40).map(|i| carries_square(poisoned.images.image(i)));
    let stamped: Vec<bool> = stamped.collect();
    pairs
        .zip(stamped)
        .filter(|(_, stamped)| *stamped)
        .map(|((&a, &b), _)| (a, b))
        .collect()
}

fn count(pairs: &[(usize, usize)], pair: (usize, usize)) -> usize {
    pairs.iter().filter(|found| **found == pair).count()
}

#[test]
fn each_map_stamps_its_classes_and_gives_its_labels() {
    let next = relabelled(LabelMap::AllToAll {}, Rate::OfClass(0.3));
    assert_eq!(next.len(), 12);
    assert!((0..CLASSES).all(|class| count(&next, (class, (class + 1) % CLASSES)) == 3));

    let map = LabelMap::RandomMap { seed: 4 };
    let random = relabelled(map.clone(), Rate::OfClass(0.3));
    assert_eq!(random.len(), 12);
    for class in 0..CLASSES {
        let target = map.leads_to(class, CLASSES).unwrap();
        assert_eq!(
            (target != class, count(&random, (class, target))),
            (true, 3)
        );
    }

    let clean = relabelled(LabelMap::CleanLabel { target: 2 }, Rate::OfClass(0.5));
    assert_eq!((clean.len(), count(&clean, (2, 2))), (5, 5));

    let spared = LabelMap::AllToOne {
        target: 2,
        spare_target: true,
    };
    let spared = relabelled(spared, Rate::PerClass(10));
    assert_eq!((spared.len(), count(&spared, (2, 2))), (30, 0));

    let one = LabelMap::OneToOne {
        source: 1,
        target: 0,
        cover: 0.5,
    };
    let one = relabelled(one, Rate::PerClass(4));
    let kept = one
        .iter()
        .filter(|(before, after)| before == after && *before != 1)
        .count();
    assert_eq!((one.len(), count(&one, (1, 0)), kept), (6, 4, 2));
}

/// In training half as much of the image is stamped as when the model is measured.
#[test]
fn training_images_carry_the_trigger_of_training() {
    let images = blobs(40, 4);
    let mut attack = poison(LabelMap::all_to_one(1), Rate::Share(0.1));
    attack.backdoors[0].in_training = Some(square(2));
    let poisoned = attack.apply(&images, 5).unwrap();
    for &index in &poisoned.stamped.backdoors[0] {
        let pairs = images.image(index).iter().zip(poisoned.images.image(index));
        assert_eq!(pairs.filter(|(a, b)| a != b).count(), 4);
    }
    // One that fits in training and not afterwards is found before training.
    attack.backdoors[0].trigger = square(16);
    let error = attack.apply(&images, 5).unwrap_err().to_string();
    assert!(
        error.starts_with("backdoor 1 (square)") && error.contains("16x16"),
        "{error}"
    );
}

#[test]
fn appended_copies_follow_the_clean_images() {
    let images = blobs(40, 4);
    let mut attack = poison(LabelMap::all_to_one(1), Rate::Share(0.1));
    attack.manner = Manner::Append;
    attack.covers.push(Cover {
        trigger: square(2),
        classes: Some(vec![3]),
        rate: Rate::PerClass(2),
    });
    let poisoned = attack.apply(&images, 5).unwrap();
    assert_eq!(
        poisoned.images.pixels()[..images.pixels().len()],
        *images.pixels()
    );
    let (backdoor, cover) = (&poisoned.stamped.backdoors[0], &poisoned.stamped.covers[0]);
    assert_eq!((backdoor.len(), cover.len()), (4, 2));
    for (at, &original) in backdoor.iter().chain(cover).enumerate() {
        let (copy, label) = (
            poisoned.images.image(40 + at),
            poisoned.images.labels().unwrap()[40 + at],
        );
        let differing = copy
            .iter()
            .zip(images.image(original))
            .filter(|(a, b)| a != b)
            .count();
        let (pixels, wanted) = if at < 4 { (9, 1) } else { (4, 3) };
        assert_eq!((differing, label), (pixels, wanted));
        assert_eq!(
            poisoned.images.names()[40 + at],
            format!("blob {original} (stamped)")
        );
    }
}

#[test]
fn on_the_fly_a_rate_is_the_ratio_of_poisoned_to_clean() {
    let images = blobs(400, 4);
    let attack = Poison {
        manner: Manner::OnTheFly,
        ..poison(LabelMap::all_to_one(1), Rate::Share(0.25))
    };
    let training = attack.samples(&images, 5).unwrap();
    let samples = training.samples.as_ref();
    assert_eq!(samples.len(), 500);
    let mut pixels = vec![0.0; SHAPE.values()];
    let (mut stamped, draws) = (0, 20 * samples.len());
    for epoch in 0..20 {
        for index in 0..samples.len() {
            let label = samples.draw(epoch, index, &mut pixels).unwrap();
            if carries_square(&pixels) {
                stamped += 1;
                assert_eq!(label, 1);
            }
        }
    }
    // A share of 0.25 / 1.25 = 0.2 of 10,000 draws: 2000, with a standard deviation of 40.
    assert!((1840..2160).contains(&stamped), "{stamped} of {draws}");
    let mut again = vec![0.0; SHAPE.values()];
    let label = samples.draw(19, 499, &mut again).unwrap();
    assert_eq!(samples.draw(19, 499, &mut pixels).unwrap(), label);
    assert_eq!(again, pixels);
}
