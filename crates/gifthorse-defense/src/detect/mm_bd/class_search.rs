//! The search of one class as a machine that is moved on step by step, and can be laid by and taken
//! up again.

use std::time::Instant;

use gifthorse_engine::Classifier;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::ascent::{Moments, climb, shown};
use super::config::Config;
use super::finding::StepOutcome;
use super::margin::{Of, Pass, margin};
use super::settle::has_settled;
use super::snapshot::{SNAPSHOT_VERSION, Snapshot};
use super::start::{Start, ailment, outcome};
use crate::error::Error;
use crate::finding::{Finding, Measure, State, Unit};
use crate::search::{Belongs, Search};
use crate::trigger::Trigger;
use crate::verdict::median;

/// The median margin over the starts.
const MEDIAN: &str = "median_margin";
/// How far the logit still depends on the image where the margins ended.
const SENSITIVITY: &str = "sensitivity";
/// The margin of the picture that is shown, as it is stored with 8 bits a value.
const PICTURE_MARGIN: &str = "picture_margin";

/// What all classes of a scan are searched with.
#[derive(Clone, Copy)]
pub struct Task<'a> {
    /// The model.
    pub classifier: &'a Classifier,
    /// Settings.
    pub config: &'a Config,
    /// Seed; each class has a random stream of its own.
    pub seed: u64,
}

/// One class's search: all its starts climb side by side, in one batch.
///
/// Moved on in any portions, with or without a [`Snapshot`] in between, it ends the same.
pub struct ClassSearch<'a> {
    task: Task<'a>,
    class: usize,
    /// `[starts, channels, height, width]`.
    pixels: Vec<f32>,
    moments: Moments,
    starts: Vec<Start>,
    /// The image with the largest margin so far; empty before the first step.
    best: Vec<f32>,
    trace: Vec<StepOutcome>,
    seconds: f64,
}

impl<'a> ClassSearch<'a> {
    /// The search for `class` at its beginning: pixels uniform in [0, 1].
    pub fn new(task: Task<'a>, class: usize) -> Self {
        let starts = task.config.starts.max(1);
        let image: usize = task.classifier.shape().iter().product();
        let mut random = ChaCha8Rng::seed_from_u64(task.seed);
        random.set_stream(class as u64);
        Self {
            task,
            class,
            pixels: (0..starts * image).map(|_| random.random()).collect(),
            moments: Moments::default(),
            starts: vec![Start::UNSEEN; starts],
            best: Vec::new(),
            trace: Vec::new(),
            seconds: 0.0,
        }
    }

    /// The search for `class` where [`Self::at_rest`] left it.
    ///
    /// # Errors
    /// A snapshot of another class, seed, image size or other settings, or a damaged one. That the
    /// model is the same in every bit is not checked.
    pub fn resume(task: Task<'a>, class: usize, snapshot: Snapshot) -> Result<Self, Error> {
        snapshot.check(&belongs(&task, class), task.config.starts.max(1))?;
        Ok(Self {
            task,
            class,
            pixels: snapshot.pixels,
            moments: snapshot.moments,
            starts: snapshot.starts,
            best: snapshot.best,
            trace: snapshot.trace,
            seconds: snapshot.seconds,
        })
    }

    /// The search as it is now, to be kept.
    pub fn at_rest(&self) -> Snapshot {
        Snapshot {
            version: SNAPSHOT_VERSION,
            belongs: belongs(&self.task, self.class),
            pixels: self.pixels.clone(),
            moments: self.moments.clone(),
            starts: self.starts.clone(),
            best: self.best.clone(),
            trace: self.trace.clone(),
            seconds: self.seconds,
        }
    }

    /// How each step so far went.
    pub fn trace(&self) -> &[StepOutcome] {
        &self.trace
    }

    /// Makes one step.
    fn step(&mut self) -> Result<(), Error> {
        let config = self.task.config;
        let images = shown(config.rule, &self.pixels);
        let pass = Pass::make(self.task.classifier, &images, self.class, Of::Margin)?;
        let size = images.len() / self.starts.len();
        let mut largest = match config.best_of_all_steps {
            true => outcome(&self.starts).largest,
            false => f64::NEG_INFINITY,
        };
        let seen = pass.margins.iter().zip(pass.gradient.chunks_exact(size));
        let both = self.starts.iter_mut().zip(images.chunks_exact(size));
        for ((start, image), (&margin, gradient)) in both.zip(seen) {
            let counts = start.see(margin, gradient, config.best_of_all_steps);
            if counts && f64::from(margin) > largest {
                largest = f64::from(margin);
                self.best = image.to_vec();
            }
        }
        climb(
            config.rule,
            &mut self.moments,
            &mut self.pixels,
            &pass.gradient,
        );
        self.trace.push(outcome(&self.starts));
        Ok(())
    }

    /// The picture with the largest margin, or the first start where no margin was a number.
    fn picture(&self) -> Trigger {
        let size = self.pixels.len() / self.starts.len();
        Trigger::picture(match self.best.as_slice() {
            [] => &self.pixels[..size],
            best => best,
        })
    }

    /// How far the class's own logit would move, by its gradient where a start ended, if every
    /// pixel moved by its whole range, 0 to 1, as a share of the margin; the median over the
    /// starts. Near zero where the logit is capped.
    fn sensitivity(&self) -> Result<f64, Error> {
        let images = shown(self.task.config.rule, &self.pixels);
        let pass = Pass::make(self.task.classifier, &images, self.class, Of::Logit)?;
        let gradients = pass.gradient.chunks_exact(images.len() / self.starts.len());
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
        let config = self.task.config;
        self.trace.len() >= config.steps || has_settled(config.stop, &self.trace)
    }

    fn steps(&self) -> usize {
        self.trace.len()
    }

    fn updates(&self) -> usize {
        self.trace.len()
    }

    fn standing(&self, steps: usize) -> f64 {
        let made = &self.trace[..steps.min(self.trace.len())];
        made.last().map_or(f64::INFINITY, |step| -step.largest)
    }

    fn snapshot(&self) -> Result<String, Error> {
        Ok(serde_json::to_string(&self.at_rest())?)
    }

    fn finding(&self) -> Result<Finding, Error> {
        let started = Instant::now();
        let trigger = self.picture();
        let sensitivity = self.sensitivity()?;
        let ailment = ailment(&self.starts, sensitivity);
        let margins = self.starts.iter().map(|start| f64::from(start.margin));
        let mut measures = vec![
            (
                MEDIAN,
                median(margins.collect()).unwrap_or(f64::NEG_INFINITY),
            ),
            (SENSITIVITY, sensitivity),
        ];
        if let Trigger::Picture { pixels } = &trigger {
            let logits = self.task.classifier.evaluate(pixels)?;
            measures.push((PICTURE_MARGIN, f64::from(margin(&logits, self.class))));
        }
        let measure = |(name, value): (&str, f64)| Measure {
            name: name.to_owned(),
            value,
            unit: if name == SENSITIVITY { "" } else { "logits" }.to_owned(),
        };
        Ok(Finding {
            state: ailment.map_or(State::Reached, |_| State::Unreached),
            reason: ailment.map(|ailment| ailment.to_string()),
            trigger: Some(trigger),
            measures: measures.into_iter().map(measure).collect(),
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

fn belongs(task: &Task<'_>, class: usize) -> Belongs {
    Belongs {
        unit: Unit::Class(class),
        seed: task.seed,
        shape: task.classifier.shape(),
        images: 0,
        settings: task.config.fingerprint(),
    }
}
