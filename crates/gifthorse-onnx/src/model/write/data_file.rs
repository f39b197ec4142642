//! The file of data beside a written model.

use std::{
    fs::{self, File},
    io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use super::folder_of;
use crate::{Error, Tensor};

/// How many files of other data may already be there under the names that are tried.
const TRIES: usize = 10_000;

/// The data of one constant.
pub(super) struct Part {
    /// Where they begin in the file, in bytes; beyond the part before.
    pub(super) offset: u64,
    /// How long they are, in bytes.
    pub(super) length: u64,
    pub(super) data: Tensor,
}

/// Writes a file of so many bytes beside the model at `path`, or finds that it is there already,
/// and gives its name, which is a single one without folders.
///
/// # Errors
/// [`Error::Write`], and [`Error::External`] for data that can no longer be read.
pub(super) fn write(parts: &[Part], length: u64, path: &Path) -> Result<String, Error> {
    let model = path.file_name().unwrap_or("model.onnx".as_ref());
    let model = model.to_string_lossy();
    for number in 0..TRIES {
        let name = match number {
            0 => format!("{model}.data"),
            _ => format!("{model}.{number}.data"),
        };
        let file = folder_of(path).join(&name);
        let failed = |source| Error::Write {
            path: file.clone(),
            source,
        };
        // A link is not followed, and a file that appears meanwhile is not overwritten.
        match File::create_new(&file) {
            Ok(open) => {
                let written = fill(open, parts, failed);
                if written.is_err() {
                    let _ = fs::remove_file(&file);
                }
                return written.map(|()| name);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                if holds(&file, parts, length)? {
                    return Ok(name);
                }
            }
            Err(error) => return Err(failed(error)),
        }
    }
    let problem = io::Error::new(
        io::ErrorKind::AlreadyExists,
        "there are too many files of data of this name: remove those of models that are gone",
    );
    Err(Error::Write {
        path: PathBuf::from(path),
        source: problem,
    })
}

fn fill(file: File, parts: &[Part], failed: impl Fn(io::Error) -> Error) -> Result<(), Error> {
    let mut file = BufWriter::new(file);
    let mut end = 0;
    for part in parts {
        let bytes = part.data.bytes()?.unwrap_or_default();
        io::copy(&mut io::repeat(0).take(part.offset - end), &mut file).map_err(&failed)?;
        file.write_all(&bytes).map_err(&failed)?;
        end = part.offset + part.length;
    }
    file.flush().map_err(&failed)
}

/// Whether a regular file that is there has these data at these places, and ends with them.
fn holds(file: &Path, parts: &[Part], length: u64) -> Result<bool, Error> {
    let is_regular = fs::symlink_metadata(file).is_ok_and(|m| m.is_file() && m.len() == length);
    let Some(open) = is_regular.then(|| File::open(file).ok()).flatten() else {
        return Ok(false);
    };
    let mut open = BufReader::new(open);
    let mut there = Vec::new();
    for part in parts {
        let bytes = part.data.bytes()?.unwrap_or_default();
        there.resize(bytes.len(), 0);
        let read = open.seek(SeekFrom::Start(part.offset));
        let read = read.and_then(|_| open.read_exact(&mut there));
        if read.is_err() || there != bytes {
            return Ok(false);
        }
    }
    Ok(true)
}
