//! Pictures in files, for triggers that are made of one.

use std::path::Path;

use gifthorse_data::ImageShape;
use image::imageops::{FilterType, resize};
use image::{ImageReader, Limits, Rgba, Rgba32FImage};

use super::colour::luma;
use super::overlay::Overlay;
use crate::trigger::TriggerError;

/// Largest side of a picture, in pixels; more is taken for a broken or hostile file.
const MAX_SIDE: u32 = 8192;

/// Reads a picture in any of the usual formats and gives it as many channels as asked for, and
/// `size` (height, width) if one is given, smoothed. Where it has no alpha it is opaque. On one
/// channel colours become their brightness.
///
/// # Errors
/// [`TriggerError::File`] if the file is missing or no picture; [`TriggerError::Empty`] for a size
/// of no pixels.
pub fn read(
    trigger: &'static str,
    path: &Path,
    channels: usize,
    size: Option<[usize; 2]>,
) -> Result<Overlay, TriggerError> {
    let refuse = |reason: String| TriggerError::File {
        trigger,
        path: path.to_owned(),
        reason,
    };
    let mut reader = ImageReader::open(path)
        .and_then(ImageReader::with_guessed_format)
        .map_err(|error| refuse(error.to_string()))?;
    let mut limits = Limits::default();
    (limits.max_image_width, limits.max_image_height) = (Some(MAX_SIDE), Some(MAX_SIDE));
    reader.limits(limits);
    let mut picture = reader
        .decode()
        .map_err(|error| refuse(error.to_string()))?
        .into_rgba32f();
    if let Some([height, width]) = size {
        if height == 0 || width == 0 {
            return Err(TriggerError::Empty { trigger });
        }
        let side = |side: usize| u32::try_from(side).ok().filter(|&side| side <= MAX_SIDE);
        let (Some(height), Some(width)) = (side(height), side(width)) else {
            return Err(refuse(format!(
                "it is not to be made larger than {MAX_SIDE} pixels"
            )));
        };
        picture = resized(picture, width, height);
    }
    Ok(overlay(&picture, channels))
}

/// Another size. Colours count by how opaque they are, so that what cannot be seen does not bleed
/// into what can.
fn resized(mut picture: Rgba32FImage, width: u32, height: u32) -> Rgba32FImage {
    if picture.dimensions() == (width, height) {
        return picture;
    }
    let weigh = |pixel: &mut Rgba<f32>, by: f32| {
        for colour in &mut pixel.0[..3] {
            *colour *= by;
        }
    };
    for pixel in picture.pixels_mut() {
        weigh(pixel, pixel.0[3]);
    }
    let mut small = resize(&picture, width, height, FilterType::Triangle);
    for pixel in small.pixels_mut() {
        let alpha = pixel.0[3];
        weigh(pixel, if alpha > 0.0 { alpha.recip() } else { 0.0 });
    }
    small
}

fn overlay(picture: &Rgba32FImage, channels: usize) -> Overlay {
    let value = |pixel: &Rgba<f32>, channel: usize| {
        let [red, green, blue, _] = pixel.0;
        let value = if channels == 3 {
            pixel.0[channel]
        } else {
            luma(red, green, blue)
        };
        value.clamp(0.0, 1.0)
    };
    Overlay {
        height: picture.height() as usize,
        width: picture.width() as usize,
        colour: (0..channels)
            .flat_map(|channel| picture.pixels().map(move |pixel| value(pixel, channel)))
            .collect(),
        cover: picture
            .pixels()
            .map(|pixel| pixel.0[3].clamp(0.0, 1.0))
            .collect(),
    }
}

/// Reads a picture as an image to put triggers on: what is transparent is white.
///
/// # Errors
/// As for the picture of a trigger.
pub fn read_image(
    path: &Path,
    channels: usize,
    size: Option<[usize; 2]>,
) -> Result<(ImageShape, Vec<f32>), TriggerError> {
    let picture = read("none", path, channels, size)?;
    let shape = ImageShape {
        channels,
        height: picture.height,
        width: picture.width,
    };
    Ok((shape, picture.over_white()))
}
