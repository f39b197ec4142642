//! Running a plan: groups of samples go through all stages one after the other, so that what one
//! stage writes is still in the cache when the next one reads it. Where a stage looks at the whole
//! batch, the groups wait for each other.

use crate::alone::for_each;
use crate::kernels::norms::batch_norm::{GradientSums, Moments, NormGradients, Statistics};
use crate::lanes::Lane;
use crate::lanes::map::MapShape;
use crate::lanes::order::Order;
use crate::plan::arena::Tape;
use crate::plan::backward::{NormStep, Source, Step};
use crate::plan::compiled::Plan;
use crate::run::backward_group::BackwardGroup;
use crate::run::forward_group::ForwardGroup;

/// What a backward pass gives.
#[derive(Clone, Debug, PartialEq)]
pub struct Gradients {
    /// For each input, in its order; `None` if the plan was bound without.
    pub inputs: Vec<Option<Vec<f32>>>,
    /// For each parameter, summed over all samples; `None` if the plan was bound without, or
    /// nothing reads it.
    pub parameters: Vec<Option<Vec<f32>>>,
}

/// What a forward pass leaves for its backward pass.
#[derive(Debug)]
pub struct Saved {
    samples: usize,
    group: usize,
    tapes: Vec<Tape>,
    /// For each stage, what its norm saw.
    moments: Vec<Option<Moments>>,
    statistics: Vec<Statistics>,
}

impl Saved {
    /// What each batch norm saw, in the order in which they ran.
    pub fn statistics(&self) -> &[Statistics] {
        &self.statistics
    }

    /// Samples of the forward pass.
    pub fn samples(&self) -> usize {
        self.samples
    }
}

impl Plan {
    /// The outputs of `samples` samples, each in its order. Work is shared out over the current
    /// rayon pool; results do not depend on its size.
    ///
    /// # Panics
    ///
    /// Unless there is a slice of the right length for each input.
    pub fn forward(&self, samples: usize, inputs: &[&[f32]]) -> Vec<Vec<f32>> {
        self.run_forward(samples, inputs, false).0
    }

    /// As [`forward`](Self::forward), with what [`backward`](Self::backward) needs.
    ///
    /// # Panics
    ///
    /// As there.
    pub fn forward_saving(&self, samples: usize, inputs: &[&[f32]]) -> (Vec<Vec<f32>>, Saved) {
        self.run_forward(samples, inputs, true)
    }

    fn run_forward(
        &self,
        samples: usize,
        inputs: &[&[f32]],
        saving: bool,
    ) -> (Vec<Vec<f32>>, Saved) {
        self.check(samples, inputs, self.inputs());
        let mut outputs: Vec<Vec<f32>> = self
            .outputs()
            .map(|(shape, _)| vec![0.0; samples * shape.elements()])
            .collect();
        let group = self.group_size(samples);
        let parts = cut(
            &mut outputs,
            group,
            self.outputs().map(|(s, _)| s.elements()),
        );
        let begin = |(i, outputs): (usize, _)| {
            let sizes = self.inputs().map(|(shape, _)| shape.elements());
            let inputs = inputs.iter().zip(sizes);
            let inputs = inputs.map(|(all, size)| part(all, i, group * size));
            let count = group.min(samples - i * group);
            ForwardGroup::new(i * group, count, inputs.collect(), outputs)
        };
        let mut groups: Vec<ForwardGroup<'_>> = parts.into_iter().enumerate().map(begin).collect();
        let mut coefficients = vec![Vec::new(); self.stages.len()];
        let mut moments = vec![None; self.stages.len()];
        let mut statistics = Vec::new();
        let mut done = 0;
        for (at, stage) in self.stages.iter().enumerate() {
            let Some(norm) = &stage.norm else { continue };
            let sums;
            (groups, sums) = for_each(groups, |mut group| {
                group.go(self, done..at, &coefficients, saving);
                let moments = group.moments(self, at);
                (group, moments)
            })
            .into_iter()
            .unzip();
            done = at;
            let mut whole = Moments::none(norm.spec.shape.groups());
            let sums: Vec<Option<Moments>> = sums;
            sums.iter().flatten().for_each(|part| whole.join(part));
            coefficients[at] = norm.kernel.forward_coefficients(&whole);
            statistics.push(norm.statistics(&whole));
            moments[at] = Some(whole);
        }
        let tapes = for_each(groups, |mut group| {
            group.go(self, done..self.stages.len(), &coefficients, saving);
            group.end(self)
        });
        let saved = Saved {
            samples,
            group,
            tapes: tapes.into_iter().flatten().collect(),
            moments,
            statistics,
        };
        (outputs, saved)
    }

    /// The gradients to the inputs and parameters that are to have one, from those to the outputs;
    /// `None` stands for zeros, as an output that nothing was made from has. Each is in the order
    /// of its end.
    ///
    /// # Panics
    ///
    /// Unless there is a slice of the right length for each output that has one.
    pub fn backward(&self, saved: Saved, cotangents: &[Option<&[f32]>]) -> Gradients {
        let Saved {
            samples,
            group,
            tapes,
            moments,
            ..
        } = saved;
        assert_eq!(cotangents.len(), self.outputs.len(), "number of cotangents");
        for (cotangent, (shape, _)) in cotangents.iter().zip(self.outputs()) {
            let given = cotangent.map_or(samples * shape.elements(), <[f32]>::len);
            assert_eq!(given, samples * shape.elements(), "length of a cotangent");
        }
        self.prepare_backward();
        let wanted = self.wanted.inputs.iter();
        let sizes: Vec<usize> = self
            .inputs()
            .zip(wanted.clone())
            .filter_map(|((shape, _), &wanted)| wanted.then_some(shape.elements()))
            .collect();
        let mut gradients: Vec<Vec<f32>> =
            sizes.iter().map(|size| vec![0.0; samples * size]).collect();
        let mut parts = cut(&mut gradients, group, sizes.into_iter());
        parts.resize_with(tapes.len(), Vec::new);
        let begin = |(i, (tape, gradients))| {
            let sizes = self.outputs().map(|(shape, _)| shape.elements());
            let cotangents = cotangents.iter().zip(sizes);
            let cotangents =
                cotangents.map(|(all, size)| all.map(|all| part(all, i, group * size)));
            let count = group.min(samples - i * group);
            BackwardGroup::new(i * group, count, tape, cotangents.collect(), gradients)
        };
        let groups = tapes.into_iter().zip(parts).enumerate();
        let mut groups: Vec<BackwardGroup<'_>> = groups.map(begin).collect();
        let mut coefficients = vec![Vec::new(); self.stages.len()];
        let mut norms = Vec::new();
        let mut done = 0;
        let ready = |a: &NormStep, b: &NormStep| a.after == b.after;
        for steps in self.backward.norms.chunk_by(ready) {
            groups = for_each(groups, |mut group| {
                group.go(self, done..steps[0].after, &moments, &coefficients);
                group
            });
            done = steps[0].after;
            for step in steps {
                let found = self.join(step, norms.len(), &groups, &moments);
                if let Some((of_stage, gradients)) = found {
                    coefficients[step.stage] = of_stage;
                    norms.push((step.stage, gradients));
                }
            }
        }
        let sums = for_each(groups, |mut group| {
            group.go(
                self,
                done..self.backward.steps.len(),
                &moments,
                &coefficients,
            );
            group.end(self)
        });
        let mut gradients = gradients.into_iter();
        Gradients {
            inputs: wanted
                .map(|&wanted| if wanted { gradients.next() } else { None })
                .collect(),
            parameters: self.to_parameters(&sums, &norms),
        }
    }

    /// From what the groups summed for the norm that is number `number` of the backward pass, the
    /// coefficients for its stage and the gradients to its parameters.
    fn join(
        &self,
        step: &NormStep,
        number: usize,
        groups: &[BackwardGroup<'_>],
        moments: &[Option<Moments>],
    ) -> Option<(Vec<Lane>, NormGradients)> {
        let norm = self.stages[step.stage].norm.as_ref()?;
        let moments = moments[step.stage].as_ref()?;
        let mut whole = GradientSums::none(norm.spec.shape.groups());
        let parts = groups.iter().filter_map(|group| group.norms.get(number));
        parts.for_each(|part| whole.join(part));
        let coefficients = norm.kernel.backward_coefficients(moments, &whole);
        Some((coefficients, norm.kernel.gradients(moments, &whole)))
    }

    /// Packs what the backward pass reads, on the first one.
    fn prepare_backward(&self) {
        for_each(self.backward.steps.iter().collect(), |step: &Step| {
            if let Source::Kernel { .. } = step.source
                && let Some(kernel) = &self.stages[step.stage].kernel
            {
                kernel.prepare_backward();
            }
        });
    }

    fn check(
        &self,
        samples: usize,
        slices: &[&[f32]],
        ends: impl Iterator<Item = (MapShape, Order)>,
    ) {
        let wanted: Vec<usize> = ends.map(|(shape, _)| samples * shape.elements()).collect();
        let given: Vec<usize> = slices.iter().map(|slice| slice.len()).collect();
        assert_eq!(given, wanted, "lengths of the inputs");
    }
}

/// Part `i` of the whole, in pieces of `size`.
fn part<T>(all: &[T], i: usize, size: usize) -> &[T] {
    &all[(i * size).min(all.len())..((i + 1) * size).min(all.len())]
}

/// Cuts each whole into pieces of `group` samples; gives the pieces of each group.
fn cut(
    wholes: &mut [Vec<f32>],
    group: usize,
    sizes: impl Iterator<Item = usize>,
) -> Vec<Vec<&mut [f32]>> {
    let mut parts: Vec<Vec<&mut [f32]>> = Vec::new();
    for (whole, size) in wholes.iter_mut().zip(sizes) {
        for (i, piece) in whole.chunks_mut(group * size).enumerate() {
            match parts.get_mut(i) {
                Some(pieces) => pieces.push(piece),
                None => parts.push(vec![piece]),
            }
        }
    }
    parts
}
