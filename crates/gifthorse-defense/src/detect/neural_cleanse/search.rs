//! The search for the smallest trigger of each class.

use std::time::Instant;

use gifthorse_data::Images;
use gifthorse_engine::{Array, Classifier, Device, Tensor};
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::adam::Adam;
use super::config::{Config, Loss};
use super::cost::Schedule;
use crate::detect::observer::Observer;
use crate::detect::trigger::{Trigger, stamp};
use crate::error::Error;
use crate::stats::{Confirmation, SourceRate};

/// Keeps the inverse hyperbolic tangent finite at the ends of the range, as released.
const EPSILON: f32 = 1e-7;
/// `-ln 1e-7`, the slope of the released program's loss.
const LINEAR_SLOPE: f32 = 16.118_096;

/// What became of the search for a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// A trigger met the success threshold.
    Reached,
    /// None did.
    Unreached,
    /// The search was stopped or never started.
    Skipped,
}

/// The trigger found for a class.
#[derive(Clone, Debug)]
pub struct ClassFinding {
    /// Target class.
    pub class: usize,
    /// Whether a trigger succeeded.
    pub state: State,
    /// L1 norm of the 8-bit mask, in pixels.
    pub norm: f64,
    /// The smallest trigger that succeeded, or the last one tried.
    pub trigger: Trigger,
    /// Share of the search images that the 8-bit trigger sends to the class; those that are
    /// of the class are left out where the settings say so. 0 for a class that was skipped.
    pub success_rate: f64,
    /// The 8-bit trigger on held-out images of the other classes.
    pub holdout: Option<Confirmation>,
    /// Updates made.
    pub updates: usize,
    /// Time taken, in seconds.
    pub seconds: f64,
}

impl ClassFinding {
    /// The finding for a class whose search never started: an empty trigger.
    fn skipped(class: usize, [channels, height, width]: [usize; 3]) -> Self {
        Self {
            class,
            state: State::Skipped,
            norm: 0.0,
            trigger: Trigger {
                mask: vec![0.0; height * width],
                pattern: vec![0.0; channels * height * width],
            },
            success_rate: 0.0,
            holdout: None,
            updates: 0,
            seconds: 0.0,
        }
    }
}

/// Searches all classes (or those that the settings name), in parallel, and tries each
/// trigger on the held-out images.
///
/// Both sets need labels: true ones, or the model's own predictions. The result is in class
/// order and the same for any number of threads.
///
/// # Errors
/// Images of another shape than the model's, or without labels; no image to search with.
pub fn search(
    classifier: &Classifier,
    search: &Images,
    holdout: &Images,
    config: &Config,
    seed: u64,
    observer: &dyn Observer,
) -> Result<Vec<ClassFinding>, Error> {
    let labels = search.labels().ok_or(Error::NoLabels)?;
    let classes = match &config.classes {
        Some(classes) => classes.clone(),
        None => (0..classifier.classes()).collect(),
    };
    classes
        .into_par_iter()
        .with_max_len(1)
        .map(|class| {
            let kept: Vec<usize> = (0..search.len())
                .filter(|&i| !config.exclude_target || labels[i] != class)
                .collect();
            if kept.is_empty() {
                return Err(Error::NoImages(class));
            }
            if observer.stop() {
                return Ok(ClassFinding::skipped(class, classifier.shape()));
            }
            observer.started(class);
            let started = Instant::now();
            let run = ClassSearch::new(classifier, search, kept, class, config, seed);
            let mut finding = run.run(observer)?;
            if finding.state != State::Skipped {
                let tried = evaluate_trigger(classifier, holdout, &finding.trigger, class)?;
                finding.holdout = Some(tried);
            }
            finding.seconds = started.elapsed().as_secs_f64();
            observer.finished(&finding);
            Ok(finding)
        })
        .collect()
}

/// Tries a trigger on the labelled images that are not of the target class.
///
/// # Errors
/// Images of another shape than the model's, or without labels.
pub fn evaluate_trigger(
    classifier: &Classifier,
    images: &Images,
    trigger: &Trigger,
    class: usize,
) -> Result<Confirmation, Error> {
    let labels = images.labels().ok_or(Error::NoLabels)?;
    let others: Vec<usize> = (0..images.len()).filter(|&i| labels[i] != class).collect();
    let hits = hits(classifier, images, &others, trigger, class)?;
    let mut by_source = std::collections::BTreeMap::<usize, (u64, u64)>::new();
    for (&i, &hit) in others.iter().zip(&hits) {
        let (successes, trials) = by_source.entry(labels[i]).or_default();
        *successes += u64::from(hit);
        *trials += 1;
    }
    let rate = |&(successes, trials): &(u64, u64)| successes as f64 / trials as f64;
    let worst_source = by_source
        .iter()
        .min_by(|a, b| rate(a.1).total_cmp(&rate(b.1)))
        .map(|(&source, &(successes, trials))| SourceRate {
            source,
            successes,
            trials,
        });
    Ok(Confirmation {
        successes: hits.iter().filter(|&&hit| hit).count() as u64,
        trials: hits.len() as u64,
        worst_source,
    })
}

/// Which of the images the stamped trigger sends to the class.
fn hits(
    classifier: &Classifier,
    images: &Images,
    indices: &[usize],
    trigger: &Trigger,
    class: usize,
) -> Result<Vec<bool>, Error> {
    let pixels: Vec<f32> = indices
        .iter()
        .flat_map(|&i| images.image(i))
        .copied()
        .collect();
    let stamped = stamp(&pixels, classifier.shape(), &trigger.mask, &trigger.pattern);
    let predicted = classifier.predict(&stamped)?;
    Ok(predicted.into_iter().map(|p| p == class).collect())
}

/// One class's search: images in an endless shuffled order, mask and pattern in tanh space.
struct ClassSearch<'a> {
    classifier: &'a Classifier,
    images: &'a Images,
    kept: Vec<usize>,
    class: usize,
    config: &'a Config,
    random: ChaCha8Rng,
    /// Positions in `kept` still to come in this round.
    queue: Vec<usize>,
    device: Device,
}

/// Mask `[height, width]` and pattern `[channels, height, width]`, before the tanh.
struct Variables {
    mask: Tensor<2>,
    pattern: Tensor<3>,
}

impl<'a> ClassSearch<'a> {
    fn new(
        classifier: &'a Classifier,
        images: &'a Images,
        kept: Vec<usize>,
        class: usize,
        config: &'a Config,
        seed: u64,
    ) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        random.set_stream(class as u64);
        let device = classifier.device().clone();
        Self {
            classifier,
            images,
            kept,
            class,
            config,
            random,
            queue: Vec::new(),
            device,
        }
    }

    fn run(mut self, observer: &dyn Observer) -> Result<ClassFinding, Error> {
        let config = self.config;
        let mut variables = self.start();
        let mut mask_adam = Adam::new(config.learning_rate, config.betas);
        let mut pattern_adam = Adam::new(config.learning_rate, config.betas);
        let mut schedule = Schedule::new(config);
        let mut best: Option<Trigger> = None;
        let mut updates = 0;
        let mut stopped = false;
        for _ in 0..config.steps {
            let (mut successes, mut norms) = (0, 0.0);
            for _ in 0..config.batches_per_step {
                let batch = self.next_batch();
                let outcome = self.update(&batch, &variables, schedule.cost())?;
                successes += outcome.successes;
                norms += outcome.norm;
                variables.mask = mask_adam.step(variables.mask, outcome.mask_gradient);
                variables.pattern = pattern_adam.step(variables.pattern, outcome.pattern_gradient);
                updates += 1;
            }
            let tried = (config.batches_per_step * config.batch) as f64;
            let norm = norms / config.batches_per_step as f64;
            let advice = schedule.step(successes as f64 / tried, norm);
            if advice.keep {
                best = Some(variables.trigger());
            }
            observer.progressed(self.class, updates, config.most_updates());
            if advice.stop {
                break;
            }
            if observer.stop() {
                stopped = true;
                break;
            }
        }
        let state = match (&best, stopped) {
            (_, true) => State::Skipped,
            (Some(_), false) => State::Reached,
            (None, false) => State::Unreached,
        };
        let trigger = best.unwrap_or_else(|| variables.trigger());
        // Who wants to stop does not want to wait for a rate that counts for nothing.
        let tried: &[usize] = if stopped { &[] } else { &self.kept };
        let hits = hits(self.classifier, self.images, tried, &trigger, self.class)?;
        Ok(ClassFinding {
            class: self.class,
            state,
            norm: trigger.norm(),
            trigger,
            success_rate: hits.iter().filter(|&&hit| hit).count() as f64 / hits.len().max(1) as f64,
            holdout: None,
            updates,
            seconds: 0.0,
        })
    }

    /// Mask and pattern uniform in [0, 1], brought to tanh space.
    fn start(&mut self) -> Variables {
        let [channels, height, width] = self.classifier.shape();
        let random = &mut self.random;
        let mut uniform = |count: usize| -> Vec<f32> {
            let to_tanh = |v: f32| ((v - 0.5) * (2.0 - EPSILON)).atanh();
            (0..count)
                .map(|_| to_tanh(random.random::<f32>()))
                .collect()
        };
        let mask = uniform(height * width);
        let pattern = uniform(channels * height * width);
        Variables {
            mask: Array::from_vec(mask, &[height, width], &self.device).into_tensor(),
            pattern: Array::from_vec(pattern, &[channels, height, width], &self.device)
                .into_tensor(),
        }
    }

    /// The next images of an endless, reshuffled walk through the search set.
    fn next_batch(&mut self) -> Tensor<4> {
        let mut pixels = Vec::new();
        for _ in 0..self.config.batch {
            if self.queue.is_empty() {
                self.queue = (0..self.kept.len()).collect();
                self.queue.shuffle(&mut self.random);
            }
            if let Some(at) = self.queue.pop() {
                pixels.extend_from_slice(self.images.image(self.kept[at]));
            }
        }
        let [channels, height, width] = self.classifier.shape();
        let shape = [self.config.batch, channels, height, width];
        Array::from_vec(pixels, &shape, &self.device).into_tensor()
    }

    /// One forward and backward pass.
    fn update(
        &self,
        images: &Tensor<4>,
        variables: &Variables,
        cost: f32,
    ) -> Result<Outcome, Error> {
        let mask_variable = variables.mask.clone().autodiff().require_grad();
        let pattern_variable = variables.pattern.clone().autodiff().require_grad();
        let mask = to_unit(mask_variable.clone());
        let pattern = to_unit(pattern_variable.clone());
        let mask_4d = mask.clone().unsqueeze::<4>();
        let kept = mask_4d.clone().neg().add_scalar(1.0);
        let blended = images
            .clone()
            .autodiff()
            .mul(kept)
            .add(pattern.unsqueeze::<4>().mul(mask_4d));
        let logits = self.classifier.logits(blended)?;
        if !logits.is_tracked() {
            return Err(Error::NoGradient);
        }
        let successes = count_hits(&logits, self.class);
        let norm = mask.sum();
        let size = Array::from_tensor(norm.clone().inner()).into_vec();
        let loss = self.loss(logits).add(norm.mul_scalar(cost));
        let mut gradients = loss.backward();
        let missing = || Error::NoGradient;
        Ok(Outcome {
            successes,
            norm: f64::from(size.first().copied().unwrap_or(f32::NAN)),
            mask_gradient: mask_variable
                .grad_remove(&mut gradients)
                .ok_or_else(missing)?,
            pattern_gradient: pattern_variable
                .grad_remove(&mut gradients)
                .ok_or_else(missing)?,
        })
    }

    /// Mean loss of `[batch, classes]` logits for the target class.
    fn loss(&self, logits: Tensor<2>) -> Tensor<1> {
        let log_p = log_softmax(logits).narrow(1, self.class, 1);
        match self.config.loss {
            Loss::CrossEntropy => log_p.mean().neg(),
            Loss::LinearProbability => log_p
                .exp()
                .mean()
                .neg()
                .add_scalar(1.0)
                .mul_scalar(LINEAR_SLOPE),
        }
    }
}

struct Outcome {
    successes: usize,
    norm: f64,
    mask_gradient: Tensor<2>,
    pattern_gradient: Tensor<3>,
}

impl Variables {
    /// The trigger as it would be stored.
    fn trigger(&self) -> Trigger {
        let mask = Array::from_tensor(to_unit(self.mask.clone())).into_vec();
        let pattern = Array::from_tensor(to_unit(self.pattern.clone())).into_vec();
        Trigger::quantised(&mask, &pattern)
    }
}

/// `tanh(v) / (2 - eps) + 1/2`, between 0 and 1.
fn to_unit<const D: usize>(variable: Tensor<D>) -> Tensor<D> {
    variable.tanh().div_scalar(2.0 - EPSILON).add_scalar(0.5)
}

fn log_softmax(logits: Tensor<2>) -> Tensor<2> {
    Array::from_tensor(logits).log_softmax(1).into_tensor()
}

/// How many rows of `[batch, classes]` have their largest entry at `class`.
fn count_hits(logits: &Tensor<2>, class: usize) -> usize {
    let classes = logits.dims()[1];
    let values = Array::from_tensor(logits.clone().inner()).into_vec();
    let hit = |row: &&[f32]| {
        row.iter().enumerate().all(|(i, &v)| {
            if i < class {
                v < row[class]
            } else {
                v <= row[class]
            }
        })
    };
    values.chunks_exact(classes).filter(hit).count()
}
