//! The gradients to the parameters of a plan.
//!
//! Each group of samples has sums of its own, which are added up in the order of the groups: so the
//! result does not depend on which thread was faster.

use crate::alone::for_each;
use crate::kernels::convolutions::gather_conv::WeightSums;
use crate::kernels::norms::batch_norm::NormGradients;
use crate::plan::backward::WeightStep;
use crate::plan::compiled::Plan;

impl Plan {
    /// The gradients to the parameters, from the sums of each group and those of batch norms, by
    /// stage.
    pub(crate) fn to_parameters(
        &self,
        sums: &[Vec<WeightSums>],
        norms: &[(usize, NormGradients)],
    ) -> Vec<Option<Vec<f32>>> {
        let steps = self.backward.weights.iter().enumerate().collect();
        let parts = for_each(steps, |(at, step): (usize, &WeightStep)| {
            let trained = self.stages[step.stage].trained.as_ref()?;
            let mut whole = trained.gradient.zeros(step.asked);
            sums.iter().for_each(|group| whole.join(&group[at]));
            let (weight, bias) = trained.gradient.finish(&whole);
            let weight = step.asked.weight.then_some((trained.weight, weight));
            let bias = trained.bias.filter(|_| step.asked.bias).zip(Some(bias));
            Some([weight, bias])
        });
        let mut gradients: Vec<Option<Vec<f32>>> = vec![None; self.wanted.parameters.len()];
        let of_norms = norms.iter().filter_map(|(stage, gradients)| {
            let spec = &self.stages[*stage].norm.as_ref()?.spec;
            let scale = (spec.scale, gradients.scale.clone());
            Some([scale, (spec.bias, gradients.bias.clone())])
        });
        let of_norms = of_norms.flatten();
        let of_norms = of_norms.filter(|(parameter, _)| self.wanted.parameters[parameter.0]);
        let parts = parts.into_iter().flatten().flatten().flatten();
        for (parameter, part) in parts.chain(of_norms) {
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
