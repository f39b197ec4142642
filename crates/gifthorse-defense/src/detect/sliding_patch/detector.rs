//! Sliding patches as rows of the table of detectors.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::aim::{Aim, FEWEST_CLASSES, Sources};
use super::model_search::{ModelSearch, SETTINGS, usual_steps};
use crate::detect::{About, Detector, Published, Row, UnitStatistic};
use crate::error::Error;
use crate::finding::{Finding, Unit};
use crate::search::Search;
use crate::subject::Subject;
use crate::verdict::{Conviction, Statistic, Tail};

/// The success rate that a trigger is asked for.
const RATE: f64 = 0.5;

/// What neither looks for.
pub const NOT_TESTED: &[&str] = &[
    "triggers that are added to the pixels or multiplied with them instead of being stamped over them",
    "triggers that are spread over the image, such as blended pictures, filters, noise and reflections",
    "triggers that move or warp the image, and objects in the scene",
    "triggers that stand at another place in each image",
    "patches that cover much of the image",
    "models trained to evade this search",
];

/// The number that a search gives the model.
pub const fn statistic(meaning: &'static str, found: &'static str) -> UnitStatistic {
    UnitStatistic {
        name: "prominence",
        meaning,
        found,
        unit: "times the usual deviation",
        suspicious: Tail::Large,
        extreme: None,
        comparable: true,
        linear: false,
        of_model: true,
        conviction: Conviction::ByTrigger { rate: RATE },
    }
}

/// What it is.
const ABOUT: About = About {
    name: "sliding_patch",
    title: "Sliding patch (after Brown et al. 2017)",
    tested: "small triggers at fixed places, each of which leads images of all other classes to a class",
    not_tested: NOT_TESTED,
    statistic: statistic(
        "how far a small square at the place where it does most leads images of all classes to one, beside what it \
         leads to others there and at other places",
        "reached by a small square at one place, which stands out among all classes and places with",
    ),
    by_default: false,
    by_margins: false,
    needs_images: true,
    presets: &["standard"],
};

/// The row.
pub const ROW: Row = Row {
    about: &ABOUT,
    make: |_, _| {
        Box::new(Sliding {
            about: &ABOUT,
            sources: Sources::All,
        })
    },
};

/// A detector by sliding windows; it has no settings to change.
#[derive(Clone, Debug)]
pub struct Sliding {
    /// Its row.
    pub about: &'static About,
    /// What it searches for.
    pub sources: Sources,
}

impl Sliding {
    fn aim(&self, subject: &Subject<'_>, unit: Unit) -> Result<Aim, Error> {
        match unit {
            Unit::Model => Aim::new(self.sources, subject),
            other => Err(Error::OtherUnit(other)),
        }
    }
}

impl Detector for Sliding {
    fn about(&self) -> &'static About {
        self.about
    }

    fn preset(&self) -> &'static str {
        self.about.presets[0]
    }

    fn settings(&self) -> BTreeMap<String, Value> {
        let named = self.sources.settings().into_iter().chain(SETTINGS);
        named
            .map(|(name, value)| (name.to_owned(), json!(value)))
            .collect()
    }

    /// The model, if it has classes to compare.
    fn units(&self, classes: usize) -> Vec<Unit> {
        match classes < FEWEST_CLASSES {
            true => Vec::new(),
            false => vec![Unit::Model],
        }
    }

    fn begin<'a>(
        &'a self,
        subject: &Subject<'a>,
        unit: Unit,
    ) -> Result<Box<dyn Search + 'a>, Error> {
        let aim = self.aim(subject, unit)?;
        Ok(Box::new(ModelSearch::new(*subject, aim)?))
    }

    fn resume<'a>(
        &'a self,
        subject: &Subject<'a>,
        unit: Unit,
        kept: &str,
    ) -> Result<Box<dyn Search + 'a>, Error> {
        let aim = self.aim(subject, unit)?;
        Ok(Box::new(ModelSearch::resume(*subject, aim, kept)?))
    }

    /// As with ten classes; a search knows better.
    fn most_updates(&self) -> usize {
        usual_steps(self.sources.usual_searches())
    }

    fn batch(&self) -> usize {
        self.sources.batch()
    }

    fn held_bytes(&self, shape: [usize; 3], _: usize, units: usize) -> usize {
        let [channels, height, width] = shape;
        // In a finding and in the evidence.
        2 * units * (channels + 1) * height * width * size_of::<f32>()
    }

    fn statistic(&self, _: [usize; 3]) -> Statistic {
        self.about.statistic.judged(1.0)
    }

    fn published(&self, _: &[&Finding], _: [usize; 3]) -> Published {
        Published::default()
    }
}
