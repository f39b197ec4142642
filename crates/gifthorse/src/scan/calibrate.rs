//! What a model is measured by.

use gifthorse_defense::verdict::{
    Calibration, CleanModels, EqualClasses, Library, LibraryError, LibraryModel, Method, References,
};
use gifthorse_report::report;

use super::references::{Known, distrust};
use crate::hash::digest;
use crate::observer::ScanObserver;
use crate::{Error, ScanRequest};

/// Digits of a library's hash that a report gives.
const VERSION_DIGITS: usize = 12;

/// The calibration of a verdict, and how a report names it.
pub struct Calibrated {
    calibration: Box<dyn Calibration>,
    /// How a report names it.
    pub described: report::Calibration,
    /// Why it is not what one would wish for.
    pub note: Option<String>,
}

impl Calibrated {
    /// The user's clean models if there are any, else the library that ships with the program if it
    /// knows what the detectors find in clean models, else equal classes.
    ///
    /// # Errors
    /// References that are themselves suspicious, or of which nothing can be made.
    pub fn choose(
        references: Vec<Known>,
        methods: &[Method],
        request: &ScanRequest,
        observer: &dyn ScanObserver,
    ) -> Result<Self, Error> {
        let shipped = Library::shipped()?;
        let known = Self::of_library(&shipped, methods, request)?;
        if references.is_empty() {
            return Ok(known);
        }
        distrust(&references, known.calibration(), request, observer)?;
        let traits = shipped.methods().clone();
        let mut used = traits;
        let (models, described): (Vec<LibraryModel>, Vec<_>) = references
            .into_iter()
            .map(|known| {
                used.extend(known.methods);
                (known.model, known.described)
            })
            .unzip();
        let own = Library::new(used, models)?;
        let fitted = References::fit(&own, &shipped, request.seed).map_err(|error| match error {
            LibraryError::TooFewModels { found, needed } => Error::Request(format!(
                "{found} references are too few: the program has no clean models of its own for {}, and without \
                 them it takes {needed} (--reference)",
                listed(methods)
            )),
            other => other.into(),
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
        methods: &[Method],
        request: &ScanRequest,
    ) -> Result<Self, Error> {
        let used: Vec<&Method> = methods.iter().collect();
        let why = match CleanModels::shipped(&used, request.seed) {
            Ok(fitted) => {
                let known: Vec<&Method> = used
                    .iter()
                    .copied()
                    .filter(|method| fitted.null_model(method).is_some())
                    .collect();
                let ranks = fitted.ranks(&known);
                let smallest = ranks.map_or(1.0, |ranks| ranks.smallest_p_value());
                if !known.is_empty() && smallest <= request.fpr {
                    return Self::by(fitted, library, &known);
                }
                if known.is_empty() {
                    format!(
                        "The program has no library of clean models for {}",
                        listed(methods)
                    )
                } else {
                    format!(
                        "The program's library of {} clean models for {} is too small for a false-positive rate of {}",
                        fitted.models(&known),
                        listed(methods),
                        request.fpr
                    )
                }
            }
            Err(LibraryError::TooFewModels { .. }) => format!(
                "The program has no library of clean models for {}",
                listed(methods)
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

    fn by(fitted: CleanModels, library: &Library, known: &[&Method]) -> Result<Self, Error> {
        let mut version = digest(library.to_json()?.as_bytes());
        version.truncate(VERSION_DIGITS);
        Ok(Self {
            described: report::Calibration::Library {
                models: fitted.models(known),
                version,
            },
            calibration: Box::new(fitted),
            note: None,
        })
    }

    /// The calibration.
    pub fn calibration(&self) -> &dyn Calibration {
        self.calibration.as_ref()
    }
}

fn listed(methods: &[Method]) -> String {
    let names: Vec<String> = methods.iter().map(ToString::to_string).collect();
    names.join(" and ")
}
