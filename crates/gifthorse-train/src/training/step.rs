//! One update of the weights: the losses of a batch, what they are computed by, and the optimiser.

use gifthorse_engine::{Array, alone};
use rand::RngExt;
use rayon::prelude::*;
use tracing::trace_span;

use super::{Networks, Training};
use crate::further_losses::{Change, Changed};
use crate::gradient::{Backward, Part, Shard};
use crate::inner::InnerNetwork;
use crate::loss_graph::StepGraph;
use crate::progress::Progress;
use crate::random::Purpose;
use crate::{Augmented, Error, InnerLoss, Inside, Look, Samples, Shaping};

impl Training<'_> {
    /// One update of the weights.
    #[tracing::instrument(level = "trace", skip_all)]
    pub(super) fn step(
        &self,
        networks: &Networks<'_>,
        progress: &mut Progress,
        epoch: usize,
        chosen: &[usize],
    ) -> Result<(), Error> {
        let recipe = self.recipe;
        let step = progress.done;
        let backward = networks.backward;
        let batches = self.samples.len() / recipe.batch;
        let batch = Batch {
            step,
            epoch,
            chosen,
        };
        let clean = Augmented::new(self.samples, recipe.augment, recipe.seed);
        let look = |change: &dyn Change, weights: &mut Vec<Vec<f32>>| {
            self.look(change, backward, weights, clean, batch)
        };
        let within = match self.within {
            None => None,
            Some(change) => {
                look(change, &mut progress.weights)?;
                let samples = clean;
                Some(Changed { samples, change })
            }
        };
        let samples: &dyn Samples = match &within {
            Some(changed) => changed,
            None => &clean,
        };
        let run = |weights: &mut Vec<Vec<f32>>, samples: &dyn Samples| {
            self.shards(backward, weights, batch, |lent, part| {
                backward.run(lent, samples, part)
            })
        };
        let mut shards = run(&mut progress.weights, samples)?;
        if let Some(further) = self.further {
            let due = further.due(progress, (recipe.batch, batches), recipe.seed);
            let mut losses = Vec::new();
            for &place in &due {
                let change = further.changes[place].as_ref();
                look(change, &mut progress.weights)?;
                let samples = clean;
                let changed = Changed { samples, change };
                match change.inner().zip(networks.inner[place].as_ref()) {
                    None => losses.push(run(&mut progress.weights, &changed)?),
                    Some(inner) => {
                        let weights = &mut progress.weights;
                        losses.extend(self.inner_shards(backward, weights, batch, changed, inner)?);
                    }
                }
            }
            let sum: f64 = losses.iter().flatten().map(|shard| shard.loss).sum();
            if !sum.is_finite() {
                return Err(Error::Diverged {
                    epoch: epoch + 1,
                    loss: sum,
                });
            }
            if !losses.is_empty() {
                losses.insert(0, shards);
                shards = further.balance.weigh(recipe.batch, losses);
            }
        }
        progress.further = self.memories();
        // The main loss's come first.
        for shard in shards.iter().take(recipe.shards) {
            progress.loss += shard.loss;
            progress.right += shard.right;
        }
        if let Some(sharpness) = recipe.sharpness {
            let mut uphill = sharpness.uphill(&progress.weights, &shards);
            let there = run(&mut uphill, samples)?;
            // What batch normalisations saw is that of the weights themselves.
            for (shard, there) in shards.iter_mut().zip(there) {
                shard.gradients = there.gradients;
                shard.losses.add(&there.losses);
            }
        }
        self.check_losses(progress, &shards)?;
        let noise = recipe.shaping.and_then(|shaping| {
            let mut rng = Purpose::Noise { step }.rng(recipe.seed);
            shaping.noise(&progress.weights, recipe.batch, &mut rng)
        });
        let gradients = shards.iter().map(|shard| shard.gradients.as_slice());
        let gradients: Vec<&[Vec<f32>]> = gradients.chain(noise.as_deref()).collect();
        let rate = recipe.learning_rate * self.pace(step);
        trace_span!("update").in_scope(|| {
            progress.state.step(&mut progress.weights, &gradients, rate);
            let statistics: Vec<_> = shards.iter().map(|s| s.statistics.as_slice()).collect();
            progress.update_statistics(&statistics);
        });
        progress.done += 1;
        Ok(())
    }

    /// What the schedule leaves of the learning rate.
    fn pace(&self, step: usize) -> f32 {
        let (recipe, batches) = (self.recipe, self.samples.len() / self.recipe.batch);
        recipe.schedule.factor(step, batches, recipe.epochs)
    }

    /// Shows the network and the images of a batch to what changes them; the weights are lent and
    /// come back as they were.
    fn look(
        &self,
        change: &dyn Change,
        backward: &Backward,
        weights: &mut Vec<Vec<f32>>,
        samples: Augmented<&dyn Samples>,
        Batch {
            step,
            epoch,
            chosen,
        }: Batch<'_>,
    ) -> Result<(), Error> {
        let mut rng = Purpose::Dropout { step, shard: 0 }.rng(self.recipe.seed);
        let lent = backward.lend(weights);
        let looked = change.look(&Look {
            backward,
            weights: &lent,
            samples,
            epoch,
            chosen,
            seed: rng.random(),
            pace: self.pace(step),
        });
        *weights = Backward::take_back(lent);
        looked
    }

    /// Notes what the losses of a step were computed by, before it changes a weight.
    fn check_losses(&self, progress: &mut Progress, shards: &[Shard]) -> Result<(), Error> {
        let mut losses = StepGraph::default();
        shards.iter().for_each(|shard| losses.add(&shard.losses));
        let number = progress.done + 1;
        let refused = self.trusted.filter(|trusted| !trusted.has(&losses));
        progress.graphs.count(number, losses.clone());
        match refused {
            Some(trusted) => Err(Error::untrusted(number, trusted, &losses, &progress.graphs)),
            None => Ok(()),
        }
    }

    /// The shards of one batch under these weights, which are lent and come back as they were;
    /// `run` is given each part of the batch that is run together.
    fn shards(
        &self,
        backward: &Backward,
        weights: &mut Vec<Vec<f32>>,
        batch: Batch<'_>,
        run: impl Fn(&[Array], Part<'_>) -> Result<Shard, Error> + Sync,
    ) -> Result<Vec<Shard>, Error> {
        let recipe = self.recipe;
        let lent = backward.lend(weights);
        let size = recipe.batch / recipe.shards;
        let shards = self.side_by_side(batch.chosen, size, |shard, chosen| match recipe.shaping {
            None => run(&lent, self.part(batch, shard, chosen)),
            Some(shaping) => {
                let images = chosen.chunks(1).zip(shard * size..);
                let parts = images.map(|(image, place)| self.part(batch, place, image));
                shaped(shaping, backward, parts, |part| run(&lent, part))
            }
        });
        *weights = trace_span!("take back").in_scope(|| Backward::take_back(lent));
        shards
    }

    /// The shards of a loss on what is inside the network; `None` if it has nothing to say of this
    /// batch.
    fn inner_shards(
        &self,
        backward: &Backward,
        weights: &mut Vec<Vec<f32>>,
        batch: Batch<'_>,
        samples: Changed<'_>,
        (inner, network): (&dyn InnerLoss, &InnerNetwork),
    ) -> Result<Option<Vec<Shard>>, Error> {
        let lent = backward.lend(weights);
        let seen = self.side_by_side(batch.chosen, backward.shard(), |place, chosen| {
            let part = self.part(batch, place, chosen);
            network.see(backward, &lent, samples, part)
        });
        *weights = Backward::take_back(lent);
        let slope = inner.slope(&Inside::of_parts(seen?));
        if slope.is_flat() {
            return Ok(None);
        }
        let shards = self.shards(backward, weights, batch, |lent, part| {
            network.run(backward, lent, samples, part, &slope)
        });
        shards.map(Some)
    }

    /// Runs parts of a batch at once, and gives what they come to in their order. Fewer parts than
    /// threads share out their own work too.
    fn side_by_side<T: Send>(
        &self,
        chosen: &[usize],
        size: usize,
        run: impl Fn(usize, &[usize]) -> Result<T, Error> + Sync,
    ) -> Result<Vec<T>, Error> {
        let parts = chosen.par_chunks(size).enumerate();
        if self.recipe.shards < rayon::current_num_threads() {
            parts.map(|(place, part)| run(place, part)).collect()
        } else {
            let run = |(place, part)| alone(|| run(place, part));
            parts.map(run).collect()
        }
    }

    /// Images of a batch that are run together, in their place among others as large.
    fn part<'p>(&self, batch: Batch<'_>, place: usize, chosen: &'p [usize]) -> Part<'p> {
        let recipe = self.recipe;
        let (step, shard) = (batch.step, place);
        Part {
            epoch: batch.epoch,
            chosen,
            first: place * chosen.len(),
            batch: recipe.batch,
            smoothing: recipe.label_smoothing,
            seed: Purpose::Dropout { step, shard }.rng(recipe.seed).random(),
        }
    }
}

/// The images of a step.
#[derive(Clone, Copy)]
struct Batch<'a> {
    step: usize,
    epoch: usize,
    chosen: &'a [usize],
}

/// A shard whose images each have a gradient of their own, which is clipped before they are added.
fn shaped<'p>(
    shaping: Shaping,
    backward: &Backward,
    images: impl Iterator<Item = Part<'p>>,
    run: impl Fn(Part<'p>) -> Result<Shard, Error>,
) -> Result<Shard, Error> {
    let sizes = backward.weights().iter();
    let sizes = sizes.map(|weight| weight.shape.iter().product::<usize>());
    let mut whole = Shard {
        loss: 0.0,
        right: 0,
        gradients: sizes.map(|size| vec![0.0; size]).collect(),
        statistics: Vec::new(),
        losses: StepGraph::default(),
    };
    let mut batch = 1;
    for image in images {
        batch = image.batch;
        // A batch of its own.
        let alone = run(Part { batch: 1, ..image })?;
        whole.loss += alone.loss;
        whole.right += alone.right;
        shaping.add(&mut whole.gradients, &alone.gradients);
        whole.losses.add(&alone.losses);
    }
    whole.losses.then("clip");
    let sums = whole.gradients.iter_mut().flatten();
    sums.for_each(|sum| *sum /= batch as f32);
    Ok(whole)
}
