//! Files in the folder of a patient's work: a line with a checksum, a line of JSON, and bytes.
//!
//! The folder is trusted no more than other input. Files are replaced in one step, so that a repair
//! may be killed at any moment.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use crate::error::Error;

/// Begins every file; the number is the version of the format.
const HEADING: &str = "gifthorse-repair 1 ";
/// Largest file that is read: a model has 2 GiB at most, and weights may stand beside it twice more.
const LARGEST: u64 = 4 << 31;

/// Writes a file.
///
/// # Errors
/// [`Error::Work`]
pub(super) fn write(path: &Path, header: &impl Serialize, bytes: &[u8]) -> Result<(), Error> {
    let write = || {
        let mut line = serde_json::to_vec(header)?;
        line.push(b'\n');
        let digest = hexadecimal(Sha256::new_with_prefix(&line).chain_update(bytes));
        let mut unfinished = path.as_os_str().to_owned();
        unfinished.push(".new");
        let unfinished = PathBuf::from(unfinished);
        let mut file = fs::File::create(&unfinished)?;
        file.write_all(format!("{HEADING}{digest}\n").as_bytes())?;
        file.write_all(&line)?;
        file.write_all(bytes)?;
        file.sync_data()?;
        fs::rename(&unfinished, path)
    };
    write().map_err(|reason| Error::Work {
        path: path.to_owned(),
        reason,
    })
}

/// Reads a file; `None` if there is none.
///
/// # Errors
/// Why it cannot be used, in words.
pub(super) fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<(T, Vec<u8>)>, String> {
    let file = match fs::File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(|error| error.to_string())?,
    };
    let mut all = Vec::new();
    let read = file.take(LARGEST).read_to_end(&mut all);
    read.map_err(|error| error.to_string())?;
    let damaged = || "it is damaged".to_owned();
    let rest = all.strip_prefix(HEADING.as_bytes()).ok_or_else(damaged)?;
    let (digest, body) = split(rest).ok_or_else(damaged)?;
    if hexadecimal(Sha256::new_with_prefix(body)).as_bytes() != digest {
        return Err(damaged());
    }
    let (header, bytes) = split(body).ok_or_else(damaged)?;
    let header = serde_json::from_slice(header).map_err(|error| error.to_string())?;
    Ok(Some((header, bytes.to_vec())))
}

/// A digest as 64 hexadecimal digits.
pub(super) fn hexadecimal(hash: Sha256) -> String {
    let digest = hash.finalize();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What is before the first line break, and after it.
fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.iter().position(|&byte| byte == b'\n')?;
    Some((&bytes[..end], &bytes[end + 1..]))
}
