//! A model as a function of its raw input, whatever batch the file was made for.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use burn_tensor::Device;
use gifthorse_onnx::{Dim, Graph};

use crate::array::Array;
use crate::branch::{Branch, branches};
use crate::compiled::{Compiled, PlanPart};
use crate::cost::Cost;
use crate::ends::Ends;
use crate::error::Error;
use crate::lower::{Target, Weights, lower};
use crate::mode::Mode;
use crate::program::{Program, Step, ValueId};
use crate::segments::keeps_samples_apart;

/// Most operations that are spent on finding out whether images can go through together: some ten
/// seconds.
const MOST_TO_FIND_OUT: f64 = 1e12;

/// How a batch of images is put through the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Batching {
    /// All at once.
    Whole,
    /// In parts of this many images, because the network would mix images otherwise: the batch
    /// that the file was made for, or a single image.
    Parts(usize),
}

/// A lowered model with a program for each batch size that was asked for.
#[derive(Debug)]
pub struct Network {
    graph: Arc<Graph>,
    ends: Ends,
    input: Vec<usize>,
    classes: usize,
    batching: Batching,
    branches: Vec<Branch>,
    device: Device,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    weights: Weights,
    /// By the names of the values that are taken besides the logits, and the batch size.
    programs: HashMap<Vec<String>, BTreeMap<usize, Arc<Compiled>>>,
}

impl Network {
    /// Lowers the graph for the device.
    ///
    /// `input` is the shape of one image as the model takes it, without the batch axis; it
    /// may be left out where the file says it in numbers.
    ///
    /// # Errors
    /// What the lowering refuses; a model whose output is not one score per class; an
    /// input shape that is neither given nor in the file.
    pub fn new(graph: Arc<Graph>, input: Option<&[usize]>, device: Device) -> Result<Self, Error> {
        let ends = Ends::find(&graph)?;
        let declared = ends.input.shape.as_ref();
        let fixed: Option<Vec<usize>> =
            declared.and_then(|shape| shape.iter().skip(1).map(Dim::fixed).collect());
        let input = match (input, fixed) {
            (Some(given), _) => given.to_vec(),
            (None, Some(fixed)) if !fixed.is_empty() => fixed,
            _ => {
                let reason = format!(
                    "the file does not say the size of its input `{}`; give it with --input-size",
                    ends.input.name
                );
                return Err(Error::Input(reason));
            }
        };
        let mut network = Self {
            graph,
            ends,
            input,
            classes: 0,
            batching: Batching::Whole,
            branches: Vec::new(),
            device,
            state: Mutex::default(),
        };
        let batch = network.declared_batch();
        network.classes = network.count_classes(batch.unwrap_or(1))?;
        let compiled = network.compiled(batch.unwrap_or(1), &[])?;
        network.branches = branches(compiled.program());
        network.batching = network.settle_batching(batch, compiled.program())?;
        Ok(network)
    }

    /// How batches are put through, where the file may fix a batch.
    ///
    /// What a decision is made by must come from one image alone. That is proven, not tried: on the
    /// images that it would be tried with, a decision may well be the same for all.
    fn settle_batching(&self, batch: Option<usize>, program: &Program) -> Result<Batching, Error> {
        let delicate = program.looks_across || !self.branches.is_empty();
        if delicate && !self.keeps_images_apart(batch.unwrap_or(1).max(2)) {
            let several = batch.filter(|&batch| batch > 1);
            return match (several, self.branches.first()) {
                (Some(images), Some(branch)) => Err(Error::MixesImages {
                    node: branch.node.clone(),
                    operator: branch.operator.clone(),
                    images,
                }),
                (Some(images), None) => Ok(Batching::Parts(images)),
                (None, _) => Ok(Batching::Parts(1)),
            };
        }
        Ok(match batch {
            Some(batch) if !self.agrees_in_batches(batch) => Batching::Parts(batch),
            _ => Batching::Whole,
        })
    }

    /// Whether, as far as can be proven, each image's logits and the decisions on the way to them
    /// are made from that image alone in a batch of this size.
    fn keeps_images_apart(&self, batch: usize) -> bool {
        let target = self.target(batch);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        lower(&self.graph, &target, &mut state.weights)
            .is_ok_and(|program| keeps_samples_apart(&program))
    }

    /// The batch size that the file fixes, if it does.
    pub fn declared_batch(&self) -> Option<usize> {
        let first = self
            .ends
            .input
            .shape
            .as_ref()
            .and_then(|shape| shape.first());
        first.and_then(Dim::fixed).filter(|&n| n > 0)
    }

    /// Shape of one raw input, without the batch axis.
    pub fn input(&self) -> &[usize] {
        &self.input
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// Name of the input and what was cut off the output.
    pub fn ends(&self) -> &Ends {
        &self.ends
    }

    /// How batches are put through.
    pub fn batching(&self) -> Batching {
        self.batching
    }

    /// Where the model decides by the image which of two values goes on, in the order of
    /// computation.
    pub fn branches(&self) -> &[Branch] {
        &self.branches
    }

    /// The graph that was lowered.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// The device that the weights are on.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Logits `[batch, classes]` of a raw input `[batch, ...]`, tracked if the input is.
    ///
    /// # Errors
    /// An input of another shape; a model that gives another number of rows than it was given
    /// images.
    pub fn forward(&self, input: Array) -> Result<Array, Error> {
        Ok(self.forward_tapped(input, &[])?.remove(0))
    }

    /// Logits, then the values of the given ONNX names (batch first).
    ///
    /// # Errors
    /// An input of another shape; a name that no value of the lowered model has.
    pub fn forward_tapped(&self, input: Array, taps: &[&str]) -> Result<Vec<Array>, Error> {
        let shape = input.shape();
        if shape.first().is_none_or(|&n| n == 0) || shape[1..] != self.input[..] {
            let reason = format!("the model takes [batch, {:?}], not {shape:?}", self.input);
            return Err(Error::Input(reason));
        }
        let Batching::Parts(part) = self.batching else {
            return self.run(input, taps);
        };
        let batch = shape[0];
        let mut outputs: Vec<Vec<Array>> = vec![Vec::new(); taps.len() + 1];
        for start in (0..batch).step_by(part) {
            let count = part.min(batch - start);
            let mut images = input.clone().slice(0, start, count, 1);
            if count < part {
                let last = images.clone().slice(0, count - 1, 1, 1);
                let fill = std::iter::repeat_n(last, part - count);
                images = Array::concat(std::iter::once(images).chain(fill).collect(), 0);
            }
            for (all, made) in outputs.iter_mut().zip(self.run(images, taps)?) {
                all.push(if count < part {
                    made.slice(0, 0, count, 1)
                } else {
                    made
                });
            }
        }
        Ok(outputs
            .into_iter()
            .map(|parts| Array::concat(parts, 0))
            .collect())
    }

    fn run(&self, input: Array, taps: &[&str]) -> Result<Vec<Array>, Error> {
        let batch = input.shape()[0];
        let compiled = self.compiled(batch, taps)?;
        let taps = taps.iter().map(|tap| value_named(compiled.program(), tap));
        let taps = taps.collect::<Result<Vec<_>, Error>>()?;
        let output = &compiled.program().output_shape;
        if output.first() != Some(&batch)
            || output.iter().product::<usize>() != batch * self.classes
        {
            let reason = format!(
                "its output `{}` has shape {output:?} for {batch} image(s), not one row of {} scores for each",
                self.ends.logits, self.classes
            );
            return Err(Error::NotAClassifier(reason));
        }
        let mut made = compiled.run(input, &[], &taps)?;
        let logits = made.remove(0).reshape(&[batch, self.classes]);
        made.insert(0, logits);
        Ok(made)
    }

    /// The program for a batch size and what is taken besides the logits, made on first use.
    pub(crate) fn compiled(&self, batch: usize, taps: &[&str]) -> Result<Arc<Compiled>, Error> {
        let mut key: Vec<String> = taps.iter().map(|&tap| tap.to_owned()).collect();
        key.sort_unstable();
        key.dedup();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let State { weights, programs } = &mut *state;
        let sizes = programs.entry(key).or_default();
        if let Some(compiled) = sizes.get(&batch) {
            return Ok(compiled.clone());
        }
        let program = lower(&self.graph, &self.target(batch), weights)?;
        let taps = taps.iter().map(|tap| value_named(&program, tap));
        let taps = taps.collect::<Result<Vec<_>, Error>>()?;
        let others: Vec<Arc<Compiled>> = sizes.values().cloned().collect();
        let compiled = Arc::new(Compiled::new(program, &taps, &others)?);
        sizes.insert(batch, compiled.clone());
        Ok(compiled)
    }

    fn target(&self, batch: usize) -> Target<'_> {
        Target {
            mode: &Mode::Inference,
            batch,
            input: &self.input,
            device: self.device.clone(),
        }
    }

    /// How a batch of this size runs: the parts of the plan, with the time that each took so far in
    /// every run of the same plan, whatever the batch.
    ///
    /// # Errors
    /// What the lowering refuses.
    pub fn plan(&self, batch: usize) -> Result<Vec<PlanPart>, Error> {
        let batch = match self.batching {
            Batching::Whole => batch,
            Batching::Parts(part) => part,
        };
        Ok(self.compiled(batch, &[])?.describe())
    }

    /// Operations of a forward pass for one image, where each number that is read or written counts
    /// as 32.
    ///
    /// # Errors
    /// What the lowering refuses.
    pub fn operations(&self) -> Result<f64, Error> {
        let batch = self.declared_batch().unwrap_or(1);
        let compiled = self.compiled(batch, &[])?;
        Ok(Cost::of(compiled.program()).forward / batch as f64)
    }

    /// Values that features can be taken from, those whose first axis is the batch, with their
    /// shapes for one image.
    ///
    /// # Errors
    /// What the lowering refuses.
    pub fn layers(&self) -> Result<Vec<(String, Vec<usize>)>, Error> {
        let batch = self.declared_batch().unwrap_or(1);
        let compiled = self.compiled(batch, &[])?;
        let program = compiled.program();
        let steps: HashMap<ValueId, &Step> = program
            .steps
            .iter()
            .map(|step| (step.output, step))
            .collect();
        let mut layers = Vec::new();
        for node in &self.graph.nodes {
            for name in node.outputs.iter().flatten() {
                let step = program.names.get(name).and_then(|id| steps.get(id));
                // Some values, such as sums over everything, have no row for each image.
                if let Some(step) = step
                    && step.shape.first() == Some(&batch)
                {
                    layers.push((name.clone(), step.shape[1..].to_vec()));
                }
            }
        }
        Ok(layers)
    }

    fn count_classes(&self, batch: usize) -> Result<usize, Error> {
        let compiled = self.compiled(batch, &[])?;
        let shape = &compiled.program().output_shape;
        let count: usize = shape.iter().skip(1).product();
        let plain = shape.first() == Some(&batch)
            && shape.iter().skip(1).filter(|&&length| length != 1).count() <= 1;
        if !plain || count < 2 {
            let reason = format!(
                "its output `{}` has shape {shape:?} for {batch} image(s); \
                 [batch, classes] with two classes or more is expected",
                self.ends.logits
            );
            return Err(Error::NotAClassifier(reason));
        }
        Ok(count)
    }

    /// Whether the model, made for `part` images at a time, gives the same logits when
    /// more go through together. One that takes too long to find out is taken as if it did not.
    fn agrees_in_batches(&self, part: usize) -> bool {
        let parts = 3;
        let quick = self.compiled(part, &[]).is_ok_and(|compiled| {
            let passes = 2 * parts;
            passes as f64 * Cost::of(compiled.program()).forward <= MOST_TO_FIND_OUT
        });
        if !quick {
            return false;
        }
        let size: usize = self.input.iter().product();
        // Any fixed, varied image will do: a low-discrepancy sequence in [0, 1).
        let values: Vec<f32> = (0..parts * part * size)
            .map(|i| (i as f64 * 0.618_033_988_749).fract() as f32)
            .collect();
        let mut shape = vec![parts * part];
        shape.extend(&self.input);
        let all = Array::from_vec(values, &shape, &self.device);
        let Ok(mut together) = self.run(all.clone(), &[]) else {
            return false;
        };
        let together = together.remove(0).into_vec();
        let apart: Result<Vec<Vec<f32>>, Error> = (0..parts)
            .map(|i| {
                let images = all.clone().slice(0, i * part, part, 1);
                Ok(self.run(images, &[])?.remove(0).into_vec())
            })
            .collect();
        let Ok(apart) = apart else { return false };
        let apart = apart.concat();
        let scale = apart.iter().fold(1e-6f32, |m, v| m.max(v.abs()));
        let apart_enough = |(a, b): (&f32, &f32)| (a - b).abs() <= 1e-3 * scale;
        together.iter().zip(&apart).all(apart_enough)
    }
}

/// The value that an ONNX name stands for.
fn value_named(program: &Program, name: &str) -> Result<ValueId, Error> {
    program.names.get(name).copied().ok_or_else(|| {
        let reason = format!("the model has no value `{name}` that depends on the image");
        Error::Input(reason)
    })
}
