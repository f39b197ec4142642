//! The clean images that a model is scanned with: test images, as an `.npz` file that anybody can
//! read.

use std::io::Cursor;
use std::path::Path;

use gifthorse_data::{Images, balanced_sample};
use npyz::npz::file_name_from_array_name;
use npyz::{WriteOptions, WriterBuilder};
use zip::write::FileOptions;
use zip::{DateTime, ZipWriter};

use super::store;
use crate::Error;
use crate::training_set::TrainingSet;

/// Most images of a file: as many as a scan takes at most unless told otherwise.
const MOST: usize = 3000;

/// Writes labelled images, at most 3,000 and those evenly over their classes, as bytes: `images`
/// `[n, channels, height, width]` with `labels`; and the names of the classes as a JSON list of its
/// own.
///
/// # Errors
/// [`Error::System`] for a file that cannot be written.
pub fn write(images: &Images, path: &Path, class_names: &Path) -> Result<(), Error> {
    let labels = images.labels().unwrap_or_default();
    let some = images.subset(&balanced_sample(labels, MOST, 0));
    put(&some, None, path, class_names)
}

/// Writes all images of a training set likewise, and which of them are poisoned as a third array
/// `poisoned` of zeros and ones.
///
/// # Errors
/// [`Error::System`] for a file that cannot be written.
pub fn write_training_set(set: &TrainingSet, path: &Path, class_names: &Path) -> Result<(), Error> {
    put(&set.images, Some(&set.poisoned), path, class_names)
}

fn put(
    images: &Images,
    poisoned: Option<&[bool]>,
    path: &Path,
    class_names: &Path,
) -> Result<(), Error> {
    let bytes = archive(images, poisoned).map_err(|source| Error::System {
        path: path.to_owned(),
        done: "written",
        source,
    })?;
    store::write_json(class_names, &images.class_names())?;
    store::write(path, &bytes)
}

fn archive(images: &Images, poisoned: Option<&[bool]>) -> std::io::Result<Vec<u8>> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    // A fixed time stamp: the same images give the same file.
    let options = FileOptions::default().last_modified_time(DateTime::default());
    let shape = images.shape();
    let sides = [images.len(), shape.channels, shape.height, shape.width];
    archive.start_file(file_name_from_array_name("images"), options)?;
    let mut pixels = WriteOptions::<u8>::new()
        .default_dtype()
        .shape(&sides.map(|side| side as u64))
        .writer(&mut archive)
        .begin_nd()?;
    let byte = |value: &f32| (value * 255.0).round() as u8;
    pixels.extend(images.pixels().iter().map(byte))?;
    pixels.finish()?;
    archive.start_file(file_name_from_array_name("labels"), options)?;
    let mut labels = WriteOptions::<i64>::new()
        .default_dtype()
        .shape(&[images.len() as u64])
        .writer(&mut archive)
        .begin_nd()?;
    let all = images.labels().unwrap_or_default();
    labels.extend(all.iter().map(|&label| label as i64))?;
    labels.finish()?;
    if let Some(poisoned) = poisoned {
        archive.start_file(file_name_from_array_name("poisoned"), options)?;
        let mut array = WriteOptions::<u8>::new()
            .default_dtype()
            .shape(&[poisoned.len() as u64])
            .writer(&mut archive)
            .begin_nd()?;
        array.extend(poisoned.iter().map(|&is| u8::from(is)))?;
        array.finish()?;
    }
    Ok(archive.finish()?.into_inner())
}
