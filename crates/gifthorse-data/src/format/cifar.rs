//! CIFAR-10 and CIFAR-100 in their binary versions ([`Format::Cifar10`], [`Format::Cifar100`]).
//!
//! A record is one label byte (CIFAR-10) or a coarse and a fine one (CIFAR-100), then 32x32 pixels
//! as a red, a green and a blue plane.

use std::path::{Path, PathBuf};

use image::RgbImage;

use crate::class_name_file;
use crate::decoded::interleave;
use crate::folder::{Entry, Folder};
use crate::limits::{MAX_STORED_BYTES, MAX_TABLE_BYTES, check_claim, read_bounded};
use crate::listing::{Listing, Pictures};
use crate::numbering::Calls;
use crate::picture::Picture;
use crate::{Error, Format, LoadOptions, Split};

const SIDE: u32 = 32;
const PIXELS: usize = 3 * 32 * 32;

/// What differs between the two sets.
struct Variant {
    format: Format,
    label_bytes: usize,
    classes: usize,
    names: &'static str,
}

const CIFAR_10: Variant = Variant {
    format: Format::Cifar10,
    label_bytes: 1,
    classes: 10,
    names: "batches.meta.txt",
};

const CIFAR_100: Variant = Variant {
    format: Format::Cifar100,
    label_bytes: 2,
    classes: 100,
    names: "fine_label_names.txt",
};

pub(crate) fn list(folder: &Folder, options: &LoadOptions) -> Result<Option<Listing>, Error> {
    let batches = |wanted: &dyn Fn(&str) -> bool| -> Vec<&Entry> {
        folder
            .files
            .iter()
            .filter(|file| wanted(&file.name))
            .collect()
    };
    let train_10 = batches(&|name| name.starts_with("data_batch_") && name.ends_with(".bin"));
    let test_10 = batches(&|name| name == "test_batch.bin");
    let train_100 = batches(&|name| name == "train.bin");
    let test_100 = batches(&|name| name == "test.bin");
    let (variant, train, test) = if !train_10.is_empty() || !test_10.is_empty() {
        (CIFAR_10, train_10, test_10)
    } else if !train_100.is_empty() || !test_100.is_empty() {
        (CIFAR_100, train_100, test_100)
    } else {
        return Ok(None);
    };
    let (wanted, other) = match options.split {
        Split::Train => (train, test),
        Split::Test => (test, train),
    };
    if wanted.is_empty() {
        let names: Vec<_> = other.iter().map(|file| file.name.as_str()).collect();
        return Err(Error::MissingSplit {
            path: folder.path.clone(),
            split: options.split,
            found: names.join(", "),
        });
    }
    let paths = |files: &[&Entry]| files.iter().map(|file| file.path.clone()).collect();
    let mut tables: Vec<PathBuf> = paths(&wanted);
    tables.extend(folder.file(variant.names).map(|file| file.path.clone()));
    let mut set = CifarRecords::default();
    for batch in wanted {
        set.read(batch, &variant)?;
    }
    Ok(Some(Listing {
        format: variant.format,
        labels: Some(std::mem::take(&mut set.labels)),
        calls: Calls::Numbers,
        class_names: class_names(folder, &variant)?,
        tables,
        unpacked: None,
        of_other_part: paths(&other),
        notes: Vec::new(),
        pictures: Box::new(set),
    }))
}

fn class_names(folder: &Folder, variant: &Variant) -> Result<Vec<String>, Error> {
    let Some(file) = folder.file(variant.names) else {
        return Ok(Vec::new());
    };
    let names = read_bounded(&file.path, MAX_TABLE_BYTES)?;
    let names = class_name_file::from_lines(&names).and_then(|names| match names.len() {
        n if n == variant.classes => Ok(names),
        n => Err(format!(
            "holds {n} class names instead of {}",
            variant.classes
        )),
    });
    names.map_err(|reason| malformed(&file.path, reason))
}

fn malformed(path: &Path, reason: String) -> Error {
    Error::Malformed {
        path: path.to_owned(),
        reason,
    }
}

/// The records of one or more batches.
#[derive(Default)]
struct CifarRecords {
    /// The planes of each record.
    pixels: Vec<u8>,
    labels: Vec<usize>,
    /// The name of each batch, and the number of its first record.
    batches: Vec<(String, usize)>,
}

impl CifarRecords {
    fn read(&mut self, batch: &Entry, variant: &Variant) -> Result<(), Error> {
        let bytes = read_bounded(&batch.path, MAX_STORED_BYTES)?;
        self.batches.push((batch.name.clone(), self.labels.len()));
        self.append(&bytes, variant)
            .map_err(|reason| malformed(&batch.path, reason))
    }

    fn append(&mut self, bytes: &[u8], variant: &Variant) -> Result<(), String> {
        let record_bytes = variant.label_bytes + PIXELS;
        if bytes.is_empty() || !bytes.len().is_multiple_of(record_bytes) {
            return Err(format!(
                "{} bytes are not a whole number of {} records of {record_bytes} bytes",
                bytes.len(),
                variant.format
            ));
        }
        let records = self.labels.len() + bytes.len() / record_bytes;
        check_claim(records as u64, record_bytes as u64)?;
        for (i, record) in bytes.chunks_exact(record_bytes).enumerate() {
            let (labels, pixels) = record.split_at(variant.label_bytes);
            // The last label byte is the only one, or the fine one.
            let label = usize::from(labels[variant.label_bytes - 1]);
            if label >= variant.classes {
                return Err(format!(
                    "record {i} has the label {label}; {} has {} classes",
                    variant.format, variant.classes
                ));
            }
            self.labels.push(label);
            self.pixels.extend_from_slice(pixels);
        }
        Ok(())
    }
}

impl Pictures for CifarRecords {
    fn len(&self) -> usize {
        self.pixels.len() / PIXELS
    }

    fn name(&self, record: usize) -> String {
        let batch = self.batches.iter().rfind(|(_, first)| *first <= record);
        batch.map_or_else(
            || record.to_string(),
            |(name, first)| format!("{name}[{}]", record - first),
        )
    }

    fn fetch(&self, wanted: &[usize]) -> Result<Vec<Picture>, Error> {
        let picture = |&record: &usize| {
            let planes = &self.pixels[record * PIXELS..(record + 1) * PIXELS];
            RgbImage::from_raw(SIDE, SIDE, interleave(planes, 3))
                .map(|picture| Picture::Pixels(picture.into()))
                .ok_or_else(|| Error::Inconsistent(format!("record {record} has the wrong size")))
        };
        wanted.iter().map(picture).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn records_are_named_by_their_batch() {
        let mut set = CifarRecords::default();
        for (name, records) in [("data_batch_1.bin", 2), ("data_batch_2.bin", 1)] {
            set.batches.push((name.to_owned(), set.labels.len()));
            set.append(&vec![0; records * 3073], &CIFAR_10).unwrap();
        }
        assert_eq!(set.name(1), "data_batch_1.bin[1]");
        assert_eq!(set.name(2), "data_batch_2.bin[0]");
    }

    proptest! {
        #[test]
        fn any_bytes_give_whole_records_or_an_error(
            records in 0usize..4, extra in 0usize..3, value: u8, fine: bool,
        ) {
            let variant = if fine { CIFAR_100 } else { CIFAR_10 };
            let bytes = vec![value; records * (variant.label_bytes + PIXELS) + extra];
            let mut set = CifarRecords::default();
            let valid = records > 0 && extra == 0 && usize::from(value) < variant.classes;
            prop_assert_eq!(set.append(&bytes, &variant).is_ok(), valid);
            if valid {
                prop_assert_eq!(set.len(), records);
                prop_assert_eq!(set.labels, vec![usize::from(value); records]);
            }
        }
    }
}
