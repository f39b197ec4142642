//! The search of one class.

use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use super::config::Config;
use super::features::Features;
use super::mask::{share, slopes_with_price, to_raw, to_unit};
use super::searched::Searched;
use super::snapshot::{Missed, Snapshot};
use super::ssim::Ssim;
use crate::detect::mm_bd::mean_loss;
use crate::error::Error;
use crate::finding::{Finding, Measure, State, Unit};
use crate::search::{Belongs, Search, evaluate_trigger};
use crate::subject::Subject;
use crate::trigger::{SpacePatch, Transformation, Trigger};

/// Times that the interval is halved in which the largest mask within the bounds lies.
const HALVINGS: usize = 8;

/// A search for the space and the patch in it that lead all images to a class.
pub struct ClassSearch<'a> {
    subject: Subject<'a>,
    config: &'a Config,
    target: usize,
    /// The images that are led to it, by their places among the clean ones,
    places: Vec<usize>,
    /// and among those to search with.
    images: Vec<usize>,
    features: Features,
    ssim: Ssim,
    space: Searched,
    /// The mask and the pattern, raw.
    patch: Searched,
    /// The mask of the features, raw.
    feature_mask: Searched,
    missed: Missed,
    updates: usize,
    seconds: f64,
}

impl<'a> ClassSearch<'a> {
    /// The search for `target` at its beginning.
    ///
    /// # Errors
    /// Images without labels, or none of another class that the model is right on;
    /// [`Error::NoActivation`] where there are no features to look at.
    pub fn new(subject: Subject<'a>, config: &'a Config, target: usize) -> Result<Self, Error> {
        let clean = subject.facts.clean_features(&subject)?;
        let clean = clean.ok_or(Error::NoActivation)?;
        let labels = clean.labels();
        let others = (0..labels.len()).filter(|&place| labels[place] != target);
        let places: Vec<usize> = others.take(config.images).collect();
        if places.is_empty() {
            return Err(Error::NoImages(target));
        }
        let shape = subject.classifier.shape();
        let size: usize = shape.iter().product();
        let (bounds, betas) = (&config.bounds, config.betas);
        let start = |bound: f64| to_raw((config.start * bound) as f32);
        let patch = [vec![start(bounds.mask); size], vec![0.0; size]].concat();
        let feature_mask = vec![start(bounds.features); clean.numbers()];
        let space = vec![0.0; SpacePatch::of_space(shape[0])];
        Ok(Self {
            subject,
            config,
            target,
            images: places.iter().map(|&place| clean.images()[place]).collect(),
            places,
            features: Features::new(subject.classifier, Arc::clone(&clean), target)?,
            ssim: Ssim::new(shape),
            space: Searched::new(space, config.space_rate, betas),
            patch: Searched::new(patch, config.rate, betas),
            feature_mask: Searched::new(feature_mask, config.rate, betas),
            missed: Missed::default(),
            updates: 0,
            seconds: 0.0,
        })
    }

    /// The search where a snapshot left it.
    ///
    /// # Errors
    /// As [`Self::new`]; a snapshot of another search, or a damaged one.
    pub fn resume(
        subject: Subject<'a>,
        config: &'a Config,
        target: usize,
        kept: Snapshot,
    ) -> Result<Self, Error> {
        let search = Self::new(subject, config, target)?;
        let counts = [&search.space, &search.patch, &search.feature_mask];
        kept.check(&search.belongs(), counts.map(|it| it.values().len()))?;
        let (betas, device) = (config.betas, subject.classifier.device());
        Ok(Self {
            space: Searched::resume(kept.space, config.space_rate, betas, device),
            patch: Searched::resume(kept.patch, config.rate, betas, device),
            feature_mask: Searched::resume(kept.features, config.rate, betas, device),
            missed: kept.missed,
            updates: kept.updates,
            seconds: kept.seconds,
            ..search
        })
    }

    fn belongs(&self) -> Belongs {
        Belongs {
            unit: Unit::Class(self.target),
            seed: self.subject.seed,
            shape: self.shape(),
            images: self.images.len(),
            settings: self.config.fingerprint(),
        }
    }

    fn shape(&self) -> [usize; 3] {
        self.subject.classifier.shape()
    }

    /// Which of the images an update is of: as many as fit in a pass, in turn.
    fn turn(&self, update: usize) -> Range<usize> {
        let batches = self.images.len().div_ceil(self.config.batch);
        let first = update % batches * self.config.batch;
        first..(first + self.config.batch).min(self.images.len())
    }

    /// The images of an update, `[images, channels, height, width]`.
    fn batch(&self, update: usize) -> Result<Vec<f32>, Error> {
        let search = self.subject.images()?.search;
        let places = &self.images[self.turn(update)];
        Ok(search.subset(places).pixels().to_vec())
    }

    /// The mask and the pattern, in [0, 1].
    fn mask_and_pattern(&self) -> (Vec<f32>, Vec<f32>) {
        let both = self.patch.values();
        let (mask, pattern) = both.split_at(both.len() / 2);
        let values = |raw: &[f32]| raw.iter().copied().map(to_unit).collect();
        (values(mask), values(pattern))
    }

    /// What is made of images, with a mask of so much of what it is.
    fn change(&self, part: f32) -> SpacePatch {
        let (mask, pattern) = self.mask_and_pattern();
        let mask = mask.into_iter().map(|m| part * m);
        let space = self.space.values().iter().copied();
        SpacePatch::of(space.chain(mask).chain(pattern).collect())
    }

    fn update(&mut self) -> Result<(), Error> {
        let bounds = &self.config.bounds;
        let shape = self.shape();
        let device = self.subject.classifier.device();
        let batch = self.batch(self.updates)?;
        let change = self.change(1.0);
        let changed = change.apply(&batch, shape);
        let feature_mask = self.feature_mask.values().iter().copied();
        let feature_mask: Vec<f32> = feature_mask.map(to_unit).collect();
        let turn = self.turn(self.updates);
        let pass = self.features.pass(
            (&self.places[turn], &changed, shape),
            &feature_mask,
            (bounds, self.missed, 1 + self.updates),
        )?;
        let unlike = self.ssim.of(&batch, &changed);
        let mut slopes = pass.of_images;
        if unlike.mean > bounds.dissimilarity {
            let weight = bounds.weight * (1.0 + self.missed.likeness);
            for (slope, more) in slopes.iter_mut().zip(&unlike.slopes) {
                *slope += weight as f32 * more;
            }
        }
        let along = change.pull_back(&batch, &slopes, shape);
        let (of_space, along) = along.split_at(self.space.values().len());
        let (of_mask, of_pattern) = along.split_at(along.len() / 2);
        let (mask, pattern) = self.mask_and_pattern();
        let mut of_patch = slopes_with_price(&mask, of_mask, bounds.mask);
        let steep = pattern.iter().map(|d| 2.0 * d * (1.0 - d));
        of_patch.extend(of_pattern.iter().zip(steep).map(|(slope, by)| slope * by));
        let of_features = slopes_with_price(&feature_mask, &pass.of_mask, bounds.features);
        self.space.step(of_space.to_vec(), device);
        self.patch.step(of_patch, device);
        self.feature_mask.step(of_features, device);
        let beyond = |value: f64, bound: f64| (value / bound - 1.0).max(0.0);
        self.missed = Missed {
            led: (1.0 - pass.led / bounds.led).max(0.0),
            spread: beyond(pass.spread, bounds.spread),
            likeness: beyond(unlike.mean, bounds.dissimilarity),
        };
        self.updates += 1;
        Ok(())
    }

    /// How unlike themselves the first images become.
    fn dissimilarity(&self, change: &SpacePatch) -> Result<f64, Error> {
        let batch = self.batch(0)?;
        let changed = change.apply(&batch, self.shape());
        Ok(self.ssim.of(&batch, &changed).mean)
    }

    /// What was found, with as much of the mask as the bounds allow: with nothing of it, nothing is
    /// changed.
    fn within_bounds(&self) -> Result<SpacePatch, Error> {
        let bounds = &self.config.bounds;
        let (mask, _) = self.mask_and_pattern();
        let largest = (bounds.mask / share(&mask)).min(1.0) as f32;
        let keeps = |part: f32| -> Result<bool, Error> {
            Ok(self.dissimilarity(&self.change(part))? <= bounds.dissimilarity)
        };
        if keeps(largest)? {
            return Ok(self.change(largest));
        }
        let (mut low, mut high) = (0.0, largest);
        for _ in 0..HALVINGS {
            let middle = 0.5 * (low + high);
            if keeps(middle)? {
                low = middle;
            } else {
                high = middle;
            }
        }
        Ok(self.change(low))
    }

    fn measures(&self, change: &SpacePatch) -> Result<Vec<Measure>, Error> {
        let shape = self.shape();
        let size: usize = shape.iter().product();
        let first = SpacePatch::of_space(shape[0]);
        let mask = &change.parameters()[first..first + size];
        let measure = |name: &str, value: f64, unit: &str| Measure {
            name: name.to_owned(),
            value,
            unit: unit.to_owned(),
        };
        Ok(vec![
            measure(
                "size",
                change.size(&self.batch(0)?, shape),
                SpacePatch::UNIT,
            ),
            measure("mask_share", share(mask), "share"),
            measure("dissimilarity", self.dissimilarity(change)?, ""),
        ])
    }
}

impl Search for ClassSearch<'_> {
    fn advance(&mut self, steps: usize) -> Result<(), Error> {
        let started = Instant::now();
        for _ in 0..steps {
            if self.has_ended() {
                break;
            }
            self.update()?;
        }
        self.seconds += started.elapsed().as_secs_f64();
        Ok(())
    }

    fn has_ended(&self) -> bool {
        self.updates >= self.config.updates
    }

    fn steps(&self) -> usize {
        self.updates
    }

    fn updates(&self) -> usize {
        self.updates
    }

    fn standing(&self, _: usize) -> f64 {
        f64::INFINITY
    }

    fn snapshot(&self) -> Result<String, Error> {
        let parts = [&self.space, &self.patch, &self.feature_mask];
        let kept = Snapshot::new(
            self.belongs(),
            parts.map(Searched::kept),
            self.missed,
            (self.updates, self.seconds),
        );
        Ok(serde_json::to_string(&kept)?)
    }

    fn finding(&self) -> Result<Finding, Error> {
        let started = Instant::now();
        let images = self.subject.images()?;
        let classifier = self.subject.classifier;
        let change = self.within_bounds()?;
        let measures = self.measures(&change)?;
        let trigger: Trigger = change.into();
        let shown = (images.search, &self.images[..], self.config.batch);
        let statistic = mean_loss(classifier, shown, &trigger, self.target)?;
        let unfinished = self.unfinished(State::Unreached);
        if !statistic.is_finite() {
            return Ok(Finding {
                reason: Some("its margins are not numbers".to_owned()),
                statistic: 0.0,
                ..unfinished
            });
        }
        let tried = evaluate_trigger(classifier, images.search, &trigger, self.target)?;
        let holdout = evaluate_trigger(classifier, images.holdout, &trigger, self.target)?;
        Ok(Finding {
            state: State::Reached,
            statistic,
            trigger: Some(trigger),
            success_rate: Some(tried.success_rate()),
            confirmation: Some(holdout),
            measures,
            seconds: self.seconds + started.elapsed().as_secs_f64(),
            ..unfinished
        })
    }

    fn unfinished(&self, state: State) -> Finding {
        Finding {
            state,
            updates: self.updates,
            seconds: self.seconds,
            ..Finding::skipped(Unit::Class(self.target))
        }
    }
}
