//! The detector with its settings.

use std::collections::BTreeMap;

use serde_json::Value;

use super::ABOUT;
use super::class_search::ClassSearch;
use super::config::Config;
use crate::clean_features::IMAGES;
use crate::detect::{About, Detector, Published};
use crate::error::Error;
use crate::finding::{Finding, Unit};
use crate::search::{Nothing, Search};
use crate::subject::Subject;
use crate::trigger::{SpacePatch, Transformation};
use crate::verdict::Statistic;

/// Smaller losses count as this one: no margin is trusted beyond it.
const LEAST_LOSS: f64 = 1e-4;

/// The detector.
#[derive(Clone, Debug)]
pub struct Unicorn {
    config: Config,
}

impl Unicorn {
    /// With these settings.
    pub fn new(config: Config) -> Self {
        Self { config }
    }
}

/// The search, or one that says that the model has no features to look at, or none to compare.
fn or_nothing<'a>(
    unit: Unit,
    search: Result<ClassSearch<'a>, Error>,
) -> Result<Box<dyn Search + 'a>, Error> {
    match search {
        Ok(search) => Ok(Box::new(search)),
        Err(error @ (Error::NoActivation | Error::NothingRight)) => Ok(Box::new(Nothing {
            unit,
            reason: error.to_string(),
        })),
        Err(error) => Err(error),
    }
}

impl Detector for Unicorn {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn preset(&self) -> &'static str {
        ABOUT.presets[0]
    }

    fn settings(&self) -> BTreeMap<String, Value> {
        self.config.parameters()
    }

    fn begin<'a>(
        &'a self,
        subject: &Subject<'a>,
        unit: Unit,
    ) -> Result<Box<dyn Search + 'a>, Error> {
        let search = ClassSearch::new(*subject, &self.config, unit.class()?);
        or_nothing(unit, search)
    }

    fn resume<'a>(
        &'a self,
        subject: &Subject<'a>,
        unit: Unit,
        kept: &str,
    ) -> Result<Box<dyn Search + 'a>, Error> {
        match serde_json::from_str(kept)? {
            Some(kept) => {
                let search = ClassSearch::resume(*subject, &self.config, unit.class()?, kept);
                or_nothing(unit, search)
            }
            // What a search keeps that has nothing to search with.
            None => self.begin(subject, unit),
        }
    }

    fn most_updates(&self) -> usize {
        self.config.updates
    }

    fn batch(&self) -> usize {
        self.config.batch
    }

    fn held_bytes(&self, shape: [usize; 3], images: usize, units: usize) -> usize {
        // A patch with its moments, likewise the mask of a layer, which seldom has more numbers
        // than an image; and what the layer gives for images.
        let image: usize = shape.iter().product();
        let searched = SpacePatch::count(shape) + image;
        (3 * units * searched + images.min(IMAGES) * image) * size_of::<f32>()
    }

    fn statistic(&self, _: [usize; 3]) -> Statistic {
        ABOUT.statistic.judged(1.0)
    }

    fn value(&self, statistic: f64, shape: [usize; 3]) -> f64 {
        self.statistic(shape).value(statistic.max(LEAST_LOSS))
    }

    fn published(&self, _: &[&Finding], _: [usize; 3]) -> Published {
        Published::default()
    }
}
