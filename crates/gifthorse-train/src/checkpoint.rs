//! A file from which a training run that was stopped goes on, to the same weights as if it had not
//! been.
//!
//! It holds a line that names the format, a line of JSON (what the run is of and how far it is),
//! all numbers as little-endian floats, and the SHA-256 of everything before it. It is replaced in
//! one step, so that at any moment there is a whole one.

mod fingerprint;
mod header;

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::Error;
use crate::progress::Progress;

pub use fingerprint::Fingerprint;
use header::Header;

/// Begins every file; the number is the version of the format.
const HEADING: &[u8] = b"gifthorse-checkpoint 1\n";
/// Bytes of the checksum at the end.
const CHECKSUM: usize = 32;

/// Where and how often a run is saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    path: PathBuf,
    every: Duration,
}

impl Checkpoint {
    /// In this file: after each epoch, and within one once a minute. If the file is there already,
    /// the run goes on from it. It stays when the run is over, so that nothing is lost before the
    /// model is written.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            every: Duration::from_secs(60),
        }
    }

    /// Saves within an epoch when so much time has passed since it was last saved; zero saves after
    /// each update.
    #[must_use]
    pub fn every(mut self, every: Duration) -> Self {
        self.every = every;
        self
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How much time may pass.
    pub(super) fn interval(&self) -> Duration {
        self.every
    }

    /// Writes the run.
    pub(super) fn save(&self, of: &Fingerprint, progress: &Progress) -> Result<(), Error> {
        let header = serde_json::to_vec(&Header::new(of, progress));
        header
            .map_err(io::Error::from)
            .and_then(|header| replace(&self.path, &header, progress))
            .map_err(|error| self.wrong(format!("it cannot be written: {error}")))
    }

    /// Reads the run into `progress`, which is at its start; false if there is no file yet.
    pub(super) fn resume(&self, of: &Fingerprint, progress: &mut Progress) -> Result<bool, Error> {
        let bytes = match fs::read(&self.path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(self.wrong(format!("it cannot be read: {error}"))),
        };
        parse(&bytes, of, progress).map_err(|reason| self.wrong(reason))?;
        Ok(true)
    }

    fn wrong(&self, reason: String) -> Error {
        Error::Checkpoint {
            path: self.path.clone(),
            reason,
        }
    }
}

/// Writes a whole file beside the old one and puts it in its place.
fn replace(path: &Path, header: &[u8], progress: &Progress) -> io::Result<()> {
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(".new");
    let unfinished = PathBuf::from(unfinished);
    let mut sealed = Sealed {
        file: BufWriter::new(File::create(&unfinished)?),
        hash: Sha256::new(),
    };
    sealed.write_all(HEADING)?;
    sealed.write_all(header)?;
    sealed.write_all(b"\n")?;
    let mut bytes = Vec::new();
    for values in progress.arrays() {
        bytes.clear();
        bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        sealed.write_all(&bytes)?;
    }
    let digest = sealed.hash.finalize();
    let mut file = sealed.file;
    file.write_all(&digest)?;
    file.into_inner()?.sync_data()?;
    fs::rename(&unfinished, path)
}

/// A file that is hashed as it is written.
struct Sealed {
    file: BufWriter<File>,
    hash: Sha256,
}

impl Write for Sealed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hash.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Puts what a file says in place; the error is a reason in words.
fn parse(bytes: &[u8], of: &Fingerprint, progress: &mut Progress) -> Result<(), String> {
    let Some(rest) = bytes.strip_prefix(HEADING) else {
        return Err("it does not begin as a checkpoint of this version does".to_owned());
    };
    let damaged = || "it is damaged: its checksum does not match".to_owned();
    let end = bytes.len().saturating_sub(CHECKSUM);
    if rest.len() < CHECKSUM || Sha256::digest(&bytes[..end])[..] != bytes[end..] {
        return Err(damaged());
    }
    let body = &rest[..rest.len() - CHECKSUM];
    let line = body
        .iter()
        .position(|&byte| byte == b'\n')
        .ok_or_else(damaged)?;
    let header: Header = serde_json::from_slice(&body[..line]).map_err(|e| e.to_string())?;
    header.check(of)?;
    let mut numbers = body[line + 1..].chunks_exact(4);
    let count: usize = progress.arrays().map(Vec::len).sum();
    if numbers.len() != count || !numbers.remainder().is_empty() {
        let found = numbers.len();
        return Err(format!("it has {found} numbers, and this run has {count}"));
    }
    for value in progress.arrays_mut().flatten() {
        if let Some(&[a, b, c, d]) = numbers.next() {
            *value = f32::from_le_bytes([a, b, c, d]);
        }
    }
    header.restore(progress);
    Ok(())
}
