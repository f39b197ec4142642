//! A batch through a section of a model.

use std::collections::BTreeMap;

use super::{BatchPart, Batching, Network};
use crate::error::Error;
use crate::execute::array::Array;
use crate::execute::edit::{Edit, Edits};
use crate::program::section::{Section, value_named};

/// What a section gives.
pub struct Values {
    /// The value that it ends at; logits are `[batch, classes]`.
    pub end: Array,
    /// The values of its taps, by name.
    pub taps: BTreeMap<String, Array>,
}

/// A change of a layer's value during one run.
#[derive(Clone, Debug)]
pub struct LayerEdit {
    /// Name of the layer, one of the section's cuts.
    pub layer: String,
    /// What is done with its value.
    pub edit: Edit,
    /// Whether the operand has a row for each sample of the batch.
    pub by_sample: bool,
}

impl Network {
    /// Runs a section on a batch of what it begins at, which is `[batch, ...]`; tracked if that or
    /// an edit is.
    ///
    /// # Errors
    /// An input of another shape; a name that no value of the lowered model has; a section that
    /// values pass by; a model that gives another number of rows than it was given images.
    pub(crate) fn run(
        &self,
        input: Array,
        section: &Section,
        edits: &[LayerEdit],
    ) -> Result<Values, Error> {
        let shape = input.shape();
        let begin = match &section.from {
            None => self.input.clone(),
            Some(name) => self.layer(name)?.shape().to_vec(),
        };
        if shape.first().is_none_or(|&n| n == 0) || shape[1..] != begin[..] {
            let reason = match &section.from {
                None => format!("the model takes [batch, {begin:?}], not {shape:?}"),
                Some(name) => {
                    format!("features of `{name}` are [batch, {begin:?}], not {shape:?}")
                }
            };
            return Err(Error::Input(reason));
        }
        let Batching::Parts(size) = self.batching else {
            return self.run_together(input, section, edits);
        };
        let (mut ends, mut taps) = (Vec::new(), BTreeMap::<String, Vec<Array>>::new());
        for part in BatchPart::of(shape[0], size) {
            let cut = |edit: &LayerEdit| match edit.by_sample {
                false => edit.clone(),
                true => {
                    let mut edit = edit.clone();
                    edit.edit.operand = part.cut(edit.edit.operand);
                    edit
                }
            };
            let edits: Vec<LayerEdit> = edits.iter().map(cut).collect();
            let made = self.run_together(part.cut(input.clone()), section, &edits)?;
            ends.push(part.without_fill(made.end));
            for (name, value) in made.taps {
                taps.entry(name).or_default().push(part.without_fill(value));
            }
        }
        let taps = taps.into_iter();
        Ok(Values {
            end: Array::concat(ends, 0),
            taps: taps
                .map(|(name, parts)| (name, Array::concat(parts, 0)))
                .collect(),
        })
    }

    /// As [`run`](Self::run), all samples at once.
    pub(super) fn run_together(
        &self,
        input: Array,
        section: &Section,
        edits: &[LayerEdit],
    ) -> Result<Values, Error> {
        let batch = input.shape()[0];
        let compiled = self.compiled(batch, section)?;
        let program = compiled.program();
        let output = &program.output_shape;
        if section.to.is_none()
            && (output.first() != Some(&batch)
                || output.iter().product::<usize>() != batch * self.classes)
        {
            let reason = format!(
                "its output `{}` has shape {output:?} for {batch} image(s), not one row of {} scores for each",
                self.ends.logits, self.classes
            );
            return Err(Error::NotAClassifier(reason));
        }
        let taps = section.taps.iter().map(|name| value_named(program, name));
        let taps = taps.collect::<Result<Vec<_>, Error>>()?;
        let mut by_value = Edits::new();
        for edit in edits {
            let value = value_named(program, &edit.layer)?;
            by_value.entry(value).or_default().push(edit.edit.clone());
        }
        let mut made = compiled.run(input, &taps, &by_value)?.into_iter();
        let missing = || Error::Internal("a program without an output".to_owned());
        let end = made.next().ok_or_else(missing)?;
        Ok(Values {
            end: match section.to {
                None => end.reshape(&[batch, self.classes]),
                Some(_) => end,
            },
            taps: section.taps.iter().cloned().zip(made).collect(),
        })
    }
}
