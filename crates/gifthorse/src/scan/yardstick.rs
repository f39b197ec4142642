//! What a model is measured against.

use gifthorse_defense::verdict::{
    CleanModels, EqualClasses, Library, LibraryError, LibraryModel, Reference, References,
};
use gifthorse_report::report::Calibration;

use super::references::{Known, distrust};
use crate::hash::digest;
use crate::observer::ScanObserver;
use crate::{Error, ScanRequest};

/// Digits of a library's hash that a report gives.
const VERSION_DIGITS: usize = 12;

/// The reference of a verdict, and how a report names it.
pub struct Yardstick {
    reference: Box<dyn Reference>,
    /// How a report names it.
    pub calibration: Calibration,
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
        search: &str,
        request: &ScanRequest,
        observer: &dyn ScanObserver,
    ) -> Result<Self, Error> {
        let shipped = Library::shipped()?;
        let library = if shipped.search() == search {
            shipped
        } else {
            Library::new(search, Vec::new())?
        };
        let known = Self::of_library(&library, request)?;
        if references.is_empty() {
            return Ok(known);
        }
        distrust(&references, known.reference(), request, observer)?;
        let (models, described): (Vec<LibraryModel>, Vec<_>) = references
            .into_iter()
            .map(|known| (known.model, known.described))
            .unzip();
        let fitted = References::fit(&models, &library, request.seed).map_err(|error| {
            match error {
                LibraryError::TooFewModels { found, needed } => Error::Request(format!(
                    "{found} references are too few: the program has no clean models of its own for {search}, and without \
                     them it takes {needed} (--reference)"
                )),
                other => other.into(),
            }
        })?;
        Ok(Self {
            calibration: Calibration::References {
                models: described,
                library_models: fitted.library_models(),
            },
            reference: Box::new(fitted),
            note: None,
        })
    }

    fn of_library(library: &Library, request: &ScanRequest) -> Result<Self, Error> {
        let count = library.models().len();
        let why = match CleanModels::fit(library, request.seed) {
            Ok(fitted) if fitted.smallest_p_value() <= request.fpr => {
                let mut version = digest(library.to_json()?.as_bytes());
                version.truncate(VERSION_DIGITS);
                return Ok(Self {
                    calibration: Calibration::Library {
                        models: fitted.models(),
                        version,
                    },
                    reference: Box::new(fitted),
                    note: None,
                });
            }
            Err(LibraryError::TooFewModels { .. }) if count == 0 => format!(
                "The program has no library of clean models for {}",
                library.search()
            ),
            Ok(_) | Err(LibraryError::TooFewModels { .. }) => format!(
                "The program's library of {count} clean models for {} is too small for a false-positive rate of {}",
                library.search(),
                request.fpr
            ),
            Err(error) => return Err(error.into()),
        };
        Ok(Self {
            reference: Box::new(EqualClasses::default()),
            calibration: Calibration::EqualClasses,
            note: Some(format!(
                "{why}: all classes of a clean model are taken to be equally hard to reach, and where they are not, false \
                 alarms are likelier than asked for."
            )),
        })
    }

    /// The reference.
    pub fn reference(&self) -> &dyn Reference {
        self.reference.as_ref()
    }
}
