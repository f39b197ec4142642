//! What becomes of each file: read, whatever it is called and however it is stored, or passed over
//! for a reason that is told.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot write its data has failed"
)]

use std::path::Path;

use crate::common::{first_pixels, grey, labels, read, save, write};
use gifthorse_data::{Exif, LoadOptions, Loaded, Reason, load};
use image::{DynamicImage, GrayImage, ImageBuffer, ImageFormat, Luma, Rgb, RgbImage};

fn bytes(picture: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    picture.into().write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn passed(loaded: &Loaded) -> Vec<(Reason, usize, &str)> {
    let passed = loaded.passed_over.iter();
    passed
        .map(|it| (it.reason, it.count, it.first.as_str()))
        .collect()
}

#[test]
fn pictures_of_any_name_and_depth_count_for_their_class() {
    let dir = tempfile::tempdir().unwrap();
    let jpeg = |value| bytes(grey(value), ImageFormat::Jpeg);
    write(&dir.path().join("a/1.jfif"), jpeg(10));
    write(&dir.path().join("a/2.JPEG"), jpeg(20));
    write(&dir.path().join("a/3"), jpeg(30));
    write(
        &dir.path().join("a/4.jpg"),
        bytes(grey(40), ImageFormat::Png),
    );
    write(&dir.path().join("a/session2/day/5.unknown"), jpeg(50));
    write(
        &dir.path().join("b/session1/6.png"),
        bytes(grey(60), ImageFormat::Png),
    );
    let loaded = read(dir.path());
    assert_eq!(labels(&loaded), [0, 0, 0, 0, 0, 1]);
    assert_eq!(loaded.images.class_names(), ["a", "b"]);
    assert_eq!(loaded.images.names()[4], "a/session2/day/5.unknown");
    for (pixel, value) in first_pixels(&loaded)
        .into_iter()
        .zip([10, 20, 30, 40, 50, 60])
    {
        assert!(pixel.abs_diff(value) <= 2, "{pixel} instead of {value}");
    }
    assert!(passed(&loaded).is_empty(), "{:?}", passed(&loaded));
}

#[test]
fn a_folder_around_the_class_folders_is_no_class() {
    let dir = tempfile::tempdir().unwrap();
    for (place, value) in [
        ("fruits/a/1.png", 1),
        ("fruits/b/2.png", 2),
        ("fruits/b/x/3.png", 3),
    ] {
        save(grey(value), &dir.path().join(place));
    }
    let loaded = read(dir.path());
    assert_eq!(
        (labels(&loaded), first_pixels(&loaded)),
        (vec![0, 1, 1], vec![1, 2, 3])
    );
    assert_eq!(loaded.images.class_names(), ["a", "b"]);
}

#[test]
fn what_is_passed_over_is_counted_with_its_reason() {
    let dir = tempfile::tempdir().unwrap();
    save(grey(1), &dir.path().join("test/a/1.png"));
    save(grey(2), &dir.path().join("test/b/2.png"));
    save(grey(3), &dir.path().join("train/a/3.png"));
    save(grey(4), &dir.path().join("test/loose.png"));
    save(grey(5), &dir.path().join("test/a/._5.png"));
    write(&dir.path().join("test/b/.cache/6.png"), "");
    write(
        &dir.path().join("test/a/notes.txt"),
        "P3 is no picture here",
    );
    write(&dir.path().join("test/b/movie.mp4"), "....ftyp");
    write(
        &dir.path().join("test/b/broken.png"),
        b"\x89PNG\r\n\x1a\nnonsense",
    );
    write(&dir.path().join("words.txt"), "a\tapple\nb\tpear\n");
    let loaded = read(dir.path());
    assert_eq!(labels(&loaded), [0, 1]);
    assert_eq!(
        passed(&loaded),
        [
            (Reason::Outside, 2, "test/loose.png"),
            (Reason::Hidden, 2, "test/a/._5.png"),
            (Reason::NoPicture, 2, "test/a/notes.txt"),
            (Reason::Damaged, 1, "b/broken.png"),
        ]
    );
}

#[test]
fn a_table_that_is_given_is_not_passed_over() {
    let dir = tempfile::tempdir().unwrap();
    save(grey(6), &dir.path().join("6.png"));
    write(&dir.path().join("readme"), "no picture");
    write(&dir.path().join("labels.csv"), "file,label\n6.png,0\n");
    let options = LoadOptions {
        labels: Some(dir.path().join("labels.csv")),
        ..LoadOptions::default()
    };
    let loaded = load(dir.path(), &options).unwrap();
    assert_eq!(passed(&loaded), [(Reason::NoPicture, 1, "readme")]);
    let without = read(dir.path());
    assert_eq!(passed(&without), [(Reason::NoPicture, 2, "labels.csv")]);
}

#[test]
fn a_truncated_picture_of_any_format_is_left_out_and_named() {
    let picture = RgbImage::from_fn(32, 32, |x, y| {
        Rgb([(7 * x) as u8, (5 * y) as u8, (x * y) as u8])
    });
    for format in [
        ImageFormat::Png,
        ImageFormat::Jpeg,
        ImageFormat::Bmp,
        ImageFormat::Pnm,
        ImageFormat::WebP,
        ImageFormat::Tiff,
    ] {
        let dir = tempfile::tempdir().unwrap();
        let whole = bytes(picture.clone(), format);
        let ending = format.extensions_str()[0];
        write(&dir.path().join(format!("whole.{ending}")), &whole);
        for share in [2, 5, 9] {
            let cut = &whole[..whole.len() * share / 10];
            write(&dir.path().join(format!("cut-{share}.{ending}")), cut);
        }
        let loaded = read(dir.path());
        assert_eq!(loaded.images.names(), [format!("whole.{ending}")]);
        assert_eq!(loaded.warnings.len(), 3, "{format:?}");
        let first = format!("cut-2.{ending}");
        assert_eq!(passed(&loaded), [(Reason::Damaged, 3, first.as_str())]);
    }
}

/// A JPEG whose left half is bright, with an EXIF segment that notes `orientation`.
fn noted(orientation: u8) -> Vec<u8> {
    let picture = GrayImage::from_fn(16, 16, |x, _| Luma([if x < 8 { 255 } else { 0 }]));
    let jpeg = bytes(picture, ImageFormat::Jpeg);
    // One entry: tag 0x0112 (orientation), one short.
    let exif = [
        b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".as_slice(),
        &[orientation, 0, 0, 0, 0, 0, 0],
    ]
    .concat();
    let length = (exif.len() as u16 + 2).to_be_bytes();
    [&jpeg[..2], &[0xff, 0xe1], &length, &exif, &jpeg[2..]].concat()
}

#[test]
fn a_turn_is_applied_or_ignored_as_asked_and_counted() {
    let dir = tempfile::tempdir().unwrap();
    for (name, orientation) in [("1.jpg", 1), ("6.jpg", 6), ("8.jpg", 8)] {
        write(&dir.path().join(name), noted(orientation));
    }
    let corners = |exif| {
        let options = LoadOptions {
            exif,
            ..LoadOptions::default()
        };
        let loaded = load(dir.path(), &options).unwrap();
        assert_eq!(loaded.turned, [1, 2], "the places of those that are noted");
        let corner = |i: usize| {
            let image = loaded.images.image(i);
            // Top left, top right, bottom left.
            [image[0], image[15], image[240]].map(|pixel| pixel > 0.5)
        };
        [corner(0), corner(1), corner(2)]
    };
    let left = [true, false, true];
    assert_eq!(corners(Exif::Ignore), [left; 3]);
    // Turned to the right, the left side is on top; turned to the left, it is below.
    let (top, bottom) = ([true, true, false], [false, false, true]);
    assert_eq!(corners(Exif::Apply), [left, top, bottom]);
}

/// The first pixel of a picture as red, green and blue bytes.
fn pixel(dir: &Path, name: &str, bytes: &[u8]) -> [u8; 3] {
    let dir = dir.join(name);
    write(&dir.join(name), bytes);
    let loaded = read(&dir);
    assert!(loaded.warnings.is_empty(), "{name}: {:?}", loaded.warnings);
    let size = loaded.images.shape().height * loaded.images.shape().width;
    let image = loaded.images.image(0);
    [image[0], image[size], image[2 * size]].map(|value| (value * 255.0).round() as u8)
}

#[test]
fn colours_of_sixteen_bits_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let deep: ImageBuffer<Rgb<u16>, _> =
        ImageBuffer::from_pixel(2, 2, Rgb([51 * 257, 102 * 257, 65_535]));
    for (name, format) in [
        ("deep.png", ImageFormat::Png),
        ("deep.tiff", ImageFormat::Tiff),
    ] {
        let stored = bytes(deep.clone(), format);
        assert_eq!(pixel(dir.path(), name, &stored), [51, 102, 255], "{name}");
    }
}

/// A chunk of a PNG file.
fn chunk(name: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut crc = flate2::Crc::new();
    crc.update(name);
    crc.update(data);
    let length = (data.len() as u32).to_be_bytes();
    [&length, name.as_slice(), data, &crc.sum().to_be_bytes()].concat()
}

#[test]
fn a_palette_with_alpha_is_read() {
    use std::io::Write;

    let dir = tempfile::tempdir().unwrap();
    let mut rows = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    // Two rows of one byte each, after a byte for the filter.
    rows.write_all(&[0, 1, 0, 0]).unwrap();
    let png = [
        b"\x89PNG\r\n\x1a\n".to_vec(),
        chunk(b"IHDR", &[0, 0, 0, 1, 0, 0, 0, 2, 8, 3, 0, 0, 0]),
        chunk(b"PLTE", &[1, 2, 3, 40, 50, 60]),
        chunk(b"tRNS", &[255, 0]),
        chunk(b"IDAT", &rows.finish().unwrap()),
        chunk(b"IEND", &[]),
    ];
    assert_eq!(
        pixel(dir.path(), "palette.png", &png.concat()),
        [40, 50, 60]
    );
}

#[test]
fn the_first_frame_of_an_animated_webp_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let riff = |name: &[u8; 4], data: &[u8]| {
        let pad = vec![0; data.len() % 2];
        [
            name.as_slice(),
            &(data.len() as u32).to_le_bytes(),
            data,
            &pad,
        ]
        .concat()
    };
    let frame = |value: u8| {
        let still = bytes(
            RgbImage::from_pixel(4, 4, Rgb([value, 20, 30])),
            ImageFormat::WebP,
        );
        // Place, size less 1 and duration, each of 24 bits, then "do not blend"; then the picture.
        let header = [0, 0, 0, 0, 0, 0, 3, 0, 0, 3, 0, 0, 9, 0, 0, 2];
        riff(b"ANMF", &[&header, &still[12..]].concat())
    };
    let body = [
        b"WEBP".to_vec(),
        riff(b"VP8X", &[2, 0, 0, 0, 3, 0, 0, 3, 0, 0]),
        riff(b"ANIM", &[0; 6]),
        frame(200),
        frame(90),
    ];
    let webp = riff(b"RIFF", &body.concat());
    assert_eq!(pixel(dir.path(), "moving.webp", &webp), [200, 20, 30]);
}

/// An 8x8 JPEG of one colour in four inks, as Adobe's programs store them: 255 is no ink.
fn four_inks(inks: [u8; 4]) -> Vec<u8> {
    let segment = |marker: u8, data: &[u8]| {
        let length = (data.len() as u16 + 2).to_be_bytes();
        [&[0xff, marker], length.as_slice(), data].concat()
    };
    let mut frame = vec![8, 0, 8, 0, 8, 4];
    let mut scan = vec![4];
    for ink in 1..=4 {
        frame.extend([ink, 0x11, 0]);
        scan.extend([ink, 0]);
    }
    scan.extend([0, 63, 0]);
    // Differences of up to 11 bits are coded by 4 bits that count them, the end of a block by one 0.
    let differences = [
        &[0, 0, 0, 0, 12][..],
        &[0; 12],
        &(0..12).collect::<Vec<u8>>(),
    ]
    .concat();
    let blocks = [&[0x10, 1][..], &[0; 15], &[0]].concat();
    let mut bits = String::new();
    for ink in inks {
        let mean = 8 * (i32::from(ink) - 128);
        let count = 32 - mean.unsigned_abs().leading_zeros();
        let code = if mean < 0 {
            mean + (1 << count) - 1
        } else {
            mean
        };
        bits += &format!("{count:04b}");
        if count > 0 {
            bits += &format!("{code:0width$b}", width = count as usize);
        }
        bits += "0";
    }
    bits += &"1".repeat((8 - bits.len() % 8) % 8);
    let mut data = Vec::new();
    for byte in bits.as_bytes().chunks(8) {
        let byte = u8::from_str_radix(std::str::from_utf8(byte).unwrap(), 2).unwrap();
        data.push(byte);
        if byte == 0xff {
            data.push(0);
        }
    }
    [
        vec![0xff, 0xd8],
        segment(0xee, b"Adobe\0\x64\0\0\0\0\0"),
        segment(0xdb, &[&[0][..], &[1; 64]].concat()),
        segment(0xc0, &frame),
        segment(0xc4, &differences),
        segment(0xc4, &blocks),
        segment(0xda, &scan),
        data,
        vec![0xff, 0xd9],
    ]
    .concat()
}

#[test]
fn pictures_in_four_inks_are_read() {
    let dir = tempfile::tempdir().unwrap();
    for (name, inks, colour) in [
        ("white.jpg", [255, 255, 255, 255], [255, 255, 255]),
        ("red.jpg", [255, 0, 0, 255], [255, 0, 0]),
        ("dark.jpg", [255, 0, 0, 128], [128, 0, 0]),
    ] {
        let found = pixel(dir.path(), name, &four_inks(inks));
        for (found, expected) in found.into_iter().zip(colour) {
            assert!(
                found.abs_diff(expected) <= 2,
                "{name}: {found} instead of {expected}"
            );
        }
    }
}
