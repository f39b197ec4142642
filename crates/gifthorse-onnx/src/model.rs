//! A model file: read, edited in place, written.

mod copy;
mod edit;
mod locations;

use std::{
    fs,
    io::{self, BufWriter, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use protobuf::Message as _;

use crate::{
    Error, ExternalProblem, Graph,
    external::{ExternalFiles, resolve},
    graph::{self, Context},
    inline::Functions,
    opset::Opsets,
    proto::ModelProto,
    weigh,
};

/// Protobuf messages end here, at 2 GiB.
const MAX_BYTES: u64 = i32::MAX as u64;

/// A model as the file has it, with everything that this crate does not know
/// kept as well, so that writing it gives an equal file.
#[derive(Debug, Clone)]
pub struct Model {
    proto: ModelProto,
    folder: Option<PathBuf>,
    size: u64,
}

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
            proto,
            folder: folder.map(Path::to_owned),
            size,
        })
    }

    /// A model made in memory.
    pub(crate) fn from_proto(proto: ModelProto) -> Self {
        Self {
            size: proto.compute_size(),
            proto,
            folder: None,
        }
    }

    /// The model as the bytes of a file. External data stay where they are.
    ///
    /// # Errors
    /// [`Error::TooLarge`] if it does not fit into a file.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        check_size(self.proto.compute_size())?;
        Ok(self.proto.write_to_bytes()?)
    }

    /// Writes the model to a file, and, if that is in another folder than the
    /// one that it was read from, copies its external data beside it.
    ///
    /// # Errors
    /// [`Error::Write`], [`Error::TooLarge`], or [`Error::External`] if
    /// external data are not found or would overwrite another file.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        let path = path.as_ref();
        check_size(self.proto.compute_size())?;
        let failed = |source| Error::Write {
            path: path.to_owned(),
            source,
        };
        copy::external_data(&self.proto, self.folder.as_deref(), folder_of(path))?;
        let mut file = BufWriter::new(fs::File::create(path).map_err(failed)?);
        self.proto
            .write_to_writer(&mut file)
            .map_err(|error| failed(error.into()))?;
        file.flush().map_err(failed)
    }

    /// The files of external data that the model names: one for each name, in the order of the
    /// names.
    ///
    /// # Errors
    /// [`Error::External`] for a file that is not there or may not be read.
    pub fn external_files(&self) -> Result<Vec<PathBuf>, Error> {
        let mut files = Vec::new();
        for (location, tensor) in locations::locations(&self.proto) {
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

    /// The model's graph, checked and in running order.
    ///
    /// # Errors
    /// Whatever is wrong with the graph, its tensors and their external data.
    pub fn graph(&self) -> Result<Graph, Error> {
        let opsets = if self.proto.opset_import.is_empty() && self.ir_version() < 3 {
            Opsets::of_old_files()
        } else {
            Opsets::decode(&self.proto.opset_import)?
        };
        let context = Context {
            functions: Functions::new(&self.proto.functions, self.size)?,
            external: ExternalFiles::new(self.folder.as_deref()),
        };
        graph::decode(&self.proto.graph, &Arc::new(opsets), &context, None)
    }

    #[cfg(test)]
    pub(crate) fn proto(&self) -> &ModelProto {
        &self.proto
    }

    /// Version of the file format.
    pub fn ir_version(&self) -> i64 {
        self.proto.ir_version()
    }

    /// Name and version of the program that made the file, as far as it says; either may be empty.
    pub fn producer(&self) -> (&str, &str) {
        (self.proto.producer_name(), self.proto.producer_version())
    }

    /// The file's metadata: keys and values.
    pub fn metadata(&self) -> impl Iterator<Item = (&str, &str)> {
        let entries = self.proto.metadata_props.iter();
        entries.map(|entry| (entry.key(), entry.value()))
    }
}

fn check_size(bytes: u64) -> Result<(), Error> {
    if bytes <= MAX_BYTES {
        return Ok(());
    }
    Err(Error::TooLarge {
        bytes,
        limit: MAX_BYTES,
    })
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

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}
