//! A JSON file with a checksum, replaced in one step.
//!
//! The first line is `gifthorse-work 1` and the SHA-256 of all that follows it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::hash;

/// Begins every file; the number is the version of the format.
const HEADING: &str = "gifthorse-work 1 ";
/// Added to the name of a file that is not yet whole.
pub const UNFINISHED: &str = ".new";

/// What a file turned out to be.
#[derive(Debug, PartialEq)]
pub enum Sealed<T> {
    /// There is none.
    Absent,
    /// It is not what was written, or was written by something else; with the reason, in words that
    /// go after "it".
    Damaged(String),
    /// It is as it was written.
    Whole(T),
}

/// Bytes that a value comes to as a file.
pub fn seal(value: &impl Serialize) -> io::Result<Vec<u8>> {
    let body = serde_json::to_vec(value)?;
    let digest = hash::digest(&body);
    let mut bytes = format!("{HEADING}{digest}\n").into_bytes();
    bytes.extend(body);
    Ok(bytes)
}

/// Puts the bytes in place of a file, so that at any moment either the old or the new one is there.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(UNFINISHED);
    let unfinished = Path::new(&unfinished);
    // One that a killed scan left; and no link in its place is ever written through.
    match fs::remove_file(unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(unfinished)?;
    file.write_all(bytes)?;
    file.sync_data()?;
    fs::rename(unfinished, path)
}

/// Reads a file of at most `limit` bytes.
///
/// # Errors
/// What the system says; contents that are wrong are no error but [`Sealed::Damaged`].
pub fn read<T: DeserializeOwned>(path: &Path, limit: u64) -> io::Result<Sealed<T>> {
    let damaged = |reason: &str| Ok(Sealed::Damaged(reason.to_owned()));
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Sealed::Absent),
        Err(error) => return Err(error),
        Ok(metadata) if !metadata.is_file() => return damaged("is no file"),
        Ok(_) => {}
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return damaged("is larger than any that a scan writes");
    }
    let Some(rest) = bytes.strip_prefix(HEADING.as_bytes()) else {
        return damaged("does not begin as a scan's file does");
    };
    let Some(end) = rest.iter().position(|&byte| byte == b'\n') else {
        return damaged("ends within its first line");
    };
    let (digest, body) = (&rest[..end], &rest[end + 1..]);
    if hash::digest(body).as_bytes() != digest {
        return damaged("does not match its checksum");
    }
    Ok(match serde_json::from_slice(body) {
        Ok(value) => Sealed::Whole(value),
        Err(error) => Sealed::Damaged(format!("cannot be read: {error}")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: u64 = 1000;

    fn written(folder: &Path) -> std::path::PathBuf {
        let path = folder.join("file");
        replace(&path, &seal(&vec![1, 2, 3]).unwrap()).unwrap();
        path
    }

    #[test]
    fn what_is_written_is_read_and_leaves_no_other_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = written(folder.path());
        assert_eq!(read(&path, LIMIT).unwrap(), Sealed::Whole(vec![1, 2, 3]));
        // Also over what a killed scan left half written.
        fs::write(folder.path().join("file.new"), "half").unwrap();
        replace(&path, &seal(&vec![4]).unwrap()).unwrap();
        assert_eq!(read(&path, LIMIT).unwrap(), Sealed::Whole(vec![4]));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn every_cut_and_every_flipped_bit_is_found_out() {
        let folder = tempfile::tempdir().unwrap();
        let path = written(folder.path());
        let whole = fs::read(&path).unwrap();
        for end in 0..whole.len() {
            fs::write(&path, &whole[..end]).unwrap();
            let cut = read::<Vec<i32>>(&path, LIMIT).unwrap();
            assert!(matches!(cut, Sealed::Damaged(_)), "{end} bytes");
        }
        for bit in 0..8 * whole.len() {
            let mut flipped = whole.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            fs::write(&path, flipped).unwrap();
            let flipped = read::<Vec<i32>>(&path, LIMIT).unwrap();
            assert!(matches!(flipped, Sealed::Damaged(_)), "bit {bit}");
        }
    }

    #[test]
    fn other_things_in_its_place_are_damage_and_nothing_is_absence() {
        let folder = tempfile::tempdir().unwrap();
        let path = written(folder.path());
        let size = fs::metadata(&path).unwrap().len();
        let of_limit = |limit| read::<Vec<i32>>(&path, limit).unwrap();
        assert_eq!(of_limit(size), Sealed::Whole(vec![1, 2, 3]));
        assert!(matches!(of_limit(size - 1), Sealed::Damaged(reason) if reason.contains("larger")));
        // A value of another type under a right checksum.
        replace(&path, &seal(&"text").unwrap()).unwrap();
        assert!(matches!(of_limit(LIMIT), Sealed::Damaged(_)));
        let in_folder = read::<Vec<i32>>(folder.path(), LIMIT).unwrap();
        assert!(matches!(in_folder, Sealed::Damaged(_)));
        fs::remove_file(&path).unwrap();
        assert_eq!(of_limit(LIMIT), Sealed::Absent);
    }

    #[cfg(unix)]
    #[test]
    fn no_link_is_written_through_or_followed() {
        let folder = tempfile::tempdir().unwrap();
        let outside = folder.path().join("outside");
        fs::write(&outside, "mine").unwrap();
        for name in ["file", "file.new"] {
            std::os::unix::fs::symlink(&outside, folder.path().join(name)).unwrap();
        }
        let path = folder.path().join("file");
        let linked = read::<Vec<i32>>(&path, LIMIT).unwrap();
        assert_eq!(linked, Sealed::Damaged("is no file".to_owned()));
        replace(&path, &seal(&vec![1]).unwrap()).unwrap();
        assert_eq!(read(&path, LIMIT).unwrap(), Sealed::Whole(vec![1]));
        assert_eq!(fs::read_to_string(&outside).unwrap(), "mine");
    }
}
