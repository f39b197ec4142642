use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use gifthorse_data::{ImageShape, Images};
use gifthorse_train::Error;
use gifthorse_train::net::{AnyNet, Net, ResNet18};
use gifthorse_train::{Checkpoint, Optimiser, Recipe, Samples, StopAt, Trained, Training};

use crate::blobs::blobs;
use crate::{SHAPE, net, recipe};

/// Images that can be drawn only so often, as if the machine went off then.
struct Failing<'a> {
    images: &'a Images,
    left: AtomicUsize,
}

impl Samples for Failing<'_> {
    fn len(&self) -> usize {
        Samples::len(self.images)
    }

    fn shape(&self) -> ImageShape {
        self.images.shape()
    }

    fn classes(&self) -> usize {
        self.images.classes()
    }

    fn draw(&self, epoch: usize, index: usize, pixels: &mut [f32]) -> Result<usize, Error> {
        let less = |left: usize| left.checked_sub(1);
        let order = Ordering::Relaxed;
        if self.left.fetch_update(order, order, less).is_err() {
            return Err(Error::Images("the power failed".to_owned()));
        }
        self.images.draw(epoch, index, pixels)
    }
}

fn run(
    net: &Net,
    samples: &dyn Samples,
    recipe: &Recipe,
    path: &Path,
    every: Duration,
) -> Result<Trained, Error> {
    let checkpoint = Checkpoint::at(path).every(every);
    let training = Training::new(net, samples, recipe).checkpoint(&checkpoint);
    training.run()
}

/// Stops a run after so many draws, beyond those that tell the images apart, goes on, and compares
/// with one that was never stopped.
fn stopped_after(net: &Net, recipe: &Recipe, draws: usize, every: Duration) {
    let images = blobs(net.input(), 80);
    let whole = Training::new(net, &images, recipe).run().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run");
    let failing = Failing {
        images: &images,
        left: AtomicUsize::new(80 + draws),
    };
    let error = run(net, &failing, recipe, &path, every).unwrap_err();
    assert!(error.to_string().contains("the power failed"), "{error}");
    assert!(path.exists());
    let resumed = run(net, &images, recipe, &path, every).unwrap();
    assert_eq!(resumed.epochs, whole.epochs);
    assert!(resumed.model.to_bytes().unwrap() == whole.model.to_bytes().unwrap());
    // One that is over is not trained again: so many images as would be needed cannot be drawn.
    let spent = Failing {
        images: &images,
        left: AtomicUsize::new(80),
    };
    let again = run(net, &spent, recipe, &path, every).unwrap();
    assert_eq!(again.epochs, whole.epochs);
    assert!(again.model.to_bytes().unwrap() == whole.model.to_bytes().unwrap());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_run_that_was_stopped_ends_in_the_same_bits() {
    let hour = Duration::from_secs(3600);
    // In the second epoch, saved after the first; and in its middle, saved after each update.
    stopped_after(&net(1), &recipe(3), 100, hour);
    stopped_after(&net(1), &recipe(3), 130, Duration::ZERO);
    for optimiser in [
        Optimiser::Sgd {
            momentum: 0.9,
            weight_decay: 1e-3,
        },
        Optimiser::Adadelta {
            decay: 0.95,
            epsilon: 1e-7,
        },
    ] {
        let recipe = Recipe {
            optimiser,
            ..recipe(2)
        };
        stopped_after(&net(1), &recipe, 50, Duration::ZERO);
    }
}

#[test]
fn running_statistics_are_saved_too() {
    let shape = ImageShape {
        channels: 1,
        height: 8,
        width: 8,
    };
    let net = AnyNet::ResNet18(ResNet18 { width: 2 });
    let net = net.build(shape, 4, 1).unwrap();
    assert!(!net.running().is_empty());
    stopped_after(&net, &recipe(2), 100, Duration::ZERO);
}

#[test]
fn a_checkpoint_of_another_run_or_a_damaged_one_is_refused() {
    let images = blobs(SHAPE, 32);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run");
    let minute = Duration::from_secs(60);
    let go = |net: &Net, images: &Images, recipe: &Recipe| run(net, images, recipe, &path, minute);
    go(&net(1), &images, &recipe(1)).unwrap();

    let refused = |result: Result<Trained, Error>, what: &str| {
        let error = result.unwrap_err();
        assert!(matches!(error, Error::Checkpoint { .. }), "{error}");
        assert!(error.to_string().contains(what), "{error}");
    };
    refused(go(&net(2), &images, &recipe(1)), "another network");
    let longer = recipe(2);
    refused(go(&net(1), &images, &longer), "another recipe");
    let aimed = Recipe {
        learning_rate: 0.1,
        ..recipe(1)
    };
    refused(go(&net(1), &images, &aimed), "another recipe");
    let fewer = images.subset(&(0..31).collect::<Vec<_>>());
    refused(go(&net(1), &fewer, &recipe(1)), "other images");
    let labels = (0..32).map(|i| (i + 1) % 4).collect();
    let other = images.clone().with_labels(labels).unwrap();
    refused(go(&net(1), &other, &recipe(1)), "other images");

    let whole = fs::read(&path).unwrap();
    for (place, what) in [
        (0, "does not begin"),
        (100, "damaged"),
        (whole.len() / 2, "damaged"),
        (whole.len() - 1, "damaged"),
    ] {
        let mut bytes = whole.clone();
        bytes[place] ^= 4;
        fs::write(&path, bytes).unwrap();
        refused(go(&net(1), &images, &recipe(1)), what);
    }
    fs::write(&path, &whole[..whole.len() - 5]).unwrap();
    refused(go(&net(1), &images, &recipe(1)), "damaged");
    fs::write(&path, &whole).unwrap();
    assert!(go(&net(1), &images, &recipe(1)).is_ok());
}

#[test]
fn a_place_that_cannot_be_written_is_named() {
    let images = blobs(SHAPE, 32);
    let path = Path::new("no such folder/run");
    let error = run(&net(1), &images, &recipe(1), path, Duration::ZERO).unwrap_err();
    assert!(error.to_string().contains("no such folder"), "{error}");
}

/// A run that stopped at its aim is over.
#[test]
fn an_aim_that_was_reached_stays_reached() {
    let images = blobs(SHAPE, 32);
    let folder = tempfile::tempdir().unwrap();
    let checkpoint = Checkpoint::at(folder.path().join("run"));
    let recipe = Recipe {
        stop_at: Some(StopAt {
            clean_accuracy: Some(0.5),
            attack_success: None,
        }),
        ..recipe(4)
    };
    let sat = AtomicUsize::new(0);
    let exam = |_: &gifthorse_engine::Classifier| {
        sat.fetch_add(1, Ordering::Relaxed);
        Ok(gifthorse_train::Marks {
            clean_accuracy: 0.75,
            attack_success: Some(0.125),
        })
    };
    let net = net(1);
    let go = || {
        let training = Training::new(&net, &images, &recipe).exam(&exam);
        training.checkpoint(&checkpoint).run().unwrap()
    };
    let (first, second) = (go(), go());
    assert_eq!(first.epochs.len(), 1);
    assert_eq!(first.epochs, second.epochs);
    assert_eq!(sat.into_inner(), 1);
}
