//! The outlier test: are any classes reached by triggers that are small beside the others?

use thiserror::Error;

use super::null::{Among, Score};
use super::scan_statistic::{Scan, Step};
use super::standing::Standing;
use crate::verdict::calibration::ScalePrior;
use crate::verdict::values::Values;

/// Why the classes of a model cannot be compared with one another.
#[derive(Debug, Clone, Copy, PartialEq, Error)]
pub enum CannotSay {
    /// One or two classes: none can be told to be the odd one out.
    #[error(
        "{0} classes are too few for any of them to be an outlier; at least 3 are needed where \
         nothing is known of clean models"
    )]
    TooFewClasses(usize),
    /// More than half of the classes have no size.
    #[error(
        "{unreached} of {searched} classes, more than half, were not reached at all; give the search \
         more steps or more images"
    )]
    TooManyUnreached {
        /// Classes never reached.
        unreached: usize,
        /// Classes searched.
        searched: usize,
    },
    /// Too few classes were reached to measure any of them by the others.
    #[error(
        "only {reached} of {searched} classes were reached, too few to \
         measure them by; give the search more steps or more images"
    )]
    TooFewReached {
        /// Classes reached.
        reached: usize,
        /// Classes searched.
        searched: usize,
    },
    /// All classes but the smallest have the same size.
    #[error(
        "all other classes have exactly the same value, which leaves \
         nothing to measure the smallest by"
    )]
    NoSpread,
}

/// The classes of one model, compared with one another.
#[derive(Debug, Clone)]
pub(in crate::verdict) enum OutlierTest {
    /// For surprises of models.
    Scan(ScanTest),
    /// For surprises of classes.
    Standing {
        /// The classes that were reached.
        standing: Standing,
        /// What is known of their scale.
        prior: Option<ScalePrior>,
    },
}

/// The fits of the scan statistic.
#[derive(Debug, Clone)]
pub(in crate::verdict) struct ScanTest {
    scan: Scan,
    steps: Vec<Step>,
    ascending: Vec<f64>,
}

/// The test read at one critical score.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::verdict) struct Reading {
    /// How many of the smallest classes are significant.
    pub flagged: usize,
    /// Residual, or standing, of the flagged class nearest to the others or, if none is, of the
    /// smallest class.
    pub statistic: f64,
    /// What the statistic had to exceed.
    pub threshold: f64,
    /// Value below which classes were flagged; if none was, the one below which any reached class
    /// would have been, whichever it is.
    pub value_threshold: f64,
    /// Residuals of the reached classes, smallest class first, in the fit that gave the statistic;
    /// or their standings.
    pub residuals: Vec<f64>,
}

impl OutlierTest {
    /// Compares the classes.
    ///
    /// # Errors
    /// A model whose classes cannot be compared.
    pub(in crate::verdict) fn new(
        values: &Values,
        prior: Option<ScalePrior>,
        among: Among,
    ) -> Result<Self, CannotSay> {
        let (searched, unreached) = (values.compared(), values.unreached());
        if 2 * unreached > searched {
            return Err(CannotSay::TooManyUnreached {
                unreached,
                searched,
            });
        }
        let too_few = if unreached == 0 {
            CannotSay::TooFewClasses(searched)
        } else {
            CannotSay::TooFewReached {
                reached: searched - unreached,
                searched,
            }
        };
        let ascending = values.ascending();
        let test = match among {
            Among::Models => ScanTest::new(ascending, searched, prior).map(Self::Scan),
            Among::Classes => {
                Standing::new(ascending, prior).map(|standing| Self::Standing { standing, prior })
            }
        };
        let test = test.ok_or(too_few)?;
        if test.scores().contains(&f64::INFINITY) {
            return Err(CannotSay::NoSpread);
        }
        Ok(test)
    }

    /// The score of each reached class, smallest class first: it never rises.
    pub(in crate::verdict) fn scores(&self) -> Vec<f64> {
        match self {
            Self::Scan(test) => test.scores(),
            Self::Standing { standing, .. } => standing.scores(),
        }
    }

    /// How the classes of clean models are to be compared.
    pub(in crate::verdict) fn score(&self) -> Score<'_> {
        match self {
            Self::Scan(test) => Score::OfModel(&test.scan),
            Self::Standing { standing, prior } => Score::OfClasses {
                reached: standing.classes(),
                prior: *prior,
            },
        }
    }
}

impl ScanTest {
    /// Makes every fit to the values of the classes reached, of so many that were searched.
    fn new(ascending: &[f64], searched: usize, prior: Option<ScalePrior>) -> Option<Self> {
        let scan = Scan::new(searched, searched.checked_sub(ascending.len())?, prior)?;
        Some(Self {
            steps: scan.steps(ascending),
            scan,
            ascending: ascending.to_vec(),
        })
    }

    /// The score of each reached class, smallest class first.
    ///
    /// That of the smallest class is the model's. That of the j-th counts only the fits with at
    /// least j suspects, in which it and all smaller classes stand against the rest: a step-down,
    /// so it never rises. Classes that are in no set of suspects, the larger half, have minus
    /// infinity.
    fn scores(&self) -> Vec<f64> {
        let mut score = f64::NEG_INFINITY;
        let mut steps = self.steps.iter().rev().peekable();
        let mut scores: Vec<f64> = (1..=self.ascending.len())
            .rev()
            .map(|rank| {
                while let Some(step) = steps.next_if(|step| step.suspects >= rank) {
                    score = score.max(step.score);
                }
                score
            })
            .collect();
        scores.reverse();
        scores
    }

    /// Reads the test where a score above `critical` is significant; `None` only if there is no fit
    /// at all.
    pub(in crate::verdict) fn read(&self, critical: f64) -> Option<Reading> {
        let significant = |step: &&Step| step.score > critical;
        let flagged = self
            .steps
            .iter()
            .rfind(significant)
            .map_or(0, |step| step.suspects);
        let shown = flagged.max(1);
        let best = self
            .steps
            .iter()
            .filter(|step| step.suspects == shown)
            .max_by(|a, b| a.score.total_cmp(&b.score));
        best.map(|step| {
            let residual = |value: &f64| {
                if step.residual == 0.0 {
                    0.0
                } else {
                    (step.location - value) / step.scale
                }
            };
            let value_threshold = if flagged > 0 {
                self.limit(step, critical)
            } else {
                self.limit_for_any_class(critical)
            };
            Reading {
                flagged,
                statistic: step.residual,
                threshold: self.scan.residual_at(step, critical),
                value_threshold,
                residuals: self.ascending.iter().map(residual).collect(),
            }
        })
    }

    /// Value below which the nearest suspect of this fit has a score above `critical`.
    fn limit(&self, step: &Step, critical: f64) -> f64 {
        step.location - self.scan.residual_at(step, critical) * step.scale
    }

    /// Value below which a single suspect would have a score above `critical`, whichever of the
    /// reached classes it is.
    ///
    /// The fits of the model as it is measure its smallest class, which is left out of their scale.
    /// Any other class would have been measured with that one among the rest, which are then more
    /// unequal, so the limit differs from class to class; the lowest holds for all.
    fn limit_for_any_class(&self, critical: f64) -> f64 {
        let ascending = &self.ascending;
        (0..ascending.len())
            .map(|class| {
                // The fits with one suspect take location and scale from all ranks above the first.
                let mut values = ascending.to_vec();
                values[..=class].rotate_right(1);
                let steps = self.scan.steps(&values);
                let alone = steps.iter().filter(|step| step.suspects == 1);
                alone
                    .map(|step| self.limit(step, critical))
                    .fold(f64::NEG_INFINITY, f64::max)
            })
            .fold(f64::INFINITY, f64::min)
    }
}
