//! Trigger files. A patch has the arrays `mask` `[height, width]` and `pattern` `[channels, height,
//! width]`, an image the array `image` `[channels, height, width]`; all are little-endian float32
//! in [0, 1], so that 8-bit values come back bit for bit. A change of whole images has its numbers,
//! which are finite, and the array `image` with what it makes of a chart.
//!
//! The reader is for files that somebody else sends: it stays inside the report's folder, never
//! takes more memory than a trigger of the expected shape needs, and keeps nested headers away from
//! the header parser, whose time doubles with each level.

use std::{
    fs::File,
    io::{self, Cursor, Read, Seek, Write},
    path::{Component, Path, PathBuf},
};

use npyz::{NpyFile, Order, WriteOptions, WriterBuilder, npz::file_name_from_array_name};
use thiserror::Error;
use zip::{DateTime, ZipArchive, ZipWriter, write::FileOptions};

use super::{Change, Picture, Recovered, Trigger};
use crate::report::{TriggerFile, TriggerKind};

/// Longest header of an array that is read, in bytes. NumPy writes 118 for these arrays.
const HEADER_LIMIT: usize = 512;

/// Bytes that a trigger file may need beside its values: headers, names and the directory of the
/// archive.
const ARCHIVE_OVERHEAD: usize = 16 << 10;

/// Why a trigger file could not be read.
#[derive(Debug, Error)]
pub enum TriggerFileError {
    /// The path in the report leaves the folder of the report.
    #[error(
        "the report names the trigger file {path:?}, which is outside the report's folder: refused"
    )]
    Outside {
        /// The path as the report gives it.
        path: String,
    },
    /// The file system said no.
    #[error("cannot read the trigger file {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is no archive, lacks an array, or holds arrays of other shapes, types or values.
    #[error("{} is no {} of shape {expected:?} [channels, height, width]: {reason}", path.display(), noun(*kind))]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What the report says that it holds.
        kind: TriggerKind,
        /// The shape of the pattern or the image that the caller expects.
        expected: [usize; 3],
        /// What is wrong.
        reason: String,
    },
}

/// What people call it.
fn noun(kind: TriggerKind) -> &'static str {
    match kind {
        TriggerKind::Patch => "trigger",
        TriggerKind::Image => "image",
        TriggerKind::ColourMap => "map of colours",
        TriggerKind::Warp => "warp",
        TriggerKind::LocalMap => "generator",
        TriggerKind::Additive => "change",
        TriggerKind::SpacePatch => "patch in a space",
    }
}

/// The name and shape of the array with the numbers of a change of images of this shape.
fn numbers_of(kind: TriggerKind, image: [usize; 3]) -> Option<(&'static str, Vec<usize>)> {
    match kind {
        TriggerKind::Patch | TriggerKind::Image => None,
        TriggerKind::ColourMap => {
            let terms = image[0].checked_mul(2)?.checked_add(1)?;
            Some(("weights", vec![image[0], terms]))
        }
        TriggerKind::Warp => Some(("displacements", vec![2, 4, 4])),
        TriggerKind::LocalMap => {
            let [channels, height, width] = image;
            let terms = channels.checked_mul(10)?.checked_add(1)?;
            let weights = terms.checked_mul(16)?;
            let of_channel = height.checked_mul(width)?.checked_add(weights)?;
            Some(("numbers", vec![channels.checked_mul(of_channel)?]))
        }
        TriggerKind::Additive => Some(("addition", image.to_vec())),
        TriggerKind::SpacePatch => {
            let [channels, height, width] = image;
            let of_space = channels.checked_mul(channels)?.checked_mul(9)?;
            let of_patch = channels.checked_mul(height)?.checked_mul(width)?;
            let numbers = of_patch.checked_mul(2)?.checked_add(of_space)?;
            Some(("numbers", vec![numbers]))
        }
    }
}

/// The bytes of a trigger file; the same contents give the same bytes.
pub(crate) fn write_recovered(recovered: &Recovered) -> io::Result<Vec<u8>> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let sides = |picture: &Picture| picture.shape().map(|side| side as u64);
    match recovered {
        Recovered::Patch(trigger) => {
            let shape = sides(trigger.pattern());
            let (mask, pattern) = (trigger.mask().values(), trigger.pattern().values());
            write_array(&mut archive, "mask", &shape[1..], mask)?;
            write_array(&mut archive, "pattern", &shape, pattern)?;
        }
        Recovered::Image(image) => {
            write_array(&mut archive, "image", &sides(image), image.values())?;
        }
        Recovered::ColourMap(change)
        | Recovered::Warp(change)
        | Recovered::LocalMap(change)
        | Recovered::Additive(change)
        | Recovered::SpacePatch(change) => {
            let chart = &change.chart;
            if let Some((name, shape)) = numbers_of(recovered.kind(), chart.shape()) {
                let shape: Vec<u64> = shape.iter().map(|&side| side as u64).collect();
                write_array(&mut archive, name, &shape, &change.numbers)?;
            }
            write_array(&mut archive, "image", &sides(chart), chart.values())?;
        }
    }
    Ok(archive.finish()?.into_inner())
}

fn write_array<W: Write + Seek>(
    archive: &mut ZipWriter<W>,
    name: &str,
    shape: &[u64],
    values: &[f32],
) -> io::Result<()> {
    // A fixed time stamp: the same scan has to give the same files.
    let options = FileOptions::default().last_modified_time(DateTime::default());
    archive.start_file(file_name_from_array_name(name), options)?;
    let mut array = WriteOptions::<f32>::new()
        .default_dtype()
        .shape(shape)
        .writer(archive)
        .begin_nd()?;
    array.extend(values.iter().copied())?;
    array.finish()
}

/// Reads the trigger file that a report in `folder` names by `file`.
///
/// `expected` is the shape of the pattern or the image, `[channels, height, width]`, which the
/// caller knows from the model and the images and not from the file.
///
/// # Errors
/// [`TriggerFileError::Outside`] for an absolute path, one with `..` or a link that leaves
/// `folder`; [`TriggerFileError::Io`] when the file cannot be read; [`TriggerFileError::Malformed`]
/// when it does not hold exactly the arrays expected, or a value is outside [0, 1].
pub fn read_trigger(
    folder: &Path,
    file: &TriggerFile,
    expected: [usize; 3],
) -> Result<Recovered, TriggerFileError> {
    let outside = || TriggerFileError::Outside {
        path: file.path.clone(),
    };
    let inside = |part: Component<'_>| matches!(part, Component::Normal(_));
    if file.path.is_empty() || !Path::new(&file.path).components().all(inside) {
        return Err(outside());
    }
    let path = folder.join(&file.path);
    let failed = |source| TriggerFileError::Io {
        path: path.clone(),
        source,
    };
    let malformed = |reason| TriggerFileError::Malformed {
        path: path.clone(),
        kind: file.kind,
        expected,
        reason,
    };
    let real = path.canonicalize().map_err(failed)?;
    if !real.starts_with(folder.canonicalize().map_err(failed)?) {
        return Err(outside());
    }
    let bytes = bounded(&real, limit(file.kind, expected).map_err(malformed)?)
        .map_err(failed)?
        .ok_or_else(|| malformed(TOO_LARGE.to_owned()))?;
    decode(&bytes, file.kind, expected).map_err(malformed)
}

/// Reads a trigger file by itself, outside of any report; its arrays tell what kind it is of.
///
/// `expected` is the shape of the model's images, `[channels, height, width]`.
///
/// # Errors
/// [`TriggerFileError::Io`] when the file cannot be read; [`TriggerFileError::Malformed`] when it
/// does not hold exactly the arrays of a kind, or a value is outside [0, 1].
pub fn read_trigger_file(path: &Path, expected: [usize; 3]) -> Result<Recovered, TriggerFileError> {
    let failed = |source| TriggerFileError::Io {
        path: path.to_owned(),
        source,
    };
    let malformed = |kind| {
        move |reason| TriggerFileError::Malformed {
            path: path.to_owned(),
            kind,
            expected,
            reason,
        }
    };
    // None is larger than a patch may be.
    let of_patch = malformed(TriggerKind::Patch);
    let bytes = bounded(path, limit(TriggerKind::Patch, expected).map_err(of_patch)?)
        .map_err(failed)?
        .ok_or_else(|| malformed(TriggerKind::Patch)(TOO_LARGE.to_owned()))?;
    let kind = kind_of(&bytes, expected).map_err(malformed(TriggerKind::Patch))?;
    decode(&bytes, kind, expected).map_err(malformed(kind))
}

/// What is wrong with a file that is larger than what it may hold.
const TOO_LARGE: &str = "the file is larger than this needs";

/// Most bytes that a file of this kind may have.
fn limit(kind: TriggerKind, expected: [usize; 3]) -> Result<usize, String> {
    // A mask is no larger than its pattern, and what is added is as large as an image.
    let arrays = match kind {
        // Nor are the weights of a generator or a space larger than what is allowed for headers.
        TriggerKind::Patch | TriggerKind::LocalMap | TriggerKind::Additive => 2,
        TriggerKind::SpacePatch => 3,
        TriggerKind::Image | TriggerKind::ColourMap | TriggerKind::Warp => 1,
    };
    expected
        .iter()
        .try_fold(arrays * size_of::<f32>(), |size, &side| {
            size.checked_mul(side)
        })
        .and_then(|size| size.checked_add(ARCHIVE_OVERHEAD))
        .ok_or_else(|| "nothing can have this shape".to_owned())
}

/// All that a file holds, or nothing if that is more than `limit` bytes.
fn bounded(path: &Path, limit: usize) -> io::Result<Option<Vec<u8>>> {
    read_at_most(File::open(path)?, limit)
}

/// The kind of trigger that an archive holds, by the names of its arrays.
fn kind_of(bytes: &[u8], expected: [usize; 3]) -> Result<TriggerKind, String> {
    let archive = ZipArchive::new(Cursor::new(bytes)).map_err(|error| error.to_string())?;
    let has = |name: &str| {
        let wanted = file_name_from_array_name(name);
        archive.file_names().any(|there| there == wanted)
    };
    let of_numbers = [
        TriggerKind::ColourMap,
        TriggerKind::Warp,
        TriggerKind::LocalMap,
        TriggerKind::Additive,
    ];
    let named = |kind: &TriggerKind| numbers_of(*kind, expected).is_some_and(|(name, _)| has(name));
    match of_numbers.into_iter().find(named) {
        Some(kind) => Ok(kind),
        None if has("mask") => Ok(TriggerKind::Patch),
        None if has("image") => Ok(TriggerKind::Image),
        None => Err("it has none of the arrays that a trigger file has".to_owned()),
    }
}

/// What the bytes of a file hold, or what is wrong with them.
fn decode(bytes: &[u8], kind: TriggerKind, expected: [usize; 3]) -> Result<Recovered, String> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|error| error.to_string())?;
    let picture = |name: &str, shape, values| {
        Picture::new(shape, values).map_err(|error| format!("array `{name}`: {error}"))
    };
    match kind {
        TriggerKind::Patch => {
            let [_, height, width] = expected;
            let mask = read_array(&mut archive, "mask", &[height, width])?;
            let pattern = read_array(&mut archive, "pattern", &expected)?;
            let mask = picture("mask", [1, height, width], mask)?;
            let pattern = picture("pattern", expected, pattern)?;
            let trigger = Trigger::new(mask, pattern).map_err(|error| error.to_string())?;
            Ok(Recovered::Patch(trigger))
        }
        TriggerKind::Image => {
            let values = read_array(&mut archive, "image", &expected)?;
            Ok(Recovered::Image(picture("image", expected, values)?))
        }
        TriggerKind::ColourMap => Ok(Recovered::ColourMap(change(&mut archive, kind, expected)?)),
        TriggerKind::Warp => Ok(Recovered::Warp(change(&mut archive, kind, expected)?)),
        TriggerKind::LocalMap => Ok(Recovered::LocalMap(change(&mut archive, kind, expected)?)),
        TriggerKind::Additive => Ok(Recovered::Additive(change(&mut archive, kind, expected)?)),
        TriggerKind::SpacePatch => Ok(Recovered::SpacePatch(change(&mut archive, kind, expected)?)),
    }
}

fn change(
    archive: &mut ZipArchive<Cursor<&[u8]>>,
    kind: TriggerKind,
    expected: [usize; 3],
) -> Result<Change, String> {
    let (name, shape) = numbers_of(kind, expected).ok_or("it has no numbers")?;
    let numbers = read_array(archive, name, &shape)?;
    if numbers.iter().any(|number| !number.is_finite()) {
        return Err(format!("array `{name}`: a number that is not finite"));
    }
    let chart = Picture::new(expected, read_array(archive, "image", &expected)?)
        .map_err(|error| format!("array `image`: {error}"))?;
    Ok(Change { numbers, chart })
}

fn read_array(
    archive: &mut ZipArchive<Cursor<&[u8]>>,
    name: &str,
    shape: &[usize],
) -> Result<Vec<f32>, String> {
    let wrong = |what: &dyn std::fmt::Display| format!("array `{name}`: {what}");
    let size: usize = shape.iter().product();
    let entry = archive
        .by_name(&file_name_from_array_name(name))
        .map_err(|error| wrong(&error))?;
    let bytes = read_at_most(entry, size * size_of::<f32>() + HEADER_LIMIT)
        .map_err(|error| wrong(&error))?
        .ok_or_else(|| wrong(&"larger than its shape"))?;
    if !header(&bytes).is_some_and(is_flat) {
        return Err(wrong(&"not a NumPy array of numbers"));
    }
    let array = NpyFile::new(&bytes[..]).map_err(|error| wrong(&error))?;
    let found = array.shape().iter().copied();
    if !found.eq(shape.iter().map(|&side| side as u64)) || array.order() != Order::C {
        let (found, order) = (array.shape(), array.order());
        return Err(wrong(&format!(
            "shape {found:?} in order {order:?}, expected {shape:?} in order C"
        )));
    }
    let values = array.data::<f32>().map_err(|error| wrong(&error))?;
    values
        .collect::<io::Result<_>>()
        .map_err(|error| wrong(&error))
}

/// The header of an array in the NumPy format, versions 1 to 3.
fn header(bytes: &[u8]) -> Option<&[u8]> {
    let (start, size) = match bytes.get(6)? {
        1 => (
            10,
            u16::from_le_bytes(bytes.get(8..10)?.try_into().ok()?).into(),
        ),
        _ => (12, u32::from_le_bytes(bytes.get(8..12)?.try_into().ok()?)),
    };
    bytes.get(start..)?.get(..usize::try_from(size).ok()?)
}

/// Whether a header is short and nests no deeper than that of an array of numbers: one dictionary
/// with one tuple.
fn is_flat(header: &[u8]) -> bool {
    let count = |wanted: u8| header.iter().filter(|&&byte| byte == wanted).count();
    header.len() <= HEADER_LIMIT && count(b'{') <= 1 && count(b'(') <= 1 && count(b'[') == 0
}

/// All that `source` holds, or nothing if that is more than `limit` bytes.
fn read_at_most(source: impl Read, limit: usize) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    source
        .take((limit as u64).saturating_add(1))
        .read_to_end(&mut bytes)?;
    Ok((bytes.len() <= limit).then_some(bytes))
}

#[cfg(test)]
mod tests;
