//! The published data sets, where the environment variable `GIFTHORSE_DATA` names a folder of them.

#![allow(clippy::print_stderr, reason = "a skipped test says so")]

use std::path::PathBuf;

use crate::common::{first_pixels, labels, read, refusal, to};
use gifthorse_data::{Crop, Error, Format, LoadOptions, Split, load};

/// The folder of a data set, if there is one; says so otherwise.
fn data(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("GIFTHORSE_DATA").map(|root| PathBuf::from(root).join(name));
    let path = path.filter(|path| path.exists());
    if path.is_none() {
        eprintln!("skipped: GIFTHORSE_DATA names no folder with {name}");
    }
    path
}

fn part(split: Split, max_images: Option<usize>) -> LoadOptions {
    LoadOptions {
        split,
        max_images,
        ..LoadOptions::default()
    }
}

fn classes(labels: &[usize]) -> usize {
    labels.iter().max().map_or(0, |&largest| largest + 1)
}

#[test]
fn mnist() {
    let Some(path) = data("mnist") else { return };
    let test = read(&path);
    assert_eq!((test.format, test.images.len()), (Format::Idx, 10_000));
    assert_eq!(labels(&test)[..5], [7, 2, 1, 0, 4]);
    assert_eq!(test.images.shape(), to(1, 28, 28).target.unwrap());
    let mean = test
        .images
        .pixels()
        .iter()
        .map(|&p| f64::from(p))
        .sum::<f64>()
        / 7_840_000.0;
    assert!(
        (mean - 0.1325).abs() < 1e-4,
        "the known mean of the test pixels, not {mean}"
    );
    let train = load(&path, &part(Split::Train, Some(1000))).unwrap();
    assert_eq!((train.available, train.images.len()), (60_000, 1000));
    for class in 0..10 {
        assert_eq!(
            labels(&train)
                .iter()
                .filter(|&&label| label == class)
                .count(),
            100
        );
    }
}

#[test]
fn fashion_mnist_has_no_training_part_here() {
    let Some(path) = data("fashion-mnist") else {
        return;
    };
    assert_eq!(labels(&read(&path))[..5], [9, 2, 1, 1, 6]);
    let (error, text) = refusal(&path, &part(Split::Train, None));
    assert!(
        matches!(error, Error::MissingSplit { .. }) && text.contains("t10k"),
        "{text}"
    );
}

#[test]
fn cifar_10() {
    let Some(path) = data("cifar-10-batches-bin") else {
        return;
    };
    let test = read(&path);
    assert_eq!((test.format, test.images.len()), (Format::Cifar10, 1000));
    assert_eq!(labels(&test)[..5], [3, 8, 8, 0, 6]);
    assert_eq!(test.images.class_names()[3], "cat");
    assert_eq!(
        first_pixels(&test)[0],
        158,
        "red of the first pixel of the first test image"
    );
    let train = load(&path, &part(Split::Train, Some(100))).unwrap();
    assert_eq!(train.available, 20_000);
}

#[test]
fn gtsrb() {
    let Some(path) = data("gtsrb") else { return };
    let mut options = to(3, 32, 32);
    let whole = load(&path, &options).unwrap();
    assert_eq!((whole.format, whole.images.len()), (Format::Gtsrb, 4000));
    assert_eq!(classes(&labels(&whole)), 43);
    assert_eq!(labels(&whole)[..3], [16, 1, 38]);
    options.crop = Crop::Roi;
    let cropped = load(&path, &options).unwrap();
    assert_eq!(labels(&cropped), labels(&whole));
    let differing = (0..4000)
        .filter(|&i| cropped.images.image(i) != whole.images.image(i))
        .count();
    assert!(
        differing > 3990,
        "{differing} of 4000 pictures are changed by the crop"
    );
    options.split = Split::Train;
    options.max_images = Some(430);
    let train = load(&path, &options).unwrap();
    assert_eq!((train.available, train.images.len()), (13_070, 430));
    assert_eq!(classes(&labels(&train)), 43);
}

#[test]
fn tiny_imagenet() {
    let Some(path) = data("tiny-imagenet-10") else {
        return;
    };
    let test = read(&path);
    assert_eq!(
        (test.format, test.images.len()),
        (Format::ClassFolders, 500)
    );
    assert_eq!(test.images.class_names()[2], "ox");
    assert_eq!(test.images.shape(), to(3, 64, 64).target.unwrap());
    let train = load(&path, &part(Split::Train, Some(200))).unwrap();
    assert_eq!((train.available, classes(&labels(&train))), (5000, 10));
    assert!(train.warnings.is_empty());
}

#[test]
fn labelled_faces() {
    let Some(path) = data("faces_lfw_1000.npz") else {
        return;
    };
    let faces = read(&path);
    assert_eq!((faces.format, faces.images.len()), (Format::Npz, 1000));
    assert_eq!(faces.images.labels(), None);
    assert_eq!(faces.images.shape(), to(3, 55, 47).target.unwrap());
}
