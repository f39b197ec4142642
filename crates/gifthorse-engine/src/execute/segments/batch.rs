//! Where the samples are in each value.
//!
//! A segment computes one sample at a time. That is the same as computing a batch where each value
//! consists of one part for each sample, and each part depends on parts of the same sample alone.
//! This file follows the batch axis through a program, including reshapes that merge it with others
//! (as attention exports do), and gives up where samples mix.

use crate::program::{Operand, Primitive, Program, Step, ValueId};

/// The axis of a value that holds the samples: its length is `outer * samples * inner`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchAxis {
    /// Which axis.
    pub axis: usize,
    /// What was merged before the samples.
    pub outer: usize,
    /// What was merged after them.
    pub inner: usize,
}

impl BatchAxis {
    /// The first axis, samples only.
    pub const FIRST: Self = Self {
        axis: 0,
        outer: 1,
        inner: 1,
    };

    /// For a batch of one: the whole value is the sample's.
    pub const WHOLE: Self = Self {
        axis: usize::MAX,
        ..Self::FIRST
    };

    /// Whether each sample's part is one stretch of row-major memory, in the order of the samples.
    pub fn is_stacked(&self) -> bool {
        *self == Self::WHOLE || self.axis == 0 && self.outer == 1
    }

    /// The shape of one sample's part.
    pub fn sample(&self, shape: &[usize]) -> Vec<usize> {
        let mut sample = shape.to_vec();
        if let Some(length) = sample.get_mut(self.axis) {
            *length = self.outer * self.inner;
        }
        sample
    }
}

/// The batch axis of each value of a program (by value number) for more than one sample, `None`
/// where samples mix or cannot be told apart.
pub fn follow(program: &Program) -> Vec<Option<BatchAxis>> {
    let last = program.steps.iter().map(|step| step.output.0).max();
    let mut axes = vec![None; last.unwrap_or(0).max(program.input.0) + 1];
    let mut shapes = vec![Vec::new(); axes.len()];
    let samples = program.input_shape.first().copied().unwrap_or(1);
    if samples == 1 {
        return vec![Some(BatchAxis::WHOLE); axes.len()];
    }
    axes[program.input.0] = Some(BatchAxis::FIRST);
    shapes[program.input.0] = program.input_shape.clone();
    let independent = program.independent();
    for step in &program.steps {
        let operands = step.inputs.iter().map(|input| match *input {
            Operand::Value(id) => Seen {
                shape: shapes[id.0].clone(),
                batch: (!independent.contains(&id)).then_some(axes[id.0]),
            },
            Operand::Param(id) => Seen {
                shape: program.params[id.0].value.shape().to_vec(),
                batch: None,
            },
        });
        let operands: Vec<Seen> = operands.collect();
        // Whatever an operator makes of its operands, an axis of another length does not hold the
        // samples.
        let holds =
            |at: &BatchAxis| step.shape.get(at.axis) == Some(&(at.outer * samples * at.inner));
        axes[step.output.0] = through(step, &operands, samples).filter(holds);
        shapes[step.output.0] = step.shape.clone();
    }
    axes
}

/// For each value, by number, whether its first axis is the samples and nothing else; `None` where
/// that is not known.
pub fn keeps_batch_first(program: &Program) -> Vec<Option<bool>> {
    let first = |axis: BatchAxis| axis == BatchAxis::FIRST || axis == BatchAxis::WHOLE;
    let axes = follow(program).into_iter();
    axes.map(|axis| axis.map(first)).collect()
}

/// Whether each sample's output, and each condition that something is chosen by, come from that
/// sample alone, as far as this file can follow them.
pub fn keeps_samples_apart(program: &Program) -> bool {
    let axes = follow(program);
    let independent = program.independent();
    let apart = |id: &ValueId| independent.contains(id) || axes[id.0].is_some();
    let conditions = program.choices.iter().map(|choice| &choice.condition);
    conditions.chain([&program.output]).all(apart)
}

/// An operand: a constant where `batch` is `None`, a value without a known batch axis where it is
/// `Some(None)`.
struct Seen {
    shape: Vec<usize>,
    batch: Option<Option<BatchAxis>>,
}

/// The batch axis of a step's result.
fn through(step: &Step, operands: &[Seen], samples: usize) -> Option<BatchAxis> {
    if operands.iter().any(|operand| operand.batch == Some(None)) {
        return None;
    }
    let first = operands.iter().find(|operand| operand.batch.is_some())?;
    let at = first.batch??;
    let rank = first.shape.len();
    let unless = |mixed: bool| (!mixed).then_some(at);
    match &step.primitive {
        Primitive::Conv { .. }
        | Primitive::ConvTranspose { .. }
        | Primitive::MaxPool(_)
        | Primitive::AvgPool(_)
        | Primitive::BatchNorm { .. }
        // Samples mix, but in a way that a segment knows.
        | Primitive::BatchNormOfBatch { .. } => unless(at.axis != 0),
        Primitive::MatMul => {
            // Constants with more than two axes would have to be told apart by sample.
            let matrices = operands
                .iter()
                .all(|operand| operand.batch.is_some() || operand.shape.len() <= 2);
            match (operands[0].batch.is_some(), operands[1].batch.is_some()) {
                // Rows of the left factor stay apart.
                (true, false) => unless(!matrices || at.axis + 1 >= rank),
                (false, true) => unless(!matrices || at.axis + 2 >= rank),
                _ => {
                    let same = operands.iter().all(|o| o.shape.len() == rank);
                    let same = same && operands.iter().all(|o| o.batch == Some(Some(at)));
                    unless(!same || at.axis + 2 >= rank)
                }
            }
        }
        Primitive::LayerNorm { axis, .. } => unless(at.axis >= *axis),
        Primitive::Softmax(axis)
        | Primitive::LogSoftmax(axis)
        | Primitive::ArgMax(axis)
        | Primitive::ArgSort { axis, .. }
        | Primitive::CumSum(axis) => unless(at.axis == *axis),
        // Constants would have to be told apart by sample.
        Primitive::GatherAlong(axis) => {
            let alike = operands.iter().all(|operand| operand.batch == Some(Some(at)));
            unless(at.axis == *axis || !alike)
        }
        Primitive::Unary(_) | Primitive::Dropout { .. } => Some(at),
        Primitive::Binary(_) | Primitive::Where | Primitive::Expand => {
            aligned(step, operands, samples)
        }
        Primitive::Reduce(_, axes) => unless(axes.contains(&at.axis)),
        Primitive::Reshape => reshaped(&first.shape, at, &step.shape, samples),
        Primitive::Permute(axes) => axes
            .iter()
            .position(|&axis| axis == at.axis)
            .map(|axis| BatchAxis { axis, ..at }),
        Primitive::Slice { axis, .. } | Primitive::Select { axis, .. } => unless(at.axis == *axis),
        Primitive::Pad { pads, .. } => unless(pads.get(at.axis) != Some(&(0, 0))),
        Primitive::Concat(axis) => {
            let alike = operands.iter().all(|operand| match operand.batch {
                Some(batch) => batch == Some(at),
                None => operand.shape.get(at.axis) == first.shape.get(at.axis),
            });
            unless(at.axis == *axis || !alike)
        }
    }
}

/// Operands that broadcast against each other, aligned at their last axes.
fn aligned(step: &Step, operands: &[Seen], samples: usize) -> Option<BatchAxis> {
    let rank = step.shape.len();
    let mut found: Option<BatchAxis> = None;
    for operand in operands {
        if let Some(Some(batch)) = operand.batch {
            let axis = batch.axis + rank.checked_sub(operand.shape.len())?;
            let moved = BatchAxis { axis, ..batch };
            if found.is_some_and(|found| found != moved) {
                return None;
            }
            found = Some(moved);
        }
    }
    let found = found?;
    let length = found.outer * samples * found.inner;
    (step.shape.get(found.axis) == Some(&length)).then_some(found)
}

/// The batch axis after a reshape from `from` to `to`.
fn reshaped(from: &[usize], at: BatchAxis, to: &[usize], samples: usize) -> Option<BatchAxis> {
    let before = from[..at.axis].iter().product::<usize>() * at.outer;
    let mut passed = 1;
    for (axis, &length) in to.iter().enumerate() {
        let outer = before / passed;
        if before.is_multiple_of(passed) && length.is_multiple_of(outer * samples) && length > 0 {
            let inner = length / (outer * samples);
            return Some(BatchAxis { axis, outer, inner });
        }
        passed *= length;
        if passed > before * samples {
            return None;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reshape_that_keeps_the_first_axis() {
        let at = reshaped(&[4, 3, 5, 5], BatchAxis::FIRST, &[4, 75], 4);
        assert_eq!(at, Some(BatchAxis::FIRST));
    }

    #[test]
    fn heads_merge_with_the_samples_and_part_again() {
        // [tokens, samples, width] -> [tokens, samples * heads, width / heads]
        let at = BatchAxis {
            axis: 1,
            ..BatchAxis::FIRST
        };
        let merged = reshaped(&[7, 4, 12], at, &[7, 12, 4], 4);
        let wanted = BatchAxis {
            axis: 1,
            outer: 1,
            inner: 3,
        };
        assert_eq!(merged, Some(wanted));
        assert_eq!(reshaped(&[7, 12, 4], wanted, &[7, 4, 12], 4), Some(at));
        // [tokens, samples, width] -> [tokens * samples, width]
        let rows = reshaped(&[7, 4, 12], at, &[28, 12], 4);
        let wanted = BatchAxis {
            axis: 0,
            outer: 7,
            inner: 1,
        };
        assert_eq!(rows, Some(wanted));
        assert_eq!(reshaped(&[28, 12], wanted, &[7, 4, 12], 4), Some(at));
    }

    #[test]
    fn samples_that_are_torn_apart_are_not_followed() {
        // Four samples of six become three rows of eight: rows hold parts of two samples.
        assert_eq!(reshaped(&[4, 6], BatchAxis::FIRST, &[3, 8], 4), None);
    }
}
