//! A move that many images make inside the model on their way to a class, at test time: how far an
//! image lies along it, and what makes one follow it.

use gifthorse_engine::{Array, Classifier, Layer, Taps, Tensor};

use super::class_search::images;
use super::config::Config;
use super::consensus::Consensus;
use super::layer_search::LayerSearch;
use super::pass::features;
use crate::adam::Adam;
use crate::error::Error;
use crate::subject::Subject;

/// Images that go through the model together.
const BATCH: usize = 32;
/// Decay of Adam's two moments.
const BETAS: (f32, f32) = (0.9, 0.999);

/// The consensus of a search: mu of equation 2, and where clean images lie along it.
#[derive(Clone, Debug)]
pub struct CommonMove {
    layer: Layer,
    /// How the values of the layer move, for one image.
    values: Vec<f32>,
    /// The mean place of clean images along it.
    centre: f64,
}

/// How an image is made to follow a move.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Following {
    /// Weight of the squared length of the perturbation (the paper's v; 0 there).
    pub weight: f32,
    /// Steps of Adam,
    pub steps: usize,
    /// and their size, in pixel values.
    pub learning_rate: f32,
}

impl Default for Following {
    fn default() -> Self {
        Self {
            weight: 0.0,
            steps: 100,
            learning_rate: 0.01,
        }
    }
}

impl CommonMove {
    /// Of the values of a layer; `clean` is what it gives for clean images, `[images, ...]`.
    pub(super) fn new(layer: Layer, values: Vec<f32>, clean: &[f32]) -> Self {
        let mut new = Self {
            layer,
            values,
            centre: 0.0,
        };
        let places = new.places(clean);
        new.centre = places.iter().sum::<f64>() / places.len().max(1) as f64;
        new
    }

    /// A move of these values from where images lie at rest, `[images, ...]`. `None` if it is not
    /// [sound](Self::is_sound).
    pub(crate) fn from(layer: Layer, values: Vec<f32>, at_rest: &[f32]) -> Option<Self> {
        let new = Self::new(layer, values, at_rest);
        new.is_sound().then_some(new)
    }

    /// A move that was found before. `None` if it is not [sound](Self::is_sound).
    pub(crate) fn known(layer: Layer, values: Vec<f32>, centre: f64) -> Option<Self> {
        let new = Self {
            layer,
            values,
            centre,
        };
        new.is_sound().then_some(new)
    }

    /// Whether there is a number for each of the layer's, and it leads somewhere.
    pub(crate) fn is_sound(&self) -> bool {
        let numbers: usize = self.layer.shape().iter().product();
        let leads = self.length_squared().is_normal() && self.centre.is_finite();
        self.values.len() == numbers && leads
    }

    /// The consensus at a layer of moves that lead images of all other classes to `target`: the
    /// search of equation 1 to its end.
    ///
    /// # Errors
    /// Images without labels, or none of another class; a model that cannot be run, or passes no
    /// gradient back.
    pub fn search(
        subject: Subject<'_>,
        config: &Config,
        target: usize,
        layer: Layer,
    ) -> Result<Self, Error> {
        Ok(Self::searched(subject, config, target, layer)?.0)
    }

    /// The same, with how well the moves agree.
    ///
    /// # Errors
    /// As [`search`](Self::search).
    pub(crate) fn searched(
        subject: Subject<'_>,
        config: &Config,
        target: usize,
        layer: Layer,
    ) -> Result<(Self, Consensus), Error> {
        let images = images(&subject, config, target)?;
        let mut search = LayerSearch::new(subject, config, (target, layer), &images)?;
        while !search.has_ended() {
            search.step()?;
        }
        Ok((search.common_move(), search.outcome()))
    }

    /// The layer whose values move.
    pub fn layer(&self) -> &Layer {
        &self.layer
    }

    /// How the layer's values move, for one image.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// The mean place of clean images along it, in units of its length.
    pub(crate) fn centre(&self) -> f64 {
        self.centre
    }

    /// How far one image's values lie along the move, as [`shifts`](Self::shifts) has it.
    pub(crate) fn shift(&self, row: &[f32]) -> f64 {
        self.along(row) / self.length_squared() - self.centre
    }

    /// How far each image's values lie along the move from where clean images lie on average: 0
    /// there, and 1 for what has moved by all of it. An image with the trigger lies far along it.
    ///
    /// `pixels` is `[images, channels, height, width]` in [0, 1].
    ///
    /// # Errors
    /// A model that cannot be run, or does not have the layer.
    pub fn shifts(&self, classifier: &Classifier, pixels: &[f32]) -> Result<Vec<f64>, Error> {
        let size: usize = classifier.shape().iter().product();
        let mut shifts = Vec::new();
        for part in pixels.chunks(BATCH * size) {
            let places = self.places(&features(classifier, &self.layer, part)?);
            shifts.extend(places.into_iter().map(|place| place - self.centre));
        }
        Ok(shifts)
    }

    /// The images, each with a perturbation of its own that makes it follow the move: equation 3,
    /// `|f(x + d) - (f(x) + mu)|^2 + v |d|^2` made small.
    ///
    /// # Errors
    /// As [`Self::shifts`]; [`Error::NoGradient`].
    pub fn following(
        &self,
        classifier: &Classifier,
        pixels: &[f32],
        how: Following,
    ) -> Result<Vec<f32>, Error> {
        let size: usize = classifier.shape().iter().product();
        let parts = pixels.chunks(BATCH * size);
        let followed: Result<Vec<Vec<f32>>, Error> = parts
            .map(|part| self.follow(classifier, part, how))
            .collect();
        Ok(followed?.concat())
    }

    fn follow(
        &self,
        classifier: &Classifier,
        pixels: &[f32],
        how: Following,
    ) -> Result<Vec<f32>, Error> {
        let [channels, height, width] = classifier.shape();
        let count = pixels.len() / (channels * height * width).max(1);
        let shape = [count, channels, height, width];
        let device = classifier.device();
        let rest = features(classifier, &self.layer, pixels)?;
        let goals = rest.iter().zip(self.values.iter().cycle());
        let goals: Vec<f32> = goals.map(|(rest, by)| rest + by).collect();
        let goals: Tensor<2> =
            Array::from_vec(goals, &[count, self.values.len()], device).into_tensor();
        let clean: Tensor<4> = Array::from_vec(pixels.to_vec(), &shape, device).into_tensor();
        let mut images = clean.clone();
        let mut adam = Adam::new(how.learning_rate, BETAS);
        let taps = Taps::values(std::slice::from_ref(&self.layer));
        for _ in 0..how.steps {
            let leaf = images.clone().autodiff().require_grad();
            let made = classifier.run(leaf.clone(), &taps)?;
            let values = made.features[0].value().clone();
            let values: Tensor<2> = values.reshape(&[count, self.values.len()]).into_tensor();
            if !values.is_tracked() {
                return Err(Error::NoGradient);
            }
            let apart = values.sub(goals.clone().autodiff());
            let change = leaf.clone().sub(clean.clone().autodiff());
            let size = change.clone().mul(change).sum().mul_scalar(how.weight);
            let mut gradients = apart.clone().mul(apart).sum().add(size).backward();
            let gradient = leaf.grad_remove(&mut gradients).ok_or(Error::NoGradient)?;
            images = adam.step(images, gradient).clamp(0.0, 1.0);
        }
        Ok(Array::from_tensor(images).into_vec())
    }

    /// Where rows of the layer's values lie along the move, in units of its length.
    fn places(&self, rows: &[f32]) -> Vec<f64> {
        let whole = self.length_squared();
        let rows = rows.chunks_exact(self.values.len().max(1));
        match whole > 0.0 {
            true => rows.map(|row| self.along(row) / whole).collect(),
            false => vec![0.0; rows.len()],
        }
    }

    fn along(&self, row: &[f32]) -> f64 {
        let each = row.iter().zip(&self.values);
        each.map(|(&value, &by)| f64::from(value) * f64::from(by))
            .sum()
    }

    pub(crate) fn length_squared(&self) -> f64 {
        self.along(&self.values)
    }
}
