//! Weights that live in files beside the model.
//!
//! The location comes from the model and so from whoever made it. It may name
//! regular files in the model's own folder or below, and nothing else: the
//! test is made on the path with every symbolic link resolved.

use std::{
    cell::RefCell,
    collections::HashMap,
    fs,
    path::{Component, Path, PathBuf},
};

use bytes::Bytes;

use crate::{Error, ExternalProblem, proto::StringStringEntryProto};

/// The files of one model, each read once, however many tensors point into it.
#[derive(Debug)]
pub(crate) struct ExternalFiles {
    folder: Option<PathBuf>,
    read: RefCell<HashMap<PathBuf, Bytes>>,
}

impl ExternalFiles {
    pub(crate) fn new(folder: Option<&Path>) -> Self {
        Self {
            folder: folder.map(Path::to_owned),
            read: RefCell::default(),
        }
    }

    /// The bytes of a tensor that needs `expected` of them.
    pub(crate) fn slice(
        &self,
        tensor: &str,
        entries: &[StringStringEntryProto],
        expected: usize,
    ) -> Result<Bytes, Error> {
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
    ) -> Result<Bytes, ExternalProblem> {
        let folder = self.folder.as_deref().ok_or(ExternalProblem::NoFolder)?;
        let location = location(entries).ok_or(ExternalProblem::NoLocation)?;
        let file = resolve(folder, location)?;
        let size = fs::metadata(&file)?.len();
        let offset = number(entries, "offset")?.unwrap_or(0);
        let length = number(entries, "length")?.unwrap_or(expected as u64);
        let out_of_range = || ExternalProblem::Range {
            offset,
            length,
            size,
        };
        let end = offset
            .checked_add(length)
            .filter(|&end| end <= size)
            .ok_or_else(out_of_range)?;
        if length != expected as u64 {
            return Err(ExternalProblem::Length {
                found: length,
                expected: expected as u64,
            });
        }

        let bytes = self.bytes(file)?;
        let range = offset as usize..end as usize;
        // The file may have shrunk since its size was asked for.
        if range.end > bytes.len() {
            return Err(out_of_range());
        }
        Ok(bytes.slice(range))
    }

    fn bytes(&self, file: PathBuf) -> Result<Bytes, ExternalProblem> {
        if let Some(bytes) = self.read.borrow().get(&file) {
            return Ok(bytes.clone());
        }
        let bytes = Bytes::from(fs::read(&file)?);
        self.read.borrow_mut().insert(file, bytes.clone());
        Ok(bytes)
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
    if !fs::metadata(&file)?.is_file() {
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
