//! Weights that live in files beside the model.
//!
//! The location comes from the model and so from whoever made it. It may name
//! regular files in the model's own folder or below, and nothing else: the
//! test is made on the path with every symbolic link resolved.

use std::{
    cell::RefCell,
    collections::HashMap,
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::{Component, Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;

use crate::{Error, ExternalProblem, proto::StringStringEntryProto};

/// The files of one model, each opened once, however many tensors point into it.
#[derive(Debug)]
pub(crate) struct ExternalFiles {
    folder: Option<PathBuf>,
    open: RefCell<HashMap<PathBuf, Arc<Mutex<File>>>>,
}

/// A part of a file that is read whenever it is asked for, so that weights need not be in memory twice.
#[derive(Debug, Clone)]
pub(crate) struct FilePart {
    file: Arc<Mutex<File>>,
    /// As the model names the file.
    location: String,
    offset: u64,
    length: usize,
}

impl PartialEq for FilePart {
    fn eq(&self, other: &Self) -> bool {
        let place = |part: &Self| (part.offset, part.length);
        Arc::ptr_eq(&self.file, &other.file) && place(self) == place(other)
    }
}

impl FilePart {
    /// The bytes, for the tensor of this name.
    ///
    /// # Errors
    /// [`Error::External`] where the file cannot be read, or has become shorter since the model was.
    pub(crate) fn read(&self, tensor: &str) -> Result<Bytes, Error> {
        self.bytes().map_err(|problem| Error::External {
            tensor: tensor.to_owned(),
            location: self.location.clone(),
            problem,
        })
    }

    fn bytes(&self) -> Result<Bytes, ExternalProblem> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
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
            open: RefCell::default(),
        }
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
        let location = location(entries).ok_or(ExternalProblem::NoLocation)?;
        let file = self.opened(resolve(folder, location)?)?;
        let metadata = file
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .metadata();
        let size = metadata?.len();
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

    fn opened(&self, path: PathBuf) -> Result<Arc<Mutex<File>>, ExternalProblem> {
        if let Some(file) = self.open.borrow().get(&path) {
            return Ok(file.clone());
        }
        let file = Arc::new(Mutex::new(File::open(&path)?));
        self.open.borrow_mut().insert(path, file.clone());
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
