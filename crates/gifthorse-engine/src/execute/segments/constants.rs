//! Constants of the program as one sample sees them.

use super::batch::BatchAxis;
use super::moves::{Indices, number};
use crate::program::{Operand, Program, Step};

/// A constant's values and shape, for one sample of a value of rank `rank`: aligned at the last
/// axes, the batch axis taken out.
pub struct Constant {
    pub values: Vec<f32>,
    pub shape: Vec<usize>,
}

impl Constant {
    /// The constant that a step reads, as it meets a value with this batch axis and of this rank;
    /// `None` if the operand is no constant, or a trained one, or differs from sample to sample.
    pub fn of(
        program: &Program,
        operand: &Operand,
        batch: BatchAxis,
        rank: usize,
        samples: usize,
    ) -> Option<Self> {
        let Operand::Param(id) = operand else {
            return None;
        };
        let param = &program.params[id.0];
        if param.trained {
            return None;
        }
        let value = &param.value;
        let mut shape = vec![1; rank.checked_sub(value.shape().len())?];
        shape.extend(value.shape());
        let values = value.get().ok()?.into_vec();
        match shape.get(batch.axis) {
            None | Some(1) => Some(Self { values, shape }),
            Some(&length) if length == batch.outer * samples * batch.inner => {
                Self::first(values, shape, batch, samples)
            }
            Some(_) => None,
        }
    }

    /// The first sample's part, if all samples have the same.
    fn first(values: Vec<f32>, shape: Vec<usize>, at: BatchAxis, samples: usize) -> Option<Self> {
        let sample = at.sample(&shape);
        let mut part = vec![None; sample.iter().product()];
        for (index, &value) in Indices::of(&shape).zip(&values) {
            let mut inside = index;
            let position = inside[at.axis];
            let outer = position / (samples * at.inner);
            inside[at.axis] = outer * at.inner + position % at.inner;
            let slot = &mut part[number(&sample, &inside)];
            if slot.is_some_and(|seen: f32| seen.to_bits() != value.to_bits()) {
                return None;
            }
            *slot = Some(value);
        }
        Some(Self {
            values: part.into_iter().collect::<Option<_>>()?,
            shape: sample,
        })
    }

    /// One number for each entry of an axis of `shape` (the aligned shape of a sample), if it
    /// varies along no other.
    pub fn along(&self, axis: usize, length: usize) -> Option<Vec<f32>> {
        let alone = self
            .shape
            .iter()
            .enumerate()
            .all(|(i, &n)| i == axis || n == 1);
        match self.shape.get(axis) {
            Some(&n) if alone && n == length => Some(self.values.clone()),
            Some(1) if alone => Some(vec![self.values[0]; length]),
            _ => None,
        }
    }
}

/// The values of a constant operand as they are; `None` if it is trained, or cannot be read (which
/// the step says when it is run by itself).
pub fn plain(program: &Program, step: &Step, operand: usize) -> Option<(Vec<f32>, Vec<usize>)> {
    match step.inputs.get(operand) {
        Some(Operand::Param(id)) if !program.params[id.0].trained => {
            let value = &program.params[id.0].value;
            Some((value.get().ok()?.into_vec(), value.shape().to_vec()))
        }
        _ => None,
    }
}
