//! Why a guard cannot start or stand.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Why a guard cannot start. What goes wrong with a request is answered to its client instead.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A setting makes no sense.
    #[error("{0}")]
    Setting(String),
    /// An address cannot be listened on.
    #[error("{address} cannot be listened on: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// A file of certificates or keys cannot be used.
    #[error("{path}: {reason}", path = path.display())]
    TlsFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Certificates and keys do not go together.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
    /// The threads or signal handlers cannot be set up.
    #[error("the guard cannot be started: {0}")]
    System(#[source] io::Error),
}
