//! What an image set holds, before any pixel of it is decoded.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::numbering::Calls;
use crate::picture::{Picture, Region};
use crate::{Error, Format, Note};

/// The records of an image set: enough to draw a sample from.
pub(crate) struct Listing {
    pub format: Format,
    /// Label of each record, where the set tells: what it is a number of, `calls` says.
    pub labels: Option<Vec<usize>>,
    /// What the set calls its labels.
    pub calls: Calls,
    /// Names to show for the labels; may be empty.
    pub class_names: Vec<String>,
    /// Files that the set was read from, beside those that are one picture each: tables, and files
    /// of many images.
    pub tables: Vec<PathBuf>,
    /// Files of many images of a part that was not asked for.
    pub of_other_part: Vec<PathBuf>,
    /// What the user should know of how the set was read.
    pub notes: Vec<Note>,
    /// The folder that an archive was unpacked to, which goes with the listing.
    pub unpacked: Option<TempDir>,
    pub pictures: Box<dyn Pictures>,
}

/// Records that can be fetched once it is known which are wanted.
pub(crate) trait Pictures {
    /// Number of records.
    fn len(&self) -> usize;

    /// File or record name, unique within the set.
    fn name(&self, record: usize) -> String;

    /// The files that records are, where each is a file of its own.
    fn files(&self) -> Option<Vec<&Path>> {
        None
    }

    /// Takes a part of each record from now on, one region for each; `false` where records are not
    /// frames that something can be cut out of.
    fn crop(&mut self, _regions: Vec<Region>) -> bool {
        false
    }

    /// The records `wanted`, which ascend, without repeats.
    fn fetch(&self, wanted: &[usize]) -> Result<Vec<Picture>, Error>;
}

/// Pictures that are files of their own.
pub(crate) struct PictureFiles(pub Vec<PictureFile>);

/// One of [`PictureFiles`].
pub(crate) struct PictureFile {
    pub name: String,
    pub path: PathBuf,
    pub region: Option<Region>,
}

impl Pictures for PictureFiles {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn name(&self, record: usize) -> String {
        self.0[record].name.clone()
    }

    fn files(&self) -> Option<Vec<&Path>> {
        Some(self.0.iter().map(|file| file.path.as_path()).collect())
    }

    fn crop(&mut self, regions: Vec<Region>) -> bool {
        for (file, region) in self.0.iter_mut().zip(regions) {
            file.region = Some(region);
        }
        true
    }

    fn fetch(&self, wanted: &[usize]) -> Result<Vec<Picture>, Error> {
        let file = |&record: &usize| Picture::File {
            path: self.0[record].path.clone(),
            region: self.0[record].region,
        };
        Ok(wanted.iter().map(file).collect())
    }
}
