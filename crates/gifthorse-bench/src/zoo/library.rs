//! What the scans of a zoo found, as the verdict's calibration and its validation take it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use gifthorse::{library_methods, library_model};
use gifthorse_defense::verdict::{
    Backdoored, BackdooredModel, Library, LibraryModel, Method, MethodTraits,
};

use super::index::{Entry, State, Zoo};
use super::kept::report_of;
use super::truth::Planted;
use crate::Error;

/// A library of the clean models of zoos, and the names of clean models that are not in it: not
/// scanned, or not every class searched to the end.
///
/// # Errors
/// Folders without `zoo.json`; models of one name in two zoos.
pub fn library(folders: &[PathBuf]) -> Result<(Library, Vec<String>), Error> {
    let found = Found::collect(folders, |entry| entry.attack.is_none())?;
    let models = found.models.into_iter().map(|(model, ..)| model).collect();
    Ok((Library::new(found.methods, models)?, found.left_out))
}

/// Likewise the backdoored models, with what was planted in them.
///
/// # Errors
/// As [`library()`], and truths that cannot be read.
pub fn backdoored(folders: &[PathBuf]) -> Result<(Backdoored, Vec<String>), Error> {
    let found = Found::collect(folders, |entry| entry.attack.is_some())?;
    let mut models = Vec::new();
    for (model, folder, entry, shape) in found.models {
        let planted = Planted::read(&folder, &entry, shape, model.classes)?;
        models.push(BackdooredModel {
            found: model,
            attack: entry.attack.unwrap_or_default(),
            trigger_pixels: planted.trigger_pixels,
            targets: planted.targets,
        });
    }
    Ok((Backdoored::new(found.methods, models)?, found.left_out))
}

struct Found {
    /// The detectors and presets of all scans.
    methods: BTreeMap<Method, MethodTraits>,
    /// What was found in each model, its folder, its entry and the shape of its images.
    models: Vec<(LibraryModel, PathBuf, Entry, [usize; 3])>,
    left_out: Vec<String>,
}

impl Found {
    fn collect(folders: &[PathBuf], wanted: impl Fn(&Entry) -> bool) -> Result<Self, Error> {
        let mut methods = BTreeMap::new();
        let (mut models, mut left_out) = (Vec::new(), Vec::new());
        for folder in folders {
            let zoo = Zoo::read(folder)?;
            let good = zoo.models.into_iter().filter(|it| it.state == State::Good);
            for entry in good.filter(&wanted) {
                let Some((model, made_with, shape)) = found_in(folder, &entry)? else {
                    left_out.push(entry.name);
                    continue;
                };
                methods.extend(made_with);
                models.push((model, folder.clone(), entry, shape));
            }
        }
        if models.is_empty() {
            return Err(Error::Request(
                "no model of these folders was scanned that could be collected; `gifthorse zoo scan` scans them"
                    .to_owned(),
            ));
        }
        Ok(Self {
            methods,
            models,
            left_out,
        })
    }
}

/// What the scan of a model found, with its methods and the shape of the images.
type FoundIn = (LibraryModel, BTreeMap<Method, MethodTraits>, [usize; 3]);

fn found_in(folder: &Path, entry: &Entry) -> Result<Option<FoundIn>, Error> {
    let Some(report) = report_of(folder, entry)? else {
        return Ok(None);
    };
    let Ok(model) = library_model(&report, &entry.name, &entry.recipe, &entry.data) else {
        return Ok(None);
    };
    let methods = library_methods(&report)?;
    Ok(Some((model, methods, report.model.input.shape)))
}
