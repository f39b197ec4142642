//! The search of one class: what clean images of others give at the layer climbs the margin.

use std::time::Instant;

use gifthorse_engine::Layer;
use serde::{Deserialize, Serialize};

use super::config::Config;
use super::layer::{Inner, candidates};
use crate::detect::mm_bd::{Moments, Of, Pass, Start, StepOutcome, ailment, climb};
use crate::detect::mm_bd::{has_settled, outcome};
use crate::error::Error;
use crate::exact;
use crate::finding::{Finding, Measure, State, Unit};
use crate::search::{Belongs, Search};
use crate::subject::Subject;
use crate::verdict::median;

/// The version of the format that is written and read.
const VERSION: u32 = 1;

/// The search as it is kept.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    version: u32,
    belongs: Belongs,
    layer: String,
    #[serde(with = "exact::singles")]
    numbers: Vec<f32>,
    moments: Moments,
    starts: Vec<Start>,
    trace: Vec<StepOutcome>,
    #[serde(with = "exact::double")]
    seconds: f64,
}

/// A search for the largest margin of a class from a layer on.
pub struct ClassSearch<'a> {
    subject: Subject<'a>,
    config: &'a Config,
    class: usize,
    layer: Layer,
    inner: Inner,
    /// `[starts, ...]`, in [0, 1]: what [`Inner::values`] makes values of the layer of.
    numbers: Vec<f32>,
    moments: Moments,
    starts: Vec<Start>,
    trace: Vec<StepOutcome>,
    seconds: f64,
}

impl<'a> ClassSearch<'a> {
    /// The search for `class` at its beginning; `None` in a model without a layer to begin at.
    ///
    /// # Errors
    /// Images without labels, or none of another class; a model that cannot be run.
    pub fn new(
        subject: Subject<'a>,
        config: &'a Config,
        class: usize,
    ) -> Result<Option<Self>, Error> {
        let mut layers = candidates(subject.classifier)?;
        if layers.is_empty() {
            return Ok(None);
        }
        let layer = layers.swap_remove(config.place(layers.len()));
        let inner = Inner::new(&subject, &layer, class, config.climb.starts)?;
        let numbers = inner.starts();
        Ok(Some(Self {
            starts: vec![Start::UNSEEN; numbers.len() / inner.size],
            subject,
            config,
            class,
            layer,
            inner,
            numbers,
            moments: Moments::default(),
            trace: Vec::new(),
            seconds: 0.0,
        }))
    }

    /// The search where [`Search::snapshot`] left it.
    ///
    /// # Errors
    /// As [`Self::new`]; a snapshot of another search, or a damaged one.
    pub fn resume(
        subject: Subject<'a>,
        config: &'a Config,
        class: usize,
        kept: &str,
    ) -> Result<Option<Self>, Error> {
        let Some(new) = Self::new(subject, config, class)? else {
            return Ok(None);
        };
        let kept: Kept = serde_json::from_str(kept)?;
        kept.belongs.check(&new.belongs())?;
        let sound = [
            (kept.layer == new.layer.name(), "it is of another layer"),
            (
                kept.numbers.len() == new.numbers.len() && kept.starts.len() == new.starts.len(),
                "the starts are others in number or size",
            ),
            (
                kept.moments.fit(new.numbers.len()),
                "the optimiser's moments are of another size than the layer",
            ),
        ];
        kept.belongs
            .check_contents((kept.version, VERSION), &sound)?;
        Ok(Some(Self {
            numbers: kept.numbers,
            moments: kept.moments,
            starts: kept.starts,
            trace: kept.trace,
            seconds: kept.seconds,
            ..new
        }))
    }

    fn belongs(&self) -> Belongs {
        Belongs {
            unit: Unit::Class(self.class),
            seed: self.subject.seed,
            shape: self.subject.classifier.shape(),
            images: self.starts.len(),
            settings: self.config.fingerprint(),
        }
    }

    fn pass(&self, of: Of) -> Result<Pass, Error> {
        let values = self.inner.values(&self.numbers);
        let classes = self.subject.classifier.classes();
        let mut pass = Pass::behind(&self.inner.tail, &values, (self.class, classes), of)?;
        self.inner.pull_back(&mut pass.gradient);
        Ok(pass)
    }

    fn step(&mut self) -> Result<(), Error> {
        let pass = self.pass(Of::Margin)?;
        let gradients = pass.gradient.chunks_exact(self.inner.size);
        let seen = pass.margins.iter().zip(gradients);
        for (start, (&margin, gradient)) in self.starts.iter_mut().zip(seen) {
            start.see(margin, gradient, self.config.climb.best_of_all_steps);
        }
        let rule = self.config.climb.rule;
        climb(rule, &mut self.moments, &mut self.numbers, &pass.gradient);
        self.trace.push(outcome(&self.starts));
        Ok(())
    }

    /// How far the class's own logit would move, by its gradient where a start ended, if every
    /// number moved by its whole range, as a share of the margin; the median over the starts.
    fn sensitivity(&self) -> Result<f64, Error> {
        let pass = self.pass(Of::Logit)?;
        let gradients = pass.gradient.chunks_exact(self.inner.size);
        let promised = gradients.map(|one| one.iter().map(|&g| f64::from(g).abs()).sum());
        let largest = outcome(&self.starts).largest.abs();
        Ok(median(promised.collect()).map_or(f64::NAN, |promised: f64| promised / largest))
    }
}

impl Search for ClassSearch<'_> {
    fn advance(&mut self, steps: usize) -> Result<(), Error> {
        let started = Instant::now();
        for _ in 0..steps {
            if self.has_ended() {
                break;
            }
            self.step()?;
        }
        self.seconds += started.elapsed().as_secs_f64();
        Ok(())
    }

    fn has_ended(&self) -> bool {
        let climb = &self.config.climb;
        self.trace.len() >= climb.steps || has_settled(climb.stop, &self.trace)
    }

    fn steps(&self) -> usize {
        self.trace.len()
    }

    fn updates(&self) -> usize {
        self.trace.len()
    }

    fn standing(&self, _: usize) -> f64 {
        f64::INFINITY
    }

    fn snapshot(&self) -> Result<String, Error> {
        Ok(serde_json::to_string(&Kept {
            version: VERSION,
            belongs: self.belongs(),
            layer: self.layer.name().to_owned(),
            numbers: self.numbers.clone(),
            moments: self.moments.clone(),
            starts: self.starts.clone(),
            trace: self.trace.clone(),
            seconds: self.seconds,
        })?)
    }

    fn finding(&self) -> Result<Finding, Error> {
        let started = Instant::now();
        let sensitivity = self.sensitivity()?;
        let ailment = ailment(&self.starts, sensitivity);
        let margins = self.starts.iter().map(|start| f64::from(start.margin));
        let measure = |name: &str, value: f64, unit: &str| Measure {
            name: name.to_owned(),
            value,
            unit: unit.to_owned(),
        };
        let middle = median(margins.collect()).unwrap_or(f64::NEG_INFINITY);
        Ok(Finding {
            state: ailment.map_or(State::Reached, |_| State::Unreached),
            reason: ailment.map(|ailment| ailment.to_string()),
            measures: vec![
                measure("median_margin", middle, "logits"),
                measure("sensitivity", sensitivity, ""),
            ],
            seconds: self.seconds + started.elapsed().as_secs_f64(),
            ..self.unfinished(State::Unreached)
        })
    }

    fn unfinished(&self, state: State) -> Finding {
        Finding {
            state,
            statistic: outcome(&self.starts).largest,
            updates: self.updates(),
            seconds: self.seconds,
            ..Finding::skipped(Unit::Class(self.class))
        }
    }
}
