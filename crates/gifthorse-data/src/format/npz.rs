//! NumPy's `.npz` archives ([`Format::Npz`]).

mod labels;
mod names;

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use image::{GrayImage, RgbImage};
use npyz::NpyFile;
use npyz::npz::{array_name_from_file_name, file_name_from_array_name};
use zip::ZipArchive;

use super::array_layout::Layout;
use super::npy::{self, Values};
use crate::decoded::{Decoded, interleave, planes};
use crate::limits::check_claim;
use crate::listing::{Listing, Pictures};
use crate::numbering::Calls;
use crate::picture::Picture;
use crate::{Error, Format, ImageShape, Note, Split};
use names::{Labels, Pair, choose};

pub(crate) fn list(path: &Path, split: Split) -> Result<Listing, Error> {
    let archive = open(path)?;
    let names = archive.file_names().filter_map(array_name_from_file_name);
    let mut names: Vec<String> = names.map(str::to_owned).collect();
    names.sort_unstable();
    let Pair { images, labels } = choose(path, &names, split)?;
    let set = with_array(path, &images, |array| {
        let (layout, records, shape) = Layout::of(array.shape())?;
        let value_bytes = array.dtype().num_bytes().unwrap_or(usize::MAX);
        let record_bytes = (shape.values() as u64).saturating_mul(value_bytes as u64);
        check_claim(records as u64, record_bytes)?;
        Ok(NpzImages {
            path: path.to_owned(),
            array: images.clone(),
            layout,
            records,
            shape,
        })
    })?;
    let read = |name: &str| with_array(path, name, |array| labels::read(array, set.records));
    let (mut read_labels, mut notes) = (None, Vec::new());
    match labels {
        None => {}
        Some(Labels::Own(name)) => read_labels = Some(read(&name)?),
        Some(Labels::Perhaps(name)) => match read(&name) {
            Ok(found) => read_labels = Some(found),
            Err(error) => notes.push(Note::LabelsOfOthers {
                images,
                reason: error.to_string(),
            }),
        },
    }
    let (labels, calls) = read_labels.unzip();
    Ok(Listing {
        format: Format::Npz,
        labels,
        calls: calls.unwrap_or(Calls::Numbers),
        class_names: Vec::new(),
        tables: Vec::new(),
        unpacked: None,
        of_other_part: Vec::new(),
        notes,
        pictures: Box::new(set),
    })
}

fn open(path: &Path) -> Result<ZipArchive<BufReader<File>>, Error> {
    let file = File::open(path).map_err(|source| Error::Read {
        path: path.to_owned(),
        source,
    })?;
    ZipArchive::new(BufReader::new(file)).map_err(|error| malformed(path, error.to_string()))
}

/// Gives the array called `name` to `read`; what goes wrong is reported with the name.
fn with_array<T>(
    path: &Path,
    name: &str,
    read: impl FnOnce(NpyFile<BufReader<&mut dyn Read>>) -> Result<T, String>,
) -> Result<T, Error> {
    let mut archive = open(path)?;
    let entry = archive.by_name(&file_name_from_array_name(name));
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

/// An array of images whose header has been read.
struct NpzImages {
    path: PathBuf,
    array: String,
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
        with_array(&self.path, &self.array, |array| match npy::values(array)? {
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
            Values::Texts(_) => Err("holds texts instead of pixels".to_owned()),
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
            turned: false,
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
