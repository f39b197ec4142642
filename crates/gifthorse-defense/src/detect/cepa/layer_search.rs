//! The search at one layer: perturbations and their consensus, in turns.

use gifthorse_engine::Layer;

use super::common_move::CommonMove;
use super::config::{Config, Preset};
use super::consensus::{Consensus, length, mean, variance};
use super::pass::{Aim, Outcome, features};
use crate::error::Error;
use crate::subject::Subject;

/// Decay rates of Adam's moments, and what keeps it from dividing by zero.
const BETAS: (f32, f32) = (0.9, 0.999);
const EPSILON: f32 = 1e-8;
/// Perturbations that shrink by less than this part have not become smaller.
const SMALLER: f64 = 1e-3;

/// A search at one layer under way.
pub struct LayerSearch<'a> {
    subject: Subject<'a>,
    config: &'a Config,
    target: usize,
    layer: Layer,
    /// The clean images, `[images, channels, height, width]`.
    clean: Vec<f32>,
    /// What the layer gives for them.
    at_rest: Vec<f32>,
    /// The perturbed images.
    pixels: Vec<f32>,
    moments: Vec<(f32, f32)>,
    mean_move: Vec<f32>,
    /// Squared distances are divided by this.
    unit: f64,
    weight: f32,
    /// Steps in a row with enough images at the target, negative for those without.
    streak: isize,
    /// The least mean length of the perturbations while enough images were at the target, and for
    /// how many such steps it has not become less.
    least: f64,
    since_smaller: usize,
    steps: usize,
    best: Option<Consensus>,
    last: Consensus,
}

impl<'a> LayerSearch<'a> {
    /// The search at its beginning: nothing is perturbed. `images` are places among the images to
    /// search with.
    ///
    /// # Errors
    /// No images, or a model that cannot be run.
    pub fn new(
        subject: Subject<'a>,
        config: &'a Config,
        (target, layer): (usize, Layer),
        images: &[usize],
    ) -> Result<Self, Error> {
        let clean = subject.images()?.search.subset(images).pixels().to_vec();
        let size: usize = subject.classifier.shape().iter().product();
        let mut at_rest = Vec::new();
        for part in clean.chunks(config.batch * size) {
            at_rest.extend(features(subject.classifier, &layer, part)?);
        }
        let numbers = at_rest.len() / images.len().max(1);
        let unit = match config.preset {
            Preset::Paper => 1.0,
            Preset::Standard | Preset::Pairs => {
                variance(&at_rest, &mean(&at_rest, numbers)).max(f64::MIN_POSITIVE)
            }
        };
        Ok(Self {
            subject,
            config,
            target,
            last: Consensus::none(layer.name(), size),
            layer,
            pixels: clean.clone(),
            moments: vec![(0.0, 0.0); clean.len()],
            mean_move: vec![0.0; numbers],
            clean,
            at_rest,
            unit,
            weight: config.initial_weight,
            streak: 0,
            least: f64::INFINITY,
            since_smaller: 0,
            steps: 0,
            best: None,
        })
    }

    /// Whether it is over: at its limit, or its perturbations have not become smaller for long
    /// while enough images were at the target (§4.1).
    pub fn has_ended(&self) -> bool {
        self.steps >= self.config.steps || self.since_smaller >= self.config.stop_patience
    }

    /// Steps made.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// What it came to.
    pub fn outcome(self) -> Consensus {
        Consensus {
            steps: self.steps,
            ..self.best.unwrap_or(self.last)
        }
    }

    /// The present state, whether or not it is the best.
    pub fn last(&self) -> &Consensus {
        &self.last
    }

    /// The present consensus as a move of the layer's values.
    pub fn common_move(&self) -> CommonMove {
        CommonMove::new(self.layer.clone(), self.mean_move.clone(), &self.at_rest)
    }

    /// One step of all perturbations for the present consensus, then the consensus of the moves.
    ///
    /// # Errors
    /// A model that cannot be run, or passes no gradient back.
    pub fn step(&mut self) -> Result<(), Error> {
        let outcome = self.pass()?;
        let numbers = self.mean_move.len();
        let moves: Vec<f32> = (outcome.features.iter().zip(&self.at_rest))
            .map(|(after, before)| after - before)
            .collect();
        let mean = mean(&moves, numbers);
        let length = length(&mean);
        let deviation = variance(&moves, &mean).sqrt();
        let hits = outcome.hits.iter().filter(|hit| **hit).count();
        let enough = hits as f64 >= self.config.rate * outcome.hits.len() as f64;
        let (perturbation, delta) = self.perturbations();
        self.last = Consensus {
            layer: self.layer.name().to_owned(),
            reached: enough,
            spread: Consensus::ratio(deviation, length),
            length,
            perturbation,
            delta,
            steps: self.steps,
        };
        self.note(enough);
        self.mean_move = mean.into_iter().map(|it| it as f32).collect();
        self.descend(&outcome.gradient);
        self.steps += 1;
        Ok(())
    }

    fn pass(&self) -> Result<Outcome, Error> {
        let size: usize = self.subject.classifier.shape().iter().product();
        let numbers = self.mean_move.len();
        let aim = Aim {
            classifier: self.subject.classifier,
            target: self.target,
            layer: &self.layer,
            weight: (f64::from(self.weight) / self.unit) as f32,
        };
        let mut all = Outcome::default();
        let at_rest = self.at_rest.chunks(self.config.batch * numbers);
        for (part, at_rest) in self.pixels.chunks(self.config.batch * size).zip(at_rest) {
            let consensus = self.mean_move.iter().cycle();
            let goals = at_rest.iter().zip(consensus).map(|(rest, by)| rest + by);
            let outcome = aim.pass(part, goals.collect())?;
            all.hits.extend(outcome.hits);
            all.features.extend(outcome.features);
            all.gradient.extend(outcome.gradient);
        }
        Ok(all)
    }

    /// Keeps the state if the moves were never closer to their consensus, and adapts the weight to
    /// how many images are at the target.
    fn note(&mut self, enough: bool) {
        if enough {
            let closest = self
                .best
                .as_ref()
                .is_none_or(|it| self.last.spread < it.spread);
            if closest {
                self.best = Some(self.last.clone());
            }
            if self.last.perturbation < (1.0 - SMALLER) * self.least {
                self.least = self.last.perturbation;
                self.since_smaller = 0;
            } else {
                self.since_smaller += 1;
            }
        }
        self.streak = match (enough, self.streak) {
            (true, before) => before.max(0) + 1,
            (false, before) => before.min(0) - 1,
        };
        if self.streak.unsigned_abs() >= self.config.patience {
            self.weight *= match enough {
                true => self.config.factor,
                false => 1.0 / self.config.factor,
            };
            self.streak = 0;
        }
    }

    /// A step of Adam against the gradient; images stay in [0, 1].
    fn descend(&mut self, gradient: &[f32]) {
        let (b1, b2) = BETAS;
        let made = i32::try_from(self.steps + 1).unwrap_or(i32::MAX);
        let (fix1, fix2) = (1.0 - b1.powi(made), 1.0 - b2.powi(made));
        let both = self.pixels.iter_mut().zip(&mut self.moments);
        for ((pixel, (first, second)), &gradient) in both.zip(gradient) {
            *first = b1 * *first + (1.0 - b1) * gradient;
            *second = b2 * *second + (1.0 - b2) * gradient * gradient;
            let step = (*first / fix1) / ((*second / fix2).sqrt() + EPSILON);
            *pixel = (*pixel - self.config.learning_rate * step).clamp(0.0, 1.0);
        }
    }

    /// The mean length of the perturbations, and their mean.
    fn perturbations(&self) -> (f64, Vec<f32>) {
        let size: usize = self.subject.classifier.shape().iter().product();
        let pairs = self.pixels.iter().zip(&self.clean);
        let changes: Vec<f32> = pairs.map(|(after, before)| after - before).collect();
        let lengths = changes.chunks_exact(size).map(|change| {
            let squares = change.iter().map(|&it| f64::from(it).powi(2));
            squares.sum::<f64>().sqrt()
        });
        let count = (changes.len() / size.max(1)).max(1) as f64;
        let mean_length = lengths.sum::<f64>() / count;
        let delta = mean(&changes, size);
        (mean_length, delta.into_iter().map(|it| it as f32).collect())
    }
}
