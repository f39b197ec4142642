//! The search of one class as a machine that is moved on step by step, and can be laid by and taken
//! up again.

use std::time::Instant;

use gifthorse_data::Images;
use gifthorse_engine::{Array, Classifier, Tensor};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::adam::Adam;
use super::config::Config;
use super::cost::Schedule;
use super::effort::EarlyPhase;
use super::finding::StepOutcome;
use super::objective::Objective;
use super::snapshot::{Belongs, SNAPSHOT_VERSION, Snapshot};
use super::variables::Variables;
use crate::trigger::Patch;
use crate::error::Error;
use crate::finding::{Finding, State, Unit};
use crate::search::{Search, evaluate_trigger, hits};
use crate::trigger::Trigger;

/// What all classes of a scan are searched with.
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
    /// Seed; each class has a random stream of its own.
    pub seed: u64,
    /// The early phase that the search is part of, if it is.
    pub early: Option<EarlyPhase>,
}

/// One class's search: images in an endless shuffled order, mask and pattern in tanh space.
///
/// Moved on in any portions, with or without a [`Snapshot`] in between, it ends the same.
pub struct ClassSearch<'a> {
    task: Task<'a>,
    /// Images of the search set that this class is searched with.
    kept: Vec<usize>,
    class: usize,
    random: ChaCha8Rng,
    /// Positions in `kept` still to come in this round.
    queue: Vec<usize>,
    variables: Variables,
    mask_adam: Adam<2>,
    pattern_adam: Adam<3>,
    schedule: Schedule,
    best: Option<Patch>,
    trace: Vec<StepOutcome>,
    /// Whether the schedule ended the search.
    stopped: bool,
    seconds: f64,
}

impl<'a> ClassSearch<'a> {
    /// The search for `class` at its beginning.
    ///
    /// # Errors
    /// Images without labels, or no image of another class.
    pub fn new(task: Task<'a>, class: usize) -> Result<Self, Error> {
        let kept = images_for(&task, class)?;
        let config = task.config;
        let mut random = ChaCha8Rng::seed_from_u64(task.seed);
        random.set_stream(class as u64);
        let classifier = task.classifier;
        let variables = Variables::random(&mut random, classifier.shape(), classifier.device());
        Ok(Self {
            task,
            kept,
            class,
            random,
            queue: Vec::new(),
            variables,
            mask_adam: Adam::new(config.learning_rate, config.betas),
            pattern_adam: Adam::new(config.learning_rate, config.betas),
            schedule: Schedule::new(config),
            best: None,
            trace: Vec::new(),
            stopped: false,
            seconds: 0.0,
        })
    }

    /// The search for `class` where [`Self::at_rest`] left it.
    ///
    /// # Errors
    /// As [`Self::new`]; a snapshot of another class, seed, image size, number of images or other
    /// settings, or a damaged one. That model and images are the same in every bit is not checked.
    pub fn resume(task: Task<'a>, class: usize, snapshot: Snapshot) -> Result<Self, Error> {
        let kept = images_for(&task, class)?;
        snapshot.check(&belongs(&task, class, kept.len()))?;
        let config = task.config;
        let shape = task.classifier.shape();
        let [channels, height, width] = shape;
        let device = task.classifier.device();
        let mut random = ChaCha8Rng::seed_from_u64(task.seed);
        random.set_stream(class as u64);
        random.set_word_pos(snapshot.random_words);
        Ok(Self {
            task,
            kept,
            class,
            random,
            queue: snapshot.queue,
            variables: Variables::from_values(snapshot.mask, snapshot.pattern, shape, device),
            mask_adam: Adam::resume(
                config.learning_rate,
                config.betas,
                snapshot.mask_moments,
                [height, width],
                device,
            ),
            pattern_adam: Adam::resume(
                config.learning_rate,
                config.betas,
                snapshot.pattern_moments,
                [channels, height, width],
                device,
            ),
            schedule: Schedule::resume(config, snapshot.schedule),
            best: snapshot.best,
            trace: snapshot.trace,
            stopped: snapshot.stopped,
            seconds: snapshot.seconds,
        })
    }

    /// The search as it is now, to be kept.
    pub fn at_rest(&self) -> Snapshot {
        let (mask, pattern) = self.variables.values();
        Snapshot {
            version: SNAPSHOT_VERSION,
            belongs: belongs(&self.task, self.class, self.kept.len()),
            random_words: self.random.get_word_pos(),
            queue: self.queue.clone(),
            mask,
            pattern,
            mask_moments: self.mask_adam.moments(),
            pattern_moments: self.pattern_adam.moments(),
            schedule: self.schedule.counters().clone(),
            best: self.best.clone(),
            trace: self.trace.clone(),
            stopped: self.stopped,
            seconds: self.seconds,
        }
    }

    /// How each step so far went.
    pub fn trace(&self) -> &[StepOutcome] {
        &self.trace
    }

    fn step(&mut self) -> Result<(), Error> {
        let config = self.task.config;
        let objective = Objective {
            classifier: self.task.classifier,
            class: self.class,
            loss: config.loss,
        };
        let (mut successes, mut norms, mut losses) = (0, 0.0, 0.0);
        for _ in 0..config.batches_per_step {
            let batch = self.next_batch();
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

    /// The next images of an endless, reshuffled walk through the search set.
    fn next_batch(&mut self) -> Tensor<4> {
        let mut pixels = Vec::new();
        let count = self.task.config.batch;
        for _ in 0..count {
            if self.queue.is_empty() {
                self.queue = (0..self.kept.len()).collect();
                self.queue.shuffle(&mut self.random);
            }
            if let Some(at) = self.queue.pop() {
                pixels.extend_from_slice(self.task.search.image(self.kept[at]));
            }
        }
        let classifier = self.task.classifier;
        let [channels, height, width] = classifier.shape();
        let shape = [count, channels, height, width];
        Array::from_vec(pixels, &shape, classifier.device()).into_tensor()
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
        self.stopped || self.trace.len() >= self.task.config.steps
    }

    fn steps(&self) -> usize {
        self.trace.len()
    }

    fn updates(&self) -> usize {
        self.trace.len() * self.task.config.batches_per_step
    }

    fn standing(&self, steps: usize) -> f64 {
        let early = self.task.early.as_ref();
        early.map_or(f64::INFINITY, |early| {
            early.standing(self.task.config, &self.trace, steps)
        })
    }

    fn snapshot(&self) -> Result<String, Error> {
        Ok(serde_json::to_string(&self.at_rest())?)
    }

    fn finding(&self) -> Result<Finding, Error> {
        let started = Instant::now();
        let mut finding = self.unfinished(State::Unreached);
        let task = &self.task;
        if let Some(trigger) = &finding.trigger {
            let kept = &self.kept;
            let hits = hits(task.classifier, task.search, kept, trigger, self.class)?;
            let flipped = hits.iter().filter(|&&hit| hit).count();
            finding.success_rate = Some(flipped as f64 / hits.len().max(1) as f64);
            let tried = evaluate_trigger(task.classifier, task.holdout, trigger, self.class)?;
            finding.confirmation = Some(tried);
        }
        if self.best.is_some() {
            finding.state = State::Reached;
        }
        finding.seconds += started.elapsed().as_secs_f64();
        Ok(finding)
    }

    fn unfinished(&self, state: State) -> Finding {
        let patch = match &self.best {
            Some(best) => best.clone(),
            None => self.variables.trigger(),
        };
        Finding {
            state,
            statistic: patch.norm(),
            trigger: Some(Trigger::Patch(patch)),
            updates: self.updates(),
            seconds: self.seconds,
            ..Finding::skipped(Unit::Class(self.class))
        }
    }
}

/// Images that a class is searched with.
fn images_for(task: &Task<'_>, class: usize) -> Result<Vec<usize>, Error> {
    let labels = task.search.labels().ok_or(Error::NoLabels)?;
    let kept: Vec<usize> = (0..task.search.len())
        .filter(|&i| !task.config.exclude_target || labels[i] != class)
        .collect();
    if kept.is_empty() {
        return Err(Error::NoImages(class));
    }
    Ok(kept)
}

fn belongs(task: &Task<'_>, class: usize, images: usize) -> Belongs {
    Belongs {
        class,
        seed: task.seed,
        shape: task.classifier.shape(),
        images,
        settings: task.config.fingerprint(),
    }
}
