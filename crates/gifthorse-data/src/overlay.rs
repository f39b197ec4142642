//! A picture that covers a part of an image, as its transparency says.

use std::path::Path;

use image::DynamicImage;

use crate::decoded::Decoded;
use crate::picture::{check_range, read, without_alpha};
use crate::{Error, ImageShape};

/// A picture with how much of it shows.
#[derive(Clone, Debug, PartialEq)]
pub struct Overlay {
    /// Its shape.
    pub shape: ImageShape,
    /// Its colours, `[channels, height, width]` in [0, 1].
    pub colours: Vec<f32>,
    /// How far each pixel covers what is below it, `[height, width]` in [0, 1]; all 1 for a picture
    /// without transparency.
    pub cover: Vec<f32>,
}

/// Reads a picture with its transparency, in its own size, with 1 or 3 channels.
///
/// # Errors
/// [`Error::Malformed`] for what is no picture, or a larger one than is read.
pub fn read_overlay(path: &Path, channels: usize) -> Result<Overlay, Error> {
    let malformed = |reason| Error::Malformed {
        path: path.to_owned(),
        reason,
    };
    let (picture, _) = read(path).map_err(malformed)?;
    let cover = cover(&picture);
    let picture = without_alpha(picture);
    check_range(&picture).map_err(malformed)?;
    let shape = ImageShape {
        channels,
        height: picture.height() as usize,
        width: picture.width() as usize,
    };
    let decoded = Decoded::from_picture(picture, None).with_channels(Some(shape));
    Ok(Overlay {
        shape,
        colours: decoded.pixels,
        cover,
    })
}

/// How opaque each pixel is.
fn cover(picture: &DynamicImage) -> Vec<f32> {
    match picture.color().has_alpha() {
        true => picture
            .to_rgba32f()
            .pixels()
            .map(|pixel| pixel.0[3].clamp(0.0, 1.0))
            .collect(),
        false => vec![1.0; picture.width() as usize * picture.height() as usize],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{GrayImage, RgbaImage};

    #[test]
    fn a_picture_covers_where_it_is_opaque() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trigger.png");
        let pixels = vec![255, 0, 51, 255, 9, 9, 9, 0, 0, 255, 0, 51];
        RgbaImage::from_raw(3, 1, pixels)
            .unwrap()
            .save(&path)
            .unwrap();
        let read = read_overlay(&path, 3).unwrap();
        assert_eq!(read.cover, [1.0, 0.0, 0.2]);
        assert_eq!((read.shape.height, read.shape.width), (1, 3));
        assert_eq!(read.colours[..3], [1.0, 9.0 / 255.0, 0.0]);
        let grey = read_overlay(&path, 1).unwrap();
        assert!((grey.colours[2] - 0.587).abs() < 1e-6 && grey.colours.len() == 3);
        GrayImage::from_raw(1, 1, vec![51])
            .unwrap()
            .save(&path)
            .unwrap();
        let opaque = read_overlay(&path, 3).unwrap();
        assert_eq!((opaque.cover, opaque.colours), (vec![1.0], vec![0.2; 3]));
        std::fs::write(&path, "text").unwrap();
        assert!(read_overlay(&path, 3).is_err());
    }
}
