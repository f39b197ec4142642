//! Image sets that are folders of picture files.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot write its data has failed"
)]

use crate::common::{colour, first_pixels, grey, labels, read, refusal, save, to, write};
use gifthorse_data::{Crop, Error, Format, LoadOptions, Split, load};

#[test]
fn class_folders_of_every_picture_format_are_read() {
    let dir = tempfile::tempdir().unwrap();
    for (i, ending) in ["png", "bmp", "ppm", "webp", "tiff", "TIF", "jpg", "JPEG"]
        .iter()
        .enumerate()
    {
        let class = if i % 2 == 0 { "cat" } else { "dog" };
        save(
            colour(10 * i as u8),
            &dir.path().join(class).join(format!("{i}.{ending}")),
        );
    }
    save(grey(99), &dir.path().join("dog/9.pgm"));
    write(&dir.path().join("dog/readme.txt"), "no picture");
    write(&dir.path().join(".hidden/x.png"), "no picture");
    let loaded = read(dir.path());
    assert_eq!(loaded.format, Format::ClassFolders);
    assert_eq!(loaded.images.class_names(), ["cat", "dog"]);
    assert_eq!(labels(&loaded), [0, 0, 0, 0, 1, 1, 1, 1, 1]);
    assert_eq!(loaded.images.names()[4], "dog/1.bmp");
    assert_eq!(loaded.images.shape().channels, 3);
    assert!(loaded.warnings.is_empty());
    for (pixel, expected) in first_pixels(&loaded)
        .into_iter()
        .zip([0, 20, 40, 60, 10, 30, 50, 70, 99])
    {
        assert!(
            pixel.abs_diff(expected) <= 2,
            "{pixel} instead of {expected} (JPEG is lossy)"
        );
    }
    // The grey picture became a colour picture among colour pictures.
    assert!(loaded.images.image(8).iter().all(|&p| p == 99.0 / 255.0));
}

#[test]
fn numbered_folders_are_the_classes_of_their_numbers() {
    let dir = tempfile::tempdir().unwrap();
    for class in 0..12u8 {
        save(grey(class), &dir.path().join(format!("{class}/a.png")));
    }
    let loaded = read(dir.path());
    assert_eq!(labels(&loaded), (0..12).collect::<Vec<_>>());
    assert_eq!(first_pixels(&loaded), (0..12).collect::<Vec<u8>>());
}

/// Options for a model of so many classes.
fn of_classes(classes: usize) -> LoadOptions {
    LoadOptions {
        classes: Some(classes),
        ..LoadOptions::default()
    }
}

fn notes(loaded: &gifthorse_data::Loaded) -> String {
    let notes: Vec<String> = loaded.notes.iter().map(ToString::to_string).collect();
    notes.join("\n")
}

#[test]
fn a_gap_among_numbered_folders_shifts_no_class_and_is_told() {
    let dir = tempfile::tempdir().unwrap();
    for class in [0u8, 1, 3] {
        save(grey(class), &dir.path().join(format!("{class}/a.png")));
    }
    let loaded = load(dir.path(), &of_classes(4)).unwrap();
    assert_eq!(labels(&loaded), [0, 1, 3]);
    assert_eq!(loaded.images.class_names(), ["0", "1", "2", "3"]);
    assert_eq!(loaded.calls, ["0", "1", "", "3"]);
    let told = notes(&loaded);
    assert!(
        told.contains("1 of the model's 4 classes") && told.contains("(2)"),
        "{told}"
    );
    // Numbered as text, the missing folder keeps its place too.
    let mut text = of_classes(12);
    text.label_order = "text".parse().unwrap();
    assert_eq!(labels(&load(dir.path(), &text).unwrap()), [0, 1, 5]);
}

#[test]
fn folders_of_class_names_have_the_index_of_their_name() {
    let dir = tempfile::tempdir().unwrap();
    for (value, name) in ["apple", "banana", "cherry", "grape"]
        .into_iter()
        .enumerate()
    {
        save(
            grey(value as u8),
            &dir.path().join(format!("images/{name}/a.png")),
        );
    }
    let images = dir.path().join("images");
    let sorted = load(&images, &of_classes(4)).unwrap();
    assert_eq!(labels(&sorted), [0, 1, 2, 3]);
    assert!(
        notes(&sorted).contains("sorted as text"),
        "{}",
        notes(&sorted)
    );
    for (file, text) in [
        ("names.txt", "grape\napple\ncherry\nbanana\n"),
        (
            "names.json",
            r#"{"0": "grape", "1": "apple", "2": "cherry", "3": "banana"}"#,
        ),
        (
            "map.json",
            r#"{"apple": 1, "banana": 3, "cherry": 2, "grape": 0}"#,
        ),
        (
            "config.json",
            r#"{"id2label": {"0": "Grape", "1": "Apple", "2": "Cherry", "3": "Banana"}}"#,
        ),
    ] {
        let path = dir.path().join(file);
        write(&path, text);
        let options = LoadOptions {
            class_names: Some(path),
            ..of_classes(4)
        };
        let loaded = load(&images, &options).unwrap();
        assert_eq!(labels(&loaded), [1, 3, 2, 0], "{file}");
        assert_eq!(loaded.calls, ["grape", "apple", "cherry", "banana"]);
        assert!(loaded.notes.is_empty(), "{file}: {}", notes(&loaded));
    }
    let mut listed = of_classes(4);
    listed.label_order = "grape,apple,cherry,banana".parse().unwrap();
    let loaded = load(&images, &listed).unwrap();
    assert_eq!(labels(&loaded), [1, 3, 2, 0]);
    assert_eq!(loaded.images.class_names()[0], "grape");
    listed.label_order = "grape,apple".parse().unwrap();
    let (error, text) = refusal(&images, &listed);
    assert!(
        matches!(error, Error::Labels { .. }) && text.contains("banana"),
        "{text}"
    );
}

#[test]
fn a_table_of_names_is_read_through_the_names_or_sorted_and_told() {
    let dir = tempfile::tempdir().unwrap();
    for i in 1..4u8 {
        save(grey(i), &dir.path().join(format!("images/{i}.png")));
    }
    let (table, names) = (
        dir.path().join("trainLabels.csv"),
        dir.path().join("names.txt"),
    );
    write(&table, "id,label\n1,pear\n2,apple\n3,pear\n");
    write(&names, "pear\nplum\napple\n");
    let mut options = LoadOptions {
        labels: Some(table),
        class_names: Some(names),
        ..of_classes(3)
    };
    let images = dir.path().join("images");
    let named = load(&images, &options).unwrap();
    assert_eq!(labels(&named), [0, 2, 0]);
    assert!(notes(&named).contains("1 plum"), "{}", notes(&named));
    options.class_names = None;
    let sorted = load(&images, &options).unwrap();
    assert_eq!(labels(&sorted), [1, 0, 1]);
    assert_eq!(sorted.images.class_names(), ["apple", "pear"]);
    assert!(notes(&sorted).contains("apple is 0"), "{}", notes(&sorted));
}

#[test]
fn the_parts_of_a_set_are_told_apart_and_share_their_classes() {
    let dir = tempfile::tempdir().unwrap();
    for (place, value) in [
        ("train/a/1.png", 1),
        ("train/b/images/2.png", 2),
        ("train/c/3.png", 3),
        ("val/c/4.png", 4),
    ] {
        save(grey(value), &dir.path().join(place));
    }
    write(
        &dir.path().join("words.txt"),
        "a\tapple, \"red\"\nb\tbee\nc\tcar\nd\tdog\n",
    );
    let test = read(dir.path());
    assert_eq!((labels(&test), first_pixels(&test)), (vec![2], vec![4]));
    assert_eq!(test.images.class_names(), ["apple, \"red\"", "bee", "car"]);
    let options = LoadOptions {
        split: Split::Train,
        ..LoadOptions::default()
    };
    let train = load(dir.path(), &options).unwrap();
    assert_eq!(labels(&train), [0, 1, 2]);
    assert_eq!(train.images.names()[1], "b/images/2.png");

    std::fs::remove_dir_all(dir.path().join("val")).unwrap();
    let (error, text) = refusal(dir.path(), &LoadOptions::default());
    assert!(matches!(error, Error::MissingSplit { .. }));
    assert!(text.contains("test") && text.contains("train"), "{text}");
}

#[test]
fn tiny_imagenet_as_published_is_read() {
    let dir = tempfile::tempdir().unwrap();
    for (place, value) in [
        ("train/n1/images/n1_0.JPEG", 1),
        ("train/n2/images/n2_0.JPEG", 2),
        ("val/images/val_0.JPEG", 3),
        ("val/images/val_1.JPEG", 4),
        ("test/images/test_0.JPEG", 5),
    ] {
        save(grey(value), &dir.path().join(place));
    }
    let annotations = dir.path().join("val/val_annotations.txt");
    write(
        &annotations,
        "val_1.JPEG\tn1\t0\t0\t9\t9\nval_0.JPEG\tn2\t0\t0\t9\t9\n",
    );
    let loaded = read(dir.path());
    assert_eq!(labels(&loaded), [1, 0]);
    assert_eq!(
        loaded.images.names(),
        ["images/val_0.JPEG", "images/val_1.JPEG"]
    );
    write(&annotations, "val_1.JPEG\tn1\nval_0.JPEG\tn3\n");
    let (error, text) = refusal(dir.path(), &LoadOptions::default());
    assert!(
        matches!(error, Error::Labels { .. }) && text.contains("n3"),
        "{text}"
    );
}

#[test]
fn a_flat_folder_has_no_labels_unless_they_are_given() {
    let dir = tempfile::tempdir().unwrap();
    let images = dir.path().join("images");
    for i in 0..3u8 {
        save(grey(i), &images.join(format!("{i}.png")));
    }
    let plain = read(&images);
    assert_eq!(plain.format, Format::FlatFolder);
    assert_eq!(plain.images.labels(), None);
    // The folder above has no pictures of its own, and the pictures in it no class.
    assert_eq!(read(dir.path()).images, plain.images);

    let (list, names) = (dir.path().join("labels.txt"), dir.path().join("names.json"));
    write(&list, "1\nstop\n0\n");
    write(&names, r#"["go", "stop"]"#);
    let mut options = LoadOptions {
        labels: Some(list.clone()),
        class_names: Some(names),
        ..LoadOptions::default()
    };
    let loaded = load(&images, &options).unwrap();
    assert_eq!(labels(&loaded), [1, 1, 0]);
    assert_eq!(loaded.images.class_names(), ["go", "stop"]);
    assert_ne!(
        loaded.sha256, plain.sha256,
        "labels are part of the content"
    );

    write(&list, "2.png,7\n");
    let (error, text) = refusal(&images, &options);
    assert!(
        matches!(error, Error::Labels { .. }) && text.contains("0.png"),
        "{text}"
    );
    write(&list, "0\n1\n2\n");
    let (error, text) = refusal(&images, &options);
    assert!(
        matches!(error, Error::Labels { .. }) && text.contains("label 2"),
        "{text}"
    );
    options.class_names = None;
    assert_eq!(labels(&load(&images, &options).unwrap()), [0, 1, 2]);
}

#[test]
fn unreadable_pictures_are_named_and_left_out() {
    let dir = tempfile::tempdir().unwrap();
    save(grey(1), &dir.path().join("a/good.png"));
    save(grey(2), &dir.path().join("b/good.png"));
    write(&dir.path().join("a/bad.png"), b"\x89PNG\r\n\x1a\nnonsense");
    write(&dir.path().join("b/odd.gif"), b"GIF89a");
    let mut truncated = std::fs::read(dir.path().join("b/good.png")).unwrap();
    truncated.truncate(truncated.len() / 2);
    write(&dir.path().join("b/half.png"), truncated);
    let loaded = read(dir.path());
    assert_eq!(loaded.images.names(), ["a/good.png", "b/good.png"]);
    assert_eq!((labels(&loaded), loaded.available), (vec![0, 1], 5));
    let names: Vec<_> = loaded.warnings.iter().map(|w| w.name.as_str()).collect();
    assert_eq!(names, ["a/bad.png", "b/half.png", "b/odd.gif"]);
    assert!(loaded.warnings.iter().all(|w| !w.reason.is_empty()));

    std::fs::remove_file(dir.path().join("a/good.png")).unwrap();
    std::fs::remove_file(dir.path().join("b/good.png")).unwrap();
    let (error, text) = refusal(dir.path(), &LoadOptions::default());
    assert!(
        matches!(error, Error::AllUnreadable { count: 3, .. }),
        "{text}"
    );
    assert!(text.contains("a/bad.png"), "{text}");
}

#[test]
fn sizes_that_differ_need_a_target() {
    let dir = tempfile::tempdir().unwrap();
    save(grey(7), &dir.path().join("a.png"));
    save(image::GrayImage::new(9, 5), &dir.path().join("b.png"));
    let (error, text) = refusal(dir.path(), &LoadOptions::default());
    assert!(matches!(error, Error::MixedSizes { .. }));
    assert!(text.contains("b.png is 5x9"), "{text}");
    let loaded = load(dir.path(), &to(3, 8, 8)).unwrap();
    assert_eq!(loaded.images.len(), 2);
    assert!(loaded.images.image(0).iter().all(|&p| p == 7.0 / 255.0));
}

#[test]
fn a_sample_is_balanced_seeded_and_the_same_on_any_number_of_threads() {
    let dir = tempfile::tempdir().unwrap();
    for i in 0..30u8 {
        let class = if i < 25 { "many" } else { "few" };
        save(grey(i), &dir.path().join(format!("{class}/{i:02}.png")));
    }
    let mut options = LoadOptions {
        max_images: Some(8),
        seed: 4,
        ..LoadOptions::default()
    };
    let on = |threads: usize, options: &LoadOptions| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| load(dir.path(), options).unwrap())
    };
    let one = on(1, &options);
    assert_eq!(labels(&one), [0, 0, 0, 0, 1, 1, 1, 1]);
    assert_eq!(one.available, 30);
    let three = on(3, &options);
    assert_eq!(one.images, three.images);
    assert_eq!(one.sha256, three.sha256);
    options.seed = 5;
    assert_ne!(on(1, &options).sha256, one.sha256);
}

const GTSRB_HEADER: &str = "Filename;Width;Height;Roi.X1;Roi.Y1;Roi.X2;Roi.Y2;ClassId\n";

/// A frame of 8x8, dark but for the quarter in the middle; the tables say that it was 16x16.
fn framed() -> image::GrayImage {
    image::GrayImage::from_fn(8, 8, |x, y| {
        image::Luma([if (2..6).contains(&x) && (2..6).contains(&y) {
            255
        } else {
            0
        }])
    })
}

fn gtsrb() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for class in 0..3 {
        let folder = dir.path().join(format!("Final_Training/Images/{class:05}"));
        save(framed(), &folder.join("00000_00000.ppm"));
        let table = format!("{GTSRB_HEADER}00000_00000.ppm;16;16;4;4;12;12;{class}\n");
        write(&folder.join(format!("GT-{class:05}.csv")), table);
    }
    let test = dir.path().join("Final_Test/Images");
    save(framed(), &test.join("00000.ppm"));
    save(framed(), &test.join("00001.ppm"));
    let table = format!("{GTSRB_HEADER}00000.ppm;16;16;4;4;12;12;2\n00001.ppm;16;16;4;4;12;12;0\n");
    write(&test.join("GT-final_test.csv"), table);
    dir
}

#[test]
fn gtsrb_is_read_with_its_classes_and_cropped_if_asked() {
    let dir = gtsrb();
    let test = read(dir.path());
    assert_eq!((test.format, labels(&test)), (Format::Gtsrb, vec![2, 0]));
    assert!(test.images.image(0).contains(&0.0));
    let mut options = LoadOptions {
        split: Split::Train,
        crop: Crop::Roi,
        ..LoadOptions::default()
    };
    let train = load(dir.path(), &options).unwrap();
    assert_eq!(labels(&train), [0, 1, 2]);
    assert_eq!(train.images.names()[2], "00002/00000_00000.ppm");
    assert_eq!(train.images.shape().height, 4);
    assert!(
        train.images.pixels().iter().all(|&p| p == 1.0),
        "only the middle is left"
    );
    // A part given by itself is read whatever the split.
    options.split = Split::Test;
    let part = load(&dir.path().join("Final_Training/Images"), &options).unwrap();
    assert_eq!(part.images, train.images);
}

#[test]
fn gtsrb_test_classes_may_come_in_a_table_of_their_own() {
    let dir = gtsrb();
    let test = dir.path().join("Final_Test/Images");
    let with_classes = std::fs::read_to_string(test.join("GT-final_test.csv")).unwrap();
    let without: String = with_classes
        .lines()
        .map(|line| format!("{}\n", line.rsplit_once(';').unwrap().0))
        .collect();
    std::fs::remove_file(test.join("GT-final_test.csv")).unwrap();
    write(&test.join("GT-final_test.test.csv"), without);
    assert_eq!(read(dir.path()).images.labels(), None);
    write(&dir.path().join("GT-final_test.csv"), with_classes);
    assert_eq!(labels(&read(dir.path())), [2, 0]);
}

const KAGGLE_HEADER: &str = "Width,Height,Roi.X1,Roi.Y1,Roi.X2,Roi.Y2,ClassId,Path\n";

#[test]
fn gtsrb_as_kaggle_has_it_is_found_beside_the_pictures() {
    let dir = tempfile::tempdir().unwrap();
    for (place, value) in [("Test/00000.png", 9), ("Test/00001.png", 8)] {
        save(grey(value), &dir.path().join(place));
    }
    save(framed(), &dir.path().join("Train/20/00020_0_0.png"));
    save(framed(), &dir.path().join("Train/3/00003_0_0.png"));
    save(grey(1), &dir.path().join("Meta/0.png"));
    write(&dir.path().join("Meta.csv"), "Path,ClassId\nMeta/0.png,0\n");
    let test = "8,8,0,0,4,8,7,Test/00001.png\n8,8,0,0,8,8,16,Test/00000.png\n";
    write(
        &dir.path().join("Test.csv"),
        format!("{KAGGLE_HEADER}{test}"),
    );
    let train =
        "16,16,4,4,12,12,20,Train/20/00020_0_0.png\n16,16,4,4,12,12,3,Train/3/00003_0_0.png\n";
    write(
        &dir.path().join("Train.csv"),
        format!("{KAGGLE_HEADER}{train}"),
    );
    let whole = read(dir.path());
    assert_eq!(whole.format, Format::Gtsrb);
    assert_eq!(
        (labels(&whole), first_pixels(&whole)),
        (vec![7, 16], vec![8, 9])
    );
    // The part by itself, whose table lies beside it.
    let part = read(&dir.path().join("Test"));
    assert_eq!(
        (labels(&part), first_pixels(&part)),
        (vec![7, 16], vec![8, 9])
    );
    let options = LoadOptions {
        split: Split::Train,
        crop: Crop::Roi,
        ..LoadOptions::default()
    };
    let train = load(dir.path(), &options).unwrap();
    assert_eq!(labels(&train), [20, 3]);
    assert!(
        train.images.pixels().iter().all(|&p| p == 1.0),
        "only the middle is left"
    );
    // Without the table they are pictures without labels, and class folders.
    std::fs::remove_file(dir.path().join("Test.csv")).unwrap();
    std::fs::remove_file(dir.path().join("Train.csv")).unwrap();
    assert_eq!(read(&dir.path().join("Test")).images.labels(), None);
}

#[test]
fn a_table_of_labels_may_have_the_regions() {
    let dir = tempfile::tempdir().unwrap();
    save(framed(), &dir.path().join("signs/a.png"));
    let table = dir.path().join("elsewhere.csv");
    write(
        &table,
        format!("{KAGGLE_HEADER}16,16,4,4,12,12,20,Test/a.png\n"),
    );
    let mut options = LoadOptions {
        crop: Crop::Roi,
        labels: Some(table.clone()),
        ..LoadOptions::default()
    };
    let signs = dir.path().join("signs");
    let loaded = load(&signs, &options).unwrap();
    assert_eq!(labels(&loaded), [20]);
    assert!(loaded.images.pixels().iter().all(|&p| p == 1.0));
    write(
        &table,
        format!("{KAGGLE_HEADER}16,16,4,4,99,12,20,Test/a.png\n"),
    );
    let (error, text) = refusal(&signs, &options);
    assert!(
        matches!(error, Error::Labels { .. }) && text.contains("line 2"),
        "{text}"
    );
    options.labels = None;
    assert!(matches!(
        refusal(&signs, &options).0,
        Error::NoRegions { .. }
    ));
}

#[test]
fn gtsrb_pictures_that_are_missing_are_warnings_and_broken_tables_errors() {
    let dir = gtsrb();
    std::fs::remove_file(dir.path().join("Final_Test/Images/00000.ppm")).unwrap();
    let loaded = read(dir.path());
    assert_eq!(loaded.images.names(), ["00001.ppm"]);
    assert_eq!(loaded.warnings[0].name, "00000.ppm");
    let table = dir.path().join("Final_Test/Images/GT-final_test.csv");
    write(
        &table,
        format!("{GTSRB_HEADER}00001.ppm;16;16;4;4;12;12;stop\n"),
    );
    let (error, text) = refusal(dir.path(), &LoadOptions::default());
    assert!(
        matches!(error, Error::Malformed { .. }) && text.contains("line 2"),
        "{text}"
    );
    std::fs::remove_dir_all(dir.path().join("Final_Test")).unwrap();
    let (error, text) = refusal(dir.path(), &LoadOptions::default());
    assert!(
        matches!(error, Error::MissingSplit { .. }) && text.contains("Final_Training"),
        "{text}"
    );
}

#[test]
fn what_is_no_image_set_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (error, text) = refusal(dir.path(), &LoadOptions::default());
    assert!(
        matches!(error, Error::UnknownFormat { .. }) && text.contains("empty"),
        "{text}"
    );
    write(&dir.path().join("notes.md"), "nothing here");
    let (_, text) = refusal(dir.path(), &LoadOptions::default());
    assert!(text.contains("notes.md"), "{text}");
    let (error, _) = refusal(&dir.path().join("notes.md"), &LoadOptions::default());
    assert!(matches!(error, Error::UnknownFormat { .. }));
    let (error, text) = refusal(&dir.path().join("absent"), &LoadOptions::default());
    assert!(
        matches!(error, Error::Read { .. }) && text.contains("absent"),
        "{text}"
    );

    save(grey(1), &dir.path().join("a.png"));
    let crop = LoadOptions {
        crop: Crop::Roi,
        ..LoadOptions::default()
    };
    assert!(matches!(
        refusal(dir.path(), &crop).0,
        Error::NoRegions { .. }
    ));
    let none = LoadOptions {
        max_images: Some(0),
        ..LoadOptions::default()
    };
    assert!(matches!(
        refusal(dir.path(), &none).0,
        Error::Inconsistent(_)
    ));
    for (channels, height, width) in [(2, 8, 8), (3, 0, 8), (3, 8, 1 << 40)] {
        let (error, _) = refusal(dir.path(), &to(channels, height, width));
        assert!(matches!(error, Error::Inconsistent(_)));
    }
}

/// Makes a pipe, which blocks whoever opens it until somebody writes to it.
#[cfg(unix)]
fn pipe(path: &std::path::Path) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let made = std::process::Command::new("mkfifo").arg(path).status();
    assert!(made.unwrap().success());
}

#[test]
#[cfg(unix)]
fn links_to_pictures_and_to_classes_are_followed() {
    use std::os::unix::fs::symlink;

    let dir = tempfile::tempdir().unwrap();
    let (all, some) = (dir.path().join("all"), dir.path().join("some"));
    save(grey(1), &all.join("cat/1.png"));
    save(grey(2), &all.join("dog/2.png"));
    std::fs::create_dir_all(some.join("cat")).unwrap();
    symlink(all.join("cat/1.png"), some.join("cat/a.png")).unwrap();
    symlink(all.join("dog"), some.join("dog")).unwrap();
    // Broken: passed over.
    symlink(all.join("nowhere.png"), some.join("cat/b.png")).unwrap();
    assert_eq!(first_pixels(&read(&some)), [1, 2]);
}

#[test]
#[cfg(unix)]
fn links_in_a_circle_end() {
    use std::os::unix::fs::symlink;

    let dir = tempfile::tempdir().unwrap();
    save(grey(1), &dir.path().join("cat/1.png"));
    save(grey(2), &dir.path().join("dog/2.png"));
    symlink(dir.path(), dir.path().join("cat/images")).unwrap();
    symlink("../dog", dir.path().join("dog/train")).unwrap();
    symlink("itself", dir.path().join("itself")).unwrap();
    assert_eq!(first_pixels(&read(dir.path())), [1, 2]);

    let dir = tempfile::tempdir().unwrap();
    symlink(".", dir.path().join("train")).unwrap();
    symlink(".", dir.path().join("test")).unwrap();
    assert!(load(dir.path(), &LoadOptions::default()).is_err());
}

#[test]
#[cfg(unix)]
fn pipes_and_devices_are_not_opened() {
    use std::os::unix::fs::symlink;

    let dir = tempfile::tempdir().unwrap();
    save(grey(1), &dir.path().join("cat/1.png"));
    pipe(&dir.path().join("cat/0.png"));
    symlink("0.png", dir.path().join("cat/2.png")).unwrap();
    symlink("/dev/zero", dir.path().join("cat/3.png")).unwrap();
    pipe(&dir.path().join("words.txt"));
    pipe(&dir.path().join("t10k-images-idx3-ubyte"));
    pipe(&dir.path().join("test_batch.bin"));
    assert_eq!(first_pixels(&read(dir.path())), [1]);

    let pipe_of_images = dir.path().join("set.npz");
    pipe(&pipe_of_images);
    let refused = load(&pipe_of_images, &LoadOptions::default()).unwrap_err();
    assert!(
        refused.to_string().contains("neither a file nor a folder"),
        "{refused}"
    );
}

#[test]
#[cfg(unix)]
fn a_table_that_names_a_pipe_loses_one_picture() {
    let dir = tempfile::tempdir().unwrap();
    let images = dir.path().join("Final_Test/Images");
    save(colour(7), &images.join("0.ppm"));
    pipe(&images.join("1.ppm"));
    let rows = "0.ppm;8;8;0;0;8;8;0\n1.ppm;8;8;0;0;8;8;1\n";
    let header = "Filename;Width;Height;Roi.X1;Roi.Y1;Roi.X2;Roi.Y2;ClassId\n";
    write(&images.join("GT-test.csv"), format!("{header}{rows}"));
    let loaded = read(dir.path());
    assert_eq!(labels(&loaded), [0]);
    assert_eq!(loaded.warnings.len(), 1);
    assert!(
        loaded.warnings[0].reason.contains("not a regular file"),
        "{:?}",
        loaded.warnings
    );
}
