use std::sync::Arc;

use gifthorse_attack::Error;
use gifthorse_attack::measure::{accuracy, attack_success};
use gifthorse_attack::net::{Architecture, SmallCnn};
use gifthorse_attack::plant::BadNets;
use gifthorse_attack::train::{Recipe, Silent, train};
use gifthorse_attack::trigger::TriggerError;
use gifthorse_data::{ImageShape, Images};
use gifthorse_engine::{Classifier, Device, Preprocess};

use crate::blobs::{CLASSES, SHAPE, blobs, net, recipe, square};

fn unlabelled() -> Images {
    let names = vec!["one".to_owned()];
    Images::new(SHAPE, vec![0.5; SHAPE.values()], None, Vec::new(), names).unwrap()
}

#[test]
fn poisoning_that_cannot_be_done_is_refused() {
    let images = blobs(40, 1);
    let attack = BadNets {
        trigger: square(3),
        target: 1,
        rate: 0.1,
    };
    for rate in [0.0, -0.1, 1.5, f64::NAN] {
        let error = BadNets {
            rate,
            ..attack.clone()
        }
        .poison(&images, 1)
        .unwrap_err();
        assert!(matches!(error, Error::PoisonRate { .. }), "{error}");
    }
    let error = BadNets {
        target: CLASSES,
        ..attack.clone()
    }
    .poison(&images, 1)
    .unwrap_err();
    assert_eq!(
        error.to_string(),
        "there is no class 4: the images have classes 0 to 3"
    );
    let error = BadNets {
        trigger: square(16),
        ..attack.clone()
    }
    .poison(&images, 1)
    .unwrap_err();
    assert!(
        matches!(
            error,
            Error::Trigger(TriggerError::OutOfImage { size: 16, .. })
        ),
        "{error}"
    );
    let error = BadNets {
        rate: 0.001,
        ..attack.clone()
    }
    .poison(&images, 1)
    .unwrap_err();
    assert!(matches!(error, Error::Images(_)), "{error}");
    assert!(matches!(
        attack.poison(&unlabelled(), 1),
        Err(Error::Images(_))
    ));
}

#[test]
fn networks_that_cannot_be_built_are_refused() {
    let good = SmallCnn::default();
    assert!(good.build(SHAPE, CLASSES, 0).is_ok());
    for bad in [
        SmallCnn {
            channels: Vec::new(),
            ..good.clone()
        },
        SmallCnn {
            channels: vec![4, 0],
            ..good.clone()
        },
        SmallCnn {
            hidden: 0,
            ..good.clone()
        },
        SmallCnn {
            hidden: usize::MAX,
            ..good.clone()
        },
    ] {
        let refused = bad.build(SHAPE, CLASSES, 0);
        assert!(matches!(refused, Err(Error::Net(_))), "{bad:?}");
    }
    assert!(matches!(good.build(SHAPE, 1, 0), Err(Error::Net(_))));
    let none = ImageShape { height: 0, ..SHAPE };
    assert!(matches!(good.build(none, 4, 0), Err(Error::Net(_))));
}

#[test]
fn images_that_are_too_small_are_refused_with_those_that_would_do() {
    let small = ImageShape {
        channels: 1,
        height: 7,
        width: 32,
    };
    let error = SmallCnn::default().build(small, CLASSES, 0).unwrap_err();
    assert!(matches!(error, Error::ImageSize { .. }), "{error}");
    assert_eq!(
        error.to_string(),
        "small-cnn 16-32-64 fc128 cannot take images of 1x7x32: 1x8 pixels are left for the 2x2 windows of `pool3`; \
         it can take 1x8x8"
    );
    let deep = SmallCnn {
        channels: vec![1; 100],
        hidden: 1,
    };
    let error = deep.build(SHAPE, CLASSES, 0).unwrap_err().to_string();
    assert!(
        error.ends_with("it can take no square images of up to 512 pixels a side"),
        "{error}"
    );
}

#[test]
fn images_that_do_not_go_with_the_network_are_refused() {
    let refusal =
        |images: &Images, recipe: &Recipe| train(&net(1), images, recipe, &Silent).unwrap_err();
    let recipe = recipe(1);
    assert!(matches!(refusal(&unlabelled(), &recipe), Error::Images(_)));
    assert!(matches!(refusal(&blobs(19, 1), &recipe), Error::Images(_)));
    let many = blobs(40, 1).with_labels(vec![CLASSES; 40]).unwrap();
    assert!(matches!(
        refusal(&many, &recipe),
        Error::NoSuchClass {
            class: CLASSES,
            classes: CLASSES
        }
    ));
    let shape = ImageShape {
        height: 8,
        width: 32,
        ..SHAPE
    };
    let names = (0..40).map(|i| i.to_string()).collect();
    let wide = Images::new(
        shape,
        vec![0.0; 40 * 256],
        Some(vec![0; 40]),
        Vec::new(),
        names,
    )
    .unwrap();
    let error = refusal(&wide, &recipe);
    assert!(error.to_string().contains("1x8x32"), "{error}");
    assert!(matches!(
        refusal(
            &blobs(40, 1),
            &Recipe {
                shards: 3,
                ..recipe
            }
        ),
        Error::Recipe(_)
    ));
}

#[test]
fn training_that_diverges_says_so() {
    let wild = Recipe {
        learning_rate: 1e30,
        ..recipe(4)
    };
    let error = train(&net(1), &blobs(100, 1), &wild, &Silent).unwrap_err();
    assert!(matches!(error, Error::Diverged { .. }), "{error}");
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
    let success = |images: &Images, target| attack_success(&model, images, &square(3), target, 0);
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
