//! Hashes of files.

use std::io::{self, Read};
use std::path::Path;

use md5::Md5;
use sha2::digest::DynDigest;
use sha2::{Digest, Sha256};

use super::published::Hash;

/// Whether a file has the hash that it should have; if not, the one that it has.
pub fn check(path: &Path, hash: Hash) -> io::Result<Result<(), String>> {
    let (mut digest, expected): (Box<dyn DynDigest>, _) = match hash {
        Hash::Sha256(expected) => (Box::new(Sha256::new()), expected),
        Hash::Md5(expected) => (Box::new(Md5::new()), expected),
    };
    let mut file = std::fs::File::open(path)?;
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            count => digest.update(&buffer[..count]),
        }
    }
    let found: String = digest
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    Ok(if found == expected {
        Ok(())
    } else {
        Err(found)
    })
}
