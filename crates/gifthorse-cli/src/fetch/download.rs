//! One file from the network: bounded in size, gone on with where it was cut off, and kept only if
//! its hash is right.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use super::ask::Answer;
use super::published;
use super::{FetchError, Progress, checksum};

/// Added to the name of a file that is not whole yet.
const PART: &str = ".part";
/// Downloads a file to `path`, unless it is there and whole.
pub fn download(
    file: &published::File,
    path: &Path,
    open: &dyn Fn(u64) -> Result<Answer, String>,
    progress: Progress<'_>,
) -> Result<(), FetchError> {
    let system = |error| FetchError::system(path, error);
    if path.exists() && checksum::check(path, file.hash).map_err(system)?.is_ok() {
        return Ok(());
    }
    let part = PathBuf::from(format!("{}{PART}", path.display()));
    let had = fs::metadata(&part).map_or(0, |metadata| metadata.len());
    // One that is whole, or too long, is no beginning of anything.
    let had = if had < file.most_bytes { had } else { 0 };
    let failed = |reason: String| FetchError::Network {
        url: file.url.to_owned(),
        reason,
    };
    let answer = open(had).map_err(failed)?;
    let at_part = |error| FetchError::system(&part, error);
    let mut to = match answer.from {
        0 => File::create(&part),
        _ => OpenOptions::new().append(true).open(&part),
    }
    .map_err(at_part)?;
    let mut bytes = answer.bytes;
    let mut done = answer.from;
    let mut buffer = vec![0; 1 << 16];
    loop {
        let count = bytes
            .read(&mut buffer)
            .map_err(|error| failed(error.to_string()))?;
        if count == 0 {
            break;
        }
        done += count as u64;
        if done > file.most_bytes {
            drop(to);
            fs::remove_file(&part).map_err(at_part)?;
            return Err(FetchError::Other {
                url: file.url.to_owned(),
                reason: format!("more than {} bytes", file.most_bytes),
            });
        }
        to.write_all(&buffer[..count]).map_err(at_part)?;
        progress(file.name(), done, file.most_bytes);
    }
    to.sync_data().map_err(at_part)?;
    if let Err(found) = checksum::check(&part, file.hash).map_err(at_part)? {
        fs::remove_file(&part).map_err(at_part)?;
        return Err(FetchError::Other {
            url: file.url.to_owned(),
            reason: format!(
                "{done} bytes with the hash {found}, and not {:?}",
                file.hash
            ),
        });
    }
    fs::rename(&part, path).map_err(system)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fetch::published::{Hash, Kind};
    use std::cell::RefCell;
    use std::io::{self, Cursor, Read};

    /// SHA-256 of `abcdef`.
    const FILE: published::File = published::File {
        url: "https://example.org/abcdef",
        most_bytes: 6,
        hash: Hash::Sha256("bef57ec7f53a6d40beb640a780a639c83bc29ac8a9816f1fc6c5c6dcd93c4721"),
        kind: Kind::Plain,
    };

    struct CutOff(Cursor<&'static [u8]>);

    impl Read for CutOff {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            match self.0.read(buffer)? {
                0 => Err(io::ErrorKind::ConnectionReset.into()),
                count => Ok(count),
            }
        }
    }

    fn whole(bytes: &'static [u8], from: u64) -> Result<Answer, String> {
        Ok(Answer {
            from,
            bytes: Box::new(Cursor::new(&bytes[from as usize..])),
        })
    }

    fn run(path: &Path, open: &dyn Fn(u64) -> Result<Answer, String>) -> Result<(), FetchError> {
        download(&FILE, path, open, &|_, done, all| assert!(done <= all))
    }

    #[test]
    fn a_download_that_was_cut_off_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("abcdef");
        let cut = |from| {
            assert_eq!(from, 0);
            let bytes = Box::new(CutOff(Cursor::new(b"abc")));
            Ok(Answer { from, bytes })
        };
        assert!(matches!(run(&path, &cut), Err(FetchError::Network { .. })));
        assert!(!path.exists());
        let asked = RefCell::new(Vec::new());
        let rest = |from| {
            asked.borrow_mut().push(from);
            whole(b"abcdef", from)
        };
        run(&path, &rest).unwrap();
        assert_eq!(*asked.borrow(), [3]);
        assert_eq!(fs::read(&path).unwrap(), b"abcdef");
        run(&path, &|_| Err("what is there is not asked for".to_owned())).unwrap();
    }

    #[test]
    fn a_server_without_ranges_sends_all_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("abcdef");
        fs::write(folder.path().join("abcdef.part"), b"xyz").unwrap();
        run(&path, &|_| whole(b"abcdef", 0)).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"abcdef");
    }

    #[test]
    fn another_file_is_refused_and_not_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("abcdef");
        for wrong in [&b"abcdeg"[..], b"abc", b"abcdefg", b""] {
            let error = run(&path, &|_| whole(wrong, 0)).unwrap_err();
            assert!(matches!(error, FetchError::Other { .. }), "{error}");
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "{wrong:?}");
        }
        let error = run(&path, &|_| Err("no route".to_owned())).unwrap_err();
        assert!(error.to_string().contains("no route"), "{error}");
    }
}
