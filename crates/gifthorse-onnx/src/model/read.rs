//! From a file or bytes to a model.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use bytes::Bytes;
use protobuf::Message as _;

use super::{MAX_BYTES, Model, check_size, folder_of, locations::locations};
use crate::{Error, ExternalProblem, external::resolve, proto::ModelProto, weigh};

impl Model {
    /// Reads a model file. External data are found in the file's folder, and
    /// read when [`Model::graph`] asks for them.
    ///
    /// # Errors
    /// [`Error::Read`] if the file cannot be read, and as for [`Model::from_bytes`].
    pub fn read(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let bytes = read_file(path).map_err(|source| Error::Read {
            path: path.to_owned(),
            source,
        })?;
        Self::from_bytes(bytes, Some(folder_of(path)))
    }

    /// Reads a model from memory; `folder` is where its external data are, if
    /// it may have any.
    ///
    /// # Errors
    /// [`Error::TooLarge`], [`Error::TooMany`], [`Error::Cut`], [`Error::Twice`], [`Error::Parse`]
    /// or [`Error::NoGraph`].
    pub fn from_bytes(bytes: impl Into<Bytes>, folder: Option<&Path>) -> Result<Self, Error> {
        let bytes = bytes.into();
        let size = bytes.len() as u64;
        check_size(size)?;
        weigh::check(&bytes)?;
        let proto = ModelProto::parse_from_tokio_bytes(&bytes)?;
        if proto.graph.is_none() {
            return Err(Error::NoGraph);
        }
        Ok(Self {
            folder: folder.map(Path::to_owned),
            size,
            ..Self::from_proto(proto)
        })
    }

    /// A model made in memory.
    pub(crate) fn from_proto(proto: ModelProto) -> Self {
        Self {
            size: proto.compute_size(),
            proto,
            folder: None,
            outside: Default::default(),
        }
    }

    /// The files of external data that the model names: one for each name, in the order of the
    /// names. Those of constants that were [replaced](Model::set_initializer) are not among them.
    ///
    /// # Errors
    /// [`Error::External`] for a file that is not there or may not be read.
    pub fn external_files(&self) -> Result<Vec<PathBuf>, Error> {
        let mut files = Vec::new();
        for (location, tensor) in locations(&self.proto) {
            let folder = self.folder.as_deref().ok_or(ExternalProblem::NoFolder);
            let file = folder
                .and_then(|folder| resolve(folder, location))
                .map_err(|problem| Error::External {
                    tensor: tensor.to_owned(),
                    location: location.to_owned(),
                    problem,
                })?;
            files.push(file);
        }
        Ok(files)
    }
}

fn read_file(path: &Path) -> io::Result<Bytes> {
    let metadata = fs::metadata(path)?;
    // A pipe or a device could be read without end.
    if !metadata.is_file() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "it is not a regular file",
        ));
    }
    if metadata.len() > MAX_BYTES {
        let message = "it is larger than the 2 GiB that an ONNX file can have";
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
    }
    fs::read(path).map(Bytes::from)
}
