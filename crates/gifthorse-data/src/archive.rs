//! Archives of an image set: zip and tar, plain or with gzip. They are unpacked to a folder of their
//! own, which goes when the images are read, and then read as the folder that they are of.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Component, Path, PathBuf};

use flate2::read::MultiGzDecoder;
use tempfile::TempDir;
use zip::ZipArchive;

use crate::Error;
use crate::limits::{MAX_RECORDS, MAX_STORED_BYTES};

/// The kinds of archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Archive {
    Zip,
    Tar,
    GzippedTar,
}

impl Archive {
    /// The kind of archive that a file's name says it is.
    pub fn of(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_string_lossy().to_lowercase();
        let ends = |endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending));
        match () {
            () if ends(&[".zip"]) => Some(Self::Zip),
            () if ends(&[".tar"]) => Some(Self::Tar),
            () if ends(&[".tar.gz", ".tgz"]) => Some(Self::GzippedTar),
            () => None,
        }
    }

    /// Unpacks the archive at `path`. Only files come out of it, and none outside of its folder.
    pub fn unpack(self, path: &Path) -> Result<TempDir, Error> {
        let read = |source| Error::Read {
            path: path.to_owned(),
            source,
        };
        let file = BufReader::new(File::open(path).map_err(read)?);
        let mut unpacked = Unpacked {
            folder: tempfile::tempdir().map_err(read)?,
            files: 0,
            left: MAX_STORED_BYTES,
        };
        let done = match self {
            Self::Zip => unpacked.zip(file),
            Self::Tar => unpacked.tar(file),
            Self::GzippedTar => unpacked.tar(MultiGzDecoder::new(file)),
        };
        match done {
            Ok(()) => Ok(unpacked.folder),
            Err(reason) => Err(Error::Malformed {
                path: path.to_owned(),
                reason,
            }),
        }
    }
}

struct Unpacked {
    folder: TempDir,
    files: usize,
    /// Bytes that may still come out.
    left: u64,
}

impl Unpacked {
    fn zip(&mut self, file: BufReader<File>) -> Result<(), String> {
        let mut archive = ZipArchive::new(file).map_err(|error| error.to_string())?;
        for entry in 0..archive.len() {
            let mut entry = archive.by_index(entry).map_err(|error| error.to_string())?;
            // A link is stored as a file that holds where it leads.
            let is_link = entry
                .unix_mode()
                .is_some_and(|mode| mode & 0o170_000 == 0o120_000);
            let name = PathBuf::from(entry.name().replace('\\', "/"));
            if entry.is_file() && !is_link {
                self.put(&name, &mut entry)?;
            }
        }
        Ok(())
    }

    fn tar(&mut self, file: impl Read) -> Result<(), String> {
        let mut archive = tar::Archive::new(file);
        for entry in archive.entries().map_err(|error| error.to_string())? {
            let mut entry = entry.map_err(|error| error.to_string())?;
            if entry.header().entry_type().is_file() {
                let name = entry
                    .path()
                    .map_err(|error| error.to_string())?
                    .into_owned();
                self.put(&name, &mut entry)?;
            }
        }
        Ok(())
    }

    fn put(&mut self, name: &Path, from: &mut impl Read) -> Result<(), String> {
        let shown = name.display();
        let parts: Vec<Component> = name
            .components()
            .filter(|part| !matches!(part, Component::CurDir))
            .collect();
        let inside = parts
            .iter()
            .all(|part| matches!(part, Component::Normal(_)));
        if !inside || parts.is_empty() {
            return Err(format!("{shown} in it would not stay in its folder"));
        }
        self.files += 1;
        if self.files > MAX_RECORDS {
            return Err(format!("holds more than {MAX_RECORDS} files"));
        }
        let to = self.folder.path().join(parts.iter().collect::<PathBuf>());
        let failed = |error: std::io::Error| format!("{shown} in it cannot be unpacked: {error}");
        if let Some(folder) = to.parent() {
            std::fs::create_dir_all(folder).map_err(failed)?;
        }
        let mut to = File::create(&to).map_err(failed)?;
        let written = std::io::copy(&mut from.take(self.left + 1), &mut to).map_err(failed)?;
        self.left = self.left.checked_sub(written).ok_or_else(|| {
            format!(
                "unpacks to more than the {} GiB allowed",
                MAX_STORED_BYTES >> 30
            )
        })?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn archives_go_by_their_endings() {
        for (name, archive) in [
            ("a.zip", Some(Archive::Zip)),
            ("A.ZIP", Some(Archive::Zip)),
            ("a.tar", Some(Archive::Tar)),
            ("a.tar.gz", Some(Archive::GzippedTar)),
            ("a.tgz", Some(Archive::GzippedTar)),
            ("a.gz", None),
            ("a.npz", None),
        ] {
            assert_eq!(Archive::of(Path::new(name)), archive, "{name}");
        }
    }

    #[test]
    fn nothing_leaves_the_folder_and_nothing_grows_without_end() {
        let mut unpacked = Unpacked {
            folder: tempfile::tempdir().unwrap(),
            files: 0,
            left: 10,
        };
        for name in ["../a", "/a", "a/../../b", "", "."] {
            let refused = unpacked.put(Path::new(name), &mut [1u8].as_slice());
            assert!(refused.unwrap_err().contains("folder"), "{name}");
        }
        unpacked
            .put(Path::new("./a/b"), &mut [1u8; 4].as_slice())
            .unwrap();
        let refused = unpacked.put(Path::new("c"), &mut std::io::repeat(7));
        assert!(refused.unwrap_err().contains("allowed"));
    }

    proptest! {
        #[test]
        fn any_bytes_are_unpacked_or_refused(bytes: Vec<u8>) {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("set");
            std::fs::write(&path, &bytes).unwrap();
            for archive in [Archive::Zip, Archive::Tar, Archive::GzippedTar] {
                let _ = archive.unpack(&path);
            }
        }
    }
}
