//! What was really planted, from the truth beside a model, for repairs to be measured by.

use std::path::Path;
use std::sync::Arc;

use gifthorse::PlantedTrigger;
use gifthorse_attack::plant::{Planted, Truth};
use gifthorse_attack::trigger::{Trigger, stamp};
use gifthorse_data::Images;

use crate::Error;
use crate::zoo::read_json;

struct Known {
    planted: Planted,
    seed: u64,
}

impl PlantedTrigger for Known {
    fn name(&self) -> String {
        self.planted.trigger.name().to_owned()
    }

    fn leads_to(&self, class: usize, classes: usize) -> Option<usize> {
        self.planted.labels.leads_to(class, classes)
    }

    fn stamp(&self, images: &Images) -> Result<Images, String> {
        stamp(images, &self.planted.trigger, self.seed).map_err(|error| error.to_string())
    }
}

/// Places of the poisoned images in the training set of so many images that a model was trained on,
/// ascending, from the truth beside the model.
///
/// # Errors
/// A file that cannot be read, or that is no such truth; images that were stamped while
/// training went on, or none that were.
pub fn poisoned(path: &Path, images: usize) -> Result<Vec<usize>, Error> {
    read(path)?.poisoned_places(images).ok_or_else(|| {
        Error::Request(format!(
            "{} tells of images that were stamped while training went on, or of none that were, so that no image of a set \
             is poisoned",
            path.display()
        ))
    })
}

fn read(path: &Path) -> Result<Truth, Error> {
    let truth: Option<Truth> = read_json(path)?;
    let mut truth = truth.ok_or_else(|| Error::Damaged {
        path: path.to_owned(),
        reason: "it is not there".to_owned(),
    })?;
    truth.read_beside(path.parent().unwrap_or(Path::new("")))?;
    Ok(truth)
}

/// Reads what was planted in a model; nothing of a clean one. `seed` settles what is random in
/// triggers.
///
/// # Errors
/// A file that cannot be read, or that is no such truth.
pub fn planted(path: &Path, seed: u64) -> Result<Vec<Arc<dyn PlantedTrigger>>, Error> {
    let known = read(path)?.backdoors.into_iter().map(|planted| {
        let known: Arc<dyn PlantedTrigger> = Arc::new(Known { planted, seed });
        known
    });
    Ok(known.collect())
}
