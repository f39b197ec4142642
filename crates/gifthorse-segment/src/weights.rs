//! The gradients to the parameters of a plan.
//!
//! Each group of samples has sums of its own, which are added up in the order of the groups: so the result does not
//! depend on which thread was faster.

use std::time::Instant;

use rayon::prelude::*;

use crate::arena::{Buffer, Tape};
use crate::gather_conv::WeightSums;
use crate::plan::Plan;
use crate::profile::Way;

impl Plan {
    /// Sums what a group contributes to the gradients to parameters that are complete after so many steps.
    pub(crate) fn weights_backward(
        &self,
        done: usize,
        samples: usize,
        tape: &Tape,
        slots: &[Buffer],
        sums: &mut Vec<WeightSums>,
    ) {
        let steps = self.backward.weights[sums.len()..].iter();
        for step in steps.take_while(|step| step.after == done) {
            let stage = &self.stages[step.stage];
            let Some(trained) = &stage.trained else {
                continue;
            };
            let start = Instant::now();
            let mut sum = trained.gradient.zeros(step.asked);
            let input = &tape.values[stage.inputs[0].0];
            let gradient = &slots[step.gradient.0];
            trained.gradient.add(samples, input, gradient, &mut sum);
            sums.push(sum);
            self.clock.add(step.stage, Way::Backward, start);
        }
    }

    /// The gradients to the parameters, from the sums of each group.
    pub(crate) fn to_parameters(&self, sums: &[Vec<WeightSums>]) -> Vec<Option<Vec<f32>>> {
        let steps = self.backward.weights.par_iter().enumerate();
        let parts = steps.filter_map(|(at, step)| {
            let trained = self.stages[step.stage].trained.as_ref()?;
            let mut whole = trained.gradient.zeros(step.asked);
            sums.iter().for_each(|group| whole.join(&group[at]));
            let (weight, bias) = trained.gradient.finish(&whole);
            let weight = step.asked.weight.then_some((trained.weight, weight));
            let bias = trained.bias.filter(|_| step.asked.bias).zip(Some(bias));
            Some([weight, bias])
        });
        let parts: Vec<_> = parts.collect();
        let mut gradients: Vec<Option<Vec<f32>>> = vec![None; self.wanted.parameters.len()];
        for (parameter, part) in parts.into_iter().flatten().flatten() {
            match &mut gradients[parameter.0] {
                Some(sum) => add(sum, &part),
                none => *none = Some(part),
            }
        }
        gradients
    }
}

/// Adds numbers to as many others.
fn add(sums: &mut [f32], others: &[f32]) {
    for (sum, other) in sums.iter_mut().zip(others) {
        *sum += other;
    }
}

#[cfg(test)]
mod tests;
