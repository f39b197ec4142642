//! From a path to [`Images`]: find the format, draw the sample, decode what was drawn.

use std::path::Path;

use rayon::prelude::*;
use sha2::{Digest, Sha256};

use crate::limits::{MAX_DECODED_BYTES, MAX_SIDE};
use crate::picture::{Decoded, Picture};
use crate::{
    Error, Format, ImageShape, Images, LoadOptions, balanced_sample, class_name_file, format,
    label_file, sample,
};

/// Pictures decoded at a time: enough to keep many threads busy, few enough that the decoded
/// pictures which wait to be put in place are no second copy of the set.
const CHUNK: usize = 512;

/// An image set as read.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The images, in the order of the image set.
    pub images: Images,
    /// What kind of image set it is.
    pub format: Format,
    /// What was wrong with images that are left out, one warning for each.
    pub warnings: Vec<Warning>,
    /// How many images the set has (in the part asked for), before any sampling.
    pub available: usize,
    /// SHA-256 of the shape, pixels and labels in `images`, in hexadecimal: equal for equal content,
    /// whatever the files are called and however many threads read them.
    pub sha256: String,
}

/// An image that could not be read and is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// The image.
    pub name: String,
    /// What is wrong with it.
    pub reason: String,
}

impl std::fmt::Display for Warning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} cannot be read: {}", self.name, self.reason)
    }
}

/// Reads an image set of any [`Format`], which is found by looking at `path`.
///
/// The sample is drawn before decoding, over classes where there are labels, so a small sample of a
/// large set is quick. Pictures are decoded on the current rayon pool; the result does not depend on
/// its size.
///
/// # Errors
/// See [`Error`]. A picture that cannot be read is a [`Warning`], unless none can.
pub fn load(path: &Path, options: &LoadOptions) -> Result<Loaded, Error> {
    check_options(options)?;
    let mut listing = format::list(path, options)?;
    if let Some(file) = &options.class_names {
        listing.class_names = class_name_file::read(file)?;
    }
    if let Some(file) = &options.labels {
        let labels = label_file::read(file, listing.pictures.as_ref(), &listing.class_names)?;
        listing.labels = Some(labels);
    }
    if let (Some(file), Some(&largest)) = (
        options.class_names.as_ref().or(options.labels.as_ref()),
        listing.labels.iter().flatten().max(),
    ) && !listing.class_names.is_empty()
        && largest >= listing.class_names.len()
    {
        let reason = format!(
            "label {largest} is not among the {} named classes",
            listing.class_names.len()
        );
        return Err(Error::Labels {
            path: file.clone(),
            reason,
        });
    }
    let available = listing.pictures.len();
    if available == 0 {
        return Err(Error::Malformed {
            path: path.to_owned(),
            reason: "holds no images".to_owned(),
        });
    }
    let wanted = match (options.max_images, &listing.labels) {
        (Some(n), Some(labels)) => balanced_sample(labels, n, options.seed),
        (Some(n), None) => sample::plain_sample(available, n, options.seed),
        (None, _) => (0..available).collect(),
    };
    tracing::debug!(format = %listing.format, available, wanted = wanted.len(), "image set found");

    if let Some(shape) = options.target {
        check_memory(wanted.len(), shape)?;
    }
    let mut pictures = listing.pictures.fetch(&wanted)?.into_iter();
    let mut stack = Stack::new(path, options.target, wanted.len());
    for records in wanted.chunks(CHUNK) {
        let chunk: Vec<Picture> = pictures.by_ref().take(records.len()).collect();
        let decoded: Vec<_> = chunk
            .into_par_iter()
            .map(|picture| picture.decode(options.target))
            .collect();
        for (&record, result) in records.iter().zip(decoded) {
            stack.push(record, listing.pictures.name(record), result)?;
        }
    }
    let label_of = |labels: Vec<usize>| stack.records.iter().map(|&i| labels[i]).collect();
    let labels: Option<Vec<usize>> = listing.labels.map(label_of);
    let (shape, warnings) = (stack.shape()?, stack.warnings);
    let images = Images::new(
        shape,
        stack.pixels,
        labels,
        listing.class_names,
        stack.names,
    )?;
    Ok(Loaded {
        sha256: content_hash(&images),
        images,
        format: listing.format,
        warnings,
        available,
    })
}

fn check_options(options: &LoadOptions) -> Result<(), Error> {
    if options.max_images == Some(0) {
        return Err(Error::Inconsistent(
            "at most 0 images were asked for; ask for at least one".to_owned(),
        ));
    }
    if let Some(shape) = options.target
        && (!matches!(shape.channels, 1 | 3)
            || shape.values() == 0
            || shape.height.max(shape.width) > MAX_SIDE as usize)
    {
        return Err(Error::Inconsistent(format!(
            "images cannot be brought to the shape {shape}: it must have 1 or 3 channels and sides from 1 to {MAX_SIDE}"
        )));
    }
    Ok(())
}

fn check_memory(images: usize, shape: ImageShape) -> Result<(), Error> {
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

/// Images put behind each other, all of one shape.
struct Stack<'a> {
    path: &'a Path,
    target: Option<ImageShape>,
    wanted: usize,
    /// Shape of the images so far.
    current: Option<ImageShape>,
    pixels: Vec<f32>,
    records: Vec<usize>,
    names: Vec<String>,
    warnings: Vec<Warning>,
}

impl<'a> Stack<'a> {
    fn new(path: &'a Path, target: Option<ImageShape>, wanted: usize) -> Self {
        Self {
            path,
            target,
            wanted,
            current: target,
            pixels: Vec::new(),
            records: Vec::new(),
            names: Vec::new(),
            warnings: Vec::new(),
        }
    }

    fn push(
        &mut self,
        record: usize,
        name: String,
        result: Result<Decoded, String>,
    ) -> Result<(), Error> {
        let Decoded { shape, mut pixels } = match result {
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
        self.records.push(record);
        self.names.push(name);
        Ok(())
    }

    /// Shape of the images, if there is any.
    fn shape(&self) -> Result<ImageShape, Error> {
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

fn content_hash(images: &Images) -> String {
    let mut hash = Sha256::new();
    let shape = images.shape();
    let sizes = [images.len(), shape.channels, shape.height, shape.width];
    for size in sizes {
        hash.update((size as u64).to_le_bytes());
    }
    for image in 0..images.len() {
        let bytes: Vec<u8> = images
            .image(image)
            .iter()
            .flat_map(|p| p.to_le_bytes())
            .collect();
        hash.update(&bytes);
    }
    hash.update([u8::from(images.labels().is_some())]);
    for &label in images.labels().unwrap_or_default() {
        hash.update((label as u64).to_le_bytes());
    }
    hash.finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
