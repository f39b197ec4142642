//! One witness, heard: its values measured by what clean models look like to it.

use std::collections::BTreeMap;

use thiserror::Error;

use super::calibration::{Calibration, NullModel};
use super::error::StatsError;
use super::evidence::{Method, Soundness, Statistic, Witness};
use super::test::CannotSay;
use super::test::comparison::Comparison;
use super::test::null::Among;
use super::test::outlier::{OutlierTest, Reading};
use super::values::Values;

/// Why a witness has no part in the verdict.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum Unheard {
    /// Its search cannot be believed.
    #[error("{0}")]
    Unsound(String),
    /// No class was searched to the end.
    #[error("no class was searched to the end")]
    NothingSearched,
    /// Classes were set aside, and none of those that would stand for them was searched to the end.
    #[error(
        "none of the classes that stand for the {0} that were set aside was searched to the end"
    )]
    Unrepresented(usize),
    /// Its values can be compared neither with one another nor with those of clean models.
    #[error(transparent)]
    CannotSay(#[from] CannotSay),
    /// Too few clean models were measured with it, or with it and all others.
    #[error("too few clean models were scanned with it to say what it finds in them")]
    NotCalibrated,
}

/// A witness that can be heard.
pub(super) struct Candidate<'a> {
    /// Place in the evidence.
    pub place: usize,
    /// The witness.
    pub witness: &'a Witness,
    /// Its values in order.
    pub values: Values,
    pixels: usize,
    null_model: &'a dyn NullModel,
    comparable: bool,
}

/// A witness and what its comparisons came to.
pub(super) struct Hearing<'a> {
    /// Place in the evidence.
    pub place: usize,
    /// The witness.
    pub witness: &'a Witness,
    /// Its values in order.
    pub values: Values,
    /// What clean models look like to it.
    pub null_model: &'a dyn NullModel,
    pixels: usize,
    comparable: bool,
    comparison: Comparison,
    /// By class, as the comparisons give them.
    surprises: BTreeMap<usize, f64>,
}

impl<'a> Candidate<'a> {
    /// Checks a witness, and whether anything can be said of what it found in a model with so many
    /// `pixels` and `classes`. Its values are compared with those of clean models only if they are
    /// comparable and `spanned`: if the model is like those known.
    ///
    /// # Errors
    /// Evidence that is not made of numbers.
    pub(super) fn check(
        (place, witness): (usize, &'a Witness),
        calibration: &'a dyn Calibration,
        (pixels, classes, spanned): (usize, usize, bool),
    ) -> Result<Result<Self, Unheard>, StatsError> {
        if let Soundness::Unsound(why) = &witness.soundness {
            return Ok(Err(Unheard::Unsound(why.clone())));
        }
        if witness.set_aside.is_unrepresented() {
            return Ok(Err(Unheard::Unrepresented(witness.set_aside.classes)));
        }
        let values = Values::of(witness, classes)?;
        if values.compared() == 0 {
            return Ok(Err(Unheard::NothingSearched));
        }
        let Some(null_model) = calibration.null_model(&witness.method) else {
            return Ok(Err(Unheard::NotCalibrated));
        };
        let comparable = witness.statistic.comparable && spanned;
        let beside_clean = comparable && null_model.location(values.classes_of_model()).is_some();
        // As it will be heard: the two kinds of test do not refuse the same models.
        let among = Among::measured(calibration.ranks(&[&witness.method]).is_some());
        Ok(
            match OutlierTest::new(&values, null_model.scale_prior(), among) {
                // Where most values are unknown, the few that are known may be small for that very
                // reason.
                Err(why @ CannotSay::TooManyUnreached { .. }) => Err(why.into()),
                Err(why) if !beside_clean => Err(why.into()),
                _ => Ok(Self {
                    place,
                    witness,
                    values,
                    pixels,
                    null_model,
                    comparable,
                }),
            },
        )
    }

    /// The method of the witness.
    pub(super) fn method(&self) -> &'a Method {
        &self.witness.method
    }

    /// Compares the values. If the model is `ranked` among measured ones, each class is measured
    /// among classes, as theirs were.
    ///
    /// # Errors
    /// The null model drew values that are not finite.
    pub(super) fn hear(self, ranked: bool, seed: u64) -> Result<Hearing<'a>, StatsError> {
        let among = Among::measured(ranked);
        let values = (&self.values, self.pixels);
        let comparison = Comparison::run(values, self.null_model, self.comparable, among, seed)?;
        let accused = self.values.accused().iter().zip(comparison.surprises());
        let mut by_class = BTreeMap::new();
        for (classes, surprise) in accused {
            for &class in classes {
                let known: &mut f64 = by_class.entry(class).or_insert(surprise);
                *known = known.max(surprise);
            }
        }
        Ok(Hearing {
            surprises: by_class,
            place: self.place,
            witness: self.witness,
            values: self.values,
            null_model: self.null_model,
            pixels: self.pixels,
            comparable: self.comparable,
            comparison,
        })
    }
}

impl Hearing<'_> {
    /// The surprise at a class: 0 if it was not reached, set aside or not searched.
    pub(super) fn surprise(&self, class: usize) -> f64 {
        self.surprises.get(&class).copied().unwrap_or(0.0)
    }

    /// The largest surprise at any class.
    pub(super) fn largest(&self) -> f64 {
        self.surprises.values().copied().fold(0.0, f64::max)
    }

    /// How many comparisons there were.
    pub(super) fn tests(&self) -> usize {
        self.comparison.tests()
    }

    /// How the values are to be read.
    pub(super) fn statistic(&self) -> &Statistic {
        &self.witness.statistic
    }

    /// Where the values of a clean model of so many classes and pixels lie, if that is known and
    /// may be compared.
    pub(super) fn usual_location(&self) -> Option<f64> {
        let location = self.null_model.location(self.values.classes_of_model());
        let location = location.filter(|_| self.comparable)?;
        Some(location + self.null_model.shift(self.pixels))
    }

    /// The comparison of the classes with one another, where a surprise above `critical` is
    /// significant.
    pub(super) fn read(&self, critical: f64) -> Result<Reading, CannotSay> {
        let reading = self.comparison.read(critical)?;
        reading.ok_or(CannotSay::TooFewReached {
            reached: self.values.ascending().len(),
            searched: self.values.compared(),
        })
    }

    /// The value below which a class is significant by itself, by either comparison.
    pub(super) fn value_threshold(&self, reading: Option<&Reading>, critical: f64) -> Option<f64> {
        let relative = reading.map(|reading| reading.value_threshold);
        let absolute = self.comparison.value_at(critical);
        let limits = relative.into_iter().chain(absolute);
        limits.reduce(f64::max).filter(|limit| limit.is_finite())
    }
}

/// The candidates that can be heard together at a rate of false alarms, and those that cannot.
/// Where clean models were measured, there have to be enough that went through all: else the one
/// that the fewest went through is left out, and so on.
pub(super) fn heard_together<'a>(
    mut candidates: Vec<Candidate<'a>>,
    calibration: &dyn Calibration,
    fpr: f64,
) -> (Vec<Candidate<'a>>, Vec<Candidate<'a>>) {
    let models = |methods: &[&Method]| calibration.ranks(methods).map(|ranks| ranks.models());
    let are_enough = |models: Option<usize>| models.is_some_and(|n| 1.0 <= fpr * (n + 1) as f64);
    let mut left_out = Vec::new();
    let ranked = candidates
        .iter()
        .any(|candidate| models(&[candidate.method()]).is_some());
    while ranked && candidates.len() > 1 {
        let methods: Vec<&Method> = candidates.iter().map(Candidate::method).collect();
        if are_enough(models(&methods)) {
            break;
        }
        let fewest = (0..candidates.len())
            .min_by_key(|&place| (models(&[methods[place]]).unwrap_or(0), methods[place]));
        if let Some(place) = fewest {
            left_out.push(candidates.remove(place));
        }
    }
    (candidates, left_out)
}
