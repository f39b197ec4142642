//! Files of a zoo, read and put in place whole.

use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Error;
use gifthorse::replace_file;

/// Replaces a file in one step.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    replace_file(path, bytes).map_err(|source| Error::System {
        path: path.to_owned(),
        done: "written",
        source,
    })
}

/// Replaces a file by a value as JSON, in one step.
///
/// # Errors
/// [`Error::System`] for a file that cannot be written, [`Error::Damaged`] for a value that JSON
/// does not have.
pub fn write_json(path: &Path, value: &impl Serialize) -> Result<(), Error> {
    let mut bytes = serde_json::to_vec_pretty(value).map_err(|error| Error::Damaged {
        path: path.to_owned(),
        reason: error.to_string(),
    })?;
    bytes.push(b'\n');
    write(path, &bytes)
}

/// Reads JSON; `None` if there is no such file.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, Error> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(source) => {
            return Err(Error::System {
                path: path.to_owned(),
                done: "read",
                source,
            });
        }
    };
    serde_json::from_str(&text)
        .map(Some)
        .map_err(|error| Error::Damaged {
            path: path.to_owned(),
            reason: error.to_string(),
        })
}

/// Makes a folder, and those above it.
pub fn make_folder(path: &Path) -> Result<(), Error> {
    std::fs::create_dir_all(path).map_err(|source| Error::System {
        path: path.to_owned(),
        done: "made",
        source,
    })
}
