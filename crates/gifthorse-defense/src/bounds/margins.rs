//! Images on which the model is as sure of a class as it can be: where a backdoor leads, they go by
//! it (H. Wang et al. 2024, maximum margin).

use gifthorse_engine::{Array, Classifier, Tensor};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::adam::{Adam, Moments};
use crate::error::Error;

/// Images in all, at most, and at least one of each class.
const IMAGES: usize = 200;
/// Most of a class.
const OF_CLASS: usize = 8;
/// Most classes: with more, those are taken that come at equal distances.
const CLASSES: usize = 200;
/// Updates of the pixels.
const UPDATES: usize = 60;
/// Size of an update.
const RATE: f32 = 0.05;
/// What is kept of the moments at an update.
const BETAS: (f32, f32) = (0.9, 0.999);

/// Images that maximise margins, `[images, channels, height, width]` in [0, 1], and the class of
/// each.
pub(super) struct Sure {
    pub pixels: Vec<f32>,
    pub targets: Vec<usize>,
}

/// Images on their way there, class by class.
pub(super) struct Driving<'a> {
    classifier: &'a Classifier,
    /// Of each class so many.
    each: usize,
    /// The classes.
    targets: Vec<usize>,
    rng: ChaCha8Rng,
    /// What all the classes before have come to,
    done: Vec<f32>,
    /// how many these are,
    classes: usize,
    /// and the images of the class that has its turn.
    driven: Option<Driven>,
}

struct Driven {
    pixels: Tensor<4>,
    adam: Adam<4>,
    updates: usize,
}

/// Where images are on their way, beside their pixels.
#[derive(Serialize, Deserialize)]
pub(super) struct At {
    /// Classes that are done.
    classes: usize,
    /// Updates of the next, and what its optimiser knows.
    updates: usize,
    moments: Option<Moments>,
}

impl<'a> Driving<'a> {
    /// Begins with images of noise.
    pub(super) fn begin(classifier: &'a Classifier, seed: u64) -> Self {
        let classes = classifier.classes();
        let chosen = classes.min(CLASSES);
        Self {
            classifier,
            each: (IMAGES / chosen.max(1)).clamp(1, OF_CLASS),
            targets: (0..chosen).map(|place| place * classes / chosen).collect(),
            rng: ChaCha8Rng::seed_from_u64(seed),
            done: Vec::new(),
            classes: 0,
            driven: None,
        }
    }

    /// Updates that are made in all.
    pub(super) fn most_updates(&self) -> usize {
        self.targets.len() * UPDATES
    }

    /// Updates that were made.
    pub(super) fn updates(&self) -> usize {
        self.classes * UPDATES + self.driven.as_ref().map_or(0, |driven| driven.updates)
    }

    /// Drives the images of a class towards it by a step; none is left to drive if that is false.
    ///
    /// # Errors
    /// A model that cannot be run or passes no gradient back.
    pub(super) fn step(&mut self) -> Result<bool, Error> {
        let Some(&target) = self.targets.get(self.classes) else {
            return Ok(false);
        };
        let mut driven = match self.driven.take() {
            Some(driven) => driven,
            None => self.noise(),
        };
        driven.step(self.classifier, target)?;
        if driven.updates < UPDATES {
            self.driven = Some(driven);
        } else {
            self.done.extend(driven.into_pixels());
            self.classes += 1;
        }
        Ok(true)
    }

    fn noise(&mut self) -> Driven {
        let count = self.each * self.classifier.shape().iter().product::<usize>();
        let noise = (0..count).map(|_| self.rng.random::<f32>()).collect();
        self.driven(noise, Adam::new(RATE, BETAS), 0)
    }

    fn driven(&self, pixels: Vec<f32>, adam: Adam<4>, updates: usize) -> Driven {
        let pixels = Array::from_vec(pixels, &self.shape(), self.classifier.device());
        Driven {
            pixels: pixels.into_tensor(),
            adam,
            updates,
        }
    }

    fn shape(&self) -> [usize; 4] {
        let [channels, height, width] = self.classifier.shape();
        [self.each, channels, height, width]
    }

    /// The images of the classes that are done.
    pub(super) fn sure(&self) -> Sure {
        let targets = self.targets.iter().take(self.classes);
        let targets = targets.flat_map(|&target| std::iter::repeat_n(target, self.each));
        Sure {
            targets: targets.collect(),
            pixels: self.done.clone(),
        }
    }

    /// Where they are, and their pixels.
    pub(super) fn at(&self) -> (At, Vec<f32>) {
        let driven = self.driven.as_ref();
        let at = At {
            classes: self.classes,
            updates: driven.map_or(0, |driven| driven.updates),
            moments: driven.map(|driven| driven.adam.moments()),
        };
        let at_work = driven.map(|it| Array::from_tensor(it.pixels.clone()).into_vec());
        let mut pixels = self.done.clone();
        pixels.extend(at_work.into_iter().flatten());
        (at, pixels)
    }

    /// Goes on from there.
    ///
    /// # Errors
    /// In words, if that is nowhere on this way.
    pub(super) fn restore(&mut self, at: At, pixels: Vec<f32>) -> Result<(), String> {
        let of_class: usize = self.shape().iter().product();
        let is_at_work = at.moments.is_some();
        let fits = at.classes <= self.targets.len()
            && at.updates < UPDATES
            && pixels.len() == of_class * (at.classes + usize::from(is_at_work))
            && at.moments.as_ref().is_none_or(|it| it.fits(of_class));
        if !fits {
            return Err("its images are not those of this model".to_owned());
        }
        let mut done = pixels;
        // Drawn again, so that the next class begins with the noise that it has without a stop.
        for _ in 0..done.len() {
            let _: f32 = self.rng.random();
        }
        if let Some(moments) = at.moments {
            let at_work = done.split_off(of_class * at.classes);
            let device = self.classifier.device();
            let adam = Adam::resume(RATE, BETAS, moments, self.shape(), device);
            self.driven = Some(self.driven(at_work, adam, at.updates));
        }
        (self.done, self.classes) = (done, at.classes);
        Ok(())
    }
}

impl Driven {
    fn step(&mut self, classifier: &Classifier, target: usize) -> Result<(), Error> {
        let leaf = self.pixels.clone().autodiff().require_grad();
        let logits = classifier.logits(leaf.clone())?;
        let count = self.pixels.dims()[0];
        let margin = margins(classifier, logits, &vec![target; count]);
        let gradients = margin.neg().backward();
        let gradient = leaf.grad(&gradients).ok_or(Error::NoGradient)?;
        let moved = self.adam.step(self.pixels.clone(), gradient);
        self.pixels = moved.clamp(0.0, 1.0);
        self.updates += 1;
        Ok(())
    }

    fn into_pixels(self) -> Vec<f32> {
        Array::from_tensor(self.pixels).into_vec()
    }
}

/// The sum of the margins of logits `[images, classes]` for the class of each; differentiable.
pub(super) fn margins(classifier: &Classifier, logits: Tensor<2>, targets: &[usize]) -> Tensor<1> {
    let classes = classifier.classes();
    let values = Array::from_tensor(logits.clone().without_autodiff()).into_vec();
    let mut weights = vec![0.0; values.len()];
    let rows = values
        .chunks_exact(classes)
        .zip(weights.chunks_exact_mut(classes));
    for ((row, weights), &target) in rows.zip(targets) {
        let others = (0..classes).filter(|&class| class != target);
        let best = others.max_by(|&a, &b| row[a].total_cmp(&row[b]));
        weights[target] = 1.0;
        if let Some(best) = best {
            weights[best] = -1.0;
        }
    }
    let shape = [targets.len(), classes];
    let weights: Tensor<2> = Array::from_vec(weights, &shape, classifier.device()).into_tensor();
    logits.mul(weights.autodiff()).sum()
}
