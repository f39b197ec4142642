//! A model file: read, edited in place, written, compared with another.

mod diff;
mod edit;
mod graft;
mod insert;
mod locations;
mod place;
mod read;
mod resize;
mod write;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    Error, Graph,
    external::ExternalFiles,
    graph::{self, Context},
    inline::Functions,
    opset::Opsets,
    proto::ModelProto,
};

pub use diff::{
    ConstantChange, ConstantEdit, Entry, Extent, ModelDiff, NodeChange, NodeEdit, TensorType, diff,
};
pub use graft::GraftOutputs;
pub use insert::{Inserted, NodeSpec, Readers};

/// Protobuf messages end here, at 2 GiB.
const MAX_BYTES: u64 = i32::MAX as u64;

/// A model as the file has it, with everything that this crate does not know
/// kept as well, so that writing it gives an equal file.
#[derive(Debug, Clone)]
pub struct Model {
    proto: ModelProto,
    folder: Option<PathBuf>,
    size: u64,
    /// Constants that are held in the messages and go into a file beside the model when it is
    /// written, each with the location that it had in such a file before.
    outside: BTreeMap<String, Option<String>>,
}

impl Model {
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

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}
