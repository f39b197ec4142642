//! Where data sets are.

use std::path::{Path, PathBuf};

/// Names the folder of data sets.
const VARIABLE: &str = "GIFTHORSE_DATA";

/// The folder that was given, else that of the environment; `None` if neither says.
pub fn folder(given: Option<&Path>) -> Option<PathBuf> {
    let named = || std::env::var_os(VARIABLE).filter(|path| !path.is_empty());
    given
        .map(Path::to_owned)
        .or_else(|| named().map(Into::into))
}
