//! Pixels as every consumer wants them: planes of f32 in `[0, 1]`, of the size and channels asked
//! for.

use image::imageops::{FilterType, resize};
use image::{DynamicImage, ImageBuffer, Luma};

use crate::ImageShape;

/// Resizing is a triangle filter (bilinear, widened when shrinking so that nothing aliases): the
/// default of the pipelines that most classifiers were trained with, and one that never overshoots
/// the range of the pixels, as cubic filters do.
const FILTER: FilterType = FilterType::Triangle;

/// Pixels of one image, `[channels, height, width]`, in `[0, 1]`.
#[derive(Debug)]
pub(crate) struct Decoded {
    pub shape: ImageShape,
    pub pixels: Vec<f32>,
    /// Whether the picture's file says that it is to be turned, whatever came of that.
    pub turned: bool,
}

impl Decoded {
    /// The pixels of a picture, resized if a target of another size is given.
    ///
    /// Resizing keeps the depth of the picture (8-bit pixels are rounded to 8 bits again), as the
    /// usual training pipelines do.
    pub fn from_picture(picture: DynamicImage, target: Option<ImageShape>) -> Self {
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
        Self {
            shape,
            pixels,
            turned: false,
        }
    }

    /// The same image in the size of `target`.
    pub fn resized(self, target: Option<ImageShape>) -> Self {
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
                turned: self.turned,
            },
            _ => self,
        }
    }

    /// The same image with the channels of `target`.
    pub fn with_channels(self, target: Option<ImageShape>) -> Self {
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
        Self {
            shape,
            pixels,
            turned: self.turned,
        }
    }
}

fn resize_plane(plane: &[f32], from: ImageShape, to: ImageShape) -> Vec<f32> {
    let plane =
        ImageBuffer::<Luma<f32>, &[f32]>::from_raw(from.width as u32, from.height as u32, plane);
    plane
        .map(|plane| resize(&plane, to.width as u32, to.height as u32, FILTER).into_raw())
        .unwrap_or_default()
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
    use image::{GrayImage, Rgb, RgbImage};

    fn shape(channels: usize, height: usize, width: usize) -> ImageShape {
        ImageShape {
            channels,
            height,
            width,
        }
    }

    fn fit(picture: impl Into<DynamicImage>, target: Option<ImageShape>) -> Decoded {
        Decoded::from_picture(picture.into(), target).with_channels(target)
    }

    #[test]
    fn every_byte_value_is_exactly_itself_over_255() {
        let bytes: Vec<u8> = (0..=255).collect();
        let grey = GrayImage::from_raw(16, 16, bytes.clone()).unwrap();
        let expected: Vec<f32> = bytes.iter().map(|&b| f32::from(b) / 255.0).collect();
        for target in [None, Some(shape(1, 16, 16))] {
            let decoded = fit(grey.clone(), target);
            assert_eq!(decoded.pixels, expected);
            assert_eq!(decoded.shape, shape(1, 16, 16));
        }
        let colour = RgbImage::from_fn(256, 1, |x, _| Rgb([x as u8, 255 - x as u8, 7]));
        let decoded = fit(colour, None);
        assert_eq!(decoded.shape, shape(3, 1, 256));
        assert_eq!(decoded.pixels[..256], expected);
        assert!(decoded.pixels[512..].iter().all(|&p| p == 7.0 / 255.0));
    }

    #[test]
    fn grey_and_colour_are_converted() {
        let colour = RgbImage::from_raw(1, 1, vec![255, 0, 51]).unwrap();
        let decoded = fit(colour, Some(shape(1, 1, 1)));
        assert!((decoded.pixels[0] - (0.299 + 0.2 * 0.114)).abs() < 1e-6);
        let white = RgbImage::from_raw(1, 1, vec![255; 3]).unwrap();
        let decoded = fit(white, Some(shape(1, 1, 1)));
        assert!((decoded.pixels[0] - 1.0).abs() < 1e-6 && decoded.pixels[0] <= 1.0);
        let grey = GrayImage::from_raw(2, 1, vec![51, 102]).unwrap();
        let decoded = fit(grey, Some(shape(3, 1, 2)));
        assert_eq!(decoded.pixels, [0.2, 0.4, 0.2, 0.4, 0.2, 0.4]);
    }

    #[test]
    fn shrinking_averages_and_keeps_flat_colours() {
        let stripes = GrayImage::from_fn(8, 8, |x, _| Luma([if x % 2 == 0 { 0 } else { 200 }]));
        let decoded = fit(stripes, Some(shape(1, 2, 2)));
        for pixel in decoded.pixels {
            assert!((pixel - 100.0 / 255.0).abs() < 0.06, "{pixel}");
        }
        let flat = RgbImage::from_pixel(5, 7, Rgb([10, 20, 30]));
        let decoded = fit(flat, Some(shape(3, 3, 11)));
        assert_eq!(decoded.shape, shape(3, 3, 11));
        assert!(decoded.pixels[..33].iter().all(|&p| p == 10.0 / 255.0));
        assert!(decoded.pixels[66..].iter().all(|&p| p == 30.0 / 255.0));
    }

    #[test]
    fn floats_are_resized_plane_by_plane() {
        let pixels = [vec![0.25; 6], vec![0.5; 6], vec![1.0; 6]].concat();
        let floats = Decoded {
            shape: shape(3, 2, 3),
            pixels,
            turned: false,
        };
        let decoded = floats.resized(Some(shape(3, 4, 5)));
        assert_eq!(decoded.shape, shape(3, 4, 5));
        for (plane, value) in decoded.pixels.chunks_exact(20).zip([0.25, 0.5, 1.0]) {
            assert!(
                plane.iter().all(|&p: &f32| (p - value).abs() < 1e-6),
                "{plane:?}"
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
