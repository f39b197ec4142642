//! Image sets that are files of many images: IDX, CIFAR, npz, and archives of folders.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot write its data has failed"
)]

use std::path::{Path, PathBuf};

use crate::common::{add_array, first_pixels, gzip, idx, labels, read, refusal, to, write};
use gifthorse_data::{Error, Format, LoadOptions, Reason, Split, load};
use zip::ZipWriter;

fn train() -> LoadOptions {
    LoadOptions {
        split: Split::Train,
        ..LoadOptions::default()
    }
}

/// Three images of 2x3: all 10, all 20, all 30.
fn idx_images() -> Vec<u8> {
    idx(&[3, 2, 3], &[[10; 6], [20; 6], [30; 6]].concat())
}

#[test]
fn idx_files_are_read_plain_and_packed() {
    let dir = tempfile::tempdir().unwrap();
    write(
        &dir.path().join("t10k-images-idx3-ubyte.gz"),
        gzip(&idx_images()),
    );
    write(
        &dir.path().join("t10k-labels-idx1-ubyte.gz"),
        gzip(&idx(&[3], &[7, 0, 9])),
    );
    let packed = read(dir.path());
    assert_eq!(
        (packed.format, labels(&packed)),
        (Format::Idx, vec![7, 0, 9])
    );
    assert_eq!(first_pixels(&packed), [10, 20, 30]);
    assert_eq!(
        (packed.images.shape().height, packed.images.shape().width),
        (2, 3)
    );

    let (error, text) = refusal(dir.path(), &train());
    assert!(matches!(error, Error::MissingSplit { .. }));
    assert!(text.contains("t10k-images-idx3-ubyte.gz"), "{text}");

    write(&dir.path().join("t10k-images-idx3-ubyte"), idx_images());
    assert_eq!(read(dir.path()).sha256, packed.sha256);
    write(&dir.path().join("train-images.idx3-ubyte"), idx_images());
    assert_eq!(load(dir.path(), &train()).unwrap().images.labels(), None);
}

#[test]
fn only_the_drawn_records_of_an_idx_file_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let values: Vec<u8> = (0..100).collect();
    write(
        &dir.path().join("t10k-images-idx3-ubyte.gz"),
        gzip(&idx(&[100, 1, 1], &values)),
    );
    let classes: Vec<u8> = (0..100).map(|i| i % 5).collect();
    write(
        &dir.path().join("t10k-labels-idx1-ubyte"),
        idx(&[100], &classes),
    );
    let options = LoadOptions {
        max_images: Some(10),
        ..LoadOptions::default()
    };
    let loaded = load(dir.path(), &options).unwrap();
    for (pixel, label) in first_pixels(&loaded).into_iter().zip(labels(&loaded)) {
        assert_eq!(usize::from(pixel % 5), label);
    }
    assert_eq!(loaded.images.len(), 10);
    let name = format!("t10k-images-idx3-ubyte.gz[{}]", first_pixels(&loaded)[3]);
    assert_eq!(loaded.images.names()[3], name);
}

#[test]
fn hostile_idx_files_are_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let images = dir.path().join("t10k-images-idx3-ubyte");
    let (labels_name, images_name) = ("t10k-labels-idx1-ubyte", "t10k-images-idx3-ubyte");
    let bomb = gzip(&[idx(&[4_000_000, 1000, 1000], &[]), vec![0; 1 << 20]].concat());
    let enough = idx(&[3], &[0, 0, 0]);
    for (image_bytes, label_bytes, word) in [
        (
            idx(&[1000, 28, 28], &[0; 784]),
            idx(&[1000], &[0; 1000]),
            images_name,
        ),
        (idx(&[3, 28, 0], &[]), enough.clone(), images_name),
        (
            idx(&[u32::MAX, 16_000, 16_000], &[]),
            enough.clone(),
            "4294967295",
        ),
        (bomb, enough.clone(), "4000000"),
        (idx(&[3, 2], &[0; 6]), enough.clone(), "2 dimensions"),
        (b"hello world, this is text".to_vec(), enough, "not an IDX"),
        (vec![], vec![], images_name),
        (idx_images(), idx(&[4], &[0; 4]), labels_name),
        (idx_images(), idx(&[3], &[0; 2]), labels_name),
        (idx_images(), gzip(&idx(&[u32::MAX], &[])), labels_name),
        (
            gzip(&idx_images())[..20].to_vec(),
            idx(&[3], &[0; 3]),
            images_name,
        ),
    ] {
        write(&images, image_bytes);
        write(&dir.path().join(labels_name), label_bytes);
        let (error, text) = refusal(dir.path(), &LoadOptions::default());
        assert!(matches!(error, Error::Malformed { .. }), "{text}");
        assert!(text.contains(word), "{text} does not say {word}");
    }
}

/// A CIFAR record whose red plane counts up, and whose green and blue planes are `value`.
fn record(label: &[u8], value: u8) -> Vec<u8> {
    let red: Vec<u8> = (0..1024).map(|i| (i % 256) as u8).collect();
    [label, &red, &[value; 2048]].concat()
}

#[test]
fn cifar_10_is_read() {
    let dir = tempfile::tempdir().unwrap();
    write(
        &dir.path().join("test_batch.bin"),
        [record(&[3], 5), record(&[9], 6)].concat(),
    );
    write(&dir.path().join("data_batch_1.bin"), record(&[1], 7));
    write(&dir.path().join("data_batch_2.bin"), record(&[2], 8));
    write(
        &dir.path().join("batches.meta.txt"),
        "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n\n",
    );
    let test = read(dir.path());
    assert_eq!((test.format, labels(&test)), (Format::Cifar10, vec![3, 9]));
    assert_eq!(test.images.class_names()[9], "j");
    let pixels = test.images.image(1);
    assert_eq!(pixels[33], 33.0 / 255.0, "row 1, column 1 of the red plane");
    assert!(pixels[1024..].iter().all(|&p| p == 6.0 / 255.0));
    let train = load(dir.path(), &train()).unwrap();
    assert_eq!(labels(&train), [1, 2]);
    assert_eq!(train.images.names()[1], "data_batch_2.bin[0]");
}

#[test]
fn cifar_100_is_read_with_its_fine_labels() {
    let dir = tempfile::tempdir().unwrap();
    write(
        &dir.path().join("test.bin"),
        [record(&[1, 77], 5), record(&[2, 99], 6)].concat(),
    );
    let test = read(dir.path());
    assert_eq!(
        (test.format, labels(&test)),
        (Format::Cifar100, vec![77, 99])
    );
    let (error, text) = refusal(dir.path(), &train());
    assert!(
        matches!(error, Error::MissingSplit { .. }) && text.contains("test.bin"),
        "{text}"
    );
}

#[test]
fn broken_cifar_files_are_refused_by_name() {
    for (file, bytes, word) in [
        (
            "test_batch.bin",
            record(&[3], 5)[1..].to_vec(),
            "3072 bytes",
        ),
        ("test_batch.bin", record(&[10], 5), "label 10"),
        ("test_batch.bin", vec![], "0 bytes"),
        ("test.bin", record(&[0, 100], 5), "label 100"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        write(&dir.path().join(file), bytes);
        let (error, text) = refusal(dir.path(), &LoadOptions::default());
        assert!(matches!(error, Error::Malformed { .. }), "{text}");
        assert!(text.contains(word) && text.contains(file), "{text}");
    }
    let dir = tempfile::tempdir().unwrap();
    write(&dir.path().join("test_batch.bin"), record(&[3], 5));
    write(&dir.path().join("batches.meta.txt"), "a\nb\n");
    let (_, text) = refusal(dir.path(), &LoadOptions::default());
    assert!(
        text.contains("batches.meta.txt") && text.contains("2 class names"),
        "{text}"
    );
}

type Archive = ZipWriter<std::fs::File>;
type Fill<'a> = &'a dyn Fn(&mut Archive);

fn npz(dir: &Path, fill: impl FnOnce(&mut Archive)) -> PathBuf {
    let path = dir.join("set.npz");
    let mut archive = ZipWriter::new(std::fs::File::create(&path).unwrap());
    fill(&mut archive);
    path
}

#[test]
fn npz_arrays_of_every_layout_and_type_give_the_same_images() {
    let dir = tempfile::tempdir().unwrap();
    // Two images of 2x4, whose red, green and blue are 0..8, 100..108 and 200..208, and one more.
    let planes: Vec<u8> = (0..2)
        .flat_map(|i| (0..3).flat_map(move |c| (0..8).map(move |p| 100 * c + p + i)))
        .collect();
    let interleaved: Vec<u8> = (0..2)
        .flat_map(|i| (0..8).flat_map(move |p| (0..3).map(move |c| 100 * c + p + i)))
        .collect();
    let expected: Vec<f32> = planes.iter().map(|&p| f32::from(p) / 255.0).collect();
    let floats: Vec<f32> = interleaved.iter().map(|&p| f32::from(p)).collect();
    let shape = [2, 2, 4, 3];
    let sets: [Fill; 6] = [
        &|a| add_array(a, "images", &[2, 3, 2, 4], &planes),
        &|a| add_array(a, "images", &shape, &interleaved),
        &|a| {
            add_array(
                a,
                "x",
                &shape,
                &interleaved
                    .iter()
                    .map(|&p| i64::from(p))
                    .collect::<Vec<_>>(),
            )
        },
        &|a| add_array(a, "x_test", &shape, &floats),
        &|a| {
            add_array(
                a,
                "images",
                &shape,
                &floats.iter().map(|p| p / 255.0).collect::<Vec<_>>(),
            )
        },
        &|a| {
            add_array(
                a,
                "images",
                &[2, 3, 2, 4],
                &expected.iter().map(|&p| f64::from(p)).collect::<Vec<_>>(),
            )
        },
    ];
    for (i, set) in sets.iter().enumerate() {
        let loaded = read(&npz(dir.path(), set));
        assert_eq!(loaded.format, Format::Npz);
        assert_eq!(loaded.images.pixels(), expected, "set {i}");
        assert_eq!(loaded.images.labels(), None);
    }
}

#[test]
fn npz_labels_and_samples_go_with_their_images() {
    let dir = tempfile::tempdir().unwrap();
    let values: Vec<f32> = (0..40).map(|i| i as f32 / 255.0).collect();
    let classes: Vec<i64> = (0..40).map(|i| i % 4).collect();
    let path = npz(dir.path(), |archive| {
        add_array(archive, "x_train", &[40, 1, 1], &values);
        add_array(archive, "y_train", &[40, 1], &classes);
    });
    let mut options = train();
    options.max_images = Some(8);
    let loaded = load(&path, &options).unwrap();
    for (pixel, label) in first_pixels(&loaded).into_iter().zip(labels(&loaded)) {
        assert_eq!(usize::from(pixel % 4), label);
    }
    assert_eq!((loaded.images.len(), loaded.available), (8, 40));
    let (error, text) = refusal(&path, &LoadOptions::default());
    assert!(
        matches!(error, Error::MissingSplit { .. }) && text.contains("x_train"),
        "{text}"
    );
}

#[test]
fn npz_files_as_medmnist_and_keras_publish_them_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let pixels: Vec<u8> = (0..12).collect();
    let medmnist = npz(dir.path(), |archive| {
        for part in ["train", "val", "test"] {
            add_array(archive, &format!("{part}_images"), &[3, 2, 2], &pixels);
            add_array(archive, &format!("{part}_labels"), &[3, 1], &[2u8, 0, 1]);
        }
    });
    let loaded = read(&medmnist);
    assert_eq!(labels(&loaded), [2, 0, 1]);
    assert_eq!(loaded.images.names()[1], "test_images[1]");
    let one_hot = npz(dir.path(), |archive| {
        add_array(archive, "x_test", &[3, 2, 2], &pixels);
        let marks = [0.0f32, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0];
        add_array(archive, "y_test", &[3, 3], &marks);
    });
    assert_eq!(labels(&read(&one_hot)), [2, 0, 1]);
    let floats = npz(dir.path(), |archive| {
        add_array(archive, "images", &[3, 2, 2], &pixels);
        add_array(archive, "labels", &[3], &[2.0f64, 0.0, 1.0]);
    });
    assert_eq!(labels(&read(&floats)), [2, 0, 1]);
    let mut order = LoadOptions {
        classes: Some(3),
        label_order: "2,1,0".parse().unwrap(),
        ..LoadOptions::default()
    };
    assert_eq!(labels(&load(&floats, &order).unwrap()), [0, 2, 1]);
    order.label_order = "2,1".parse().unwrap();
    let (error, text) = refusal(&floats, &order);
    assert!(
        matches!(error, Error::Labels { .. }) && text.contains("\"0\""),
        "{text}"
    );
}

#[test]
fn grey_npz_floats_stay_exact_and_are_resized() {
    let dir = tempfile::tempdir().unwrap();
    let path = npz(dir.path(), |archive| {
        add_array(archive, "images", &[1, 2, 2], &[0.1f32; 4])
    });
    assert_eq!(read(&path).images.pixels(), [0.1; 4]);
    let loaded = load(&path, &to(3, 3, 5)).unwrap();
    assert_eq!(loaded.images.pixels().len(), 45);
    assert!(
        loaded
            .images
            .pixels()
            .iter()
            .all(|p| (p - 0.1).abs() < 1e-6)
    );
}

#[test]
fn hostile_npz_files_are_refused_by_array() {
    let dir = tempfile::tempdir().unwrap();
    let one = [0u8; 12];
    let sets: [(Fill, &str); 9] = [
        (
            &|a| add_array(a, "pictures", &[1, 2, 2, 3], &one),
            "pictures",
        ),
        (&|a| add_array(a, "images", &[1, 12], &one), "[1, 12]"),
        (&|a| add_array(a, "images", &[2, 1, 6, 1], &one), "may be"),
        (
            &|a| add_array(a, "images", &[1, 2, 6], &[-1.0f32; 12]),
            "-1",
        ),
        (
            &|a| add_array(a, "images", &[1, 2, 6], &[f32::NAN; 12]),
            "NaN",
        ),
        (
            &|a| add_array(a, "images", &[1, 2, 6], &[300i32; 12]),
            "300",
        ),
        (
            &|a| {
                add_array(a, "images", &[1, 2, 6], &one);
                add_array(a, "labels", &[2], &[0i64, 1]);
            },
            "array labels",
        ),
        (
            &|a| {
                add_array(a, "images", &[1, 2, 6], &one);
                add_array(a, "labels", &[1], &[-1i64]);
            },
            "-1 is not a class index",
        ),
        (
            &|a| {
                add_array(a, "images", &[1, 2, 6], &one);
                add_array(a, "x", &[1, 2, 6], &one);
            },
            "both images and x",
        ),
    ];
    for (set, word) in sets {
        let path = npz(dir.path(), set);
        let (error, text) = refusal(&path, &LoadOptions::default());
        assert!(matches!(error, Error::Malformed { .. }), "{text}");
        assert!(text.contains(word) && text.contains("set.npz"), "{text}");
    }
    let path = dir.path().join("broken.npz");
    write(&path, b"PK\x03\x04 and then nothing of the kind");
    let (error, text) = refusal(&path, &LoadOptions::default());
    assert!(
        matches!(error, Error::Malformed { .. }) && text.contains("broken.npz"),
        "{text}"
    );
}

#[test]
fn npz_arrays_that_claim_more_than_they_hold_are_refused() {
    use std::io::Write;
    use zip::write::FileOptions;

    let dir = tempfile::tempdir().unwrap();
    for (shape, word) in [
        ("(1000, 8, 8)", "of 1000"),
        ("(100000000, 8, 8)", "claims"),
        ("(10000, 16000, 16000)", "claims"),
        ("(18446744073709551615, 18446744073709551615, 2)", "claims"),
    ] {
        let header = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}\n");
        let path = dir.path().join("claim.npz");
        let mut zip = ZipWriter::new(std::fs::File::create(&path).unwrap());
        zip.start_file("images.npy", FileOptions::default())
            .unwrap();
        zip.write_all(b"\x93NUMPY\x01\x00").unwrap();
        zip.write_all(&(header.len() as u16).to_le_bytes()).unwrap();
        zip.write_all(header.as_bytes()).unwrap();
        zip.write_all(&[0; 128]).unwrap();
        zip.finish().unwrap();
        let (error, text) = refusal(&path, &LoadOptions::default());
        assert!(
            matches!(error, Error::Malformed { .. }) && text.contains(word),
            "{text}"
        );
    }
}

/// The files of two class folders in a folder of their own: names and contents.
fn class_folder_files() -> Vec<(String, Vec<u8>)> {
    let picture = |value| {
        let mut bytes = std::io::Cursor::new(Vec::new());
        let picture = image::DynamicImage::from(crate::common::grey(value));
        picture
            .write_to(&mut bytes, image::ImageFormat::Png)
            .unwrap();
        bytes.into_inner()
    };
    vec![
        ("set/cat/1.png".to_owned(), picture(10)),
        ("set/dog/deep/2.png".to_owned(), picture(20)),
        ("set/dog/notes.txt".to_owned(), b"no picture".to_vec()),
    ]
}

#[test]
fn zip_and_tar_of_class_folders_are_read() {
    use std::io::Write;

    let dir = tempfile::tempdir().unwrap();
    let zip = dir.path().join("set.zip");
    let mut archive = ZipWriter::new(std::fs::File::create(&zip).unwrap());
    let mut tar = tar::Builder::new(Vec::new());
    for (name, bytes) in class_folder_files() {
        archive
            .start_file(&*name, zip::write::FileOptions::default())
            .unwrap();
        archive.write_all(&bytes).unwrap();
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, &name, bytes.as_slice())
            .unwrap();
    }
    archive.finish().unwrap();
    let tar = tar.into_inner().unwrap();
    write(&dir.path().join("set.tar"), &tar);
    write(&dir.path().join("set.tgz"), gzip(&tar));
    for file in ["set.zip", "set.tar", "set.tgz"] {
        let loaded = read(&dir.path().join(file));
        assert_eq!(loaded.format, Format::ClassFolders, "{file}");
        assert_eq!(
            (labels(&loaded), first_pixels(&loaded)),
            (vec![0, 1], vec![10, 20])
        );
        assert_eq!(loaded.images.names(), ["cat/1.png", "dog/deep/2.png"]);
        assert_eq!(
            loaded.passed_over.len(),
            1,
            "{file}: {:?}",
            loaded.passed_over
        );
        assert_eq!(loaded.passed_over[0].first, "set/dog/notes.txt");
    }
}

#[test]
fn hostile_archives_are_refused_by_name() {
    use std::io::Write;

    let dir = tempfile::tempdir().unwrap();
    let climbing = dir.path().join("climbing.zip");
    let mut archive = ZipWriter::new(std::fs::File::create(&climbing).unwrap());
    archive
        .start_file("../../escaped.png", zip::write::FileOptions::default())
        .unwrap();
    archive.write_all(b"x").unwrap();
    archive.finish().unwrap();
    let cut = dir.path().join("cut.tgz");
    let whole = gzip(&[7; 4096]);
    write(&cut, &whole[..whole.len() / 2]);
    for (path, word) in [(climbing, "escaped.png"), (cut, "cut.tgz")] {
        let (error, text) = refusal(&path, &LoadOptions::default());
        assert!(matches!(error, Error::Malformed { .. }), "{text}");
        assert!(text.contains(word), "{text}");
    }
    // A link is not followed out of an archive, and comes to nothing.
    let mut tar = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Symlink);
    header.set_size(0);
    tar.append_link(&mut header, "cat", "/etc").unwrap();
    let linked = dir.path().join("linked.tar");
    write(&linked, tar.into_inner().unwrap());
    let (error, text) = refusal(&linked, &LoadOptions::default());
    assert!(matches!(error, Error::UnknownFormat { .. }), "{text}");
}

#[test]
fn forms_that_are_not_read_say_what_to_take() {
    let dir = tempfile::tempdir().unwrap();
    for (file, word) in [
        ("train.pkl", "numpy.savez"),
        ("signs/test.p", "runs code"),
        ("cifar-10-batches-py/data_batch_1", "cifar-10-binary"),
        ("test-00000-of-00001.parquet", "class folders"),
        ("x_test.npy", "numpy.savez"),
    ] {
        let path = dir.path().join(file);
        write(&path, b"\x80\x04");
        write(&path.with_file_name("batches.meta"), b"\x80\x04");
        let given = match file.split_once('/') {
            Some((folder, _)) => dir.path().join(folder),
            None => path,
        };
        let (error, text) = refusal(&given, &LoadOptions::default());
        assert!(matches!(error, Error::OtherForm { .. }), "{text}");
        assert!(text.contains(word), "{file}: {text}");
    }
}

#[test]
fn what_lies_beside_files_of_many_images_is_counted() {
    let counts = |path: &Path| -> Vec<(Reason, usize, String)> {
        let passed = read(path).passed_over.into_iter();
        passed.map(|it| (it.reason, it.count, it.first)).collect()
    };
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: Vec<u8>| write(&dir.path().join(name), bytes);
    file("t10k-images-idx3-ubyte", idx_images());
    file("t10k-labels-idx1-ubyte", idx(&[3], &[7, 0, 9]));
    assert_eq!(counts(dir.path()), []);
    file("t10k-images-idx3-ubyte.gz", gzip(&idx_images()));
    file("train-images-idx3-ubyte", idx_images());
    file("readme.txt", b"MNIST".to_vec());
    file(".DS_Store", Vec::new());
    assert_eq!(
        counts(dir.path()),
        [
            (Reason::Hidden, 1, ".DS_Store".to_owned()),
            (Reason::NoPicture, 1, "readme.txt".to_owned()),
            (Reason::Outside, 2, "t10k-images-idx3-ubyte.gz".to_owned()),
        ]
    );

    let dir = tempfile::tempdir().unwrap();
    for name in ["test_batch.bin", "data_batch_1.bin", "data_batch_2.bin"] {
        write(&dir.path().join(name), vec![1; 3073]);
    }
    let names: Vec<String> = (0..10).map(|class| format!("class {class}")).collect();
    write(&dir.path().join("batches.meta.txt"), names.join("\n"));
    write(&dir.path().join("readme.html"), "CIFAR");
    assert_eq!(
        counts(dir.path()),
        [
            (Reason::Outside, 2, "data_batch_1.bin".to_owned()),
            (Reason::NoPicture, 1, "readme.html".to_owned()),
        ]
    );
}

#[test]
fn labels_without_a_part_are_those_of_as_many_images() {
    let dir = tempfile::tempdir().unwrap();
    let set = |labels: &[i64]| {
        npz(dir.path(), |archive| {
            add_array(archive, "x_test", &[2, 1, 1], &[7u8, 9]);
            add_array(archive, "labels", &[labels.len() as u64], labels);
        })
    };
    let found = read(&set(&[1, 0]));
    assert_eq!((labels(&found), found.notes), (vec![1, 0], Vec::new()));
    let others = read(&set(&[1, 0, 1]));
    assert_eq!(others.images.labels(), None);
    let note = others.notes[0].to_string();
    assert!(note.contains("labels") && note.contains("x_test"), "{note}");
}

#[test]
fn labels_counted_from_one_are_classes_from_zero() {
    let dir = tempfile::tempdir().unwrap();
    let path = npz(dir.path(), |archive| {
        add_array(archive, "x", &[3, 1, 1], &[7u8, 9, 11]);
        add_array(archive, "y", &[3], &[3i32, 1, 2]);
    });
    let of_classes = |classes| {
        let options = LoadOptions {
            classes: Some(classes),
            ..LoadOptions::default()
        };
        load(&path, &options).unwrap()
    };
    let found = of_classes(3);
    assert_eq!(labels(&found), [2, 0, 1]);
    assert!(found.notes[0].to_string().contains("from 1"));
    assert_eq!(found.calls, ["1", "2", "3"]);
    // With a class more they are what they are.
    assert_eq!(labels(&of_classes(4)), [3, 1, 2]);
}

#[test]
fn an_archive_in_an_archive_is_named_with_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("set.zip");
    let mut archive = ZipWriter::new(std::fs::File::create(&path).unwrap());
    archive
        .start_file("cats.zip", zip::write::FileOptions::default())
        .unwrap();
    archive.finish().unwrap();
    let (error, text) = refusal(&path, &LoadOptions::default());
    assert!(matches!(error, Error::OtherForm { .. }), "{text}");
    let inside = path.join("cats.zip");
    assert!(text.starts_with(&inside.display().to_string()), "{text}");
    assert!(text.contains("unpack"), "{text}");
}
