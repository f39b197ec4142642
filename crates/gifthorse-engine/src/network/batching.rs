//! How batches are put through a model, whatever batch its file was made for.

use std::sync::PoisonError;

use super::Network;
use crate::error::Error;
use crate::execute::array::Array;
use crate::execute::segments::keeps_samples_apart;
use crate::lower::lower;
use crate::program::Program;
use crate::program::cost::Cost;
use crate::program::section::Section;

/// Most operations that are spent on finding out whether images can go through together: some ten
/// seconds.
const MOST_TO_FIND_OUT: f64 = 1e12;

/// How a batch of images is put through the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Batching {
    /// All at once.
    Whole,
    /// In parts of this many images, because the network would mix images otherwise: the batch
    /// that the file was made for, or a single image.
    Parts(usize),
}

/// A part of a batch, in a model that takes so many at a time.
#[derive(Clone, Copy, Debug)]
pub struct BatchPart {
    start: usize,
    /// Samples of the batch that are in it.
    pub count: usize,
    size: usize,
}

impl BatchPart {
    /// The parts of a batch.
    pub fn of(batch: usize, size: usize) -> impl Iterator<Item = Self> {
        (0..batch).step_by(size).map(move |start| Self {
            start,
            count: size.min(batch - start),
            size,
        })
    }

    /// The part of a value of the batch, filled up with the last sample.
    pub fn cut(&self, all: Array) -> Array {
        let samples = all.slice(0, self.start, self.count, 1);
        if self.count == self.size {
            return samples;
        }
        let last = samples.clone().slice(0, self.count - 1, 1, 1);
        let fill = std::iter::repeat_n(last, self.size - self.count);
        Array::concat(std::iter::once(samples).chain(fill).collect(), 0)
    }

    /// What was computed of the part, without what it was filled up with.
    pub fn without_fill(&self, made: Array) -> Array {
        match self.count == self.size {
            true => made,
            false => made.slice(0, 0, self.count, 1),
        }
    }
}

impl Network {
    /// How batches are put through, where the file may fix a batch.
    ///
    /// What a decision is made by must come from one image alone. That is proven, not tried: on the
    /// images that it would be tried with, a decision may well be the same for all.
    pub(super) fn settle_batching(
        &self,
        batch: Option<usize>,
        program: &Program,
    ) -> Result<Batching, Error> {
        let delicate = program.looks_across || !self.branches.is_empty();
        if delicate && !self.keeps_images_apart(batch.unwrap_or(1).max(2)) {
            let several = batch.filter(|&batch| batch > 1);
            return match (several, self.branches.first()) {
                (Some(images), Some(branch)) => Err(Error::MixesImages {
                    node: branch.node.clone(),
                    operator: branch.operator.clone(),
                    images,
                }),
                (Some(images), None) => Ok(Batching::Parts(images)),
                (None, _) => Ok(Batching::Parts(1)),
            };
        }
        Ok(match batch {
            Some(batch) if !self.agrees_in_batches(batch) => Batching::Parts(batch),
            _ => Batching::Whole,
        })
    }

    /// Whether, as far as can be proven, each image's logits and the decisions on the way to them
    /// are made from that image alone in a batch of this size.
    fn keeps_images_apart(&self, batch: usize) -> bool {
        let target = self.target(batch);
        let mut programs = self.programs.lock().unwrap_or_else(PoisonError::into_inner);
        lower(&self.graph, &target, &mut programs.weights)
            .is_ok_and(|program| keeps_samples_apart(&program))
    }

    /// Whether the model, made for `part` images at a time, gives the same logits when
    /// more go through together. One that takes too long to find out is taken as if it did not.
    fn agrees_in_batches(&self, part: usize) -> bool {
        let parts = 3;
        let whole = Section::whole();
        let quick = self.compiled(part, &whole).is_ok_and(|compiled| {
            let passes = 2 * parts;
            passes as f64 * Cost::of(compiled.program()).forward <= MOST_TO_FIND_OUT
        });
        if !quick {
            return false;
        }
        let size: usize = self.input.iter().product();
        // Any fixed, varied image will do: a low-discrepancy sequence in [0, 1).
        let values: Vec<f32> = (0..parts * part * size)
            .map(|i| (i as f64 * 0.618_033_988_749).fract() as f32)
            .collect();
        let mut shape = vec![parts * part];
        shape.extend(&self.input);
        let all = Array::from_vec(values, &shape, &self.device);
        let logits = |images: Array| -> Result<Vec<f32>, Error> {
            Ok(self.run_together(images, &whole, &[])?.end.into_vec())
        };
        let Ok(together) = logits(all.clone()) else {
            return false;
        };
        let apart: Result<Vec<Vec<f32>>, Error> = (0..parts)
            .map(|i| logits(all.clone().slice(0, i * part, part, 1)))
            .collect();
        let Ok(apart) = apart else { return false };
        let apart = apart.concat();
        let scale = apart.iter().fold(1e-6f32, |m, v| m.max(v.abs()));
        let apart_enough = |(a, b): (&f32, &f32)| (a - b).abs() <= 1e-3 * scale;
        together.iter().zip(&apart).all(apart_enough)
    }
}
