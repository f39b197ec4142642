//! What can be wrong with models to be made, or with a zoo of them.

use std::io;
use std::path::PathBuf;

/// Why models cannot be made or scanned. Each message names the input that is wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder that cannot be read or written.
    #[error("{} cannot be {done}", path.display())]
    System {
        /// The file or folder.
        path: PathBuf,
        /// What was to be done with it.
        done: &'static str,
        /// What the system says.
        source: io::Error,
    },
    /// A file of settings that says what cannot be followed.
    #[error("{}: {reason}", path.display())]
    Settings {
        /// The file.
        path: PathBuf,
        /// What is wrong, with the name of the key.
        reason: String,
    },
    /// A file of the zoo that is not as it was written.
    #[error("{} is damaged: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A file with a key that cannot be read.
    #[error("the key {}: {reason}", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A file that is not signed as it is to be.
    #[error("{} is not to be trusted: {reason}", path.display())]
    Untrusted {
        /// The file.
        path: PathBuf,
        /// What is wrong with its signature.
        reason: String,
    },
    /// Images that cannot be had.
    #[error(transparent)]
    Data(#[from] gifthorse_data::Error),
    /// A network that cannot be made or trained.
    #[error(transparent)]
    Train(#[from] gifthorse_train::Error),
    /// A model that cannot be poisoned or measured.
    #[error(transparent)]
    Attack(#[from] gifthorse_attack::Error),
    /// A model that cannot be written.
    #[error(transparent)]
    Onnx(#[from] gifthorse_onnx::Error),
    /// A model that cannot be run.
    #[error(transparent)]
    Engine(#[from] gifthorse_engine::Error),
    /// A scan that failed.
    #[error(transparent)]
    Scan(#[from] gifthorse::Error),
    /// A training set that cannot be audited.
    #[error(transparent)]
    Audit(#[from] gifthorse_defense::Error),
    /// Statistics that cannot be computed.
    #[error(transparent)]
    Stats(#[from] gifthorse_defense::verdict::StatsError),
    /// Findings that make no library.
    #[error(transparent)]
    Library(#[from] gifthorse_defense::verdict::LibraryError),
    /// Threads that cannot be started.
    #[error("the threads cannot be started; ask for fewer with --threads or --jobs")]
    Threads(#[from] rayon::ThreadPoolBuildError),
    /// Something that was asked for and cannot be done.
    #[error("{0}")]
    Request(String),
}

impl Error {
    /// The error with its causes.
    pub(crate) fn in_one_line(&self) -> String {
        let mut told = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            let words = error.to_string();
            if !told.contains(&words) {
                told.push_str(": ");
                told.push_str(&words);
            }
            cause = error.source();
        }
        told
    }
}
