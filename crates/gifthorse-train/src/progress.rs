//! All that a training run has changed so far, and all that it needs to go on.

use gifthorse_engine::BatchStatistics;

use crate::EpochSummary;
use crate::loss_graph::LossGraphs;
use crate::net::Running;
use crate::optimiser::State;

/// A run between two updates.
#[derive(Debug)]
pub struct Progress {
    /// The weights that are trained.
    pub weights: Vec<Vec<f32>>,
    /// Running statistics of batch normalisations.
    pub running: Vec<Statistics>,
    /// The optimiser's memory.
    pub state: State,
    /// Updates made.
    pub done: usize,
    /// Sum of the losses of the epoch that has begun.
    pub loss: f64,
    /// Images of it that were given their label.
    pub right: usize,
    /// The epochs that are over.
    pub epochs: Vec<EpochSummary>,
    /// What further losses have learnt.
    pub further: Vec<Vec<f32>>,
    /// What the losses of the updates were computed by.
    pub graphs: LossGraphs,
}

/// Running statistics of one batch normalisation.
#[derive(Debug, Clone, PartialEq)]
pub struct Statistics {
    /// Names of the initialisers.
    pub names: Running,
    /// Mean of each channel.
    pub mean: Vec<f32>,
    /// Variance of each channel.
    pub variance: Vec<f32>,
}

impl Progress {
    /// Moves the running statistics towards what the shards of a batch saw.
    pub fn update_statistics(&mut self, shards: &[&[BatchStatistics]]) {
        for running in &mut self.running {
            let own = |shard: &&[BatchStatistics]| {
                let mut all = shard.iter();
                all.find(|s| s.running_mean == running.names.mean).cloned()
            };
            let parts: Vec<BatchStatistics> = shards.iter().filter_map(own).collect();
            if let Some(whole) = BatchStatistics::joined(&parts) {
                whole.update(&mut running.mean, &mut running.variance);
            }
        }
    }

    /// All numbers, in an order that depends on network and optimiser alone.
    pub fn arrays(&self) -> impl Iterator<Item = &Vec<f32>> {
        let running = self.running.iter().flat_map(|r| [&r.mean, &r.variance]);
        self.weights
            .iter()
            .chain(running)
            .chain(self.state.arrays())
            .chain(&self.further)
    }

    /// The same, to be overwritten.
    pub fn arrays_mut(&mut self) -> impl Iterator<Item = &mut Vec<f32>> {
        let running = self.running.iter_mut();
        let running = running.flat_map(|r| [&mut r.mean, &mut r.variance]);
        let weights = self.weights.iter_mut();
        let weights = weights.chain(running).chain(self.state.arrays_mut());
        weights.chain(&mut self.further)
    }
}
