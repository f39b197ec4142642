//! Decoded images, put behind each other into one block of pixels.

use std::path::Path;

use crate::decoded::Decoded;
use crate::limits::MAX_DECODED_BYTES;
use crate::{Error, ImageShape, Warning};

/// Images put behind each other, all of one shape.
pub(crate) struct Stack<'a> {
    path: &'a Path,
    target: Option<ImageShape>,
    wanted: usize,
    /// Shape of the images so far.
    current: Option<ImageShape>,
    pub pixels: Vec<f32>,
    /// The record that each image was.
    pub records: Vec<usize>,
    pub names: Vec<String>,
    pub warnings: Vec<Warning>,
    /// Places of images whose files say that they are to be turned.
    pub turned: Vec<usize>,
}

impl<'a> Stack<'a> {
    pub fn new(path: &'a Path, target: Option<ImageShape>, wanted: usize) -> Self {
        Self {
            path,
            target,
            wanted,
            current: target,
            pixels: Vec::new(),
            records: Vec::new(),
            names: Vec::new(),
            warnings: Vec::new(),
            turned: Vec::new(),
        }
    }

    /// Adds what became of a record: an image, or the reason why it cannot be read.
    pub fn push(
        &mut self,
        record: usize,
        name: String,
        result: Result<Decoded, String>,
    ) -> Result<(), Error> {
        let Decoded {
            shape,
            mut pixels,
            turned,
        } = match result {
            Ok(decoded) => decoded,
            Err(reason) => {
                tracing::warn!(%name, %reason, "image left out");
                self.warnings.push(Warning { name, reason });
                return Ok(());
            }
        };
        let current = *self.current.get_or_insert(shape);
        if self.pixels.is_empty() {
            check_memory(self.wanted, current)?;
            self.pixels.reserve_exact(self.wanted * current.values());
        }
        if (shape.height, shape.width) != (current.height, current.width) {
            return Err(Error::MixedSizes {
                path: self.path.to_owned(),
                first_name: self.names[0].clone(),
                first: format!("{}x{}", current.height, current.width),
                other_name: name,
                other: format!("{}x{}", shape.height, shape.width),
            });
        }
        // Without a target, one colour picture makes colour pictures of all.
        if shape.channels > current.channels {
            check_memory(self.wanted, shape)?;
            self.pixels = colour(&self.pixels, current);
            self.current = Some(shape);
        } else if shape.channels < current.channels {
            pixels = colour(&pixels, shape);
        }
        self.pixels.append(&mut pixels);
        if turned {
            self.turned.push(self.records.len());
        }
        self.records.push(record);
        self.names.push(name);
        Ok(())
    }

    /// Height and width of all images, once it is settled.
    pub fn size(&self) -> Option<(usize, usize)> {
        self.current.map(|shape| (shape.height, shape.width))
    }

    /// Shape of the images, if there is any.
    pub fn shape(&self) -> Result<ImageShape, Error> {
        match (self.current, self.warnings.first()) {
            (_, Some(first)) if self.records.is_empty() => Err(Error::AllUnreadable {
                path: self.path.to_owned(),
                count: self.warnings.len(),
                name: first.name.clone(),
                reason: first.reason.clone(),
            }),
            (current, _) => current.or(self.target).ok_or_else(|| Error::Malformed {
                path: self.path.to_owned(),
                reason: "holds no images".to_owned(),
            }),
        }
    }
}

/// Grey images of shape `grey` as colour images.
fn colour(pixels: &[f32], grey: ImageShape) -> Vec<f32> {
    pixels
        .chunks_exact(grey.values())
        .flat_map(|image| image.repeat(3))
        .collect()
}

/// Checks that `images` images of `shape` may be kept in memory.
pub(crate) fn check_memory(images: usize, shape: ImageShape) -> Result<(), Error> {
    let needed = images.saturating_mul(shape.values()).saturating_mul(4);
    if needed > MAX_DECODED_BYTES {
        return Err(Error::TooLarge {
            images,
            shape,
            needed: needed >> 20,
            limit: MAX_DECODED_BYTES >> 20,
        });
    }
    Ok(())
}
