//! A family of transformations as a row of the table of detectors.

use std::collections::BTreeMap;
use std::marker::PhantomData;

use serde_json::Value;

use super::class_search::ClassSearch;
use super::config::Config;
use crate::detect::{About, Detector, Published};
use crate::error::Error;
use crate::finding::{Finding, Unit};
use crate::search::Search;
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
        let search = ClassSearch::<T>::new(*subject, &self.config, unit.class()?)?;
        Ok(Box::new(search))
    }

    fn resume<'a>(
        &'a self,
        subject: &Subject<'a>,
        unit: Unit,
        kept: &str,
    ) -> Result<Box<dyn Search + 'a>, Error> {
        let kept = serde_json::from_str(kept)?;
        let search = ClassSearch::<T>::resume(*subject, &self.config, unit.class()?, kept)?;
        Ok(Box::new(search))
    }

    fn most_updates(&self) -> usize {
        self.config.updates
    }

    fn batch(&self) -> usize {
        self.config.batch
    }

    fn held_bytes(&self, shape: [usize; 3], _: usize, units: usize) -> usize {
        // In a finding and in the evidence.
        2 * units * T::count(shape) * size_of::<f32>()
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
