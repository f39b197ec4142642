//! The kinds of image sets that are known, each in a file of its own, and how one is recognised.

mod annotations;
mod array_layout;
mod cifar;
mod class_folders;
mod flat;
pub(crate) mod gtsrb;
mod idx;
pub(crate) mod npy;
mod npz;
mod split_folder;

use std::path::Path;

use crate::archive::Archive;
use crate::folder::Folder;
use crate::listing::Listing;
use crate::{Error, LoadOptions, other_form};

/// A kind of image set. A folder of any kind may also come as a `.zip`, `.tar`, `.tar.gz` or
/// `.tgz`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// A folder with a folder of pictures for each class, perhaps inside `train`, `val` and `test`.
    ///
    /// A class is a folder. Names that are numbers below the number of classes are class indices;
    /// names of classes that the user gives have their index; others are put in the order of the
    /// numbers if all are numbers, else sorted as text. The classes of all parts count, so a class
    /// that one part lacks does not shift the others. Pictures may
    /// lie in a folder `images` inside the class folder. A part without class folders may have its
    /// pictures in `images` and their classes in `*_annotations.txt`, as Tiny ImageNet does. A
    /// `words.txt` beside the folders, of lines `folder<tab>name`, names the classes; else they are
    /// called as their folders.
    ClassFolders,
    /// A folder of pictures, without labels, in the order of their names byte by byte.
    FlatFolder,
    /// The German Traffic Sign Recognition Benchmark as published: pictures with
    /// semicolon-separated tables `GT-*.csv` that give the class and the region of interest of
    /// each; or as on Kaggle, with one table for each part, `Train.csv` and `Test.csv`.
    Gtsrb,
    /// MNIST-style IDX files, plain or compressed with gzip.
    Idx,
    /// CIFAR-10 in its binary version.
    Cifar10,
    /// CIFAR-100 in its binary version, with the fine labels.
    Cifar100,
    /// NumPy arrays. Images are an array `images` (`x`, `data`; `x_train`, `test_images` and the
    /// like for the parts), labels an array `labels` (`y`, `target`, `y_train`, `test_labels`),
    /// which may be missing: `[n]` or `[n, 1]` whole numbers of any type or texts, or `[n,
    /// classes]` with a 1 for the class.
    ///
    /// Images are `[n, height, width]` (grey), `[n, height, width, channels]` or
    /// `[n, channels, height, width]`, told apart by which of the two places holds 1 or 3. Integers
    /// are 0 to 255; floats are 0 to 1 if no value of the array is above 1, else 0 to 255.
    Npz,
}

impl std::fmt::Display for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::ClassFolders => "class folders",
            Self::FlatFolder => "flat folder",
            Self::Gtsrb => "GTSRB",
            Self::Idx => "IDX",
            Self::Cifar10 => "CIFAR-10",
            Self::Cifar100 => "CIFAR-100",
            Self::Npz => "npz",
        })
    }
}

/// Recognises the image set at `path` and lists the records of the part asked for.
pub(crate) fn list(path: &Path, options: &LoadOptions) -> Result<Listing, Error> {
    let metadata = std::fs::metadata(path).map_err(|source| Error::Read {
        path: path.to_owned(),
        source,
    })?;
    if metadata.is_dir() {
        list_folder(path, options)
    } else if !metadata.is_file() {
        Err(Error::UnknownFormat {
            path: path.to_owned(),
            found: "it is neither a file nor a folder".to_owned(),
        })
    } else if path
        .extension()
        .is_some_and(|e| e.eq_ignore_ascii_case("npz"))
    {
        npz::list(path, options.split)
    } else if let Some(archive) = Archive::of(path) {
        let folder = archive.unpack(path)?;
        let mut listing = list_folder(folder.path(), options).map_err(|error| match error {
            // Nobody knows the folder that it was unpacked to.
            Error::UnknownFormat { found, .. } => Error::UnknownFormat {
                path: path.to_owned(),
                found,
            },
            Error::OtherForm {
                path: inside,
                what,
                instead,
            } => Error::OtherForm {
                path: path.join(inside.strip_prefix(folder.path()).unwrap_or(&inside)),
                what,
                instead,
            },
            other => other,
        })?;
        listing.unpacked = Some(folder);
        Ok(listing)
    } else if let Some(refusal) = other_form::of_file(path) {
        Err(refusal)
    } else {
        Err(Error::UnknownFormat {
            path: path.to_owned(),
            found: "it is a file, but neither an archive nor an .npz file".to_owned(),
        })
    }
}

fn list_folder(path: &Path, options: &LoadOptions) -> Result<Listing, Error> {
    let folder = Folder::read(path)?;
    // The stricter a layout, the earlier it is tried: GTSRB also looks like class folders.
    for try_list in [
        gtsrb::list,
        cifar::list,
        idx::list,
        class_folders::list,
        flat::list,
    ] {
        if let Some(listing) = try_list(&folder, options)? {
            return Ok(listing);
        }
    }
    Err(
        other_form::of_folder(&folder).unwrap_or_else(|| Error::UnknownFormat {
            path: path.to_owned(),
            found: folder.summary(),
        }),
    )
}
