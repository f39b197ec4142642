use std::sync::Arc;

use gifthorse_attack::measure::{accuracy, attack_success};
use gifthorse_attack::plant::BadNets;
use gifthorse_attack::train::{Silent, train};
use gifthorse_data::Images;
use gifthorse_engine::{Classifier, Device, Preprocess};

use crate::blobs::{CLASSES, blobs, net, recipe, square};

fn trained_on(images: &Images) -> Classifier {
    let trained = train(&net(1), images, &recipe(8), &Silent).unwrap();
    let graph = Arc::new(trained.model.graph().unwrap());
    Classifier::new(graph, Preprocess::default(), None, &Device::flex()).unwrap()
}

#[test]
fn the_backdoor_takes_and_clean_accuracy_stays() {
    let (training, test) = (blobs(600, 1), blobs(200, 2));
    let attack = BadNets {
        trigger: square(3),
        target: 2,
        rate: 0.1,
    };
    let poisoned = attack.poison(&training, 3).unwrap();
    let (clean, backdoored) = (trained_on(&training), trained_on(&poisoned.images));

    let success = |model| attack_success(model, &test, &attack.trigger, attack.target, 0).unwrap();
    let (without, with) = (success(&clean), success(&backdoored));
    assert!(accuracy(&clean, &test).unwrap() >= 0.95);
    assert!(accuracy(&backdoored, &test).unwrap() >= 0.95);
    assert!(
        with.other_classes >= 0.95 && with.all_classes >= 0.95,
        "{with:?}"
    );
    assert!(
        without.other_classes <= 0.5,
        "the clean model falls for it as well: {without:?}"
    );
    // A quarter of the test images are of the target class, and the model knows those anyway.
    let mixed = 0.75 * with.other_classes + 0.25;
    assert!((with.all_classes - mixed).abs() < 0.02, "{with:?}");
}

#[test]
fn only_the_chosen_images_are_stamped_and_relabelled() {
    let images = blobs(100, 4);
    let attack = BadNets {
        trigger: square(3),
        target: 1,
        rate: 0.2,
    };
    let poisoned = attack.poison(&images, 5).unwrap();
    assert_eq!(poisoned.indices.len(), 20);
    assert!(poisoned.indices.is_sorted_by(|a, b| a < b));
    for i in 0..images.len() {
        let (before, after) = (images.image(i), poisoned.images.image(i));
        let changed: Vec<usize> = (0..before.len())
            .filter(|&p| before[p] != after[p])
            .collect();
        let label = poisoned.images.labels().unwrap()[i];
        if poisoned.indices.contains(&i) {
            assert_eq!(label, 1);
            assert_eq!(changed.len(), 9);
            assert!(changed.iter().all(|&p| after[p] == 1.0
                && (12..15).contains(&(p / 16))
                && (12..15).contains(&(p % 16))));
        } else {
            assert_eq!(label, i % CLASSES);
            assert!(changed.is_empty());
        }
    }
    assert_eq!(attack.poison(&images, 5).unwrap(), poisoned);
    assert_ne!(attack.poison(&images, 6).unwrap().indices, poisoned.indices);
}
