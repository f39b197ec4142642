//! The search of one class: a change for each image, and each change tried on the others.

use std::time::Instant;

use crate::detect::mm_bd::{Of, Pass};
use crate::error::Error;
use crate::finding::{Finding, Measure, State, Unit};
use crate::search::Search;
use crate::subject::Subject;

/// Images that are led to the class.
pub const IMAGES: usize = 16;
/// The same in a model of more than [`MANY_CLASSES`], where there is a search for each.
const IMAGES_OF_MANY: usize = 4;
/// With more classes than this, fewer images are led to each.
const MANY_CLASSES: usize = 100;
/// Most steps of a change.
pub const STEPS: usize = 30;
/// How far beyond the boundary a change goes, as a part of the step that reaches it.
const OVERSHOOT: f32 = 0.02;
/// Longest step, in pixel values over the whole image: far from the boundary a gradient says
/// little.
const LONGEST_STEP: f32 = 1.0;

/// A search for the changes that lead images to a class.
pub struct ClassSearch<'a> {
    subject: Subject<'a>,
    target: usize,
    /// The clean images, `[images, channels, height, width]`, and as they are changed.
    clean: Vec<f32>,
    pixels: Vec<f32>,
    /// Which images are at the class.
    there: Vec<bool>,
    steps: usize,
    seconds: f64,
}

impl<'a> ClassSearch<'a> {
    /// The search for `target` at its beginning.
    ///
    /// # Errors
    /// Images without labels, or none of another class that the model is right on.
    pub fn new(subject: Subject<'a>, target: usize) -> Result<Self, Error> {
        let search = subject.images()?.search;
        let labels = search.labels().ok_or(Error::NoLabels)?;
        let of_others: Vec<usize> = (0..labels.len()).filter(|&i| labels[i] != target).collect();
        let most = match subject.classifier.classes() > MANY_CLASSES {
            true => IMAGES_OF_MANY,
            false => IMAGES,
        };
        let chosen = subject.facts.right_and_spread(&subject, &of_others, most)?;
        if chosen.is_empty() {
            return Err(Error::NoImages(target));
        }
        let clean = search.subset(&chosen).pixels().to_vec();
        Ok(Self {
            subject,
            target,
            pixels: clean.clone(),
            clean,
            there: vec![false; chosen.len()],
            steps: 0,
            seconds: 0.0,
        })
    }

    fn size(&self) -> usize {
        self.subject.classifier.shape().iter().product()
    }

    /// One step of every image that is not there yet.
    fn step(&mut self) -> Result<(), Error> {
        let size = self.size();
        let pass = Pass::make(
            self.subject.classifier,
            &self.pixels,
            self.target,
            Of::Margin,
        )?;
        let images = self.pixels.chunks_exact_mut(size).zip(&mut self.there);
        let seen = pass.margins.iter().zip(pass.gradient.chunks_exact(size));
        for ((image, there), (&margin, gradient)) in images.zip(seen) {
            if *there || margin > 0.0 {
                *there = true;
                continue;
            }
            let square: f32 = gradient.iter().map(|slope| slope * slope).sum();
            // Without a gradient, or a margin that is a number, there is no way to go.
            if !(square > 0.0 && margin.is_finite()) {
                continue;
            }
            let length = (-margin / square.sqrt()).min(LONGEST_STEP) * (1.0 + OVERSHOOT);
            let factor = length.max(1e-4) / square.sqrt();
            for (pixel, slope) in image.iter_mut().zip(gradient) {
                *pixel = (*pixel + factor * slope).clamp(0.0, 1.0);
            }
        }
        self.steps += 1;
        Ok(())
    }

    /// How many pairs of images there are of which the change of the first was found, and in how
    /// many of them it leads the second to the class.
    fn carried_over(&self) -> Result<(usize, usize), Error> {
        let size = self.size();
        let (mut led, mut pairs) = (0, 0);
        for (place, there) in self.there.iter().enumerate() {
            if !there {
                continue;
            }
            let range = place * size..(place + 1) * size;
            let (before, after) = (&self.clean[range.clone()], &self.pixels[range]);
            let mut changed = Vec::with_capacity(self.clean.len());
            for (other, image) in self.clean.chunks_exact(size).enumerate() {
                if other != place {
                    let change = after
                        .iter()
                        .zip(before)
                        .map(|(after, before)| after - before);
                    let moved = image.iter().zip(change);
                    changed.extend(moved.map(|(pixel, by)| (pixel + by).clamp(0.0, 1.0)));
                }
            }
            let answers = self.subject.classifier.predict(&changed)?;
            pairs += answers.len();
            led += answers
                .iter()
                .filter(|&&answer| answer == self.target)
                .count();
        }
        Ok((led, pairs))
    }

    /// The mean length of the changes that were found.
    fn distance(&self) -> f64 {
        let size = self.size();
        let images = self
            .pixels
            .chunks_exact(size)
            .zip(self.clean.chunks_exact(size));
        let found = images.zip(&self.there).filter(|(_, there)| **there);
        let lengths: Vec<f64> = found
            .map(|((after, before), _)| {
                let squares = after.iter().zip(before);
                let squares = squares.map(|(after, before)| f64::from(after - before).powi(2));
                squares.sum::<f64>().sqrt()
            })
            .collect();
        lengths.iter().sum::<f64>() / lengths.len().max(1) as f64
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
        self.steps >= STEPS || self.there.iter().all(|there| *there)
    }

    fn steps(&self) -> usize {
        self.steps
    }

    fn updates(&self) -> usize {
        self.steps
    }

    fn standing(&self, _: usize) -> f64 {
        f64::INFINITY
    }

    /// Nothing: it is made again in less time than it would take to read it back.
    fn snapshot(&self) -> Result<String, Error> {
        Ok("null".to_owned())
    }

    fn finding(&self) -> Result<Finding, Error> {
        let started = Instant::now();
        let unfinished = self.unfinished(State::Unreached);
        let found = self.there.iter().filter(|there| **there).count();
        if 2 * found < self.there.len() || self.there.len() < 2 {
            return Ok(Finding {
                reason: Some("fewer than half of the images could be led to it".to_owned()),
                ..unfinished
            });
        }
        let (led, pairs) = self.carried_over()?;
        let measure = |name: &str, value: f64, unit: &str| Measure {
            name: name.to_owned(),
            value,
            unit: unit.to_owned(),
        };
        Ok(Finding {
            state: State::Reached,
            statistic: self.distance(),
            measures: vec![measure(
                "transferability",
                led as f64 / pairs.max(1) as f64,
                "share",
            )],
            seconds: self.seconds + started.elapsed().as_secs_f64(),
            ..unfinished
        })
    }

    fn unfinished(&self, state: State) -> Finding {
        Finding {
            state,
            updates: self.updates(),
            seconds: self.seconds,
            ..Finding::skipped(Unit::Class(self.target))
        }
    }
}
