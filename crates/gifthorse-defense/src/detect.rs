//! Detectors: one published method a file or folder, named as the field names it, and one row of
//! [`DETECTORS`].
//!
//! Everything else follows from the row: the driver, work folders, progress, memory, reports,
//! coverage, zoos and the library of clean models know detectors only by [`Detector`].

pub mod abs;
pub mod bti_dbf;
pub mod cepa;
pub mod class_distance;
pub mod colour_map;
pub mod expected_transferability;
pub mod l_red;
pub mod last_layer;
pub mod mesa;
pub mod mm_bd;
pub mod mm_bd_inner;
pub mod neural_cleanse;
pub mod pixel;
pub mod pt_red;
mod shuffled;
pub mod sliding_patch;
pub mod sliding_source;
pub mod source_patch;
pub mod source_target;
mod transformation;
pub mod umd;
pub mod unicorn;
pub mod universal_additive;
pub mod universal_patch;
pub mod warp;
pub mod weight_sum;

use std::collections::BTreeMap;
use std::fmt::Debug;

use crate::error::Error;
use crate::finding::{Finding, Unit};
use crate::search::{Early, Search};
use crate::subject::Subject;
use crate::verdict::{Conviction, Statistic, Tail};
use serde_json::Value;

/// What a detector is, whatever its settings.
#[derive(Debug)]
pub struct About {
    /// Its name in tables, reports and on the command line, in snake case.
    pub name: &'static str,
    /// Its name for people, with authors and year.
    pub title: &'static str,
    /// What it looks for, in words that go after "tested:"; `{targets}` stands for the classes that
    /// were searched.
    pub tested: &'static str,
    /// What it does not look for.
    pub not_tested: &'static [&'static str],
    /// The number that it gives for each unit.
    pub statistic: UnitStatistic,
    /// Whether a scan runs it without being asked to. One that is not in the library of clean
    /// models has no part in verdicts and is run by name only, as is one that takes more from the
    /// verdict of the others than it adds (decision 15).
    pub by_default: bool,
    /// Whether it goes by how far logits lie apart, or by the weights that make them so, which
    /// training can keep small (decision 22). One that searches triggers does not.
    pub by_margins: bool,
    /// Whether it needs clean images.
    pub needs_images: bool,
    /// Names of its sets of settings, the default first.
    pub presets: &'static [&'static str],
}

/// The number that a detector gives for each unit.
#[derive(Debug)]
pub struct UnitStatistic {
    /// Its name, such as `norm`.
    pub name: &'static str,
    /// What it is, such as `L1 norm of the mask`.
    pub meaning: &'static str,
    /// What a class is found by, to be read after "class 3 is": `reached by a trigger`.
    pub found: &'static str,
    /// What it is counted in, such as `pixels`.
    pub unit: &'static str,
    /// Which values are suspicious.
    pub suspicious: Tail,
    /// The most suspicious value that means anything, such as one pixel; `None` where there is no
    /// such end.
    pub extreme: Option<f64>,
    /// Whether values can be compared between models. If not, only the classes of one model can be
    /// compared with one another.
    pub comparable: bool,
    /// Whether numbers, which may be negative, are compared as they are, and not by their
    /// logarithm.
    pub linear: bool,
    /// Whether there is one value for the model as a whole, and none for each class.
    pub of_model: bool,
    /// Whether a class that it accuses has to be confirmed by a trigger that works on held-out
    /// images. A detector without a trigger to stamp accuses by its statistic alone.
    pub conviction: Conviction,
}

impl UnitStatistic {
    /// The statistic as the verdict reads it; `whole` is the number whose logarithm is taken for 0.
    pub fn judged(&self, whole: f64) -> Statistic {
        Statistic {
            found: self.found,
            unit: self.unit,
            tail: self.suspicious,
            whole,
            extreme: self.extreme,
            comparable: self.comparable,
            linear: self.linear,
            of_model: self.of_model,
            conviction: self.conviction,
        }
    }
}

/// A detector with its settings.
///
/// It gives numbers and never a verdict: what number is too small or too large for a clean model is
/// decided by [`verdict`](crate::verdict).
pub trait Detector: Debug + Send + Sync {
    /// Its row.
    fn about(&self) -> &'static About;

    /// The name of the settings that these started from, one of [`About::presets`].
    fn preset(&self) -> &'static str;

    /// All settings by name, for reports and to tell one scan from another.
    fn settings(&self) -> BTreeMap<String, Value>;

    /// What it searches in a model of so many classes: by default, each class. Nothing if what it
    /// looks for cannot be in such a model.
    fn units(&self, classes: usize) -> Vec<Unit> {
        (0..classes).map(Unit::Class).collect()
    }

    /// Why `unit` cannot be searched with images of these labels, in words that go after
    /// "class 3: "; `None` where it can. By default, a search for a class needs images of another.
    fn lacks(&self, unit: Unit, labels: &[usize]) -> Option<String> {
        let all_there = |class| !labels.is_empty() && labels.iter().all(|&label| label == class);
        let lacking = self.about().needs_images && unit.target().is_some_and(all_there);
        lacking.then(|| {
            "not searched, since all images are of this class: give images of another".to_owned()
        })
    }

    /// The search of `unit` at its beginning.
    ///
    /// # Errors
    /// Images without labels, none of another class, or none at all where some are needed.
    fn begin<'a>(
        &'a self,
        subject: &Subject<'a>,
        unit: Unit,
    ) -> Result<Box<dyn Search + 'a>, Error>;

    /// The search of `unit` where [`Search::snapshot`] left it.
    ///
    /// # Errors
    /// As [`Self::begin`]; a snapshot of another unit, seed, image size, number of images or other
    /// settings, or a damaged one. That model and images are the same in every bit is not checked.
    fn resume<'a>(
        &'a self,
        subject: &Subject<'a>,
        unit: Unit,
        kept: &str,
    ) -> Result<Box<dyn Search + 'a>, Error>;

    /// The early phase for so many units, on images of so many pixels; `None` if all are searched
    /// to the end.
    fn early(&self, _units: usize, _pixels: usize) -> Option<Box<dyn Early>> {
        None
    }

    /// The most updates of one unit's search.
    fn most_updates(&self) -> usize;

    /// The most updates of a scan of so many units, the early phase included.
    fn most_updates_of(&self, units: usize) -> usize {
        units * self.most_updates()
    }

    /// Images in a pass through the model.
    fn batch(&self) -> usize;

    /// Bytes that are held for all units together at the end or, if that is more, while searches
    /// wait for one another: for a model whose images have `shape`, channels, height and width,
    /// with so many images and units.
    fn held_bytes(&self, shape: [usize; 3], images: usize, units: usize) -> usize;

    /// The statistic as the verdict reads it, for images of `shape`, channels, height and width.
    fn statistic(&self, shape: [usize; 3]) -> Statistic;

    /// The value of a unit's statistic on the verdict's logarithmic scale, on which small is
    /// suspicious; always finite.
    fn value(&self, statistic: f64, shape: [usize; 3]) -> f64 {
        self.statistic(shape).value(statistic)
    }

    /// What papers make of the statistics, as published. `compared` are the findings of the units
    /// searched to the end, and after them one for each eliminated unit: that of the unit that
    /// stands for it.
    fn published(&self, compared: &[&Finding], shape: [usize; 3]) -> Published;
}

/// What papers say of a model; none of it controls false alarms.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Published {
    /// Numbers for the model, by name; `None` where one is undefined.
    pub measures: Vec<(&'static str, Option<f64>)>,
    /// Numbers for each unit.
    pub unit_measures: Vec<UnitMeasure>,
    /// Decision rules.
    pub rules: Vec<PublishedRule>,
}

/// A number that is told for each unit.
#[derive(Clone, Debug, PartialEq)]
pub struct UnitMeasure {
    /// What it is, in snake case.
    pub name: &'static str,
    /// What it is counted in; `share` for a part of a whole, empty for a plain number.
    pub unit: &'static str,
    /// Its values, in the order of the units compared; `None` where it is undefined.
    pub values: Vec<Option<f64>>,
}

/// A decision rule as a paper publishes it.
#[derive(Clone, Debug, PartialEq)]
pub struct PublishedRule {
    /// The rule in plain words, such as `anomaly index > 2`.
    pub name: &'static str,
    /// The value that it looks at; `None` where it is undefined.
    pub statistic: Option<f64>,
    /// The published threshold.
    pub threshold: f64,
    /// What the rule says about this model.
    pub flagged: bool,
    /// Where the rule is published.
    pub source: &'static str,
}

/// How a detector is chosen and set: plain data, the same for all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// [`About::name`].
    pub name: String,
    /// One of [`About::presets`].
    pub preset: String,
    /// How many units to search to the end.
    pub effort: Effort,
}

/// How many units are searched to the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Effort {
    /// All with a hundred units or fewer; else as [`Self::Eliminate`].
    #[default]
    Auto,
    /// All.
    Full,
    /// Those ahead after a few updates, in three rounds, and a random sample of the others.
    Eliminate,
    /// As Neural Cleanse does for many labels (Wang et al. 2019, §IV, §V-B): those of the smallest
    /// norm once these hardly change from one iteration to the next, and a random sample of the
    /// others.
    LowCost,
}

impl Effort {
    /// Its name in reports and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Full => "full",
            Self::Eliminate => "eliminate",
            Self::LowCost => "low-cost",
        }
    }
}

/// A row of the table of detectors.
#[derive(Debug)]
pub struct Row {
    /// What the detector is.
    pub about: &'static About,
    /// Makes it with one of its presets; any other name gives the default.
    make: fn(preset: &str, effort: Effort) -> Box<dyn Detector>,
}

/// All detectors, in the order in which a scan runs them.
pub const DETECTORS: [Row; 24] = [
    neural_cleanse::ROW,
    mm_bd::ROW,
    mm_bd_inner::ROW,
    last_layer::ROW,
    weight_sum::ROW,
    class_distance::ROW,
    source_patch::ROW,
    universal_patch::ROW,
    sliding_patch::ROW,
    sliding_source::ROW,
    universal_additive::ROW,
    pixel::ROW,
    cepa::ROW,
    colour_map::ROW,
    warp::ROW,
    bti_dbf::ROW,
    unicorn::ROW,
    umd::ROW,
    l_red::ROW,
    abs::ROW,
    mesa::ROW,
    source_target::ROW,
    pt_red::ROW,
    expected_transferability::ROW,
];

impl Choice {
    /// A detector with its default settings.
    ///
    /// # Errors
    /// [`Error::NoSuchDetector`].
    pub fn of(name: &str) -> Result<Self, Error> {
        let about = row(name)?.about;
        Ok(Self {
            name: about.name.to_owned(),
            preset: about.presets[0].to_owned(),
            effort: Effort::Auto,
        })
    }

    /// The detectors that a scan runs without being asked to, with their default settings.
    pub fn usual() -> Vec<Self> {
        let mut all = Self::all();
        all.retain(|choice| {
            let mut rows = const { &DETECTORS }.iter();
            rows.any(|row| row.about.by_default && row.about.name == choice.name)
        });
        all
    }

    /// Every detector of the table with its default settings.
    pub fn all() -> Vec<Self> {
        DETECTORS
            .iter()
            .map(|row| Self {
                name: row.about.name.to_owned(),
                preset: row.about.presets[0].to_owned(),
                effort: Effort::Auto,
            })
            .collect()
    }

    /// The detector.
    ///
    /// # Errors
    /// [`Error::NoSuchDetector`], [`Error::NoSuchPreset`].
    pub fn detector(&self) -> Result<Box<dyn Detector>, Error> {
        let row = row(&self.name)?;
        if !row.about.presets.contains(&self.preset.as_str()) {
            return Err(Error::NoSuchPreset {
                detector: row.about.name,
                preset: self.preset.clone(),
                presets: row.about.presets,
            });
        }
        Ok((row.make)(&self.preset, self.effort))
    }
}

fn row(name: &str) -> Result<&'static Row, Error> {
    const { &DETECTORS }
        .iter()
        .find(|row| row.about.name == name)
        .ok_or_else(|| Error::NoSuchDetector {
            name: name.to_owned(),
            known: DETECTORS.iter().map(|row| row.about.name).collect(),
        })
}
