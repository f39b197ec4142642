//! From a path to [`Images`]: find the format, draw the sample, decode what was drawn.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::limits::MAX_SIDE;
use crate::listing::Listing;
use crate::loaded::{Loaded, Warning};
use crate::passed_over::{self, PassedOver, Reason, add};
use crate::picture::Picture;
use crate::stack::{Stack, check_memory};
use crate::{
    Crop, Draw, Error, Format, Images, LoadOptions, balanced_sample, class_name_file, classes,
    format, label_file, sample,
};

/// Pictures decoded at a time: enough to keep many threads busy, few enough that the decoded
/// pictures which wait to be put in place are no second copy of the set.
const CHUNK: usize = 512;

/// Reads an image set of any [`Format`], which is found by looking at `path`.
///
/// The sample is drawn before decoding, over classes where there are labels, so a small sample of a
/// large set is quick. Pictures are decoded on the current rayon pool; the result does not depend
/// on its size.
///
/// # Errors
/// See [`Error`]. A picture that cannot be read is a [`Warning`], unless none can.
pub fn load(path: &Path, options: &LoadOptions) -> Result<Loaded, Error> {
    check_options(options)?;
    let listing = list(path, options)?;
    let available = listing.pictures.len();
    let notes = classes::notes(&listing, options);
    if available == 0 {
        return Err(Error::Malformed {
            path: path.to_owned(),
            reason: "holds no images".to_owned(),
        });
    }
    let wanted = match (options.max_images, &listing.labels) {
        (Some(n), Some(labels)) if options.draw == Draw::Balanced => {
            balanced_sample(labels, n, options.seed)
        }
        (Some(n), _) => sample::plain_sample(available, n, options.seed),
        (None, _) => (0..available).collect(),
    };
    tracing::debug!(format = %listing.format, available, wanted = wanted.len(), "image set found");

    let mut passed_over = unused(path, options, &listing)?;
    let Read {
        images,
        warnings,
        turned,
    } = read_records(path, options, &listing, &wanted)?;
    if let Some(first) = warnings.first() {
        add(
            &mut passed_over,
            Reason::Damaged,
            warnings.len(),
            &first.name,
        );
    }
    Ok(Loaded {
        turned,
        passed_over,
        sha256: content_hash(&images),
        images,
        format: listing.format,
        warnings,
        notes,
        calls: classes::calls(&listing),
        available,
    })
}

/// Records that were decoded.
pub(crate) struct Read {
    pub images: Images,
    pub warnings: Vec<Warning>,
    /// Places of the images that carry a turn.
    pub turned: Vec<usize>,
}

/// Decodes the records `wanted`, which ascend, with the labels and class names of the listing.
pub(crate) fn read_records(
    path: &Path,
    options: &LoadOptions,
    listing: &Listing,
    wanted: &[usize],
) -> Result<Read, Error> {
    let stack = decode(path, options, listing, wanted)?;
    let shape = stack.shape()?;
    let label_of = |labels: &Vec<usize>| stack.records.iter().map(|&i| labels[i]).collect();
    let images = Images::new(
        shape,
        stack.pixels,
        listing.labels.as_ref().map(label_of),
        listing.class_names.clone(),
        stack.names,
    )?;
    Ok(Read {
        images,
        warnings: stack.warnings,
        turned: stack.turned,
    })
}

/// The files below the path that the listing does not use.
fn unused(path: &Path, options: &LoadOptions, listing: &Listing) -> Result<Vec<PassedOver>, Error> {
    if path.is_file() && listing.unpacked.is_none() {
        return Ok(Vec::new());
    }
    let pictures = listing.pictures.files().unwrap_or_default();
    let tables = listing.tables.iter().map(PathBuf::as_path);
    let given = options.labels.iter().chain(&options.class_names);
    let used = pictures.into_iter().chain(tables);
    let used = used.chain(given.map(PathBuf::as_path)).map(Path::to_owned);
    let root = listing.unpacked.as_ref().map_or(path, TempDir::path);
    let of_other_part: HashSet<&Path> =
        listing.of_other_part.iter().map(PathBuf::as_path).collect();
    passed_over::below(root, &used.collect(), &of_other_part)
}

/// Lists the image set, with the labels and class names that the options put in place of its own,
/// and numbers its classes.
pub(crate) fn list(path: &Path, options: &LoadOptions) -> Result<Listing, Error> {
    let mut listing = format::list(path, options)?;
    let mut cropped = listing.format == Format::Gtsrb;
    let names = options.class_names.as_deref().map(class_name_file::read);
    let names = names.transpose()?;
    if let Some(file) = &options.labels {
        let read = label_file::read(file, listing.pictures.as_ref(), names.as_ref())?;
        listing.labels = Some(read.labels);
        listing.calls = read.calls;
        if let (Crop::Roi, Some(regions)) = (options.crop, read.regions) {
            cropped |= listing.pictures.crop(regions);
        }
    }
    if options.crop == Crop::Roi && !cropped {
        return Err(Error::NoRegions {
            path: path.to_owned(),
            format: listing.format,
        });
    }
    classes::settle(&mut listing, path, options, names.as_ref())?;
    let given = options.class_names.as_ref().or(options.labels.as_ref());
    let largest = listing.labels.iter().flatten().max();
    let named = listing.class_names.len();
    match (given, largest) {
        (Some(file), Some(&largest)) if named > 0 && largest >= named => Err(Error::Labels {
            path: file.clone(),
            reason: format!("label {largest} is not among the {named} named classes"),
        }),
        _ => Ok(listing),
    }
}

fn decode<'a>(
    path: &'a Path,
    options: &LoadOptions,
    listing: &Listing,
    wanted: &[usize],
) -> Result<Stack<'a>, Error> {
    if let Some(shape) = options.target {
        check_memory(wanted.len(), shape)?;
    }
    let mut pictures = listing.pictures.fetch(wanted)?.into_iter();
    let mut stack = Stack::new(path, options.target, wanted.len());
    let mut left = wanted;
    while !left.is_empty() {
        // Until one picture has settled the size, the next is read alone.
        let size = stack.size();
        let (records, rest) = left.split_at(size.map_or(1, |_| CHUNK.min(left.len())));
        left = rest;
        let chunk: Vec<Picture> = pictures.by_ref().take(records.len()).collect();
        let decoded: Vec<_> = chunk
            .into_par_iter()
            .map(|picture| {
                let mut decoded = picture.decode(options.target, options.exif)?;
                // A picture of another size will be refused; it may be large, so it is not kept.
                if size.is_some_and(|size| size != (decoded.shape.height, decoded.shape.width)) {
                    decoded.pixels = Vec::new();
                }
                Ok(decoded)
            })
            .collect();
        for (&record, result) in records.iter().zip(decoded) {
            stack.push(record, listing.pictures.name(record), result)?;
        }
    }
    Ok(stack)
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
