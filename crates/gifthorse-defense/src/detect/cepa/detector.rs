//! CEPA as a row of the table of detectors.

use std::collections::BTreeMap;

use serde_json::Value;

use super::class_search::ClassSearch;
use super::config::{Config, Preset};
use super::layers::MOST;
use super::published::published;
use crate::detect::{About, Detector, Published, Row, UnitStatistic};
use crate::error::Error;
use crate::finding::{Finding, Unit};
use crate::search::Search;
use crate::subject::Subject;
use crate::verdict::{Conviction, Statistic, Tail};

/// Spreads below this count as this one.
const LEAST_SPREAD: f64 = 1e-3;

/// What it is.
const ABOUT: About = About {
    name: "cepa",
    title: "CEPA (Li et al. 2024)",
    tested: "a trigger of any kind that moves all images alike inside the model, on their way to {targets}",
    not_tested: &[
        "backdoors that only work on images of certain classes",
        "backdoors that lead each class to another one, or all classes to classes of their own",
        "models trained to evade this search",
    ],
    statistic: UnitStatistic {
        name: "spread",
        meaning: "how far perturbed images move apart inside the model, beside how far they move together, over its layers",
        found: "reached by moves with a spread",
        unit: "of their common part",
        suspicious: Tail::Small,
        extreme: None,
        comparable: false,
        linear: false,
        of_model: false,
        conviction: Conviction::ByStatistic,
    },
    by_default: false,
    by_margins: false,
    needs_images: true,
    presets: &["standard", "paper", "pairs"],
};

/// The row.
pub const ROW: Row = Row {
    about: &ABOUT,
    make: |preset, _| {
        let named = Preset::ALL.into_iter().find(|known| known.name() == preset);
        Box::new(Cepa {
            config: Config::preset(named.unwrap_or(Preset::Standard)),
        })
    },
};

/// The detector with its settings.
#[derive(Clone, Debug)]
struct Cepa {
    config: Config,
}

impl Cepa {
    /// How often the images of a class are pushed, each time of other classes, in a model of so
    /// many.
    fn groups(&self, classes: usize) -> usize {
        match self.config.preset {
            Preset::Pairs => classes.saturating_sub(1),
            Preset::Standard | Preset::Paper => 1,
        }
    }
}

impl Detector for Cepa {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn preset(&self) -> &'static str {
        self.config.preset.name()
    }

    fn settings(&self) -> BTreeMap<String, Value> {
        self.config.parameters()
    }

    fn begin<'a>(
        &'a self,
        subject: &Subject<'a>,
        unit: Unit,
    ) -> Result<Box<dyn Search + 'a>, Error> {
        Ok(Box::new(ClassSearch::new(
            *subject,
            &self.config,
            unit.class()?,
        )?))
    }

    fn resume<'a>(
        &'a self,
        subject: &Subject<'a>,
        unit: Unit,
        kept: &str,
    ) -> Result<Box<dyn Search + 'a>, Error> {
        let kept = serde_json::from_str(kept)?;
        let search = ClassSearch::resume(*subject, &self.config, unit.class()?, kept)?;
        Ok(Box::new(search))
    }

    fn most_updates(&self) -> usize {
        MOST * self.config.steps
    }

    fn most_updates_of(&self, units: usize) -> usize {
        units * self.groups(units) * self.most_updates()
    }

    fn batch(&self) -> usize {
        self.config.batch
    }

    fn held_bytes(&self, shape: [usize; 3], _: usize, units: usize) -> usize {
        // A change for each layer, and the one in the evidence; or, on each thread, images as they
        // were and are, and two moments.
        let image = shape.iter().product::<usize>() * size_of::<f32>();
        let under_way = 5 * self.config.images * image * rayon::current_num_threads();
        units * (MOST * self.groups(units) + 1) * image + under_way
    }

    fn statistic(&self, _: [usize; 3]) -> Statistic {
        ABOUT.statistic.judged(1.0)
    }

    fn value(&self, statistic: f64, shape: [usize; 3]) -> f64 {
        let spread = if statistic.is_finite() {
            statistic
        } else {
            1.0
        };
        self.statistic(shape).value(spread.max(LEAST_SPREAD))
    }

    fn published(&self, compared: &[&Finding], _: [usize; 3]) -> Published {
        published(compared)
    }
}
