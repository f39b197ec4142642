//! From one picture, in a file or in memory, to `[channels, height, width]` pixels in `[0, 1]`.

use std::path::PathBuf;

use image::imageops::{FilterType, resize};
use image::{DynamicImage, ImageBuffer, ImageReader, Limits, Luma};

use crate::ImageShape;
use crate::limits::{MAX_PICTURE_BYTES, MAX_SIDE};

/// Resizing is a triangle filter (bilinear, widened when shrinking so that nothing aliases): the
/// default of the pipelines that most classifiers were trained with, and one that never overshoots
/// the range of the pixels, as cubic filters do.
const FILTER: FilterType = FilterType::Triangle;

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

/// Pixels of one image, `[channels, height, width]`, in `[0, 1]`.
#[derive(Debug)]
pub(crate) struct Decoded {
    pub shape: ImageShape,
    pub pixels: Vec<f32>,
}

impl Picture {
    /// Decodes, crops and, if `target` is given, resizes and converts to its channels; otherwise
    /// the picture keeps its size, and is grey or colour as it was stored.
    ///
    /// Alpha is dropped, as the usual training pipelines do. Resizing keeps the depth of the
    /// picture (8-bit pixels are rounded to 8 bits again), also as they do.
    pub fn decode(self, target: Option<ImageShape>) -> Result<Decoded, String> {
        let decoded = match self {
            Self::Floats(decoded) => decoded.resized(target),
            Self::Pixels(picture) => Decoded::from_picture(picture, target),
            Self::File { path, region } => {
                let frame = without_alpha(read(&path)?);
                let picture = match region {
                    Some(region) => region.crop(&frame)?,
                    None => frame,
                };
                Decoded::from_picture(picture, target)
            }
        };
        // Only floating-point files can hold such values; NaN fails the comparison too.
        if decoded.pixels.iter().any(|p| !(0.0..=1.0).contains(p)) {
            return Err("holds pixels outside the range 0..1".to_owned());
        }
        Ok(decoded.with_channels(target))
    }
}

impl Decoded {
    fn from_picture(picture: DynamicImage, target: Option<ImageShape>) -> Self {
        let picture = match target.map(|shape| (shape.width as u32, shape.height as u32)) {
            Some((width, height)) if (width, height) != (picture.width(), picture.height()) => {
                picture.resize_exact(width, height, FILTER)
            }
            _ => picture,
        };
        let (height, width) = (picture.height() as usize, picture.width() as usize);
        let (channels, pixels) = match picture.color().has_color() {
            true => (3, planes(picture.into_rgb32f().as_raw(), 3)),
            false => (1, picture.to_luma32f().into_raw()),
        };
        let shape = ImageShape {
            channels,
            height,
            width,
        };
        Self { shape, pixels }
    }

    fn resized(self, target: Option<ImageShape>) -> Self {
        let size = |shape: ImageShape| (shape.height, shape.width);
        match target {
            Some(target) if size(target) != size(self.shape) => Self {
                pixels: self
                    .pixels
                    .chunks_exact(self.shape.height * self.shape.width)
                    .flat_map(|plane| resize_plane(plane, self.shape, target))
                    .collect(),
                shape: ImageShape {
                    channels: self.shape.channels,
                    ..target
                },
            },
            _ => self,
        }
    }

    fn with_channels(self, target: Option<ImageShape>) -> Self {
        let channels = target.map_or(self.shape.channels, |shape| shape.channels);
        let pixels = match (self.shape.channels, channels) {
            (3, 1) => grey(&self.pixels),
            (1, 3) => self.pixels.repeat(3),
            _ => self.pixels,
        };
        let shape = ImageShape {
            channels,
            ..self.shape
        };
        Self { shape, pixels }
    }
}

fn resize_plane(plane: &[f32], from: ImageShape, to: ImageShape) -> Vec<f32> {
    let plane =
        ImageBuffer::<Luma<f32>, &[f32]>::from_raw(from.width as u32, from.height as u32, plane);
    plane
        .map(|plane| resize(&plane, to.width as u32, to.height as u32, FILTER).into_raw())
        .unwrap_or_default()
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

fn read(path: &std::path::Path) -> Result<DynamicImage, String> {
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_PICTURE_BYTES);
    // The content decides on the format: files with another format's ending are common.
    let mut reader = ImageReader::open(path)
        .and_then(ImageReader::with_guessed_format)
        .map_err(|error| error.to_string())?;
    reader.limits(limits);
    reader.decode().map_err(|error| error.to_string())
}

fn without_alpha(picture: DynamicImage) -> DynamicImage {
    match picture {
        DynamicImage::ImageLumaA8(_) => picture.into_luma8().into(),
        DynamicImage::ImageLumaA16(_) => picture.into_luma16().into(),
        DynamicImage::ImageRgba8(_) => picture.into_rgb8().into(),
        DynamicImage::ImageRgba16(_) => picture.into_rgb16().into(),
        DynamicImage::ImageRgba32F(_) => picture.into_rgb32f().into(),
        plain => plain,
    }
}

/// `[height, width, channels]` to `[channels, height, width]`.
pub(crate) fn planes<T: Copy>(interleaved: &[T], channels: usize) -> Vec<T> {
    (0..channels)
        .flat_map(|c| interleaved.iter().skip(c).step_by(channels).copied())
        .collect()
}

/// `[channels, height, width]` to `[height, width, channels]`.
pub(crate) fn interleave<T: Copy>(planes: &[T], channels: usize) -> Vec<T> {
    let size = planes.len() / channels;
    (0..size)
        .flat_map(|i| (0..channels).map(move |c| planes[c * size + i]))
        .collect()
}

/// Luma of `[3, height, width]` pixels by the weights of ITU-R BT.601, which image libraries use
/// for grey pictures.
fn grey(rgb: &[f32]) -> Vec<f32> {
    let size = rgb.len() / 3;
    (0..size)
        .map(|i| {
            let luma = 0.299 * rgb[i] + 0.587 * rgb[size + i] + 0.114 * rgb[2 * size + i];
            luma.min(1.0)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{GrayAlphaImage, GrayImage, Rgb, RgbImage, RgbaImage};

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
    fn every_byte_value_is_exactly_itself_over_255() {
        let dir = tempfile::tempdir().unwrap();
        let bytes: Vec<u8> = (0..=255).collect();
        let grey = GrayImage::from_raw(16, 16, bytes.clone()).unwrap();
        let expected: Vec<f32> = bytes.iter().map(|&b| f32::from(b) / 255.0).collect();
        for target in [None, Some(shape(1, 16, 16))] {
            let decoded = stored(&dir, "grey.png", grey.clone())
                .decode(target)
                .unwrap();
            assert_eq!(decoded.pixels, expected);
            assert_eq!(decoded.shape, shape(1, 16, 16));
        }
        let colour = RgbImage::from_fn(256, 1, |x, _| Rgb([x as u8, 255 - x as u8, 7]));
        let decoded = Picture::Pixels(colour.into()).decode(None).unwrap();
        assert_eq!(decoded.shape, shape(3, 1, 256));
        assert_eq!(decoded.pixels[..256], expected);
        assert!(decoded.pixels[512..].iter().all(|&p| p == 7.0 / 255.0));
    }

    #[test]
    fn sixteen_bits_and_alpha_are_read() {
        let dir = tempfile::tempdir().unwrap();
        let deep: ImageBuffer<Luma<u16>, _> =
            ImageBuffer::from_raw(2, 1, vec![12_345u16, 65_535]).unwrap();
        let decoded = stored(&dir, "deep.png", deep).decode(None).unwrap();
        assert_eq!(decoded.pixels, [12_345.0 / 65_535.0, 1.0]);

        let clear = RgbaImage::from_raw(1, 1, vec![51, 102, 204, 0]).unwrap();
        let decoded = stored(&dir, "clear.png", clear).decode(None).unwrap();
        assert_eq!(decoded.pixels, [0.2, 0.4, 0.8]);

        let clear = GrayAlphaImage::from_raw(1, 1, vec![51, 0]).unwrap();
        let decoded = stored(&dir, "clear-grey.png", clear).decode(None).unwrap();
        assert_eq!(decoded.pixels, [0.2]);
    }

    #[test]
    fn grey_and_colour_are_converted() {
        let colour = || Picture::Pixels(RgbImage::from_raw(1, 1, vec![255, 0, 51]).unwrap().into());
        let decoded = colour().decode(Some(shape(1, 1, 1))).unwrap();
        assert!((decoded.pixels[0] - (0.299 + 0.2 * 0.114)).abs() < 1e-6);
        let white = RgbImage::from_raw(1, 1, vec![255; 3]).unwrap();
        let decoded = Picture::Pixels(white.into())
            .decode(Some(shape(1, 1, 1)))
            .unwrap();
        assert!((decoded.pixels[0] - 1.0).abs() < 1e-6 && decoded.pixels[0] <= 1.0);
        let grey = GrayImage::from_raw(2, 1, vec![51, 102]).unwrap();
        let decoded = Picture::Pixels(grey.into())
            .decode(Some(shape(3, 1, 2)))
            .unwrap();
        assert_eq!(decoded.pixels, [0.2, 0.4, 0.2, 0.4, 0.2, 0.4]);
    }

    #[test]
    fn shrinking_averages_and_keeps_flat_colours() {
        let stripes = GrayImage::from_fn(8, 8, |x, _| Luma([if x % 2 == 0 { 0 } else { 200 }]));
        let decoded = Picture::Pixels(stripes.into())
            .decode(Some(shape(1, 2, 2)))
            .unwrap();
        for pixel in decoded.pixels {
            assert!((pixel - 100.0 / 255.0).abs() < 0.06, "{pixel}");
        }
        let flat = RgbImage::from_pixel(5, 7, Rgb([10, 20, 30]));
        let decoded = Picture::Pixels(flat.into())
            .decode(Some(shape(3, 3, 11)))
            .unwrap();
        assert_eq!(decoded.shape, shape(3, 3, 11));
        assert!(decoded.pixels[..33].iter().all(|&p| p == 10.0 / 255.0));
        assert!(decoded.pixels[66..].iter().all(|&p| p == 30.0 / 255.0));
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
            picture.decode(None)
        };
        let decoded = cut(0.25, 0.75).unwrap();
        assert_eq!(decoded.shape, shape(1, 1, 2));
        assert_eq!(decoded.pixels, [11.0 / 255.0, 12.0 / 255.0]);
        assert!(cut(0.75, 0.25).unwrap_err().contains("empty"));
    }

    #[test]
    fn floats_are_resized_plane_by_plane() {
        let pixels = [vec![0.25; 6], vec![0.5; 6], vec![1.0; 6]].concat();
        let floats = Decoded {
            shape: shape(3, 2, 3),
            pixels,
        };
        let decoded = Picture::Floats(floats)
            .decode(Some(shape(3, 4, 5)))
            .unwrap();
        assert_eq!(decoded.shape, shape(3, 4, 5));
        for (plane, value) in decoded.pixels.chunks_exact(20).zip([0.25, 0.5, 1.0]) {
            assert!(
                plane.iter().all(|&p: &f32| (p - value).abs() < 1e-6),
                "{plane:?}"
            );
        }
    }

    #[test]
    fn floats_outside_the_range_are_refused() {
        let picture: ImageBuffer<Rgb<f32>, _> =
            ImageBuffer::from_raw(1, 1, vec![0.5, 1.5, f32::NAN]).unwrap();
        assert!(Picture::Pixels(picture.into()).decode(None).is_err());
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
                .decode(None)
                .unwrap_err();
            assert!(
                reason.to_lowercase().contains("limit") || reason.contains("large"),
                "{reason}"
            );
        }
    }

    #[test]
    fn planes_and_interleave_undo_each_other() {
        let interleaved = [1, 2, 3, 4, 5, 6];
        assert_eq!(planes(&interleaved, 3), [1, 4, 2, 5, 3, 6]);
        assert_eq!(interleave(&planes(&interleaved, 3), 3), interleaved);
    }
}
