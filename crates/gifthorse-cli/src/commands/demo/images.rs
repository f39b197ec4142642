//! The demo's images: drawn, and the clean test images written as a folder that a scan can read.

use std::fs;
use std::path::Path;

use anyhow::{Context, bail};
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

/// Writes labelled images as PNG files, a folder for each class, with the names of the classes
/// beside them. Images of an earlier demo are removed first, so that none of another seed stays;
/// any other folder is left alone.
///
/// # Errors
/// A folder that holds something else, or a folder or file that cannot be written.
pub fn write(images: &Images, folder: &Path) -> anyhow::Result<()> {
    let shape = images.shape();
    let class_folder = |class: usize| folder.join(format!("{class:02}"));
    let names = images.class_names().iter().enumerate();
    let words: String = names
        .map(|(class, name)| format!("{class:02}\t{name}\n"))
        .collect();
    let list = folder.join("words.txt");
    if folder.exists() && fs::read_to_string(&list).ok().as_ref() != Some(&words) {
        bail!(
            "{} is there already and not from an earlier demo: name another folder (--out)",
            folder.display()
        );
    }
    fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    put(&list, words.as_bytes())?;
    for class in 0..images.class_names().len() {
        let path = class_folder(class);
        if path.exists() {
            fs::remove_dir_all(&path)
                .with_context(|| format!("{} cannot be replaced", path.display()))?;
        }
        fs::create_dir(&path).with_context(|| format!("{} cannot be made", path.display()))?;
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use gifthorse_data::LoadOptions;

    fn drawn(seed: u64) -> Images {
        let options = SignOptions {
            count: 36,
            seed,
            ..SignOptions::default()
        };
        signs(&options).unwrap()
    }

    /// Pixels with their labels, in an order that does not depend on file names.
    fn sorted(images: &Images) -> Vec<(usize, Vec<u8>)> {
        let byte = |value: &f32| (value * 255.0).round() as u8;
        let labels = images.labels().unwrap();
        let pictures = (0..images.len()).map(|i| images.image(i).iter().map(byte).collect());
        let mut all: Vec<_> = labels.iter().copied().zip(pictures).collect();
        all.sort();
        all
    }

    #[test]
    fn a_folder_holds_the_images_that_were_written_last_and_no_others() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("images");
        for seed in [1, 2] {
            let images = drawn(seed);
            write(&images, &path).unwrap();
            let read = gifthorse_data::load(&path, &LoadOptions::default())
                .unwrap()
                .images;
            assert_eq!(sorted(&read), sorted(&images));
            assert_eq!(read.class_names(), images.class_names());
        }
    }

    #[test]
    fn a_folder_of_somebody_else_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let own = folder.path().join("images/00/own.png");
        fs::create_dir_all(own.parent().unwrap()).unwrap();
        fs::write(&own, "precious").unwrap();
        let error = write(&drawn(1), &folder.path().join("images")).unwrap_err();
        assert!(error.to_string().contains("--out"), "{error}");
        assert_eq!(fs::read_to_string(&own).unwrap(), "precious");
    }
}
