//! A repair at work saves itself as it goes, as a file `NAME.progress` in the folder of work: where
//! it is as JSON, and behind that numbers, and perhaps a model.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::kept::{fingerprint, folder};
use super::{Patient, RepairObserver, sealed};
use crate::error::Error;

/// How often it is saved.
const EVERY: Duration = Duration::from_secs(30);

/// Where the progress of a repair is saved, and what it is of.
pub(crate) struct Progress {
    file: Option<File>,
    last_saved: Instant,
}

struct File {
    path: PathBuf,
    of: String,
}

#[derive(Serialize)]
struct Header<'a, T> {
    of: &'a str,
    at: T,
}

#[derive(Deserialize)]
struct ReadHeader<T> {
    of: String,
    at: T,
}

impl Progress {
    /// That of the patient's repair of a name; nowhere if the patient has no folder of work, or
    /// data in files beside it.
    ///
    /// # Errors
    /// A model that is too large, or whose files cannot be listed.
    pub(super) fn of(patient: &Patient<'_>, name: &str) -> Result<Self, Error> {
        let mut progress = Self::nowhere();
        if let Some(folder) = folder(patient)? {
            progress.file = Some(File {
                path: folder.join(format!("{name}.progress")),
                of: fingerprint(patient, name)?,
            });
        }
        Ok(progress)
    }

    /// Saves nothing.
    pub(crate) fn nowhere() -> Self {
        Self {
            file: None,
            last_saved: Instant::now(),
        }
    }

    /// Whether it is time to save: it is if the repair is to stop.
    pub(crate) fn is_due(&self, is_over: bool) -> bool {
        self.file.is_some() && (is_over || self.last_saved.elapsed() >= EVERY)
    }

    /// Saves where the repair is.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub(crate) fn save(&mut self, at: &impl Serialize, bytes: &[u8]) -> Result<(), Error> {
        if let Some(File { path, of }) = &self.file {
            sealed::write(path, &Header { of, at }, bytes)?;
            self.last_saved = Instant::now();
        }
        Ok(())
    }

    /// Gives `put` what was saved, which puts it in place of a beginning, or says why that is
    /// impossible and then leaves the beginning as it is. What cannot be used is told. `part` is
    /// what goes on, in words.
    pub(crate) fn restore<T: DeserializeOwned>(
        &self,
        part: &str,
        observer: &dyn RepairObserver,
        put: impl FnOnce(T, &[u8]) -> Result<(), String>,
    ) {
        let Some(file) = &self.file else { return };
        match file.read().and_then(|saved| match saved {
            Some((at, bytes)) => put(at, &bytes).map(|()| true),
            None => Ok(false),
        }) {
            Ok(true) => observer.resumed(part),
            Ok(false) => {}
            Err(reason) => {
                observer.came_of(&format!("{} is not used: {reason}", file.path.display()));
            }
        }
    }
}

impl File {
    /// `None` if nothing was saved, or that of another patient.
    fn read<T: DeserializeOwned>(&self) -> Result<Option<(T, Vec<u8>)>, String> {
        let saved = sealed::read::<ReadHeader<T>>(&self.path)?;
        let mine = saved.filter(|(header, _)| header.of == self.of);
        Ok(mine.map(|(header, bytes)| (header.at, bytes)))
    }
}

/// The bytes of numbers, one array after the other.
pub(crate) fn to_bytes<'a>(arrays: impl IntoIterator<Item = &'a Vec<f32>>) -> Vec<u8> {
    let numbers = arrays.into_iter().flatten();
    numbers.flat_map(|number| number.to_le_bytes()).collect()
}

/// Fills arrays with such bytes; gives what is left of these.
///
/// # Errors
/// In words, if there are too few; nothing is filled then.
pub(crate) fn from_bytes<'a, 'b>(
    arrays: impl IntoIterator<Item = &'a mut Vec<f32>>,
    bytes: &'b [u8],
) -> Result<&'b [u8], String> {
    let arrays: Vec<&mut Vec<f32>> = arrays.into_iter().collect();
    let count: usize = arrays.iter().map(|array| array.len()).sum();
    let split = bytes.split_at_checked(4 * count);
    let (numbers, rest) = split.ok_or("it has too few numbers")?;
    let (numbers, _) = numbers.as_chunks::<4>();
    for (place, number) in arrays.into_iter().flatten().zip(numbers) {
        *place = f32::from_le_bytes(*number);
    }
    Ok(rest)
}
