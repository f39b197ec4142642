//! Where the searches are kept.

use gifthorse_defense::detect::neural_cleanse::Config;
use gifthorse_engine::Classifier;

use crate::observer::ScanObserver;
use crate::work::{Hashes, Manifest, WorkFolder, WorkKeeper};
use crate::{Error, ScanRequest};

/// Makes the folder this scan's, and says so if searches are taken from it.
///
/// # Errors
/// A folder that holds another scan, or that cannot be read or written.
pub fn claim<'a>(
    folder: WorkFolder,
    hashes: &Hashes<'_>,
    request: &ScanRequest,
    config: &Config,
    classifier: &Classifier,
    observer: &'a dyn ScanObserver,
) -> Result<WorkKeeper<'a>, Error> {
    let manifest = Manifest::new(request, config, classifier, hashes);
    let keeper = folder.claim(&manifest, classifier.shape(), observer)?;
    let classes: Vec<usize> = match &config.classes {
        Some(classes) => classes.clone(),
        None => (0..classifier.classes()).collect(),
    };
    let begun = keeper.begun(&classes);
    if begun > 0 {
        observer.resumed(begun, classes.len());
    }
    Ok(keeper)
}
