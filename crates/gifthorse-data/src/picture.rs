//! One picture of an image set, in a file or in memory, and how it is decoded.

use std::io::Cursor;
use std::path::{Path, PathBuf};

use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};

use crate::decoded::Decoded;
use crate::jpeg;
use crate::limits::{MAX_PICTURE_BYTES, MAX_PICTURE_FILE_BYTES, MAX_SIDE, read_bounded};
use crate::{Error, Exif, ImageShape};

/// A picture whose pixels are not converted yet.
#[derive(Debug)]
pub(crate) enum Picture {
    /// A file to decode.
    File {
        path: PathBuf,
        region: Option<Region>,
    },
    /// Integer pixels that came out of a file of many images.
    Pixels(DynamicImage),
    /// Floating-point pixels that came out of a file of many images.
    Floats(Decoded),
}

/// Part of a frame, in fractions of its width and height, so that it also holds for a frame that
/// was resized after the region was marked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Region {
    pub left: f64,
    pub top: f64,
    pub right: f64,
    pub bottom: f64,
}

impl Picture {
    /// Decodes, crops and, if `target` is given, resizes and converts to its channels; otherwise
    /// the picture keeps its size, and is grey or colour as it was stored.
    ///
    /// Alpha is dropped, as the usual training pipelines do. A turn that the file notes is applied
    /// after cropping if `exif` says so.
    pub fn decode(self, target: Option<ImageShape>, exif: Exif) -> Result<Decoded, String> {
        let decoded = match self {
            Self::Floats(decoded) => decoded.resized(target),
            Self::Pixels(picture) => Decoded::from_picture(picture, target),
            Self::File { path, region } => {
                let (frame, turn) = read(&path)?;
                let frame = without_alpha(frame);
                check_range(&frame)?;
                let mut picture = match region {
                    Some(region) => region.crop(&frame)?,
                    None => frame,
                };
                if exif == Exif::Apply {
                    picture.apply_orientation(turn);
                }
                let mut decoded = Decoded::from_picture(picture, target);
                decoded.turned = turn != Orientation::NoTransforms;
                decoded
            }
        };
        Ok(decoded.with_channels(target))
    }
}

impl Region {
    fn crop(self, frame: &DynamicImage) -> Result<DynamicImage, String> {
        let (width, height) = (frame.width(), frame.height());
        let pixel =
            |share: f64, size: u32| (share.clamp(0.0, 1.0) * f64::from(size)).round() as u32;
        let (left, right) = (pixel(self.left, width), pixel(self.right, width));
        let (top, bottom) = (pixel(self.top, height), pixel(self.bottom, height));
        if left >= right || top >= bottom {
            return Err(format!("its region of interest {self:?} is empty"));
        }
        Ok(frame.crop_imm(left, top, right - left, bottom - top))
    }
}

/// The picture in a file, as it is stored, and the turn that the file notes.
pub(crate) fn read(path: &Path) -> Result<(DynamicImage, Orientation), String> {
    // A table may name anything that lies in its folder, and opening a pipe waits for a writer.
    let metadata = std::fs::metadata(path).map_err(|error| error.to_string())?;
    if !metadata.is_file() {
        return Err("it is not a regular file".to_owned());
    }
    let bytes = read_bounded(path, MAX_PICTURE_FILE_BYTES).map_err(|error| match error {
        Error::Malformed { reason, .. } => reason,
        other => other.to_string(),
    })?;
    if jpeg::is_jpeg(&bytes) && !jpeg::is_complete(&bytes) {
        return Err("it ends before the picture does".to_owned());
    }
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_PICTURE_BYTES);
    // The content decides on the format: files with another format's ending are common.
    let mut reader = ImageReader::new(Cursor::new(bytes))
        .with_guessed_format()
        .map_err(|error| error.to_string())?;
    if reader.format().is_none()
        && let Ok(format) = ImageFormat::from_path(path)
    {
        reader.set_format(format);
    }
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(|error| error.to_string())?;
    if decoder.total_bytes() > MAX_PICTURE_BYTES {
        return Err(format!(
            "it is larger than the {} MiB of pixels allowed",
            MAX_PICTURE_BYTES >> 20
        ));
    }
    // What cannot be read of it is no reason to do without the picture.
    let turn = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let picture = DynamicImage::from_decoder(decoder).map_err(|error| error.to_string())?;
    Ok((picture, turn))
}

pub(crate) fn without_alpha(picture: DynamicImage) -> DynamicImage {
    match picture {
        DynamicImage::ImageLumaA8(_) => picture.into_luma8().into(),
        DynamicImage::ImageLumaA16(_) => picture.into_luma16().into(),
        DynamicImage::ImageRgba8(_) => picture.into_rgb8().into(),
        DynamicImage::ImageRgba16(_) => picture.into_rgb16().into(),
        DynamicImage::ImageRgba32F(_) => picture.into_rgb32f().into(),
        plain => plain,
    }
}

/// Refuses values outside `[0, 1]`, which only floating-point files can hold; resizing would hide
/// them by clamping.
pub(crate) fn check_range(picture: &DynamicImage) -> Result<(), String> {
    match picture.as_rgb32f() {
        // NaN fails the comparison too.
        Some(floats) if floats.iter().any(|p| !(0.0..=1.0).contains(p)) => {
            Err("holds pixels outside the range 0..1".to_owned())
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{GrayAlphaImage, GrayImage, ImageBuffer, Luma, Rgb, RgbaImage};

    fn shape(channels: usize, height: usize, width: usize) -> ImageShape {
        ImageShape {
            channels,
            height,
            width,
        }
    }

    fn stored(dir: &tempfile::TempDir, name: &str, picture: impl Into<DynamicImage>) -> Picture {
        let path = dir.path().join(name);
        picture.into().save(&path).unwrap();
        Picture::File { path, region: None }
    }

    #[test]
    fn sixteen_bits_and_alpha_are_read() {
        let dir = tempfile::tempdir().unwrap();
        let deep: ImageBuffer<Luma<u16>, _> =
            ImageBuffer::from_raw(2, 1, vec![12_345u16, 65_535]).unwrap();
        let decoded = stored(&dir, "deep.png", deep)
            .decode(None, Exif::Ignore)
            .unwrap();
        assert_eq!(decoded.pixels, [12_345.0 / 65_535.0, 1.0]);

        let clear = RgbaImage::from_raw(1, 1, vec![51, 102, 204, 0]).unwrap();
        let decoded = stored(&dir, "clear.png", clear)
            .decode(None, Exif::Ignore)
            .unwrap();
        assert_eq!(decoded.pixels, [0.2, 0.4, 0.8]);

        let clear = GrayAlphaImage::from_raw(1, 1, vec![51, 0]).unwrap();
        let decoded = stored(&dir, "clear-grey.png", clear)
            .decode(None, Exif::Ignore)
            .unwrap();
        assert_eq!(decoded.pixels, [0.2]);
    }

    #[test]
    fn a_region_is_cut_out_in_fractions_of_the_frame() {
        let dir = tempfile::tempdir().unwrap();
        let frame = GrayImage::from_fn(4, 2, |x, y| Luma([(10 * y + x) as u8]));
        let cut = |left, right| {
            let mut picture = stored(&dir, "frame.png", frame.clone());
            if let Picture::File { region, .. } = &mut picture {
                *region = Some(Region {
                    left,
                    top: 0.5,
                    right,
                    bottom: 1.0,
                });
            }
            picture.decode(None, Exif::Ignore)
        };
        let decoded = cut(0.25, 0.75).unwrap();
        assert_eq!(decoded.shape, shape(1, 1, 2));
        assert_eq!(decoded.pixels, [11.0 / 255.0, 12.0 / 255.0]);
        assert!(cut(0.75, 0.25).unwrap_err().contains("empty"));
    }

    #[test]
    fn floats_outside_the_range_are_refused_even_if_resizing_would_clamp_them() {
        let dir = tempfile::tempdir().unwrap();
        for (values, fits) in [([0.5, 0.25, 1.0], true), ([0.5, 1.5, 0.0], false)] {
            let picture: ImageBuffer<Rgb<f32>, _> =
                ImageBuffer::from_raw(1, 1, values.to_vec()).unwrap();
            for target in [None, Some(shape(3, 2, 2))] {
                let decoded =
                    stored(&dir, "floats.tiff", picture.clone()).decode(target, Exif::Ignore);
                assert_eq!(decoded.is_ok(), fits, "{values:?}");
            }
        }
    }

    #[test]
    fn an_enormous_picture_is_refused_before_it_is_decoded() {
        let dir = tempfile::tempdir().unwrap();
        for (name, header) in [
            ("wide.ppm", &b"P6 100000 1 255\n"[..]),
            ("large.ppm", &b"P6 16000 16000 255\n"[..]),
        ] {
            let path = dir.path().join(name);
            std::fs::write(&path, header).unwrap();
            let reason = Picture::File { path, region: None }
                .decode(None, Exif::Ignore)
                .unwrap_err();
            assert!(
                reason.to_lowercase().contains("limit") || reason.contains("large"),
                "{reason}"
            );
        }
    }
}
