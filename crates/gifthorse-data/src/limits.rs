//! How much of a file is believed before memory is spent on it.
//!
//! A header can claim anything and a few kilobytes can unpack to gigabytes, so every reader checks
//! claims against these limits first and never allocates on a claim alone.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::Error;

/// Most records in a file that holds many images.
pub(crate) const MAX_RECORDS: usize = 1 << 24;

/// Most bytes of raw pixels in a file that holds many images, after unpacking.
pub(crate) const MAX_STORED_BYTES: u64 = 4 << 30;

/// Most bytes of pixels to keep once decoded to f32.
pub(crate) const MAX_DECODED_BYTES: usize = 8 << 30;

/// Most rows and columns of one picture.
pub(crate) const MAX_SIDE: u32 = 16_384;

/// Most bytes of one decoded picture: 40 million pixels of 8-bit colour.
pub(crate) const MAX_PICTURE_BYTES: u64 = 128 << 20;

/// Most bytes of the file of one picture.
pub(crate) const MAX_PICTURE_FILE_BYTES: u64 = 256 << 20;

/// Most bytes of a table of labels or names.
pub(crate) const MAX_TABLE_BYTES: u64 = 64 << 20;

/// Most rows of a table of labels or names.
pub(crate) const MAX_TABLE_ROWS: usize = 1 << 22;

/// Reads a whole file that may hold at most `limit` bytes.
pub(crate) fn read_bounded(path: &Path, limit: u64) -> Result<Vec<u8>, Error> {
    let failed = |source| Error::Read {
        path: path.to_owned(),
        source,
    };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(failed)?;
    file.take(limit + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if bytes.len() as u64 > limit {
        return Err(Error::Malformed {
            path: path.to_owned(),
            reason: format!("larger than the {} MiB allowed", limit >> 20),
        });
    }
    Ok(bytes)
}

/// Checks that `records` records of `record_bytes` bytes each stay within the limits.
pub(crate) fn check_claim(records: u64, record_bytes: u64) -> Result<(), String> {
    let bytes = records.checked_mul(record_bytes);
    if records > MAX_RECORDS as u64 || bytes.is_none_or(|bytes| bytes > MAX_STORED_BYTES) {
        return Err(format!(
            "claims {records} records of {record_bytes} bytes; at most {MAX_RECORDS} records and {} GiB are read",
            MAX_STORED_BYTES >> 30
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_over_the_limit_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        std::fs::write(&path, [0; 11]).unwrap();
        assert!(matches!(
            read_bounded(&path, 10),
            Err(Error::Malformed { .. })
        ));
        assert_eq!(read_bounded(&path, 11).unwrap().len(), 11);
    }

    #[test]
    fn claims_that_overflow_are_refused() {
        assert!(check_claim(u64::MAX, u64::MAX).is_err());
        assert!(check_claim(1, MAX_STORED_BYTES + 1).is_err());
        assert!(check_claim(MAX_RECORDS as u64 + 1, 1).is_err());
        assert!(check_claim(60_000, 784).is_ok());
    }
}
