//! The search with one aim as a machine that is moved on step by step, and can be laid by and taken
//! up again.

mod kept;
mod outcome;

use gifthorse_data::Images;
use gifthorse_engine::Classifier;

use super::aim::Aim;
use super::batches::{Batches, Draws};
use super::config::Config;
use super::cost::Schedule;
use super::effort::EarlyPhase;
use super::finding::StepOutcome;
use super::objective::Objective;
use super::restart::{Restart, promising};
use super::variables::Variables;
use crate::adam::Adam;
use crate::error::Error;
use crate::subject::Subject;
use crate::trigger::Patch;

/// What all searches of a scan are made with.
#[derive(Clone, Copy)]
pub struct Task<'a> {
    /// The model.
    pub classifier: &'a Classifier,
    /// Images to search with, labelled: truly, or by the model's own predictions.
    pub search: &'a Images,
    /// Labelled images that triggers are tried on once they are found.
    pub holdout: &'a Images,
    /// Settings.
    pub config: &'a Config,
    /// Seed; each aim has a random stream of its own.
    pub seed: u64,
    /// The early phase that the search is part of, if it is.
    pub early: Option<EarlyPhase>,
}

impl<'a> Task<'a> {
    /// The task of a scan of `subject`.
    ///
    /// # Errors
    /// [`Error::NeedsImages`].
    pub(in crate::detect) fn of(
        subject: &Subject<'a>,
        config: &'a Config,
        early: Option<EarlyPhase>,
    ) -> Result<Self, Error> {
        let images = subject.images()?;
        Ok(Self {
            classifier: subject.classifier,
            search: images.search,
            holdout: images.holdout,
            config,
            seed: subject.seed,
            early,
        })
    }
}

/// One search: images in an endless shuffled order, mask and pattern in tanh space.
///
/// Moved on in any portions, with or without a [`Snapshot`](super::Snapshot) in between, it ends
/// the same.
pub struct ClassSearch<'a> {
    task: Task<'a>,
    aim: Aim,
    batches: Batches,
    variables: Variables,
    mask_adam: Adam<2>,
    pattern_adam: Adam<3>,
    schedule: Schedule,
    best: Option<Patch>,
    trace: Vec<StepOutcome>,
    /// Whether the schedule ended the search.
    stopped: bool,
    restart: Restart,
    seconds: f64,
}

impl<'a> ClassSearch<'a> {
    /// The search at its beginning.
    ///
    /// # Errors
    /// As [`Aim::images`].
    pub fn new(task: Task<'a>, aim: Aim) -> Result<Self, Error> {
        Self::begin(task, aim, Draws::Start(0))
    }

    /// A search that begins with the random numbers of `draws`.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub(super) fn begin(task: Task<'a>, aim: Aim, draws: Draws) -> Result<Self, Error> {
        let config = task.config;
        let mut random = draws.random(task.seed, aim);
        let classifier = task.classifier;
        let variables = Variables::random(&mut random, classifier.shape(), classifier.device());
        Ok(Self {
            task,
            aim,
            batches: Batches::new(&task, aim, random)?,
            variables,
            mask_adam: Adam::new(config.learning_rate, config.betas),
            pattern_adam: Adam::new(config.learning_rate, config.betas),
            schedule: Schedule::new(config),
            best: None,
            trace: Vec::new(),
            stopped: false,
            restart: match config.restarts {
                0 => Restart::Done,
                _ => Restart::Due,
            },
            seconds: 0.0,
        })
    }

    /// Whether the search from the present start is over.
    fn is_over(&self) -> bool {
        self.stopped || self.trace.len() >= self.task.config.steps
    }

    /// Whether a trigger has succeeded.
    pub fn is_reached(&self) -> bool {
        self.best.is_some()
    }

    /// How each step from the present start went.
    pub fn trace(&self) -> &[StepOutcome] {
        &self.trace
    }

    /// Goes back to the beginning, from another start, if one is promising.
    fn try_others(&mut self) -> Result<(), Error> {
        let first = self.attempt();
        let Some(start) = promising(&self.task, self.aim, &first)? else {
            self.restart = Restart::Done;
            return Ok(());
        };
        let again = Self::begin(self.task, self.aim, Draws::Start(start))?;
        *self = Self {
            restart: Restart::Begun { start, first },
            seconds: self.seconds,
            ..again
        };
        Ok(())
    }

    fn step(&mut self) -> Result<(), Error> {
        let config = self.task.config;
        let objective = Objective {
            classifier: self.task.classifier,
            aim: self.aim,
            loss: config.loss,
        };
        let (mut successes, mut norms, mut losses) = (0, 0.0, 0.0);
        for _ in 0..config.batches_per_step {
            let batch = self.batches.next(&self.task);
            let outcome = objective.pass(batch, &self.variables, self.schedule.cost())?;
            successes += outcome.successes;
            norms += outcome.norm;
            losses += outcome.loss;
            let Variables { mask, pattern } = &mut self.variables;
            *mask = self.mask_adam.step(mask.clone(), outcome.mask_gradient);
            *pattern = self
                .pattern_adam
                .step(pattern.clone(), outcome.pattern_gradient);
        }
        let tried = (config.batches_per_step * config.batch) as f64;
        let tried = tried * self.aim.attainable(self.task.classifier.classes());
        let outcome = StepOutcome {
            success: successes as f64 / tried,
            norm: norms / config.batches_per_step as f64,
            loss: losses / config.batches_per_step as f64,
        };
        let advice = self.schedule.step(outcome.success, outcome.norm);
        if advice.keep {
            self.best = Some(self.variables.trigger());
        }
        self.stopped = advice.stop;
        self.trace.push(outcome);
        Ok(())
    }
}
