//! What the scans of a zoo found, as the verdict's calibration and its validation take it.

use std::path::{Path, PathBuf};

use gifthorse_defense::verdict::{Backdoored, BackdooredModel, Library, LibraryModel, Method};

use super::ZooError;
use super::index::{Entry, State, Zoo};
use super::kept::report_of;
use super::truth::Planted;
use crate::library::{library_model, methods, searched_with};

/// A library of the clean models of zoos, and the names of clean models that are not in it: not scanned, or not every
/// class searched to the end.
///
/// # Errors
/// Folders without `zoo.json`; scans with other settings than the first; models of one name in two zoos.
pub fn library(folders: &[PathBuf]) -> Result<(Library, Vec<String>), ZooError> {
    let found = Found::collect(folders, |entry| entry.attack.is_none())?;
    let models = found.models.into_iter().map(|(model, ..)| model).collect();
    Ok((Library::new(methods(found.search), models)?, found.left_out))
}

/// Likewise the backdoored models, with what was planted in them.
///
/// # Errors
/// As [`library()`], and truths that cannot be read.
pub fn backdoored(folders: &[PathBuf]) -> Result<(Backdoored, Vec<String>), ZooError> {
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
    Ok((
        Backdoored::new(methods(found.search), models)?,
        found.left_out,
    ))
}

struct Found {
    /// Detector and preset of all scans.
    search: Method,
    /// What was found in each model, its folder, its entry and the shape of its images.
    models: Vec<(LibraryModel, PathBuf, Entry, [usize; 3])>,
    left_out: Vec<String>,
}

impl Found {
    fn collect(folders: &[PathBuf], wanted: impl Fn(&Entry) -> bool) -> Result<Self, ZooError> {
        let mut search: Option<Method> = None;
        let (mut models, mut left_out) = (Vec::new(), Vec::new());
        for folder in folders {
            let zoo = Zoo::read(folder)?;
            let good = zoo.models.into_iter().filter(|it| it.state == State::Good);
            for entry in good.filter(&wanted) {
                let Some((model, made_with, shape)) = found_in(folder, &entry)? else {
                    left_out.push(entry.name);
                    continue;
                };
                match &search {
                    Some(search) if *search != made_with => {
                        return Err(ZooError::Request(format!(
                            "{} was scanned with {made_with}, others with {search}: sizes found with different \
                             settings cannot stand in one library",
                            entry.name
                        )));
                    }
                    _ => search = Some(made_with),
                }
                models.push((model, folder.clone(), entry, shape));
            }
        }
        let search = search.ok_or_else(|| {
            ZooError::Request(
                "no model of these folders was scanned that could be collected; `gifthorse zoo scan` scans them"
                    .to_owned(),
            )
        })?;
        Ok(Self {
            search,
            models,
            left_out,
        })
    }
}

/// What the scan of a model found, with its settings and the shape of the images.
fn found_in(
    folder: &Path,
    entry: &Entry,
) -> Result<Option<(LibraryModel, Method, [usize; 3])>, ZooError> {
    let Some(report) = report_of(folder, entry)? else {
        return Ok(None);
    };
    let Some(detector) = report.detectors.first() else {
        return Ok(None);
    };
    let Ok(model) = library_model(&report, &entry.name, &entry.recipe, &entry.data) else {
        return Ok(None);
    };
    Ok(Some((
        model,
        searched_with(detector)?,
        report.model.input.shape,
    )))
}
