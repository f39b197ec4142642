//! Public data sets from the network: downloaded over HTTPS, checked against the hashes that are
//! published for them, unpacked, and put in place in one step.
//!
//! A download that is cut off goes on where it stopped the next time. Nothing that has not the
//! expected hash is unpacked.

mod ask;
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

use ask::Answer;
use download::download;
use published::Kind;

/// Is told how far a download is: the file, its bytes so far, and all of its bytes.
pub type Progress<'a> = &'a dyn Fn(&str, u64, u64);

/// Downloads a data set into `folder`, where [`gifthorse_data::source::Source::load`] looks for it,
/// and gives its path.
///
/// # Errors
/// [`FetchError`]: a set that nobody publishes for download, one that is there already, no
/// network, a file that is not what was published, or a folder that cannot be written.
pub fn fetch(set: Set, folder: &Path, progress: Progress<'_>) -> Result<PathBuf, FetchError> {
    let published = published(set).ok_or(FetchError::NotPublished { set })?;
    put_in_place(&published, folder, &ask::over_https, progress)
}

/// What gives a file from an address, from a place on.
type Ask<'a> = &'a dyn Fn(&str, u64) -> Result<Answer, String>;

fn put_in_place(
    published: &Published,
    folder: &Path,
    ask: Ask<'_>,
    progress: Progress<'_>,
) -> Result<PathBuf, FetchError> {
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
        let open = |from| ask(file.url, from);
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

#[cfg(test)]
mod tests {
    use super::*;
    use published::{File, Hash};
    use std::cell::RefCell;
    use std::io::Cursor;

    /// SHA-256 of `abcdef` and of nothing.
    const FILES: [File; 2] = [
        file(
            "https://example.org/abcdef",
            6,
            "bef57ec7f53a6d40beb640a780a639c83bc29ac8a9816f1fc6c5c6dcd93c4721",
        ),
        file(
            "https://example.org/empty",
            1,
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        ),
    ];

    const fn file(url: &'static str, most_bytes: u64, hash: &'static str) -> File {
        File {
            url,
            most_bytes,
            hash: Hash::Sha256(hash),
            kind: Kind::Plain,
        }
    }

    const SET: Published = Published {
        folder: "set",
        inner: None,
        files: &FILES,
        hashes_from: "this test",
    };

    #[test]
    fn a_set_is_put_in_place_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let asked = RefCell::new(Vec::new());
        let network = RefCell::new(false);
        let ask = |url: &str, _: u64| {
            asked.borrow_mut().push(url.to_owned());
            let bytes: &[u8] = match url.ends_with("abcdef") {
                true => b"abcdef",
                false if *network.borrow() => b"",
                false => return Err("the network is gone".to_owned()),
            };
            let bytes = Box::new(Cursor::new(bytes));
            Ok(Answer { from: 0, bytes })
        };
        let fetch = || put_in_place(&SET, folder.path(), &ask, &|_, _, _| {});
        let error = fetch().unwrap_err().to_string();
        assert!(
            error.contains("example.org/empty") && error.contains("is gone"),
            "{error}"
        );
        assert!(!folder.path().join("set").exists());
        *network.borrow_mut() = true;
        let place = fetch().unwrap();
        assert_eq!(fs::read(place.join("abcdef")).unwrap(), b"abcdef");
        assert_eq!(fs::read(place.join("empty")).unwrap(), b"");
        // What had come was not asked for again, and nothing but the set is left.
        assert_eq!(asked.borrow().len(), 3);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(matches!(fetch(), Err(FetchError::IsThere { .. })));
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let plain = folder.path().join("plain");
        fs::write(&plain, b"").unwrap();
        let ask = |_: &str, _: u64| Err("nothing is asked for".to_owned());
        let error = put_in_place(&SET, &plain, &ask, &|_, _, _| {}).unwrap_err();
        assert!(matches!(&error, FetchError::System { .. }), "{error}");
        assert!(error.to_string().contains("plain"), "{error}");
    }
}
