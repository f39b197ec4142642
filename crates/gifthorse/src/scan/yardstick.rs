//! What a model is measured against.

use gifthorse_defense::verdict::{
    Calibration, CleanModels, EqualClasses, Library, LibraryError, LibraryModel, Method, References,
};
use gifthorse_report::report;

use super::references::{Known, distrust};
use crate::hash::digest;
use crate::library::methods;
use crate::observer::ScanObserver;
use crate::{Error, ScanRequest};

/// Digits of a library's hash that a report gives.
const VERSION_DIGITS: usize = 12;

/// The calibration of a verdict, and how a report names it.
pub struct Yardstick {
    calibration: Box<dyn Calibration>,
    /// How a report names it.
    pub described: report::Calibration,
    /// Why it is not what one would wish for.
    pub note: Option<String>,
}

impl Yardstick {
    /// The user's clean models if there are any, else the library that ships with the program if it fits the request, else
    /// equal classes.
    ///
    /// # Errors
    /// References that are themselves suspicious, or of which nothing can be made.
    pub fn choose(
        references: Vec<Known>,
        search: &Method,
        request: &ScanRequest,
        observer: &dyn ScanObserver,
    ) -> Result<Self, Error> {
        let library = Library::shipped()?;
        let known = Self::of_library(&library, search, request)?;
        if references.is_empty() {
            return Ok(known);
        }
        distrust(&references, search, known.calibration(), request, observer)?;
        let (models, described): (Vec<LibraryModel>, Vec<_>) = references
            .into_iter()
            .map(|known| (known.model, known.described))
            .unzip();
        let fitted = Library::new(methods(search.clone()), models)
            .and_then(|models| References::fit(&models, &library, request.seed))
            .map_err(|error| {
            match error {
                LibraryError::TooFewModels { found, needed } => Error::Request(format!(
                    "{found} references are too few: the program has no clean models of its own for {search}, and without \
                     them it takes {needed} (--reference)"
                )),
                other => other.into(),
            }
        })?;
        Ok(Self {
            described: report::Calibration::References {
                models: described,
                library_models: fitted.library_models(),
            },
            calibration: Box::new(fitted),
            note: None,
        })
    }

    fn of_library(
        library: &Library,
        search: &Method,
        request: &ScanRequest,
    ) -> Result<Self, Error> {
        let scanned = |model: &&LibraryModel| model.detectors.contains_key(search);
        let count = library.models().iter().filter(scanned).count();
        let why = match CleanModels::fit(library, request.seed) {
            Ok(fitted) if 1.0 <= request.fpr * (1 + fitted.models(&[search])) as f64 => {
                let mut version = digest(library.to_json()?.as_bytes());
                version.truncate(VERSION_DIGITS);
                return Ok(Self {
                    described: report::Calibration::Library {
                        models: fitted.models(&[search]),
                        version,
                    },
                    calibration: Box::new(fitted),
                    note: None,
                });
            }
            Err(LibraryError::TooFewModels { .. }) if count == 0 => {
                format!("The program has no library of clean models for {search}")
            }
            Ok(_) | Err(LibraryError::TooFewModels { .. }) => format!(
                "The program's library of {count} clean models for {} is too small for a false-positive rate of {}",
                search, request.fpr
            ),
            Err(error) => return Err(error.into()),
        };
        Ok(Self {
            calibration: Box::new(EqualClasses::default()),
            described: report::Calibration::EqualClasses,
            note: Some(format!(
                "{why}: all classes of a clean model are taken to be equally hard to reach, and where they are not, false \
                 alarms are likelier than asked for."
            )),
        })
    }

    /// What the verdict is measured by.
    pub fn calibration(&self) -> &dyn Calibration {
        self.calibration.as_ref()
    }
}
