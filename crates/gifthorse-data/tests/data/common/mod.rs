//! Image sets that the tests write themselves, each picture of one colour that tells which it is.

#![allow(dead_code, reason = "each test binary uses some of it")]
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot write its data has failed"
)]

use std::io::Write;
use std::path::Path;

use gifthorse_data::{Error, ImageShape, LoadOptions, Loaded, load};
use image::{GrayImage, Luma, Rgb, RgbImage};
use npyz::npz::file_name_from_array_name;
use npyz::{WriteOptions, WriterBuilder};
use zip::ZipWriter;
use zip::write::FileOptions;

pub const SIDE: u32 = 8;

pub fn grey(value: u8) -> GrayImage {
    GrayImage::from_pixel(SIDE, SIDE, Luma([value]))
}

pub fn colour(value: u8) -> RgbImage {
    RgbImage::from_pixel(SIDE, SIDE, Rgb([value, 100, 200]))
}

/// Saves a picture in the format of its ending, with the folders above it.
pub fn save(picture: impl Into<image::DynamicImage>, path: &Path) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    picture.into().save(path).unwrap();
}

pub fn write(path: &Path, bytes: impl AsRef<[u8]>) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

/// An IDX file of unsigned bytes.
pub fn idx(dimensions: &[u32], values: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, dimensions.len() as u8];
    for dimension in dimensions {
        bytes.extend(dimension.to_be_bytes());
    }
    bytes.extend(values);
    bytes
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Adds an array to an archive.
pub fn add_array<T: npyz::Serialize + npyz::AutoSerialize + Copy>(
    archive: &mut ZipWriter<std::fs::File>,
    name: &str,
    shape: &[u64],
    values: &[T],
) {
    archive
        .start_file(file_name_from_array_name(name), FileOptions::default())
        .unwrap();
    let mut array = WriteOptions::new()
        .default_dtype()
        .shape(shape)
        .writer(archive)
        .begin_nd()
        .unwrap();
    array.extend(values.iter().copied()).unwrap();
    array.finish().unwrap();
}

pub fn to(channels: usize, height: usize, width: usize) -> LoadOptions {
    LoadOptions {
        target: Some(ImageShape {
            channels,
            height,
            width,
        }),
        ..LoadOptions::default()
    }
}

pub fn read(path: &Path) -> Loaded {
    load(path, &LoadOptions::default()).unwrap()
}

/// The first pixel of each image as a byte.
pub fn first_pixels(loaded: &Loaded) -> Vec<u8> {
    let first = |i| (loaded.images.image(i)[0] * 255.0).round() as u8;
    (0..loaded.images.len()).map(first).collect()
}

pub fn labels(loaded: &Loaded) -> Vec<usize> {
    loaded.images.labels().unwrap().to_vec()
}

/// What `load` says is wrong.
pub fn refusal(path: &Path, options: &LoadOptions) -> (Error, String) {
    let error = load(path, options).unwrap_err();
    let text = error.to_string();
    (error, text)
}
