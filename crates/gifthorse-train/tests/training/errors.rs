//! What is refused before training, and what ends it.

use gifthorse_data::{ImageShape, Images};
use gifthorse_train::net::{Architecture, SmallCnn};
use gifthorse_train::{Error, Recipe, Silent, train};

use crate::small::{CLASSES, SHAPE, images, net, recipe};

fn unlabelled() -> Images {
    let names = vec!["one".to_owned()];
    Images::new(SHAPE, vec![0.5; SHAPE.values()], None, Vec::new(), names).unwrap()
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
    assert!(matches!(refusal(&images(19), &recipe), Error::Images(_)));
    let many = images(40).with_labels(vec![CLASSES; 40]).unwrap();
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
            &images(40),
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
    let error = train(&net(1), &images(100), &wild, &Silent).unwrap_err();
    assert!(matches!(error, Error::Diverged { .. }), "{error}");
}
