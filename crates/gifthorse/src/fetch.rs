//! Public data sets from the network: downloaded over HTTPS, checked against the hashes that are published for them,
//! unpacked, and put in place in one step.
//!
//! A download that is cut off goes on where it stopped the next time. Nothing that has not the expected hash is unpacked.

mod checksum;
mod download;
mod error;
mod published;
mod unpack;

use std::fs;
use std::path::{Path, PathBuf};

use gifthorse_data::source::Set;

pub use error::FetchError;
pub use published::{Published, published};

use download::download;
use published::Kind;

/// Is told how far a download is: the file, its bytes so far, and all of its bytes.
pub type Progress<'a> = &'a dyn Fn(&str, u64, u64);

/// Downloads a data set into `folder`, where [`gifthorse_data::source::Source::load`] looks for it, and gives its path.
///
/// # Errors
/// [`FetchError`]: a set that nobody publishes for download, one that is there already, no network, a file that is not what
/// was published, or a folder that cannot be written.
pub fn fetch(set: Set, folder: &Path, progress: Progress<'_>) -> Result<PathBuf, FetchError> {
    let published = published(set).ok_or(FetchError::NotPublished { set })?;
    let place = folder.join(published.folder);
    if place.exists() {
        return Err(FetchError::IsThere { path: place });
    }
    // Kept when a download fails, to go on from.
    let work = folder.join(format!(".{}.fetching", published.folder));
    let unpacked = work.join("unpacked");
    if unpacked.exists() {
        fs::remove_dir_all(&unpacked).map_err(|error| FetchError::system(&unpacked, error))?;
    }
    fs::create_dir_all(&unpacked).map_err(|error| FetchError::system(&unpacked, error))?;
    for file in published.files {
        let path = work.join(file.name());
        let open = |from| download::over_https(file.url, from);
        download(file, &path, &open, progress)?;
        match file.kind {
            Kind::Plain => {
                let to = unpacked.join(file.name());
                fs::copy(&path, &to).map_err(|error| FetchError::system(&to, error))?;
            }
            Kind::TarGz => unpack::tar_gz(&path, &unpacked)?,
            Kind::Zip => unpack::zip(&path, &unpacked)?,
        }
    }
    let inner = published
        .inner
        .map_or(unpacked.clone(), |inner| unpacked.join(inner));
    fs::rename(&inner, &place).map_err(|error| FetchError::system(&place, error))?;
    fs::remove_dir_all(&work).map_err(|error| FetchError::system(&work, error))?;
    Ok(place)
}
