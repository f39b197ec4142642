//! Updates of a model's weights by a gradient of a repair's own: at one rate after the other, each
//! falling along a cosine, with looks at what has become of the model; saved as they go.

use gifthorse_train::{Optimiser, OptimiserState};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::adjustable::{Adjustable, Weights};
use super::batches::{Batch, Batches};
use super::candidates::{Candidates, How};
use super::progress::{Progress, from_bytes, to_bytes};
use super::{Patient, RepairObserver, Repaired};
use crate::error::Error;

/// How weights are updated.
pub(super) struct Updates<'a> {
    /// Name of the repair.
    pub name: &'static str,
    /// What it does, in words.
    pub part: &'static str,
    pub optimiser: Optimiser,
    /// Rates to begin with, tried in this order until one leaves a good model.
    pub rates: &'a [f32],
    /// Updates at a rate.
    pub updates: usize,
    /// Updates between two looks at the model, in the second half of them: one that has hardly
    /// begun to forget is right on clean images, and no repair.
    pub look_every: usize,
    /// Images of a batch.
    pub batch: usize,
}

/// The gradients of a batch under weights, whose sum is gone against; `None` where the loss is no
/// number any more, so that the next rate has its turn. What is random is drawn from the generator.
pub(super) type Gradients<'a> =
    &'a dyn Fn(&Weights, &Batch, &mut ChaCha8Rng) -> Result<Option<Vec<Weights>>, Error>;

/// Weights on their way at one rate.
struct Way {
    /// Place of the rate.
    rate: usize,
    /// Updates made.
    done: usize,
    weights: Weights,
    state: OptimiserState,
    chance: ChaCha8Rng,
}

/// Where the way is, beside its weights and what the optimiser knows.
#[derive(Serialize, Deserialize)]
struct At {
    rate: usize,
    done: usize,
    optimiser_steps: u64,
    /// Where in its stream the generator is.
    chance: u128,
    /// What was kept of the models that were looked at; its model comes behind the numbers.
    kept: Option<How>,
}

impl Way {
    fn save(&self, progress: &mut Progress, candidates: &Candidates<'_>) -> Result<(), Error> {
        let (kept, model) = candidates.saved()?;
        let at = At {
            rate: self.rate,
            done: self.done,
            optimiser_steps: self.state.steps(),
            chance: self.chance.get_word_pos(),
            kept,
        };
        let mut bytes = to_bytes(self.weights.iter().chain(self.state.arrays()));
        bytes.extend(model);
        progress.save(&at, &bytes)
    }

    fn restore(
        &mut self,
        at: At,
        bytes: &[u8],
        candidates: &mut Candidates<'_>,
    ) -> Result<(), String> {
        let (mut weights, mut state) = (self.weights.clone(), self.state.clone());
        let model = from_bytes(weights.iter_mut().chain(state.arrays_mut()), bytes)?;
        candidates.restore(at.kept, model)?;
        (self.weights, self.state) = (weights, state);
        self.state.set_steps(at.optimiser_steps);
        self.chance.set_word_pos(at.chance);
        (self.rate, self.done) = (at.rate, at.done);
        Ok(())
    }
}

impl Updates<'_> {
    /// Makes the updates; `note` says of a number of them at a rate what was done.
    ///
    /// # Errors
    /// Images without labels; a model that cannot be run; what the gradients refuse; a folder that
    /// cannot be written to; [`Error::CannotRepair`] if no update was made.
    pub(super) fn run(
        &self,
        patient: &Patient<'_>,
        model: &Adjustable,
        (gradients, note): (Gradients<'_>, &dyn Fn(usize, f32) -> String),
        observer: &dyn RepairObserver,
    ) -> Result<Repaired, Error> {
        let labels = patient.fit.labels().ok_or(Error::NoLabels)?;
        let mut candidates = Candidates::new(patient)?;
        let mut way = self.begin(patient, model, 0);
        let mut progress = Progress::of(patient, self.name)?;
        progress.restore(self.part, observer, |at: At, bytes| {
            match at.done <= self.updates {
                true => way.restore(at, bytes, &mut candidates),
                false => Err("it has more updates than are made".to_owned()),
            }
        });
        while way.rate < self.rates.len() {
            let rate = self.rates[way.rate];
            let mut batches = Batches::new(labels.len(), self.batch, patient.seed);
            batches.skip(way.done);
            while way.done < self.updates {
                let batch = Batch::of(patient.fit, labels, &batches.draw());
                let Some(found) = gradients(&way.weights, &batch, &mut way.chance)? else {
                    break;
                };
                let found: Vec<&[Vec<f32>]> = found.iter().map(Vec::as_slice).collect();
                let part = way.done as f32 / self.updates as f32;
                let now = 0.5 * rate * (1.0 + (part * std::f32::consts::PI).cos());
                way.state.step(&mut way.weights, &found, now);
                way.done += 1;
                let what = format!("{} at a rate of {rate}", self.part);
                observer.step(&what, way.done, self.updates);
                let is_over = observer.stop();
                let is_due =
                    way.done.is_multiple_of(self.look_every) && 2 * way.done >= self.updates;
                let looked =
                    |way: &Way| Ok::<_, Error>((model.model(&way.weights)?, note(way.done, rate)));
                if is_due {
                    let (model, note) = looked(&way)?;
                    candidates.look(model, note)?;
                }
                if progress.is_due(is_over) {
                    way.save(&mut progress, &candidates)?;
                }
                if is_over {
                    // Whoever is not stopped does not look here: nothing of it is saved.
                    if !is_due {
                        let (model, note) = looked(&way)?;
                        candidates.look(model, note)?;
                    }
                    break;
                }
            }
            if candidates.is_good() || observer.stop() {
                break;
            }
            way = self.begin(patient, model, way.rate + 1);
        }
        let (model, note) = candidates
            .into_kept()
            .ok_or_else(|| Error::CannotRepair("no update was made".to_owned()))?;
        Ok(Repaired::new(model, note))
    }

    fn begin(&self, patient: &Patient<'_>, model: &Adjustable, rate: usize) -> Way {
        let weights = model.first();
        let mut chance = ChaCha8Rng::seed_from_u64(patient.seed);
        // The order of the images is drawn from the first stream.
        chance.set_stream(1);
        Way {
            rate,
            done: 0,
            state: OptimiserState::new(self.optimiser, &weights),
            weights,
            chance,
        }
    }
}
