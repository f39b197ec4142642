//! Archives, unpacked: files and folders only, inside the folder that they are unpacked to, and not
//! without bound.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

use flate2::read::GzDecoder;
use zip::ZipArchive;

use super::FetchError;

/// Most bytes that an archive may hold; GTSRB, the largest, has less than half of it.
const MOST_BYTES: u64 = 2 << 30;
/// Most entries; GTSRB has about 40,000.
const MOST_ENTRIES: usize = 200_000;

/// Unpacks a tar archive that is compressed with gzip.
pub fn tar_gz(path: &Path, to: &Path) -> Result<(), FetchError> {
    let system = |error| FetchError::system(path, error);
    let file = File::open(path).map_err(system)?;
    let mut archive = tar::Archive::new(GzDecoder::new(io::BufReader::new(file)));
    let mut unpacking = Unpacking::new(path, to);
    for entry in archive.entries().map_err(system)? {
        let mut entry = entry.map_err(system)?;
        let name = entry.path().map_err(system)?.into_owned();
        match entry.header().entry_type() {
            tar::EntryType::Regular => unpacking.file(&name, &mut entry)?,
            tar::EntryType::Directory => {}
            other => return Err(unpacking.wrong(format!("{} is {other:?}", name.display()))),
        }
    }
    Ok(())
}

/// Unpacks a zip archive.
pub fn zip(path: &Path, to: &Path) -> Result<(), FetchError> {
    let file = File::open(path).map_err(|error| FetchError::system(path, error))?;
    let mut unpacking = Unpacking::new(path, to);
    let mut archive = ZipArchive::new(io::BufReader::new(file))
        .map_err(|error| unpacking.wrong(error.to_string()))?;
    for index in 0..archive.len() {
        let entry = archive.by_index(index);
        let mut entry = entry.map_err(|error| unpacking.wrong(error.to_string()))?;
        if entry.is_file() {
            let name = PathBuf::from(entry.name());
            unpacking.file(&name, &mut entry)?;
        }
    }
    Ok(())
}

struct Unpacking<'a> {
    archive: &'a Path,
    to: &'a Path,
    bytes_left: u64,
    entries_left: usize,
}

impl<'a> Unpacking<'a> {
    fn new(archive: &'a Path, to: &'a Path) -> Self {
        Self {
            archive,
            to,
            bytes_left: MOST_BYTES,
            entries_left: MOST_ENTRIES,
        }
    }

    fn file(&mut self, name: &Path, content: &mut impl Read) -> Result<(), FetchError> {
        let inside = |part: Component<'_>| matches!(part, Component::Normal(_));
        if name.as_os_str().is_empty() || !name.components().all(inside) {
            return Err(self.wrong(format!("{} leads elsewhere", name.display())));
        }
        let Some(entries_left) = self.entries_left.checked_sub(1) else {
            return Err(self.wrong(format!("it has more than {MOST_ENTRIES} files")));
        };
        self.entries_left = entries_left;
        let path = self.to.join(name);
        let system = |error| FetchError::system(&path, error);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(system)?;
        }
        let mut file = File::create(&path).map_err(system)?;
        let copied = io::copy(&mut content.take(self.bytes_left + 1), &mut file).map_err(system)?;
        match self.bytes_left.checked_sub(copied) {
            Some(left) => self.bytes_left = left,
            None => return Err(self.wrong(format!("it holds more than {MOST_BYTES} bytes"))),
        }
        Ok(())
    }

    fn wrong(&self, reason: String) -> FetchError {
        FetchError::Archive {
            path: self.archive.to_owned(),
            reason,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::zip::write::{FileOptions, ZipWriter};
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use std::io::Write;

    fn tar_of(name: &str, kind: tar::EntryType) -> Vec<u8> {
        let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        let mut header = tar::Header::new_gnu();
        // Past the checks of the builder, as an attacker would.
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(kind);
        header.set_size(if kind == tar::EntryType::Regular {
            3
        } else {
            0
        });
        header.set_cksum();
        archive
            .append(&header, &b"abc"[..header.size().unwrap() as usize])
            .unwrap();
        archive.into_inner().unwrap().finish().unwrap()
    }

    fn zip_of(name: &str) -> Vec<u8> {
        let mut archive = ZipWriter::new(io::Cursor::new(Vec::new()));
        archive.start_file(name, FileOptions::default()).unwrap();
        archive.write_all(b"abc").unwrap();
        archive.finish().unwrap().into_inner()
    }

    fn unpacked(
        bytes: &[u8],
        with: fn(&Path, &Path) -> Result<(), FetchError>,
    ) -> Result<Vec<u8>, FetchError> {
        let folder = tempfile::tempdir().unwrap();
        let (archive, to) = (folder.path().join("archive"), folder.path().join("to/here"));
        fs::write(&archive, bytes).unwrap();
        fs::create_dir_all(&to).unwrap();
        let outcome = with(&archive, &to);
        assert!(!folder.path().join("to/x").exists() && !folder.path().join("x").exists());
        outcome.map(|()| fs::read(to.join("a/x")).unwrap())
    }

    #[test]
    fn files_come_out_as_they_went_in() {
        let regular = tar::EntryType::Regular;
        assert_eq!(unpacked(&tar_of("a/x", regular), tar_gz).unwrap(), b"abc");
        assert_eq!(unpacked(&zip_of("a/x"), zip).unwrap(), b"abc");
    }

    #[test]
    fn nothing_leaves_the_folder() {
        let regular = tar::EntryType::Regular;
        for (bytes, with) in [
            (tar_of("../x", regular), tar_gz as fn(&Path, &Path) -> _),
            (tar_of("/x", regular), tar_gz),
            (tar_of("a/x", tar::EntryType::Symlink), tar_gz),
            (zip_of("../x"), zip),
            (zip_of("/x"), zip),
        ] {
            let error = unpacked(&bytes, with).unwrap_err();
            assert!(matches!(error, FetchError::Archive { .. }), "{error}");
        }
        assert!(unpacked(b"no archive", tar_gz).is_err());
        assert!(unpacked(b"no archive", zip).is_err());
    }
}
