//! A repair that is done stays done: what came of it is kept in the folder of the patient's work, so
//! that one that was killed later does not make it again.
//!
//! A file for each repair, `NAME.repaired`, which counts only for the very same patient and program.
//! Whoever may write to the folder may change the repaired model; the proof measures that model.

use std::path::Path;

use gifthorse_data::Images;
use gifthorse_onnx::Model;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::sealed::{self, hexadecimal};
use super::{CurvePoint, Patient, Repair, RepairObserver, Repaired};
use crate::error::Error;

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
    let Some(work) = folder(patient)? else {
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
        let header = Header {
            of,
            notes: repaired.notes.clone(),
            curve: repaired.curve.clone(),
        };
        sealed::write(&path, &header, &repaired.model.to_bytes()?)?;
    }
    Ok(repaired)
}

/// Where models made from the patient's are kept: nowhere if it has data in files beside it, since
/// bytes alone are not all of them.
///
/// # Errors
/// A model whose files cannot be listed.
pub(super) fn folder<'a>(patient: &Patient<'a>) -> Result<Option<&'a Path>, Error> {
    Ok(match patient.work {
        Some(work) if patient.model.external_files()?.is_empty() => Some(work),
        _ => None,
    })
}

/// All that a repair's outcome depends on, as one digest.
///
/// # Errors
/// A model that is too large.
pub(super) fn fingerprint(patient: &Patient<'_>, name: &str) -> Result<String, Error> {
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

/// What the file holds; `None` if there is none, or one of another patient.
///
/// # Errors
/// Why it cannot be used, in words.
fn read(path: &Path, of: &str) -> Result<Option<Repaired>, String> {
    let Some((header, model)) = sealed::read::<Header>(path)? else {
        return Ok(None);
    };
    if header.of != of {
        return Ok(None);
    }
    let model = Model::from_bytes(model, None).map_err(|error| error.to_string())?;
    Ok(Some(Repaired {
        model,
        notes: header.notes,
        curve: header.curve,
    }))
}
