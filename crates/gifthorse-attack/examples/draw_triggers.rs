//! Draws every named trigger as three pictures side by side: on grey, on an image, and what it
//! changes there, five times as strong.
//!
//! `cargo run --release -p gifthorse-attack --example draw_triggers -- FOLDER [IMAGE [HEIGHT WIDTH]]`
//!
//! Without an image, a traffic sign is drawn.

use std::error::Error;
use std::path::{Path, PathBuf};

use gifthorse_attack::trigger::{AnyTrigger, GALLERY, Picture, Place, on_grey, read_image, stamp};
use gifthorse_data::generate::{SignOptions, signs};
use gifthorse_data::{ImageShape, Images};
use image::{Rgb, RgbImage, Rgba, RgbaImage};

/// Pixels of the file for each pixel of an image, along each side.
const ENLARGED: usize = 3;
/// White pixels between the pictures.
const GAP: usize = 1;

fn main() -> Result<(), Box<dyn Error>> {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let folder = PathBuf::from(given.first().ok_or("a folder is expected")?);
    std::fs::create_dir_all(&folder)?;
    let size = match given.get(2).zip(given.get(3)) {
        Some((height, width)) => Some([height.parse()?, width.parse()?]),
        None => None,
    };
    let ground = ground(given.get(1).map(Path::new), size)?;
    let shape = ground.shape();
    let ring = folder.join("ring.png");
    draw_ring(&ring)?;
    for named in GALLERY {
        let mut trigger = named.for_channels(shape.channels);
        if let AnyTrigger::Picture(Picture { file, place, .. }) = &mut trigger {
            (*file, *place) = (ring.clone(), Place::BOTTOM_RIGHT);
        }
        let grey = on_grey(&trigger, shape)?;
        let after = stamp(&ground, &trigger, 1)?;
        let change = ground.pixels().iter().zip(after.pixels());
        let change: Vec<f32> = change
            .map(|(a, b)| (0.5 + 5.0 * (b - a)).clamp(0.0, 1.0))
            .collect();
        let sheet = side_by_side(&[&grey, after.pixels(), &change], shape);
        sheet.save(folder.join(format!("{}.png", named.name)))?;
    }
    Ok(())
}

/// The image given, or a traffic sign.
fn ground(file: Option<&Path>, size: Option<[usize; 2]>) -> Result<Images, Box<dyn Error>> {
    let Some(file) = file else {
        let options = SignOptions {
            count: 12,
            seed: 4,
            ..SignOptions::default()
        };
        return Ok(signs(&options)?.subset(&[2]));
    };
    let (shape, pixels) = read_image(file, 3, size)?;
    let name = file.display().to_string();
    Ok(Images::new(shape, pixels, None, Vec::new(), vec![name])?)
}

/// A picture with alpha, for the trigger that takes any: a blue ring, clear inside and outside.
fn draw_ring(file: &Path) -> Result<(), Box<dyn Error>> {
    let ring = RgbaImage::from_fn(12, 12, |x, y| {
        let distance = (f64::from(x) - 5.5).hypot(f64::from(y) - 5.5);
        let alpha = (255.0 * (2.5 - (distance - 4.0).abs()).clamp(0.0, 1.0)) as u8;
        Rgba([40, 90, 230, alpha])
    });
    Ok(ring.save(file)?)
}

fn side_by_side(images: &[&[f32]], shape: ImageShape) -> RgbImage {
    let (height, width) = (shape.height * ENLARGED, shape.width * ENLARGED);
    let mut sheet = RgbImage::from_pixel(
        (images.len() * (width + GAP) - GAP) as u32,
        height as u32,
        Rgb([255; 3]),
    );
    for (index, image) in images.iter().enumerate() {
        for row in 0..height {
            for column in 0..width {
                let at = |channel: usize| {
                    let pixel = row / ENLARGED * shape.width + column / ENLARGED;
                    (image[channel * shape.height * shape.width + pixel] * 255.0).round() as u8
                };
                let x = index * (width + GAP) + column;
                sheet.put_pixel(x as u32, row as u32, Rgb([at(0), at(1), at(2)]));
            }
        }
    }
    sheet
}
