//! The folder that a scan is kept in.

use gifthorse_defense::detect::Detector;
use gifthorse_defense::finding::Unit;
use gifthorse_defense::search::{KeepNothing, Keeper};
use gifthorse_engine::Classifier;

use crate::observer::ScanObserver;
use crate::work::{Hashes, Manifest, WorkFolder};
use crate::{Error, ScanRequest};

/// Makes the folder this scan's, and tells how much of it is there already.
///
/// # Errors
/// A folder that holds another scan, or that cannot be read or written.
pub fn claim(
    folder: &WorkFolder,
    hashes: &Hashes<'_>,
    request: &ScanRequest,
    detectors: &[Box<dyn Detector>],
    classifier: &Classifier,
    observer: &dyn ScanObserver,
) -> Result<(), Error> {
    let manifest = Manifest::new(request, detectors, classifier, hashes);
    folder.claim(&manifest)?;
    let (mut begun, mut wanted) = (0, 0);
    for detector in detectors {
        let units: Vec<Unit> = request.units(detector.as_ref(), classifier.classes())?;
        let keeper = folder.keeper(detector.about().name, classifier.shape(), observer);
        begun += keeper.begun(&units);
        wanted += units.len();
    }
    if begun > 0 {
        observer.resumed(begun, wanted);
    }
    Ok(())
}

/// What keeps the searches of a detector: the folder, if there is one.
pub fn keeper<'a>(
    folder: Option<&'a WorkFolder>,
    detector: &dyn Detector,
    classifier: &Classifier,
    observer: &'a dyn ScanObserver,
) -> Box<dyn Keeper + 'a> {
    match folder {
        Some(folder) => {
            let name = detector.about().name;
            Box::new(folder.keeper(name, classifier.shape(), observer))
        }
        None => Box::new(KeepNothing),
    }
}
