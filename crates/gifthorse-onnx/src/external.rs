//! Weights that live in files beside the model.
//!
//! The location comes from the model and so from whoever made it. It may name
//! regular files in the model's own folder or below, and nothing else: the
//! test is made on the path with every symbolic link resolved.

use std::{
    cell::{Cell, RefCell},
    collections::{HashMap, HashSet},
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::{Component, Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use bytes::Bytes;

use crate::{Error, ExternalProblem, proto::StringStringEntryProto};

/// Most bytes of external data that are read together with the model; the rest is read when asked
/// for.
const READ_AT_ONCE: usize = 64 << 20;

/// The files of one model.
#[derive(Debug)]
pub(crate) struct ExternalFiles {
    folder: Option<PathBuf>,
    seen: RefCell<HashMap<PathBuf, Arc<SeenFile>>>,
    /// What is left of [`READ_AT_ONCE`]: many tensors may name the same bytes.
    left: Cell<usize>,
}

/// A file as it was when the model was read. It is opened for each reading: a model may have a file
/// for each tensor.
#[derive(Debug, PartialEq)]
struct SeenFile {
    path: PathBuf,
    size: u64,
    modified: Option<SystemTime>,
}

/// A part of a file that is read whenever it is asked for, so that weights need not be in memory
/// twice.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FilePart {
    file: Arc<SeenFile>,
    /// As the model names the file.
    location: String,
    offset: u64,
    length: usize,
}

impl FilePart {
    /// The bytes, for the tensor of this name.
    ///
    /// # Errors
    /// [`Error::External`] where the file cannot be read, or is not what it was when the model was
    /// read.
    pub(crate) fn read(&self, tensor: &str) -> Result<Bytes, Error> {
        self.bytes().map_err(|problem| Error::External {
            tensor: tensor.to_owned(),
            location: self.location.clone(),
            problem,
        })
    }

    fn bytes(&self) -> Result<Bytes, ExternalProblem> {
        let mut file = File::open(&self.file.path)?;
        let metadata = file.metadata()?;
        if metadata.len() != self.file.size || metadata.modified().ok() != self.file.modified {
            return Err(ExternalProblem::Changed);
        }
        file.seek(SeekFrom::Start(self.offset))?;
        let mut bytes = vec![0; self.length];
        file.read_exact(&mut bytes)?;
        Ok(bytes.into())
    }
}

impl ExternalFiles {
    pub(crate) fn new(folder: Option<&Path>) -> Self {
        Self {
            folder: folder.map(Path::to_owned),
            seen: RefCell::default(),
            left: Cell::new(READ_AT_ONCE),
        }
    }

    /// Whether another `bytes` may be read together with the model. If so, they are charged.
    pub(crate) fn may_read(&self, bytes: usize) -> bool {
        let left = self.left.get().checked_sub(bytes);
        if let Some(left) = left {
            self.left.set(left);
        }
        left.is_some()
    }

    /// Where the bytes of a tensor are that needs `expected` of them.
    pub(crate) fn part(
        &self,
        tensor: &str,
        entries: &[StringStringEntryProto],
        expected: usize,
    ) -> Result<FilePart, Error> {
        self.find(entries, expected)
            .map_err(|problem| Error::External {
                tensor: tensor.to_owned(),
                location: location(entries).unwrap_or_default().to_owned(),
                problem,
            })
    }

    fn find(
        &self,
        entries: &[StringStringEntryProto],
        expected: usize,
    ) -> Result<FilePart, ExternalProblem> {
        let folder = self.folder.as_deref().ok_or(ExternalProblem::NoFolder)?;
        check_once(entries)?;
        let location = location(entries).ok_or(ExternalProblem::NoLocation)?;
        let file = self.see(resolve(folder, location)?)?;
        let size = file.size;
        let offset = number(entries, "offset")?.unwrap_or(0);
        let length = number(entries, "length")?.unwrap_or(expected as u64);
        offset
            .checked_add(length)
            .filter(|&end| end <= size)
            .ok_or(ExternalProblem::Range {
                offset,
                length,
                size,
            })?;
        if length != expected as u64 {
            return Err(ExternalProblem::Length {
                found: length,
                expected: expected as u64,
            });
        }
        Ok(FilePart {
            file,
            location: location.to_owned(),
            offset,
            length: expected,
        })
    }

    fn see(&self, path: PathBuf) -> Result<Arc<SeenFile>, ExternalProblem> {
        if let Some(file) = self.seen.borrow().get(&path) {
            return Ok(file.clone());
        }
        let metadata = std::fs::metadata(&path)?;
        let file = Arc::new(SeenFile {
            path: path.clone(),
            size: metadata.len(),
            modified: metadata.modified().ok(),
        });
        self.seen.borrow_mut().insert(path, file.clone());
        Ok(file)
    }
}

/// The location that a tensor's external data name.
pub(crate) fn location(entries: &[StringStringEntryProto]) -> Option<&str> {
    value(entries, "location")
}

/// The regular file that a location names, with every link resolved.
pub(crate) fn resolve(folder: &Path, location: &str) -> Result<PathBuf, ExternalProblem> {
    let relative = Path::new(location);
    let inside = |part| matches!(part, Component::Normal(_) | Component::CurDir);
    if location.is_empty() || !relative.components().all(inside) {
        return Err(ExternalProblem::Outside);
    }
    let file = folder.join(relative).canonicalize()?;
    if !file.starts_with(folder.canonicalize()?) {
        return Err(ExternalProblem::Outside);
    }
    if !std::fs::metadata(&file)?.is_file() {
        return Err(ExternalProblem::NotAFile);
    }
    Ok(file)
}

/// Refuses a key that is given twice: of two places, programs differ in which they take.
fn check_once(entries: &[StringStringEntryProto]) -> Result<(), ExternalProblem> {
    let mut seen = HashSet::new();
    match entries.iter().find(|entry| !seen.insert(entry.key())) {
        Some(entry) => Err(ExternalProblem::Twice(entry.key().to_owned())),
        None => Ok(()),
    }
}

fn number(
    entries: &[StringStringEntryProto],
    key: &'static str,
) -> Result<Option<u64>, ExternalProblem> {
    value(entries, key)
        .map(|text| {
            text.parse().map_err(|_| ExternalProblem::Number {
                key,
                value: text.to_owned(),
            })
        })
        .transpose()
}

fn value<'a>(entries: &'a [StringStringEntryProto], key: &str) -> Option<&'a str> {
    entries
        .iter()
        .find(|entry| entry.key() == key)
        .map(|entry| entry.value())
}
