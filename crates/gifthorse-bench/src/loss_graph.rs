//! Graphs of losses as files: signed, trusted, drawn.

mod picture;
mod signature;

use std::fs;
use std::path::Path;

use gifthorse_train::LossGraphs;

use crate::Error;

pub use picture::picture;
pub use signature::{PublicKey, SigningKey, signature_of};

/// Reads graphs that nobody has signed for.
///
/// # Errors
/// [`Error::System`]; [`Error::Train`] for a file that is none.
pub fn read_graphs(path: &Path) -> Result<LossGraphs, Error> {
    Ok(LossGraphs::from_json(&bytes_of(path)?)?)
}

/// Reads graphs whose signature, in the file beside them, is by the owner of `key`.
///
/// # Errors
/// As [`read_graphs`]; [`Error::Untrusted`] for a signature that is missing or of other bytes.
pub fn trusted_graphs(path: &Path, key: &PublicKey) -> Result<LossGraphs, Error> {
    let bytes = bytes_of(path)?;
    key.check(path, &bytes)?;
    Ok(LossGraphs::from_json(&bytes)?)
}

fn bytes_of(path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(|source| Error::System {
        path: path.to_owned(),
        done: "read",
        source,
    })
}
