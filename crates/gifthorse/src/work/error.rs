//! What can be wrong with a work folder.

use std::io;
use std::path::PathBuf;

use gifthorse_defense::finding::Unit;
use thiserror::Error;

/// Why a scan cannot be kept in a folder, or cannot go on from there.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum WorkError {
    /// The folder cannot be made or read, or a file in it cannot be written.
    #[error("{} cannot be {done} (--work)", path.display())]
    System {
        /// The folder or file.
        path: PathBuf,
        /// What was to be done with it.
        done: &'static str,
        /// What the system says.
        source: io::Error,
    },
    /// Another scan is using the folder now.
    #[error(
        "another scan is using the folder {} now: wait for it, or give this scan a folder of its own (--work)",
        path.display()
    )]
    Busy {
        /// The folder.
        path: PathBuf,
    },
    /// The folder holds other things.
    #[error(
        "the folder {} holds {found:?} but no scan: give an empty or a new folder (--work)", path.display()
    )]
    Foreign {
        /// The folder.
        path: PathBuf,
        /// The name of one thing in it.
        found: String,
    },
    /// The folder says in no readable way what scan it holds.
    #[error(
        "the folder {} does not say which scan it holds ({problem}): remove it to start again, or give another one \
         (--work)", path.display()
    )]
    NoManifest {
        /// The folder.
        path: PathBuf,
        /// What is wrong with the file that should say it.
        problem: String,
    },
    /// The folder holds a scan of something else, or with other settings.
    #[error(
        "the folder {} holds another scan: {}. Give this scan a folder of its own (--work), or remove that one to start \
         again", path.display(), differences.join("; ")
    )]
    OtherScan {
        /// The folder.
        path: PathBuf,
        /// What differs, each with its value there and now.
        differences: Vec<String>,
    },
    /// A search came out too large to be read again.
    #[error(
        "the search of {unit} takes {bytes} bytes, more than the {limit} that are read: scan without --work"
    )]
    TooLarge {
        /// What was searched.
        unit: Unit,
        /// Bytes to write.
        bytes: u64,
        /// Most bytes that are read.
        limit: u64,
    },
}

impl WorkError {
    /// For `map_err`: the system refused something.
    pub(super) fn system(
        path: impl Into<PathBuf>,
        done: &'static str,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::System { path, done, source }
    }
}
