//! What was really planted, from the truth that `plant` wrote.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use gifthorse::PlantedTrigger;
use gifthorse_attack::plant::{Planted, Truth};
use gifthorse_attack::trigger::{Trigger, stamp};
use gifthorse_data::Images;

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

/// Reads what was planted.
///
/// # Errors
/// A file that cannot be read, or that is no such truth.
pub fn read(path: &Path, seed: u64) -> anyhow::Result<Vec<Arc<dyn PlantedTrigger>>> {
    let what = || format!("{} is no truth about a model (--truth)", path.display());
    let text = std::fs::read_to_string(path).with_context(what)?;
    let truth: Truth = serde_json::from_str(&text).with_context(what)?;
    let known = truth.backdoors.into_iter().map(|planted| {
        let known: Arc<dyn PlantedTrigger> = Arc::new(Known { planted, seed });
        known
    });
    Ok(known.collect())
}
