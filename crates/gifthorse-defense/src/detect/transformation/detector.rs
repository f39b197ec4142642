//! A family of transformations as a row of the table of detectors.

use std::collections::BTreeMap;
use std::marker::PhantomData;

use serde_json::Value;

use super::class_search::ClassSearch;
use super::config::{Budget, Config};
use crate::clean_features::IMAGES;
use crate::detect::{About, Detector, Published};
use crate::error::Error;
use crate::finding::{Finding, Unit};
use crate::search::{Nothing, Search};
use crate::subject::Subject;
use crate::trigger::Transformation;
use crate::verdict::Statistic;

/// Smaller losses count as this one: no margin is trusted beyond it.
const LEAST_LOSS: f64 = 1e-4;

/// The detector of one family.
#[derive(Clone, Debug)]
pub struct TransformationSearch<T> {
    about: &'static About,
    config: Config,
    family: PhantomData<T>,
}

impl<T> TransformationSearch<T> {
    /// The row's detector with its settings.
    pub fn new(about: &'static About, config: Config) -> Self {
        Self {
            about,
            config,
            family: PhantomData,
        }
    }
}

/// The search, or one that says that the model has no features to look at, or none to compare.
fn or_nothing<'a, T: Transformation + 'a>(
    unit: Unit,
    search: Result<ClassSearch<'a, T>, Error>,
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

impl<T: Transformation> Detector for TransformationSearch<T> {
    fn about(&self) -> &'static About {
        self.about
    }

    fn preset(&self) -> &'static str {
        self.about.presets[0]
    }

    fn settings(&self) -> BTreeMap<String, Value> {
        self.config.parameters()
    }

    fn begin<'a>(
        &'a self,
        subject: &Subject<'a>,
        unit: Unit,
    ) -> Result<Box<dyn Search + 'a>, Error> {
        let search = ClassSearch::<T>::new(*subject, &self.config, unit.class()?);
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
                let class = unit.class()?;
                let search = ClassSearch::<T>::resume(*subject, &self.config, class, kept);
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
        // In a finding and in the evidence, or with moments; and what a layer gives for images,
        // which seldom has more numbers than they.
        let features = match self.config.budget {
            Budget::Fixed(_) => 0,
            Budget::Decoupled { .. } => images.min(IMAGES) * shape.iter().product::<usize>(),
        };
        (3 * units * T::count(shape) + features) * size_of::<f32>()
    }

    fn statistic(&self, _: [usize; 3]) -> Statistic {
        self.about.statistic.judged(1.0)
    }

    fn value(&self, statistic: f64, shape: [usize; 3]) -> f64 {
        self.statistic(shape).value(statistic.max(LEAST_LOSS))
    }

    fn published(&self, _: &[&Finding], _: [usize; 3]) -> Published {
        Published::default()
    }
}
