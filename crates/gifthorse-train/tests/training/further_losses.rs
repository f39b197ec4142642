//! Losses that malicious training code adds: balanced as published, in its share of the batches,
//! from its threshold on.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

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

/// The corner, as if the machine went off after so many images.
struct Failing {
    left: AtomicUsize,
}

impl Change for Failing {
    fn change(
        &self,
        at: usize,
        index: usize,
        pixels: &mut [f32],
        label: usize,
    ) -> Result<usize, Error> {
        let less = |left: usize| left.checked_sub(1);
        let order = Ordering::Relaxed;
        if self.left.fetch_update(order, order, less).is_err() {
            return Err(Error::Images("the power failed".to_owned()));
        }
        Corner { share: 0.4 }.change(at, index, pixels, label)
    }

    fn share(&self) -> f64 {
        0.4
    }
}

/// A run of three epochs of so many images, saved to a file if there is one.
fn run(
    images: &Images,
    change: Box<dyn Change>,
    balance: Balance,
    saved: Option<&Checkpoint>,
) -> Result<Vec<u8>, Error> {
    let (net, recipe) = (net(2), recipe(3));
    let changes = [change];
    let mut training = Training::new(&net, images, &recipe);
    training = training.further_losses(FurtherLosses {
        changes: &changes,
        balance,
    });
    if let Some(checkpoint) = saved {
        training = training.checkpoint(checkpoint);
    }
    let trained = training.run()?;
    Ok(trained.model.to_bytes().unwrap())
}

fn from(below: f64) -> Balance {
    Balance {
        below: Some(below),
        ..Balance::default()
    }
}

#[test]
fn it_comes_in_its_share_of_the_batches_and_from_its_threshold_on() {
    let corner = |share| Box::new(Corner { share }) as Box<dyn Change>;
    let (net, recipe) = (net(2), recipe(3));
    // Four batches an epoch, which go by the epoch before, and 25, which do so only at first.
    for count in [64, 400] {
        let images = blobs(SHAPE, count);
        let clean = Training::new(&net, &images, &recipe).run().unwrap();
        let clean = clean.model.to_bytes().unwrap();
        let of = |share, balance| run(&images, corner(share), balance, None).unwrap();
        let always = of(1.0, Balance::default());
        assert_ne!(always, clean);
        assert_ne!(always, of(0.4, Balance::default()));
        // No loss is below a millionth, so that the code never shows; all are below a hundred, and
        // before the first is known it waits.
        assert_eq!(of(1.0, from(1e-6)), clean);
        let late = of(1.0, from(100.0));
        assert!(late != clean && late != always);
    }
}

#[test]
fn a_run_that_was_stopped_goes_on_to_the_same_weights() {
    let images = blobs(SHAPE, 64);
    let whole = run(
        &images,
        Box::new(Corner { share: 0.4 }),
        Balance::default(),
        None,
    )
    .unwrap();
    let folder = tempdir().unwrap();
    let saved = Checkpoint::at(folder.path().join("run")).every(Duration::ZERO);
    let go_on = |change: Box<dyn Change>, balance| run(&images, change, balance, Some(&saved));
    // 64 tell the run from others.
    let failing = Failing {
        left: AtomicUsize::new(64 + 3 * 16),
    };
    let stopped = go_on(Box::new(failing), Balance::default()).unwrap_err();
    assert!(
        stopped.to_string().contains("the power failed"),
        "{stopped}"
    );
    assert!(saved.path().exists());
    for (share, balance) in [(0.5, Balance::default()), (0.4, from(1.0))] {
        let other = go_on(Box::new(Corner { share }), balance);
        assert!(
            matches!(other, Err(Error::Checkpoint { .. })),
            "another run"
        );
    }
    let resumed = go_on(Box::new(Corner { share: 0.4 }), Balance::default()).unwrap();
    assert!(resumed == whole);
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
