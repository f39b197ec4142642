//! What can go wrong with a download.

use std::io;
use std::path::{Path, PathBuf};

use gifthorse_data::source::Set;
use thiserror::Error;

/// Why a data set could not be fetched.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FetchError {
    /// A set that nobody publishes for download.
    #[error(
        "{set} cannot be fetched: it is not published as a download that is known here; `gifthorse data list` says where it is looked for"
    )]
    NotPublished {
        /// The set.
        set: Set,
    },
    /// Something of that name is there.
    #[error("{} is there already; remove it first, or name another folder (--to)", path.display())]
    IsThere {
        /// What is there.
        path: PathBuf,
    },
    /// The network, or whoever answers.
    #[error(
        "{url} cannot be downloaded: {reason}; without a network, put the data set where `gifthorse data list` says"
    )]
    Network {
        /// What was asked for.
        url: String,
        /// What went wrong.
        reason: String,
    },
    /// Another file than the one that was published.
    #[error("{url} gave something else than what was published: {reason}")]
    Other {
        /// What was asked for.
        url: String,
        /// How it differs.
        reason: String,
    },
    /// An archive with entries that no data set has.
    #[error("{} is not unpacked: {reason}", path.display())]
    Archive {
        /// The archive.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A file or folder.
    #[error("{} cannot be written or read: {source}", path.display())]
    System {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl FetchError {
    pub(super) fn system(path: &Path, source: io::Error) -> Self {
        Self::System {
            path: path.to_owned(),
            source,
        }
    }
}
