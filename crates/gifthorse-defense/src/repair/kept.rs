//! A repair that is done stays done: what came of it is kept in the folder of the patient's work, so
//! that one that was killed later does not make it again.
//!
//! A file for each repair, `NAME.repaired`: a line with a checksum, a line of JSON, and the model.
//! It counts only for the very same patient and program. The folder is trusted no more than other
//! input; whoever may write to it may change the repaired model, and the proof measures that model.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use gifthorse_data::Images;
use gifthorse_onnx::Model;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{CurvePoint, Patient, Repair, RepairObserver, Repaired};
use crate::error::Error;

/// Begins every file; the number is the version of the format.
const HEADING: &str = "gifthorse-repaired 1 ";
/// Largest file that is read: one of ONNX has 2 GiB at most.
const LARGEST: u64 = (1 << 31) + (1 << 24);

/// What a file says of the model in it.
#[derive(Serialize, Deserialize)]
struct Header {
    /// What it was made from.
    of: String,
    notes: Vec<String>,
    curve: Vec<CurvePoint>,
}

/// What the repair came to before, if that is kept, or what it comes to now. What was cut short is
/// not kept.
///
/// # Errors
/// As the repair; a folder that cannot be written to.
pub(super) fn kept_or_done(
    repair: &dyn Repair,
    patient: &Patient<'_>,
    observer: &dyn RepairObserver,
) -> Result<Repaired, Error> {
    let name = repair.about().name;
    // Of a model with data beside it the bytes alone are not all.
    let is_whole = patient.model.external_files()?.is_empty();
    let Some(work) = patient.work.filter(|_| is_whole) else {
        return repair.repair(patient, observer);
    };
    let path = work.join(format!("{name}.repaired"));
    let of = fingerprint(patient, name)?;
    match read(&path, &of) {
        Ok(Some(repaired)) => {
            observer.resumed(repair.about().title);
            return Ok(repaired);
        }
        Ok(None) => {}
        Err(reason) => observer.came_of(&format!("{} is not used: {reason}", path.display())),
    }
    let repaired = repair.repair(patient, observer)?;
    if !observer.stop() {
        write(&path, of, &repaired)?;
    }
    Ok(repaired)
}

/// All that a repair's outcome depends on, as one digest.
fn fingerprint(patient: &Patient<'_>, name: &str) -> Result<String, Error> {
    let mut hash = Sha256::new();
    let mut part = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    };
    let Patient {
        opening,
        preprocess,
        size,
        triggers,
        budget,
        seed,
        ..
    } = patient;
    let asked = (opening, preprocess, size, triggers, budget, seed);
    for text in [env!("CARGO_PKG_VERSION"), name, &format!("{asked:?}")] {
        part(text.as_bytes());
    }
    part(&patient.model.to_bytes()?);
    for images in [patient.fit, patient.check] {
        part(format!("{:?}", images.labels()).as_bytes());
        part(&pixels(images));
    }
    Ok(hexadecimal(hash))
}

fn pixels(images: &Images) -> Vec<u8> {
    let pixels = images.pixels().iter();
    pixels.flat_map(|pixel| pixel.to_le_bytes()).collect()
}

fn hexadecimal(hash: Sha256) -> String {
    let digest = hash.finalize();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Replaces the file in one step.
fn write(path: &Path, of: String, repaired: &Repaired) -> Result<(), Error> {
    let header = Header {
        of,
        notes: repaired.notes.clone(),
        curve: repaired.curve.clone(),
    };
    let refused = |reason: io::Error| Error::Work {
        path: path.to_owned(),
        reason,
    };
    let mut body = serde_json::to_vec(&header).map_err(|error| refused(error.into()))?;
    body.push(b'\n');
    body.extend(repaired.model.to_bytes()?);
    let digest = hexadecimal(Sha256::new_with_prefix(&body));
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(".new");
    let unfinished = PathBuf::from(unfinished);
    let written = fs::File::create(&unfinished).and_then(|mut file| {
        file.write_all(format!("{HEADING}{digest}\n").as_bytes())?;
        file.write_all(&body)?;
        file.sync_data()?;
        fs::rename(&unfinished, path)
    });
    written.map_err(refused)
}

/// What the file holds; `None` if there is none, or one of another patient.
///
/// # Errors
/// Why it cannot be used, in words.
fn read(path: &Path, of: &str) -> Result<Option<Repaired>, String> {
    let file = match fs::File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(|error| error.to_string())?,
    };
    let mut bytes = Vec::new();
    let read = file.take(LARGEST).read_to_end(&mut bytes);
    read.map_err(|error| error.to_string())?;
    let damaged = || "it is damaged".to_owned();
    let rest = bytes.strip_prefix(HEADING.as_bytes()).ok_or_else(damaged)?;
    let (digest, body) = split(rest).ok_or_else(damaged)?;
    if hexadecimal(Sha256::new_with_prefix(body)).as_bytes() != digest {
        return Err(damaged());
    }
    let (header, model) = split(body).ok_or_else(damaged)?;
    let header: Header = serde_json::from_slice(header).map_err(|error| error.to_string())?;
    if header.of != of {
        return Ok(None);
    }
    let model = Model::from_bytes(model.to_vec(), None).map_err(|error| error.to_string())?;
    Ok(Some(Repaired {
        model,
        notes: header.notes,
        curve: header.curve,
    }))
}

/// What is before the first line break, and after it.
fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.iter().position(|&byte| byte == b'\n')?;
    Some((&bytes[..end], &bytes[end + 1..]))
}
