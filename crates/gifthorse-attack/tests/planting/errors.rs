use std::sync::Arc;

use gifthorse_attack::Error;
use gifthorse_attack::measure::{accuracy, attack_success};
use gifthorse_attack::plant::{Cover, LabelMap, Manner, Poison, Rate};
use gifthorse_data::Images;
use gifthorse_engine::{Classifier, Device, Preprocess};

use crate::blobs::{CLASSES, SHAPE, blobs, net, square};

fn unlabelled() -> Images {
    let names = vec!["one".to_owned()];
    Images::new(SHAPE, vec![0.5; SHAPE.values()], None, Vec::new(), names).unwrap()
}

/// A poison of one backdoor, and what is wrong with it on forty images, ten of each class.
fn refusal(poison: &Poison) -> String {
    poison.apply(&blobs(40, 1), 1).unwrap_err().to_string()
}

fn poison(size: usize, labels: LabelMap, rate: Rate) -> Poison {
    Poison::one(square(size), labels, rate)
}

#[test]
fn a_poison_that_cannot_be_made_names_the_culprit() {
    let to_one = || LabelMap::all_to_one(1);
    for rate in [0.0, -0.1, 1.5, f64::NAN] {
        let error = refusal(&poison(3, to_one(), Rate::Share(rate)));
        assert!(
            error.contains(&format!("a poison rate of {rate}")),
            "{error}"
        );
    }
    let share = Rate::Share(0.1);
    assert_eq!(
        refusal(&poison(3, LabelMap::all_to_one(CLASSES), share)),
        "backdoor 1 (square): there is no class 4: the images have classes 0 to 3"
    );
    assert!(
        refusal(&poison(16, to_one(), share))
            .contains("backdoor 1 (square): the trigger `square` of 16x16 pixels")
    );
    assert!(refusal(&poison(3, to_one(), Rate::Share(0.001))).contains("poisons none"));
    let itself = LabelMap::OneToOne {
        source: 2,
        target: 2,
        cover: 1.0,
    };
    assert!(refusal(&poison(3, itself, share)).contains("class 2 is a source and the target"));
    let greedy = LabelMap::OneToOne {
        source: 0,
        target: 2,
        cover: 4.0,
    };
    let error = refusal(&poison(3, greedy, Rate::PerClass(10)));
    assert!(
        error.contains("`cover` = 4 wants 40 images of other classes, and there are 30"),
        "{error}"
    );
    assert!(refusal(&Poison::default()).contains("it has no backdoor"));
    assert!(Poison::default().check().is_err());
    let unlabelled = poison(3, to_one(), share).apply(&unlabelled(), 1);
    assert!(matches!(unlabelled, Err(Error::Images(_))));
}

#[test]
fn what_is_wrong_is_found_before_training() {
    let share = Rate::Share(0.1);
    let error = |poison: &Poison| poison.check().unwrap_err().to_string();
    let to_one = || LabelMap::all_to_one(1);
    for rate in [Rate::Share(1.5), Rate::OfClass(f64::NAN)] {
        assert!(
            error(&poison(3, to_one(), rate)).contains("backdoor 1 (square): a poison rate of")
        );
    }
    let from = |source| LabelMap::OneToOne {
        source,
        target: 2,
        cover: 1.0,
    };
    assert!(error(&poison(3, from(2), share)).contains("class 2 is a source and the target"));
    let mut covered = poison(3, to_one(), share);
    covered.covers.push(Cover {
        trigger: square(3),
        classes: None,
        rate: Rate::Share(0.0),
    });
    assert!(error(&covered).contains("cover 1 (square): a poison rate of 0"));

    let good = poison(3, from(0), Rate::PerClass(2));
    good.check().unwrap();
    let (train, test) = (blobs(40, 1), blobs(8, 2));
    good.check_on(&train, &test, 1).unwrap();
    let labels = test.labels().unwrap();
    let others: Vec<usize> = (0..test.len())
        .filter(|&image| labels[image] != 0)
        .collect();
    let error = good.check_on(&train, &test.subset(&others), 1).unwrap_err();
    let told = "backdoor 1 (square): these images cannot be used: no test image is of a class";
    assert!(error.to_string().contains(told), "{error}");
    let large = poison(16, to_one(), share);
    large.check().unwrap();
    assert!(large.check_on(&train, &test, 1).is_err());
}

#[test]
fn a_second_part_that_cannot_be_stamped_is_named() {
    let mut both = poison(3, LabelMap::all_to_one(1), Rate::OfClass(0.6));
    both.backdoors.push(both.backdoors[0].clone());
    let error = refusal(&both);
    assert!(
        error.starts_with("backdoor 2 (square)")
            && error.contains("it wants 6 image(s), and the other parts leave it 4 of 10"),
        "{error}"
    );
    both.manner = Manner::Append;
    assert_eq!(
        both.apply(&blobs(40, 1), 1).unwrap().images.len(),
        40 + 2 * 24
    );

    let cover = |classes: &[usize], rate| Poison {
        covers: vec![Cover {
            trigger: square(2),
            classes: Some(classes.to_vec()),
            rate,
        }],
        ..poison(3, LabelMap::all_to_one(1), Rate::Share(0.1))
    };
    let error = refusal(&cover(&[7], Rate::Share(0.1)));
    assert_eq!(
        error,
        "cover 1 (square): there is no class 7: the images have classes 0 to 3"
    );
    assert!(
        refusal(&cover(&[0], Rate::Share(0.5)))
            .contains("cover 1 (square): these images cannot be poisoned so")
    );
    assert!(
        cover(&[0], Rate::Share(0.1))
            .apply(&blobs(40, 1), 1)
            .is_ok()
    );
}

#[test]
fn on_the_fly_there_are_no_images_to_be_had() {
    let poison = Poison {
        manner: Manner::OnTheFly,
        ..poison(3, LabelMap::all_to_one(1), Rate::Share(0.1))
    };
    assert!(refusal(&poison).contains("while training goes on"));
    let images = blobs(40, 1);
    let training = poison.samples(&images, 1).unwrap();
    assert_eq!((training.samples.len(), training.stamped), (44, None));
}

#[test]
fn measuring_needs_labels_and_a_class_that_exists() {
    let graph = Arc::new(net(1).model().graph().unwrap());
    let model = Classifier::new(graph, Preprocess::default(), None, &Device::flex()).unwrap();
    let images = blobs(8, 1);
    assert!(matches!(
        accuracy(&model, &unlabelled()),
        Err(Error::Images(_))
    ));
    assert!(matches!(
        accuracy(&model, &images.subset(&[])),
        Err(Error::Images(_))
    ));
    let success = |images: &Images, target| {
        attack_success(&model, images, &square(3), &LabelMap::all_to_one(target), 0)
    };
    assert!(matches!(
        success(&images, CLASSES),
        Err(Error::NoSuchClass { .. })
    ));
    assert!(matches!(
        success(&images.subset(&[1, 5]), 1),
        Err(Error::Images(_))
    ));
    assert!(success(&images, 1).is_ok());
}
