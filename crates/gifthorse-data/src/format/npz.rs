//! NumPy's `.npz` archives ([`Format::Npz`]).

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use image::{GrayImage, RgbImage};
use npyz::NpyFile;
use npyz::npz::{NpzArchive, file_name_from_array_name};

use super::npy::{self, Values};
use crate::limits::{MAX_SIDE, check_claim};
use crate::listing::{Listing, Pictures};
use crate::picture::{Decoded, Picture, interleave, planes};
use crate::{Error, Format, ImageShape, MAX_CLASSES, Split};

/// Names of the arrays of images and of their labels, for either split or for one of them.
const ARRAYS: [(&str, &str, Option<Split>); 4] = [
    ("images", "labels", None),
    ("x", "y", None),
    ("x_train", "y_train", Some(Split::Train)),
    ("x_test", "y_test", Some(Split::Test)),
];

pub(crate) fn list(path: &Path, split: Split) -> Result<Listing, Error> {
    let failed = |reason| malformed(path, reason);
    let names: Vec<String> = open(path)?.array_names().map(str::to_owned).collect();
    let has = |name: &str| names.iter().any(|known| known == name);
    let present = ARRAYS.iter().filter(|(images, _, _)| has(images));
    let (fitting, other): (Vec<_>, Vec<_>) =
        present.partition(|(_, _, of)| of.is_none_or(|of| of == split));
    let (images, labels) = match (fitting.as_slice(), other.as_slice()) {
        ([(images, labels, _)], _) => (*images, *labels),
        ([first, second, ..], _) => {
            let (first, second) = (first.0, second.0);
            return Err(failed(format!(
                "both {first} and {second} may be the images; keep one of them"
            )));
        }
        ([], [_, ..]) => {
            return Err(Error::MissingSplit {
                path: path.to_owned(),
                split,
                found: format!("the arrays {}", names.join(", ")),
            });
        }
        ([], []) => {
            let known: Vec<_> = ARRAYS.iter().map(|(images, _, _)| *images).collect();
            return Err(failed(format!(
                "has no array of images (one of {}); it holds {}",
                known.join(", "),
                names.join(", ")
            )));
        }
    };
    let set = with_array(path, images, |array| {
        let (layout, records, shape) = Layout::of(array.shape())?;
        let value_bytes = array.dtype().num_bytes().unwrap_or(usize::MAX);
        let record_bytes = (shape.values() as u64).saturating_mul(value_bytes as u64);
        check_claim(records as u64, record_bytes)?;
        Ok(NpzImages {
            path: path.to_owned(),
            array: images,
            layout,
            records,
            shape,
        })
    })?;
    let labels = match has(labels) {
        true => Some(with_array(path, labels, |array| {
            read_labels(array, set.records)
        })?),
        false => None,
    };
    Ok(Listing {
        format: Format::Npz,
        labels,
        class_names: Vec::new(),
        pictures: Box::new(set),
    })
}

fn open(path: &Path) -> Result<NpzArchive<BufReader<File>>, Error> {
    let file = File::open(path).map_err(|source| Error::Read {
        path: path.to_owned(),
        source,
    })?;
    NpzArchive::new(BufReader::new(file)).map_err(|error| malformed(path, error.to_string()))
}

/// Gives the array called `name` to `read`; what goes wrong is reported with the name.
fn with_array<T>(
    path: &Path,
    name: &str,
    read: impl FnOnce(NpyFile<BufReader<&mut dyn Read>>) -> Result<T, String>,
) -> Result<T, Error> {
    let mut archive = open(path)?;
    let entry = archive
        .zip_archive()
        .by_name(&file_name_from_array_name(name));
    entry
        .map_err(|error| error.to_string())
        .and_then(|mut entry| {
            let reader: &mut dyn Read = &mut entry;
            npy::open(BufReader::new(reader)).and_then(read)
        })
        .map_err(|reason| malformed(path, format!("array {name}: {reason}")))
}

fn malformed(path: &Path, reason: String) -> Error {
    Error::Malformed {
        path: path.to_owned(),
        reason,
    }
}

/// The order of the axes of an array of images.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// `[images, height, width]`, or one channel in either place, which is the same in memory.
    Grey,
    /// `[images, height, width, 3]`
    Interleaved,
    /// `[images, 3, height, width]`
    Planes,
}

impl Layout {
    fn of(shape: &[u64]) -> Result<(Self, usize, ImageShape), String> {
        let side = |n: u64| {
            usize::try_from(n)
                .ok()
                .filter(|&n| n <= MAX_SIDE as usize && n > 0)
        };
        let is_channels = |n: &u64| matches!(n, 1 | 3);
        let (records, height, width, channels, layout) = match shape {
            [n, h, w] => (n, h, w, 1, Self::Grey),
            [_, c, _, d] if is_channels(c) && is_channels(d) => {
                return Err(format!(
                    "the shape {shape:?} may be [n, channels, height, width] or [n, height, width, channels]"
                ));
            }
            [n, 1, h, w] | [n, h, w, 1] => (n, h, w, 1, Self::Grey),
            [n, 3, h, w] => (n, h, w, 3, Self::Planes),
            [n, h, w, 3] => (n, h, w, 3, Self::Interleaved),
            _ => {
                return Err(format!(
                    "the shape {shape:?} is not [n, height, width], [n, height, width, channels] or \
                     [n, channels, height, width] with 1 or 3 channels"
                ));
            }
        };
        let (Some(height), Some(width)) = (side(*height), side(*width)) else {
            return Err(format!(
                "the shape {shape:?} has a side that is not from 1 to {MAX_SIDE}"
            ));
        };
        let records = usize::try_from(*records).map_err(|error| error.to_string())?;
        let shape = ImageShape {
            channels,
            height,
            width,
        };
        Ok((layout, records, shape))
    }
}

fn read_labels<R: Read>(array: NpyFile<R>, images: usize) -> Result<Vec<usize>, String> {
    let fits = matches!(array.shape(), [n] | [n, 1] if *n == images as u64);
    if !fits {
        return Err(format!(
            "its shape is {:?}; {images} images need [{images}], a class index each",
            array.shape()
        ));
    }
    let Values::Integers(values) = npy::values(array)? else {
        return Err("holds floats; labels are integers".to_owned());
    };
    let labels = values.take(images).map(|value| {
        let value = value.map_err(|error| error.to_string())?;
        usize::try_from(value)
            .ok()
            .filter(|&label| label < MAX_CLASSES)
            .ok_or_else(|| format!("{value} is not a class index"))
    });
    labels.collect()
}

/// An array of images whose header has been read.
struct NpzImages {
    path: PathBuf,
    array: &'static str,
    layout: Layout,
    records: usize,
    shape: ImageShape,
}

impl Pictures for NpzImages {
    fn len(&self) -> usize {
        self.records
    }

    fn name(&self, record: usize) -> String {
        format!("{}[{record}]", self.array)
    }

    fn fetch(&self, wanted: &[usize]) -> Result<Vec<Picture>, Error> {
        let size = self.shape.values();
        with_array(&self.path, self.array, |array| match npy::values(array)? {
            Values::Integers(values) => {
                let byte = |value: i64| {
                    u8::try_from(value).map_err(|_| format!("pixel {value} is not from 0 to 255"))
                };
                let bytes = gather(values, self.records, size, wanted, byte)?;
                let pictures = bytes.chunks_exact(size);
                pictures.map(|pixels| self.picture(pixels)).collect()
            }
            Values::Floats(values) => {
                let mut largest = 0.0f32;
                let mut floats = gather(values, self.records, size, wanted, |value| {
                    if !(0.0..=255.0).contains(&value) {
                        return Err(format!(
                            "pixel {value} is neither from 0 to 1 nor from 0 to 255; give pixels before any normalisation"
                        ));
                    }
                    largest = largest.max(value);
                    Ok(value)
                })?;
                if largest > 1.0 {
                    floats.iter_mut().for_each(|value| *value /= 255.0);
                }
                let pictures = floats.chunks_exact(size);
                Ok(pictures.map(|pixels| self.floats(pixels)).collect())
            }
        })
    }
}

impl NpzImages {
    fn picture(&self, pixels: &[u8]) -> Result<Picture, String> {
        let (width, height) = (self.shape.width as u32, self.shape.height as u32);
        let picture = match self.layout {
            Layout::Grey => GrayImage::from_raw(width, height, pixels.to_vec()).map(Into::into),
            Layout::Interleaved => {
                RgbImage::from_raw(width, height, pixels.to_vec()).map(Into::into)
            }
            Layout::Planes => {
                RgbImage::from_raw(width, height, interleave(pixels, 3)).map(Into::into)
            }
        };
        picture
            .map(Picture::Pixels)
            .ok_or_else(|| "has an image of the wrong size".to_owned())
    }

    fn floats(&self, pixels: &[f32]) -> Picture {
        let pixels = match self.layout {
            Layout::Interleaved => planes(pixels, 3),
            Layout::Grey | Layout::Planes => pixels.to_vec(),
        };
        Picture::Floats(Decoded {
            shape: self.shape,
            pixels,
        })
    }
}

/// Reads `records` records of `size` values each, checks and converts every value, and keeps those
/// of the records `wanted`.
fn gather<T, S>(
    mut values: impl Iterator<Item = std::io::Result<T>>,
    records: usize,
    size: usize,
    wanted: &[usize],
    mut convert: impl FnMut(T) -> Result<S, String>,
) -> Result<Vec<S>, String> {
    let mut kept = Vec::new();
    let mut wanted = wanted.iter().copied().peekable();
    for record in 0..records {
        let keep = wanted.next_if_eq(&record).is_some();
        for _ in 0..size {
            let value = values
                .next()
                .ok_or_else(|| "ends early".to_owned())?
                .map_err(|error| format!("image {record} of {records}: {error}"))?;
            let value = convert(value).map_err(|reason| format!("image {record}: {reason}"))?;
            if keep {
                kept.push(value);
            }
        }
    }
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_of_the_channels_is_found() {
        let layout =
            |shape: &[u64]| Layout::of(shape).map(|(layout, n, s)| (layout, n, s.channels));
        assert_eq!(layout(&[5, 8, 9]), Ok((Layout::Grey, 5, 1)));
        assert_eq!(layout(&[5, 8, 9, 1]), Ok((Layout::Grey, 5, 1)));
        assert_eq!(layout(&[5, 1, 8, 9]), Ok((Layout::Grey, 5, 1)));
        assert_eq!(layout(&[5, 8, 9, 3]), Ok((Layout::Interleaved, 5, 3)));
        assert_eq!(layout(&[5, 3, 8, 9]), Ok((Layout::Planes, 5, 3)));
        for bad in [
            &[5, 3, 8, 3][..],
            &[5, 8, 9, 4],
            &[5, 8],
            &[5, 0, 9],
            &[5, 99_999, 9],
        ] {
            assert!(layout(bad).is_err(), "{bad:?}");
        }
    }
}
