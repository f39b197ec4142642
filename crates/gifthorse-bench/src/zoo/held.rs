//! The images of a build: read once for all models that are trained on them, and let go after the
//! last.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use gifthorse_data::source::{Source, TrainTest};

use crate::Error;

/// Images that are held while models that are trained on them are still to be made.
pub struct Held {
    sets: Mutex<HashMap<String, Slot>>,
}

struct Slot {
    /// Models still to be made.
    models: usize,
    images: Arc<Mutex<Option<Arc<TrainTest>>>>,
}

impl Held {
    /// For these images, each named once for each model that is trained on it.
    pub fn for_models<'a>(keys: impl Iterator<Item = &'a str>) -> Self {
        let mut sets: HashMap<String, Slot> = HashMap::new();
        for key in keys {
            let slot = sets.entry(key.to_owned()).or_insert_with(|| Slot {
                models: 0,
                images: Arc::default(),
            });
            slot.models += 1;
        }
        Self {
            sets: Mutex::new(sets),
        }
    }

    /// The images of a source: held already, or read now and handed to `first`.
    pub fn get(
        &self,
        key: &str,
        source: &Source,
        data: Option<&Path>,
        first: impl FnOnce(&TrainTest) -> Result<(), Error>,
    ) -> Result<Arc<TrainTest>, Error> {
        let slot = {
            let sets = self.sets.lock().unwrap_or_else(PoisonError::into_inner);
            sets.get(key).map(|slot| Arc::clone(&slot.images))
        };
        let slot = slot.unwrap_or_default();
        let mut images = slot.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(images) = images.as_ref() {
            return Ok(Arc::clone(images));
        }
        let read = Arc::new(source.load(data)?);
        first(&read)?;
        *images = Some(Arc::clone(&read));
        Ok(read)
    }

    /// A model that these images were read for is made.
    pub fn done(&self, key: &str) {
        let mut sets = self.sets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = sets.get_mut(key) {
            slot.models -= 1;
            if slot.models == 0 {
                sets.remove(key);
            }
        }
    }
}
