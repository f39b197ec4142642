//! What the fuzz targets of image sets share: a folder that a set is put into, and read from.

use std::fs;
use std::path::PathBuf;

use gifthorse_data::{Crop, ImageShape, LoadOptions, load};
use tempfile::TempDir;

/// A folder of its own for one fuzzing process.
pub struct Folder(TempDir);

impl Default for Folder {
    fn default() -> Self {
        Self(TempDir::new().expect("a folder for temporary files"))
    }
}

impl Folder {
    /// Writes a file, with the folders above it.
    pub fn put(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join(name);
        let parent = path.parent().expect("a file in the folder");
        fs::create_dir_all(parent).expect("a folder that can be made");
        fs::write(&path, bytes).expect("a file that can be written");
        path
    }

    /// Writes a picture of two by two grey pixels.
    pub fn put_picture(&self, name: &str) {
        let path = self.put(name, &[]);
        let picture = image::GrayImage::from_pixel(2, 2, image::Luma([7]));
        picture.save(path).expect("a picture that can be written");
    }

    /// Reads the set: an error is as good as images, a panic is not. Whatever was read fits the
    /// model's shape.
    pub fn read(&self, name: &str, options: LoadOptions) {
        let options = LoadOptions {
            target: Some(SHAPE),
            max_images: Some(8),
            ..options
        };
        if let Ok(loaded) = load(&self.0.path().join(name), &options) {
            let images = &loaded.images;
            assert!(!images.is_empty() && images.len() <= 8);
            assert_eq!(images.shape(), SHAPE);
            assert_eq!(images.pixels().len(), images.len() * SHAPE.values());
            assert!(
                images
                    .pixels()
                    .iter()
                    .all(|pixel| (0.0..=1.0).contains(pixel))
            );
        }
    }
}

const SHAPE: ImageShape = ImageShape {
    channels: 3,
    height: 4,
    width: 4,
};

/// Options that take the region of interest of each picture.
pub fn cropped() -> LoadOptions {
    LoadOptions {
        crop: Crop::Roi,
        ..LoadOptions::default()
    }
}

/// Cuts an input in two: its first two bytes say where.
pub fn cut(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<2>()?;
    Some(rest.split_at(usize::from(u16::from_le_bytes(*length)).min(rest.len())))
}
