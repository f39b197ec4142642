//! What an image set holds, before any pixel of it is decoded.

use crate::picture::Picture;
use crate::{Error, Format};

/// The records of an image set: enough to draw a sample from.
pub(crate) struct Listing {
    pub format: Format,
    /// Class index of each record, where the set tells.
    pub labels: Option<Vec<usize>>,
    /// May be empty.
    pub class_names: Vec<String>,
    pub pictures: Box<dyn Pictures>,
}

/// Records that can be fetched once it is known which are wanted.
pub(crate) trait Pictures {
    /// Number of records.
    fn len(&self) -> usize;

    /// File or record name, unique within the set.
    fn name(&self, record: usize) -> String;

    /// The records `wanted`, which ascend, without repeats.
    fn fetch(&self, wanted: &[usize]) -> Result<Vec<Picture>, Error>;
}

/// Pictures that are files of their own.
pub(crate) struct PictureFiles(pub Vec<PictureFile>);

/// One of [`PictureFiles`].
pub(crate) struct PictureFile {
    pub name: String,
    pub path: std::path::PathBuf,
    pub region: Option<crate::picture::Region>,
}

impl Pictures for PictureFiles {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn name(&self, record: usize) -> String {
        self.0[record].name.clone()
    }

    fn fetch(&self, wanted: &[usize]) -> Result<Vec<Picture>, Error> {
        let file = |&record: &usize| Picture::File {
            path: self.0[record].path.clone(),
            region: self.0[record].region,
        };
        Ok(wanted.iter().map(file).collect())
    }
}
