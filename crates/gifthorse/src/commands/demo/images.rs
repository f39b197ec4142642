//! The demo's images: drawn, and the clean test images written as a folder that a scan can read.

use std::fs;
use std::path::Path;

use anyhow::Context;
use gifthorse_data::Images;
use gifthorse_data::generate::{SignOptions, signs};
use gifthorse_report::evidence::Picture;

/// Images to train on: about as many as a network of this size needs to be right on 99 of 100.
const TRAIN: usize = 6000;
/// Images to test and to scan with, a hundred of each class.
const TEST: usize = 1200;

/// Images to train on and others to test on.
pub struct Sets {
    /// Trained on.
    pub train: Images,
    /// Never trained on.
    pub test: Images,
}

impl Sets {
    /// Draws both; no two seeds share an image.
    ///
    /// # Errors
    /// What the generator refuses.
    pub fn draw(seed: u64) -> anyhow::Result<Self> {
        let draw = |count, seed| {
            signs(&SignOptions {
                count,
                seed,
                ..SignOptions::default()
            })
        };
        let even = seed.wrapping_mul(2);
        Ok(Self {
            train: draw(TRAIN, even)?,
            test: draw(TEST, even | 1)?,
        })
    }
}

/// Writes labelled images as PNG files, a folder for each class, with the names of the classes beside them. Class
/// folders that are there already are removed, so that no image of another seed stays.
///
/// # Errors
/// A folder or file that cannot be written.
pub fn write(images: &Images, folder: &Path) -> anyhow::Result<()> {
    let shape = images.shape();
    let class_folder = |class: usize| folder.join(format!("{class:02}"));
    let mut words = String::new();
    for (class, name) in images.class_names().iter().enumerate() {
        let path = class_folder(class);
        if path.exists() {
            fs::remove_dir_all(&path)
                .with_context(|| format!("{} cannot be replaced", path.display()))?;
        }
        fs::create_dir_all(&path).with_context(|| format!("{} cannot be made", path.display()))?;
        words += &format!("{class:02}\t{name}\n");
    }
    put(&folder.join("words.txt"), words.as_bytes())?;
    let labels = images.labels().unwrap_or_default();
    for (index, &label) in labels.iter().enumerate() {
        let shape = [shape.channels, shape.height, shape.width];
        let picture = Picture::new(shape, images.image(index).to_vec())?;
        let path = class_folder(label).join(format!("{}.png", images.names()[index]));
        put(&path, &picture.to_png()?)?;
    }
    Ok(())
}

/// Writes a file.
///
/// # Errors
/// Names the file that cannot be written.
pub fn put(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    fs::write(path, bytes).with_context(|| format!("{} cannot be written", path.display()))
}
