//! From a model to a file or bytes.

mod copy;
mod data_file;
mod outside;

use std::{
    fs,
    io::{BufWriter, Write as _},
    path::{Component, Path},
};

use protobuf::Message as _;

use super::{Model, check_size, folder_of, locations::locations};
use crate::{Error, ExternalProblem, external::resolve};
use outside::Outside;

impl Model {
    /// The model as the bytes of a file. External data stay where they are; constants that were
    /// replaced are in the bytes, wherever they lay before.
    ///
    /// # Errors
    /// [`Error::TooLarge`] if it does not fit into a file.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        check_size(self.proto.compute_size())?;
        Ok(self.proto.write_to_bytes()?)
    }

    /// Writes the model to a file. If that is in another folder than the one that it was read
    /// from, its external data are copied beside it.
    ///
    /// Constants that lay in files beside the model and were replaced, and those that are to lie
    /// [outside](Model::store_outside), go into one new file beside
    /// the written one, named after it with `.data` at the end, or `.1.data` and so on where there
    /// is such a file already with something else in it. In another folder, whatever lay in the
    /// same files as they goes there too, so that what was replaced is not taken along. No file
    /// but the model's own is ever overwritten.
    ///
    /// # Errors
    /// [`Error::Write`], [`Error::TooLarge`], or [`Error::External`] if
    /// external data are not found or would be overwritten.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        let path = path.as_ref();
        let failed = |source| Error::Write {
            path: path.to_owned(),
            source,
        };
        self.check_is_no_input(path)?;
        let mut placed;
        let mut proto = &self.proto;
        if self.outside.is_empty() {
            check_size(proto.compute_size())?;
            copy::external_data(proto, self.folder.as_deref(), folder_of(path))?;
        } else {
            placed = self.proto.clone();
            let outside = Outside::take(&mut placed, self, folder_of(path))?;
            check_size(placed.compute_size())?;
            copy::external_data(&placed, self.folder.as_deref(), folder_of(path))?;
            outside.write(&mut placed, path)?;
            proto = &placed;
        }
        check_size(proto.compute_size())?;
        let mut file = BufWriter::new(fs::File::create(path).map_err(failed)?);
        proto
            .write_to_writer(&mut file)
            .map_err(|error| failed(error.into()))?;
        file.flush().map_err(failed)
    }

    /// Refuses to write the model over a file that some of its weights are read from, or over the
    /// copy of one.
    fn check_is_no_input(&self, path: &Path) -> Result<(), Error> {
        let target = path.canonicalize().ok();
        let folder = self.folder.as_deref();
        let name = path.file_name().unwrap_or_default();
        let is_target = |location: &str| {
            let read = folder.and_then(|folder| resolve(folder, location).ok());
            read.is_some() && read == target
        };
        // A location may have `.` in it, which leads nowhere.
        let is_copy = |location: &str| {
            let parts = Path::new(location).components();
            let parts = parts.filter(|part| *part != Component::CurDir);
            parts.eq([Component::Normal(name)])
        };
        let named = locations(&self.proto).into_iter();
        let mut named = named.filter(|(location, _)| is_copy(location) || is_target(location));
        let replaced = self.outside.iter();
        let mut replaced = replaced
            .filter_map(|(tensor, location)| Some((location.as_deref()?, tensor.as_str())))
            .filter(|(location, _)| is_target(location));
        match named.next().or(replaced.next()) {
            Some((location, tensor)) => Err(Error::External {
                tensor: tensor.to_owned(),
                location: location.to_owned(),
                problem: ExternalProblem::IsInput,
            }),
            None => Ok(()),
        }
    }
}
