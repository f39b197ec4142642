//! MNIST-style IDX files ([`Format::Idx`]): two zero bytes, a type byte (8: unsigned bytes), the
//! number of dimensions, each dimension as a big-endian u32, then the values.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use image::GrayImage;

use crate::folder::{Entry, Folder};
use crate::limits::{MAX_SIDE, check_claim};
use crate::listing::{Listing, Pictures};
use crate::numbering::Calls;
use crate::picture::Picture;
use crate::{Error, Format, LoadOptions, Split};

const IMAGES: &str = "idx3-ubyte";
const LABELS: &str = "idx1-ubyte";

pub(crate) fn list(folder: &Folder, options: &LoadOptions) -> Result<Option<Listing>, Error> {
    let sets: Vec<&Entry> = folder
        .files
        .iter()
        .filter(|f| f.name.contains(IMAGES))
        .collect();
    if sets.is_empty() {
        return Ok(None);
    }
    let wanted: Vec<&Entry> = sets
        .iter()
        .copied()
        .filter(|file| split_of(&file.name) == Some(options.split))
        .collect();
    let images = match wanted.as_slice() {
        [] => {
            let names: Vec<_> = sets.iter().map(|file| file.name.as_str()).collect();
            return Err(Error::MissingSplit {
                path: folder.path.clone(),
                split: options.split,
                found: names.join(", "),
            });
        }
        [only] => *only,
        // The same file, plain and compressed: the plain one is quicker.
        [plain, packed] if packed.name.strip_suffix(".gz") == Some(plain.name.as_str()) => *plain,
        [first, second, ..] => {
            return Err(Error::Malformed {
                path: folder.path.clone(),
                reason: format!(
                    "both {} and {} are {} images; keep one set in a folder",
                    first.name, second.name, options.split
                ),
            });
        }
    };
    let set = IdxImages::open(&images.path)?;
    let mut tables = vec![images.path.clone()];
    let labels = match labels_for(folder, images) {
        Some(file) => {
            tables.push(file.path.clone());
            let labels = open(&file.path).and_then(|mut reader| {
                read_labels(&mut reader).map_err(|reason| malformed(&file.path, reason))
            })?;
            if labels.len() != set.count {
                let reason = format!(
                    "holds {} labels, but {} holds {} images",
                    labels.len(),
                    images.name,
                    set.count
                );
                return Err(malformed(&file.path, reason));
            }
            Some(labels)
        }
        None => None,
    };
    Ok(Some(Listing {
        format: Format::Idx,
        labels,
        calls: Calls::Numbers,
        class_names: Vec::new(),
        tables,
        unpacked: None,
        of_other_part: folder
            .files
            .iter()
            .filter(|file| file.name.contains(IMAGES) || file.name.contains(LABELS))
            .map(|file| file.path.clone())
            .collect(),
        notes: Vec::new(),
        pictures: Box::new(set),
    }))
}

fn split_of(name: &str) -> Option<Split> {
    if name.contains("train") {
        Some(Split::Train)
    } else if ["t10k", "test", "val"]
        .iter()
        .any(|part| name.contains(part))
    {
        Some(Split::Test)
    } else {
        None
    }
}

/// The labels that go with an image file: the same name but for `images` and the dimensions.
fn labels_for<'a>(folder: &'a Folder, images: &Entry) -> Option<&'a Entry> {
    let plain = images.name.trim_end_matches(".gz");
    let name = plain.replace("images", "labels").replace(IMAGES, LABELS);
    folder
        .file(&name)
        .or_else(|| folder.file(&format!("{name}.gz")))
}

/// An image file whose header has been read.
struct IdxImages {
    path: PathBuf,
    count: usize,
    height: usize,
    width: usize,
}

impl IdxImages {
    fn open(path: &Path) -> Result<Self, Error> {
        let [count, height, width] =
            read_header(&mut open(path)?).map_err(|reason| malformed(path, reason))?;
        let side = MAX_SIDE as usize;
        if !(1..=side).contains(&height) || !(1..=side).contains(&width) {
            let reason =
                format!("claims images of {height}x{width}; sides of 1 to {side} are read");
            return Err(malformed(path, reason));
        }
        check_claim(count as u64, (height * width) as u64)
            .map_err(|reason| malformed(path, reason))?;
        Ok(Self {
            path: path.to_owned(),
            count,
            height,
            width,
        })
    }
}

impl Pictures for IdxImages {
    fn len(&self) -> usize {
        self.count
    }

    fn name(&self, record: usize) -> String {
        let file = self.path.file_name().unwrap_or_default().to_string_lossy();
        format!("{file}[{record}]")
    }

    fn fetch(&self, wanted: &[usize]) -> Result<Vec<Picture>, Error> {
        let mut reader = open(&self.path)?;
        let failed = |reason| malformed(&self.path, reason);
        read_header::<3>(&mut reader).map_err(failed)?;
        let size = self.height * self.width;
        let mut next = 0;
        wanted
            .iter()
            .map(|&record| {
                skip(&mut reader, (record - next) as u64 * size as u64).map_err(failed)?;
                next = record + 1;
                let pixels = read_exactly(&mut reader, size).map_err(|reason| {
                    failed(format!("image {record} of {}: {reason}", self.count))
                })?;
                GrayImage::from_raw(self.width as u32, self.height as u32, pixels)
                    .map(|picture| Picture::Pixels(picture.into()))
                    .ok_or_else(|| failed(format!("image {record} has the wrong size")))
            })
            .collect()
    }
}

fn malformed(path: &Path, reason: String) -> Error {
    Error::Malformed {
        path: path.to_owned(),
        reason,
    }
}

/// Opens a file, unpacking it if it begins as gzip files do.
fn open(path: &Path) -> Result<Box<dyn Read>, Error> {
    let failed = |source| Error::Read {
        path: path.to_owned(),
        source,
    };
    let mut file = BufReader::new(File::open(path).map_err(failed)?);
    if file.fill_buf().map_err(failed)?.starts_with(&[0x1f, 0x8b]) {
        Ok(Box::new(BufReader::new(MultiGzDecoder::new(file))))
    } else {
        Ok(Box::new(file))
    }
}

/// Reads the header of a file of unsigned bytes with `N` dimensions.
fn read_header<const N: usize>(reader: &mut dyn Read) -> Result<[usize; N], String> {
    let magic = read_exactly(reader, 4)?;
    if magic[..2] != [0, 0] {
        return Err("is not an IDX file".to_owned());
    }
    if magic[2] != 8 {
        return Err(format!(
            "holds values of type {:#04x}; only unsigned bytes (0x08) are read",
            magic[2]
        ));
    }
    if usize::from(magic[3]) != N {
        return Err(format!("has {} dimensions instead of {N}", magic[3]));
    }
    let mut dimensions = [0; N];
    for (dimension, bytes) in dimensions
        .iter_mut()
        .zip(read_exactly(reader, 4 * N)?.chunks_exact(4))
    {
        *dimension = bytes
            .iter()
            .fold(0, |sum, &byte| sum << 8 | usize::from(byte));
    }
    Ok(dimensions)
}

fn read_labels(reader: &mut dyn Read) -> Result<Vec<usize>, String> {
    let [count] = read_header(reader)?;
    check_claim(count as u64, 1)?;
    let labels = read_exactly(reader, count)?;
    Ok(labels.into_iter().map(usize::from).collect())
}

/// Reads `size` bytes, growing with what is there and not with what is claimed.
fn read_exactly(reader: &mut dyn Read, size: usize) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    reader
        .take(size as u64)
        .read_to_end(&mut bytes)
        .map_err(|error| error.to_string())?;
    match bytes.len() {
        n if n == size => Ok(bytes),
        n => Err(format!(
            "ends after {n} of {size} bytes that it should hold"
        )),
    }
}

fn skip(reader: &mut dyn Read, size: u64) -> Result<(), String> {
    match std::io::copy(&mut reader.take(size), &mut std::io::sink()) {
        Ok(n) if n == size => Ok(()),
        Ok(_) => Err("ends before the images that it claims to hold".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn splits_are_told_by_name() {
        assert_eq!(split_of("train-images-idx3-ubyte.gz"), Some(Split::Train));
        assert_eq!(split_of("t10k-images.idx3-ubyte"), Some(Split::Test));
        assert_eq!(
            split_of("emnist-letters-test-images-idx3-ubyte"),
            Some(Split::Test)
        );
        assert_eq!(split_of("images-idx3-ubyte"), None);
    }

    #[test]
    fn headers_of_other_files_are_refused() {
        let header = |bytes: &[u8]| read_header::<1>(&mut &bytes[..]);
        assert_eq!(header(&[0, 0, 8, 1, 0, 0, 1, 2]), Ok([258]));
        assert!(
            header(&[0, 0, 13, 1, 0, 0, 0, 1])
                .unwrap_err()
                .contains("0x0d")
        );
        assert!(
            header(&[0, 0, 8, 3, 0, 0, 0, 1])
                .unwrap_err()
                .contains("3 dimensions")
        );
        assert!(
            header(&[1, 0, 8, 1, 0, 0, 0, 1])
                .unwrap_err()
                .contains("not an IDX")
        );
        assert!(header(&[0, 0, 8]).unwrap_err().contains("3 of 4"));
    }

    proptest! {
        #[test]
        fn any_bytes_give_labels_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = read_labels(&mut bytes.as_slice());
            let with_header = [&[0, 0, 8, 1][..], &bytes].concat();
            if let Ok(labels) = read_labels(&mut with_header.as_slice()) {
                prop_assert!(labels.len() <= bytes.len());
            }
        }

        #[test]
        fn any_image_file_gives_pictures_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("t10k-images-idx3-ubyte");
            std::fs::write(&path, [&[0, 0, 8, 3, 0, 0][..], &bytes].concat()).unwrap();
            if let Ok(set) = IdxImages::open(&path) {
                let wanted: Vec<usize> = (0..set.count.min(3)).collect();
                let _ = set.fetch(&wanted);
            }
        }
    }
}
