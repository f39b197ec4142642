//! Reading golden files, and comparing single operators with them.

use std::fs::File;
use std::path::PathBuf;

use npyz::NpyFile;
use npyz::npz::file_name_from_array_name;
use serde::de::DeserializeOwned;
use zip::ZipArchive;

/// The path of a golden file.
pub fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name)
}

/// Reads an index file.
pub fn index<T: DeserializeOwned>(name: &str) -> Vec<T> {
    serde_json::from_str(&std::fs::read_to_string(path(name)).unwrap()).unwrap()
}

/// Reads one array of a file of arrays.
pub fn array<T: npyz::Deserialize>(file: &str, name: &str) -> Vec<T> {
    let mut archive = ZipArchive::new(File::open(path(file)).unwrap()).unwrap();
    let entry = archive.by_name(&file_name_from_array_name(name)).unwrap();
    NpyFile::new(entry).unwrap().into_vec().unwrap()
}

/// `max |value - reference| / max |reference|`.
pub fn relative_error(value: &[f32], reference: &[f32]) -> f64 {
    assert_eq!(value.len(), reference.len());
    let difference = value
        .iter()
        .zip(reference)
        .map(|(v, r)| f64::from((v - r).abs()));
    // A NaN must not be lost in a maximum.
    let difference = difference.fold(0.0, |m: f64, d| if d > m || d.is_nan() { d } else { m });
    let scale = reference
        .iter()
        .fold(0.0, |m: f64, r| m.max(f64::from(r.abs())));
    if scale > 0.0 {
        difference / scale
    } else {
        difference
    }
}
