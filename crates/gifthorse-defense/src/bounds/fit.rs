//! Bounds on their way: images that the model is sure of are driven first, where they are needed,
//! then the bounds are lowered.

use gifthorse_data::Images;
use serde::{Deserialize, Serialize};

use super::layer::{self, LayerBounds};
use super::margins::{self, Driving};
use super::{Bounded, Bounding, Task};
use crate::error::Error;
use crate::exact;
use crate::repair::measure::Measured;
use crate::repair::{Progress, RepairObserver, from_bytes, to_bytes};

/// Updates of the bounds.
const UPDATES: usize = 300;
/// Updates between two looks at accuracy.
const LOOK_EVERY: usize = 10;
/// The first price of the bounds' height.
const PRICE: f32 = 0.1;
/// What the price rises by where accuracy allows, and falls by where not.
const STEP: f32 = 1.5;

/// Bounds on their way.
pub(super) struct Fit<'a> {
    /// The images that pay for bounds, where these pay anything.
    driving: Option<Driving<'a>>,
    all: Vec<LayerBounds>,
    /// The bounds that are kept.
    kept: Vec<Bounded>,
    updates: usize,
    price: f32,
    /// How far what is kept is from what is wanted.
    least: f64,
}

/// Where they are.
#[derive(Serialize, Deserialize)]
pub(super) struct At {
    driving: Option<margins::At>,
    layers: Vec<layer::At>,
    kept: Vec<Numbers>,
    updates: usize,
    #[serde(with = "exact::single")]
    price: f32,
    #[serde(with = "exact::double")]
    least: f64,
}

#[derive(Serialize, Deserialize)]
struct Numbers(#[serde(with = "exact::singles")] Vec<f32>);

impl<'a> Fit<'a> {
    /// Begins with bounds at what clean images reach.
    pub(super) fn begin(bounding: &Bounding<'a>, all: Vec<LayerBounds>) -> Self {
        // What stamped images do says more than any price.
        let is_known = !bounding.triggers.is_empty();
        let driving = || Driving::begin(bounding.classifier, bounding.seed);
        Self {
            driving: (!is_known).then(driving),
            kept: all.iter().map(LayerBounds::bounded).collect(),
            all,
            updates: 0,
            price: if is_known { 0.0 } else { PRICE },
            least: f64::INFINITY,
        }
    }

    /// Goes on to the end, or until it is to stop.
    ///
    /// # Errors
    /// Images without labels; a model that cannot be run, or passes no gradient back; what saving
    /// refuses.
    pub(super) fn run(
        mut self,
        bounding: &Bounding<'_>,
        images: Images,
        (progress, observer): (&mut Progress, &dyn RepairObserver),
    ) -> Result<Vec<Bounded>, Error> {
        let driven = self.driving.as_ref().map_or(0, Driving::most_updates);
        let step = |done| {
            observer.step("bounding activations", done, driven + UPDATES);
            observer.stop()
        };
        while let Some(driving) = &mut self.driving
            && driving.step()?
        {
            let is_over = step(driving.updates());
            if progress.is_due(is_over) {
                self.save(progress)?;
            }
            if is_over {
                return Ok(self.kept);
            }
        }
        let classifier = bounding.classifier;
        let task = Task {
            wanted: classifier.evaluate(images.pixels())?,
            // Those of the way stay with it, to be saved.
            sure: self.driving.as_ref().map(Driving::sure),
            triggers: bounding.triggers,
            classifier,
            images,
        };
        let before = Measured::of(classifier, bounding.check, bounding.triggers)?;
        while self.updates < UPDATES {
            task.step(self.updates, self.price, &mut self.all)?;
            self.updates += 1;
            let is_over = step(driven + self.updates);
            let is_due = self.updates.is_multiple_of(LOOK_EVERY);
            if is_due {
                self.look(bounding, &before)?;
            }
            if progress.is_due(is_over) {
                self.save(progress)?;
            }
            if is_over {
                // Whoever is not stopped does not look here: nothing of it is saved.
                if !is_due {
                    self.look(bounding, &before)?;
                }
                break;
            }
        }
        Ok(self.kept)
    }

    /// Keeps the bounds as they are, if they are better than those that are kept, and settles the
    /// next price.
    fn look(&mut self, bounding: &Bounding<'_>, before: &Measured) -> Result<(), Error> {
        let under = self.all.iter().map(LayerBounds::intervention);
        let under = under.collect::<Result<Vec<_>, _>>()?;
        let under = bounding.classifier.with(under)?;
        let after = Measured::of(&under, bounding.check, bounding.triggers)?;
        let distance = bounding.limits.distance(before, &after);
        let lost = after.lost_since(before) as f64;
        let is_within = lost <= bounding.limits.budget * after.clean.trials as f64;
        let is_better = match self.driving {
            None => distance < self.least,
            Some(_) => is_within,
        };
        if is_better {
            self.least = distance;
            self.kept = self.all.iter().map(LayerBounds::bounded).collect();
        }
        self.price *= if is_within { STEP } else { 1.0 / STEP };
        Ok(())
    }

    fn save(&self, progress: &mut Progress) -> Result<(), Error> {
        let (driving, pixels) = self.driving.as_ref().map(Driving::at).unzip();
        let kept = self.kept.iter().map(|it| Numbers(it.bounds.clone()));
        let at = At {
            driving,
            layers: self.all.iter().map(LayerBounds::at).collect(),
            kept: kept.collect(),
            updates: self.updates,
            price: self.price,
            least: self.least,
        };
        progress.save(&at, &to_bytes(&pixels))
    }

    /// Goes on from where it was.
    ///
    /// # Errors
    /// In words, if that is nowhere on this way.
    pub(super) fn restore(&mut self, at: At, bytes: &[u8]) -> Result<(), String> {
        let layers = self.all.iter().zip(&at.layers);
        let kept = self.kept.iter().zip(&at.kept);
        let fits = at.updates <= UPDATES
            && at.driving.is_some() == self.driving.is_some()
            && (at.layers.len(), at.kept.len()) == (self.all.len(), self.kept.len())
            && layers.into_iter().all(|(bounds, at)| bounds.fits(at))
            && kept
                .into_iter()
                .all(|(mine, its)| mine.bounds.len() == its.0.len());
        if !fits {
            return Err("its layers are not those of this model".to_owned());
        }
        if let (Some(driving), Some(at)) = (&mut self.driving, at.driving) {
            let mut pixels = vec![0.0; bytes.len() / size_of::<f32>()];
            from_bytes([&mut pixels], bytes)?;
            driving.restore(at, pixels)?;
        }
        let layers = self.all.iter_mut().zip(at.layers);
        layers.for_each(|(bounds, at)| bounds.restore(at));
        let kept = self.kept.iter_mut().zip(at.kept);
        kept.for_each(|(mine, its)| mine.bounds = its.0);
        (self.updates, self.price, self.least) = (at.updates, at.price, at.least);
        Ok(())
    }
}
