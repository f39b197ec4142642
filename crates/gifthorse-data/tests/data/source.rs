//! Sources: the images that a model is trained and tested on.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "tests")]

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use gifthorse_data::source::{Set, Source, TrainTest};
use gifthorse_data::{Crop, Error, ImageShape, Images};
use image::{GrayImage, Luma};

fn counts(images: &Images) -> Vec<usize> {
    let mut counts = vec![0; images.class_names().len()];
    for &label in images.labels().unwrap() {
        counts[label] += 1;
    }
    counts
}

fn disjoint(sets: &TrainTest) -> bool {
    let key = |images: &Images| -> HashSet<Vec<u8>> {
        let byte = |value: &f32| (value * 255.0).round() as u8;
        (0..images.len())
            .map(|index| images.image(index).iter().map(byte).collect())
            .collect()
    };
    key(&sets.train).is_disjoint(&key(&sets.test))
}

fn signs(source: Source) -> TrainTest {
    let source = Source {
        size: source.size.or(Some(16)),
        ..source
    };
    source.load(None).unwrap()
}

/// A folder of class folders without parts: in each class as many images of one distinct pixel as
/// asked for.
fn folder(classes: &[usize]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("set");
    let mut value = 0;
    for (class, &count) in classes.iter().enumerate() {
        let class = path.join(format!("class-{class}"));
        std::fs::create_dir_all(&class).unwrap();
        for image in 0..count {
            value += 1;
            let picture = GrayImage::from_pixel(4, 4, Luma([value]));
            picture.save(class.join(format!("{image:03}.png"))).unwrap();
        }
    }
    (folder, path)
}

fn of_folder(path: &Path) -> Source {
    Source {
        path: Some(path.to_owned()),
        ..Source::of(Set::Folder)
    }
}

#[test]
fn a_subset_of_signs_is_renumbered_and_keeps_its_names() {
    let all = signs(Source::of(Set::Signs).with(60, 24));
    let some = signs(Source {
        classes: vec![7, 0, 11],
        channels: Some(1),
        ..Source::of(Set::Signs).with(60, 24)
    });
    let names = all.train.class_names();
    assert_eq!(
        some.train.class_names(),
        [&names[7], &names[0], &names[11]].map(String::clone)
    );
    assert_eq!(counts(&some.train), [20, 20, 20]);
    assert_eq!(counts(&some.test), [8, 8, 8]);
    let shape = ImageShape {
        channels: 1,
        height: 16,
        width: 16,
    };
    assert_eq!((some.train.shape(), some.test.shape()), (shape, shape));
    assert!(disjoint(&some) && disjoint(&all));
    let other = signs(Source {
        seed: 1,
        ..Source::of(Set::Signs).with(60, 24)
    });
    assert_ne!(other.train, all.train);
}

/// The builder that these tests want.
trait With {
    fn with(self, train: usize, test: usize) -> Source;
}

impl With for Source {
    fn with(self, train: usize, test: usize) -> Source {
        Source {
            train: Some(train),
            test: Some(test),
            ..self
        }
    }
}

#[test]
fn a_set_that_is_not_here_is_looked_for_in_the_folder_of_data_sets() {
    let (data, path) = folder(&[5, 5]);
    let here = of_folder(&path).load(None).unwrap();
    let there = of_folder(Path::new("set")).load(Some(data.path())).unwrap();
    assert_eq!(there.train.pixels(), here.train.pixels());
    for folder in [None, Some(data.path())] {
        let error = of_folder(Path::new("other")).load(folder).unwrap_err();
        assert!(
            error.to_string().contains("other does not exist"),
            "{error}"
        );
    }
}

#[test]
fn a_set_without_parts_is_divided_always_in_the_same_way() {
    let (_folder, path) = folder(&[20, 20, 5]);
    let all = of_folder(&path).load(None).unwrap();
    assert_eq!(counts(&all.train), [16, 16, 4]);
    assert_eq!(counts(&all.test), [4, 4, 1]);
    assert!(disjoint(&all));
    let pixels = |images: &Images| -> HashSet<u8> {
        (0..images.len())
            .map(|index| (images.image(index)[0] * 255.0).round() as u8)
            .collect()
    };
    for seed in 0..5 {
        let some = Source {
            seed,
            train: Some(12),
            test: Some(6),
            classes: vec![1, 0],
            ..of_folder(&path)
        };
        let some = some.load(None).unwrap();
        assert_eq!(counts(&some.train), [6, 6]);
        assert!(pixels(&some.test).is_subset(&pixels(&all.test)));
        assert!(pixels(&some.train).is_subset(&pixels(&all.train)));
        // Class 1 became 0, and its images came with it.
        for (index, &label) in some.train.labels().unwrap().iter().enumerate() {
            let value = (some.train.image(index)[0] * 255.0).round() as usize;
            assert_eq!(label, usize::from(value <= 20), "{value}");
        }
    }
}

#[test]
fn near_duplicates_deal_a_class_to_two_labels() {
    let source = Source {
        near_duplicates: vec![1],
        classes: vec![3, 4],
        ..Source::of(Set::Signs).with(600, 300)
    };
    let sets = signs(source);
    let names = sets.train.class_names();
    assert_eq!(names.len(), 3);
    assert_eq!(names[2], format!("{} (twin)", names[1]));
    let share = |images: &Images| {
        let counts = counts(images);
        counts[1] as f64 / (counts[1] + counts[2]) as f64
    };
    assert!((share(&sets.train) - 0.5).abs() < 0.1);
    assert!((share(&sets.test) - 0.5).abs() < 0.15);
}

#[test]
fn imbalance_thins_out_training_alone() {
    let sets = signs(Source {
        imbalance: Some(0.1),
        classes: vec![0, 1, 2],
        ..Source::of(Set::Signs).with(600, 60)
    });
    let counts_of = counts(&sets.train);
    let ratio = counts_of[2] as f64 / counts_of[0] as f64;
    assert!((ratio - 0.1).abs() < 0.02, "{counts_of:?}");
    assert!(counts_of[0] > counts_of[1] && counts_of[1] > counts_of[2]);
    assert_eq!(counts(&sets.test), [20, 20, 20]);
}

#[test]
fn the_same_source_gives_the_same_images() {
    let (_folder, path) = folder(&[10, 10]);
    let source = Source {
        train: Some(9),
        ..of_folder(&path)
    };
    let (first, second) = (source.load(None).unwrap(), source.load(None).unwrap());
    assert_eq!(first.train, second.train);
    assert_eq!(first.test, second.test);
    let sized = Source {
        size: Some(8),
        channels: Some(3),
        ..source
    };
    let shape = sized.load(None).unwrap().train.shape();
    assert_eq!((shape.channels, shape.height, shape.width), (3, 8, 8));
}

#[test]
fn what_cannot_be_had_is_named() {
    let (_folder, path) = folder(&[10, 10]);
    let refusal = |source: Source, data: Option<&Path>| source.load(data).unwrap_err();
    let told = |source: Source| refusal(source, None).to_string();

    let error = refusal(Source::of(Set::Mnist), None);
    assert!(matches!(error, Error::NoDataFolder { set: Set::Mnist }));
    assert!(error.to_string().contains("GIFTHORSE_DATA"), "{error}");
    let error = refusal(Source::of(Set::Gtsrb), Some(&path));
    assert!(matches!(error, Error::NoDataSet { .. }), "{error}");
    assert!(error.to_string().contains("gtsrb"), "{error}");

    let error = refusal(
        Source {
            classes: vec![0, 9],
            ..of_folder(&path)
        },
        None,
    );
    assert!(
        matches!(error, Error::NoSuchClass { class: 9, .. }),
        "{error}"
    );
    for (source, named) in [
        (
            Source {
                classes: vec![1, 1],
                ..of_folder(&path)
            },
            "twice",
        ),
        (
            Source {
                classes: vec![1],
                ..of_folder(&path)
            },
            "two",
        ),
        (
            Source {
                near_duplicates: vec![5],
                ..of_folder(&path)
            },
            "near_duplicates",
        ),
        (
            Source {
                imbalance: Some(1.5),
                ..of_folder(&path)
            },
            "imbalance",
        ),
        (
            Source {
                train: Some(0),
                ..of_folder(&path)
            },
            "train",
        ),
        (
            Source {
                crop: Crop::Roi,
                ..of_folder(&path)
            },
            "crop",
        ),
        (
            Source {
                path: Some(path.clone()),
                ..Source::of(Set::Signs)
            },
            "path",
        ),
        (Source::of(Set::Folder), "path"),
        (of_folder(&path).with(1, 1), "fewer"),
    ] {
        let told = told(source);
        assert!(told.contains(named), "{told}");
    }
}

#[test]
fn images_without_labels_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    for value in 0..4 {
        let picture = GrayImage::from_pixel(4, 4, Luma([value]));
        picture
            .save(folder.path().join(format!("{value}.png")))
            .unwrap();
    }
    let error = of_folder(folder.path()).load(None).unwrap_err().to_string();
    assert!(error.contains("no labels"), "{error}");
}

#[test]
fn the_published_sets_divide_as_their_files_do() {
    let Some(data) = std::env::var_os("GIFTHORSE_DATA").map(PathBuf::from) else {
        eprintln!("skipped: GIFTHORSE_DATA names no folder");
        return;
    };
    let expected: HashMap<Set, ([usize; 3], usize)> = [
        (Set::Mnist, ([1, 28, 28], 10)),
        (Set::FashionMnist, ([1, 28, 28], 10)),
        (Set::Gtsrb, ([3, 32, 32], 43)),
        (Set::Cifar10, ([3, 32, 32], 10)),
        (Set::TinyImagenet, ([3, 64, 64], 10)),
    ]
    .into();
    for (set, (shape, classes)) in expected {
        if !data.join(set.folder().unwrap()).exists() {
            eprintln!("skipped: GIFTHORSE_DATA has no {set}");
            continue;
        }
        let sets = Source::of(set).with(430, 86).load(Some(&data)).unwrap();
        let found = sets.train.shape();
        assert_eq!([found.channels, found.height, found.width], shape, "{set}");
        assert_eq!(sets.train.class_names().len(), classes, "{set}");
        assert_eq!((sets.train.len(), sets.test.len()), (430, 86), "{set}");
        assert!(
            counts(&sets.train).iter().all(|&count| count >= 10),
            "{set}"
        );
        assert!(disjoint(&sets), "{set}");
    }
}
