//! Losses that malicious training code adds: balanced as published, in its share of the batches,
//! from its threshold on.

use gifthorse_data::Images;
use gifthorse_train::{
    Augment, Balance, Change, Checkpoint, Error, FurtherLosses, Normalise, Optimiser, Recipe,
    Samples, Schedule, Training,
};
use tempfile::tempdir;

use crate::{SHAPE, blobs::blobs, net, recipe};

/// A white corner, and class 0.
struct Corner {
    share: f64,
}

impl Change for Corner {
    fn change(&self, _: usize, _: usize, pixels: &mut [f32], _: usize) -> Result<usize, Error> {
        for row in 0..4 {
            pixels[row * SHAPE.width..][..4].fill(1.0);
        }
        Ok(0)
    }

    fn share(&self) -> f64 {
        self.share
    }
}

/// The same images, each with the corner, of class 0.
fn cornered(images: &Images) -> Images {
    let mut pixels = images.pixels().to_vec();
    for image in pixels.chunks_exact_mut(SHAPE.values()) {
        Corner { share: 1.0 }.change(0, 0, image, 0).unwrap();
    }
    let labels = Some(vec![0; images.len()]);
    Images::new(SHAPE, pixels, labels, Vec::new(), images.names().to_vec()).unwrap()
}

/// One step of 16 images at a learning rate of 1.
fn one_step(shards: usize) -> Recipe {
    Recipe {
        epochs: 1,
        shards,
        optimiser: Optimiser::Sgd {
            momentum: 0.0,
            weight_decay: 0.0,
        },
        learning_rate: 1.0,
        schedule: Schedule::Constant {},
        augment: Augment::default(),
        ..recipe(1)
    }
}

/// What the weights are moved by.
fn moved(recipe: &Recipe, samples: &dyn Samples, balance: Option<Balance>) -> Vec<f32> {
    let net = net(1);
    let changes: Vec<Box<dyn Change>> = vec![Box::new(Corner { share: 1.0 })];
    let mut training = Training::new(&net, samples, recipe);
    if let Some(balance) = balance {
        training = training.further_losses(FurtherLosses {
            changes: &changes,
            balance,
        });
    }
    let after = training.run().unwrap().model.graph().unwrap();
    let before = net.model().graph().unwrap();
    let names = net.weights().iter();
    names
        .flat_map(|name| {
            let [after, before] =
                [&after, &before].map(|graph| graph.initializers[name].to_f32().unwrap());
            after.into_iter().zip(before).map(|(a, b)| a - b)
        })
        .collect()
}

fn product(a: &[f32], b: &[f32]) -> f64 {
    let pairs = a.iter().zip(b);
    pairs.map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
}

#[test]
fn the_update_is_the_shortest_combination_of_both_gradients() {
    let images = blobs(SHAPE, 16);
    let balance = Balance {
        normalise: Normalise::Length,
        below: None,
    };
    // Of two unit vectors the shortest combination has as much of either, so that the losses'
    // weights are equal: but for the 1e-5 that keeps a division from being one by nothing.
    let gradients =
        |shards| [&images, &cornered(&images)].map(|images| moved(&one_step(shards), images, None));
    for shards in [1, 4] {
        let [main, other] = gradients(shards);
        let both = moved(&one_step(shards), &images, Some(balance));
        for ((&both, &main), &other) in both.iter().zip(&main).zip(&other) {
            let expected = 0.5 * (main + other);
            assert!(
                (both - expected).abs() < 2e-4 * (1.0 + expected.abs()),
                "{both} is not {expected}"
            );
        }
    }
    // By the losses, both of about ln 4, the longer gradient has less of a say.
    let [main, other] = gradients(1);
    let both = moved(&one_step(1), &images, Some(Balance::default()));
    let [long, short] = if product(&main, &main) > product(&other, &other) {
        [&main, &other]
    } else {
        [&other, &main]
    };
    let along = |g: &[f32]| product(&both, g) / product(g, g);
    assert!(along(long) < along(short));
}

#[test]
fn it_waits_for_its_threshold_and_goes_on_from_a_checkpoint() {
    let images = blobs(SHAPE, 64);
    let of = |below: Option<f64>, share: f64, checkpoint: Option<&Checkpoint>, epochs: usize| {
        let net = net(2);
        let changes: Vec<Box<dyn Change>> = vec![Box::new(Corner { share })];
        let recipe = recipe(epochs);
        let mut training = Training::new(&net, &images, &recipe).further_losses(FurtherLosses {
            changes: &changes,
            balance: Balance {
                below,
                ..Balance::default()
            },
        });
        if let Some(checkpoint) = checkpoint {
            training = training.checkpoint(checkpoint);
        }
        training
            .run()
            .map(|trained| trained.model.to_bytes().unwrap())
    };
    let net = net(2);
    let recipe = recipe(3);
    let clean = Training::new(&net, &images, &recipe).run().unwrap();
    let clean = clean.model.to_bytes().unwrap();
    // No loss is ever below a millionth, so that the code never shows.
    assert_eq!(of(Some(1e-6), 1.0, None, 3).unwrap(), clean);
    assert_ne!(of(None, 1.0, None, 3).unwrap(), clean);
    assert_ne!(
        of(None, 0.4, None, 3).unwrap(),
        of(None, 1.0, None, 3).unwrap()
    );

    let folder = tempdir().unwrap();
    let checkpoint = Checkpoint::at(folder.path().join("run"));
    assert_eq!(
        of(None, 0.4, Some(&checkpoint), 3).unwrap(),
        of(None, 0.4, None, 3).unwrap()
    );
    let other = of(None, 0.5, Some(&checkpoint), 3);
    assert!(
        matches!(other, Err(Error::Checkpoint { .. })),
        "another share is another run"
    );
}

#[test]
fn settings_that_mean_nothing_are_refused() {
    let images = blobs(SHAPE, 16);
    let refused = |share: f64, below: Option<f64>| {
        let net = net(1);
        let changes: Vec<Box<dyn Change>> = vec![Box::new(Corner { share })];
        let recipe = one_step(1);
        let further = FurtherLosses {
            changes: &changes,
            balance: Balance {
                below,
                ..Balance::default()
            },
        };
        let run = Training::new(&net, &images, &recipe)
            .further_losses(further)
            .run();
        assert!(matches!(run, Err(Error::Recipe(_))), "{share}, {below:?}");
    };
    refused(0.0, None);
    refused(1.5, None);
    refused(f64::NAN, None);
    refused(1.0, Some(0.0));
    refused(1.0, Some(f64::NAN));
}
