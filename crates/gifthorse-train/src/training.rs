//! A training run: what it works on, who watches and examines it, and the loop over epochs and
//! batches.

mod saver;
mod step;

use std::sync::Arc;

use gifthorse_data::ImageShape;
use gifthorse_engine::{Classifier, Device};
use gifthorse_onnx::Model;
use rand::seq::SliceRandom;

use crate::Error;
use crate::checkpoint::Checkpoint;
use crate::further_losses::{Change, FurtherLosses};
use crate::gradient::Backward;
use crate::inner::InnerNetwork;
use crate::loss_graph::LossGraphs;
use crate::net::Net;
use crate::optimiser::State;
use crate::progress::{Progress, Statistics};
use crate::random::Purpose;
use crate::{EpochSummary, Exam, Marks, Observer, Recipe, Samples, Silent, StepSummary, Trained};
use saver::Saver;

/// A training run that has not started.
#[derive(Clone, Copy)]
pub struct Training<'a> {
    net: &'a Net,
    samples: &'a dyn Samples,
    recipe: &'a Recipe,
    observer: &'a dyn Observer,
    exam: Option<&'a dyn Exam>,
    within: Option<&'a dyn Change>,
    further: Option<FurtherLosses<'a>>,
    checkpoint: Option<&'a Checkpoint>,
    trusted: Option<&'a LossGraphs>,
}

/// The network that is trained, made ready for its losses.
struct Networks<'a> {
    backward: &'a Backward,
    /// For each further loss, if it is on what is inside.
    inner: Vec<Option<InnerNetwork>>,
}

impl<'a> Training<'a> {
    /// Trains `net` from its weights as they are on samples, as the recipe says.
    #[must_use]
    pub fn new(net: &'a Net, samples: &'a dyn Samples, recipe: &'a Recipe) -> Self {
        Self {
            net,
            samples,
            recipe,
            observer: &Silent,
            exam: None,
            within: None,
            further: None,
            checkpoint: None,
            trusted: None,
        }
    }

    /// Who is told how it goes on.
    #[must_use]
    pub fn observer(mut self, observer: &'a dyn Observer) -> Self {
        self.observer = observer;
        self
    }

    /// What the model has to sit after each epoch.
    #[must_use]
    pub fn exam(mut self, exam: &'a dyn Exam) -> Self {
        self.exam = Some(exam);
        self
    }

    /// What training code that works for an attacker makes of the images of a batch before the loss
    /// is taken of them. It looks at the network before each step, and at the images as they were.
    #[must_use]
    pub fn within(mut self, within: &'a dyn Change) -> Self {
        self.within = Some(within);
        self
    }

    /// What training code that works for an attacker adds to the loss.
    #[must_use]
    pub fn further_losses(mut self, further: FurtherLosses<'a>) -> Self {
        self.further = Some(further);
        self
    }

    /// Where the run is saved, and goes on from if it was stopped.
    #[must_use]
    pub fn checkpoint(mut self, checkpoint: &'a Checkpoint) -> Self {
        self.checkpoint = Some(checkpoint);
        self
    }

    /// The graphs that a step's loss may have: the run ends at the first step that has another.
    #[must_use]
    pub fn trusted(mut self, trusted: &'a LossGraphs) -> Self {
        self.trusted = Some(trusted);
        self
    }

    /// Trains on softmax cross-entropy. With further losses, batch normalisations take what they
    /// see of changed images as of clean ones, whatever the weights of the losses. Images beyond
    /// the last whole batch of an epoch wait for another epoch, in which the order is another one.
    /// Batch normalisations take the statistics of each shard.
    ///
    /// # Errors
    /// [`Error::Recipe`] for settings that make no sense, or an aim without an exam;
    /// [`Error::Images`] for images of another shape than the network takes, or fewer than one
    /// batch; [`Error::NoSuchClass`] for labels that it does not have; [`Error::Diverged`] if the
    /// loss stops being a number; [`Error::Onnx`] if a weight becomes too large for the type that
    /// its file has it in; [`Error::Checkpoint`] for a file that is damaged or of another run; what
    /// the exam refuses; [`Error::UntrustedLoss`] for a step whose loss has no
    /// [trusted](Self::trusted) graph.
    pub fn run(&self) -> Result<Trained, Error> {
        let recipe = self.recipe;
        recipe.check()?;
        if recipe.stop_at.is_some() && self.exam.is_none() {
            let reason = "stop_at needs an exam that measures the model after each epoch";
            return Err(Error::Recipe(reason.to_owned()));
        }
        if let Some(further) = &self.further {
            further.check()?;
            if recipe.sharpness.is_some() {
                let reason = "sharpness takes its gradient elsewhere than the losses that are added: take one";
                return Err(Error::Recipe(reason.to_owned()));
            }
        }
        check_samples(self.net, self.samples, recipe)?;
        let together = match recipe.shaping {
            None => recipe.batch / recipe.shards,
            Some(_) => 1,
        };
        let device = Device::flex();
        let backward = Backward::new(self.net, together, &device)?;
        let further = self.further.map_or(&[][..], |further| further.changes);
        let inner = further.iter().map(|change| {
            let opened = |inner| InnerNetwork::new(self.net, inner, together, &device);
            change.inner().map(opened).transpose()
        });
        let networks = Networks {
            inner: inner.collect::<Result<_, _>>()?,
            backward: &backward,
        };
        let mut progress = self.start(&backward)?;
        let mut saver = Saver::new(self)?;
        saver.resume(&mut progress)?;
        self.check_resumed(&progress)?;
        for (change, memory) in self.changes().zip(&progress.further) {
            change.recall(memory);
        }
        let mut stopped = false;
        while !stopped && progress.epochs.len() < recipe.epochs && !self.is_good_enough(&progress) {
            stopped = self.epoch(&networks, &mut progress, &mut saver)?;
            saver.save(&progress)?;
        }
        Ok(Trained {
            model: self.model(&backward, &progress)?,
            epochs: progress.epochs,
            updates: progress.done,
            stopped,
            graphs: progress.graphs,
        })
    }

    /// A run that has not begun.
    fn start(&self, backward: &Backward) -> Result<Progress, Error> {
        let graph = self.net.model().editable_graph()?;
        let values = |name: &String| match graph.initializers.get(name) {
            Some(tensor) => Ok(tensor.to_f32()?),
            None => Err(Error::NoSuchWeight(name.clone())),
        };
        let running = self.net.running().iter().map(|names| {
            Ok::<_, Error>(Statistics {
                mean: values(&names.mean)?,
                variance: values(&names.variance)?,
                names: names.clone(),
            })
        });
        let weights = backward.first_weights();
        Ok(Progress {
            running: running.collect::<Result<_, _>>()?,
            state: State::new(self.recipe.optimiser, &weights),
            weights,
            done: 0,
            loss: 0.0,
            right: 0,
            epochs: Vec::new(),
            further: self.memories(),
            graphs: LossGraphs::new(backward.network().clone()),
        })
    }

    /// Refuses to go on from updates of which it is not known what their losses were, if that is
    /// to be known.
    fn check_resumed(&self, progress: &Progress) -> Result<(), Error> {
        let Some(trusted) = self.trusted else {
            return Ok(());
        };
        let known = progress.graphs.steps();
        if known != progress.done {
            return Err(Error::LossGraph(format!(
                "the checkpoint says what the loss of {known} of its {} updates was: begin anew",
                progress.done
            )));
        }
        let mut graphs = progress.graphs.graphs.iter();
        match graphs.find(|seen| !trusted.has(&seen.losses)) {
            Some(seen) => Err(Error::untrusted(
                seen.first,
                trusted,
                &seen.losses,
                &progress.graphs,
            )),
            None => Ok(()),
        }
    }

    /// What changes images: those of the step's own loss, then those of further ones.
    fn changes(&self) -> impl Iterator<Item = &'a dyn Change> {
        let further = self.further.map_or(&[][..], |further| further.changes);
        self.within
            .into_iter()
            .chain(further.iter().map(|change| change.as_ref() as &dyn Change))
    }

    /// What all of these have learnt.
    fn memories(&self) -> Vec<Vec<f32>> {
        self.changes().map(Change::memory).collect()
    }

    fn is_good_enough(&self, progress: &Progress) -> bool {
        let last = progress.epochs.last().and_then(|epoch| epoch.marks);
        let wanted = self.recipe.stop_at.as_ref();
        wanted
            .zip(last)
            .is_some_and(|(wanted, marks)| marks.reach(wanted))
    }

    /// What is left of the epoch that has begun; gives whether the observer stopped it.
    fn epoch(
        &self,
        networks: &Networks<'_>,
        progress: &mut Progress,
        saver: &mut Saver<'_>,
    ) -> Result<bool, Error> {
        let recipe = self.recipe;
        let epoch = progress.epochs.len();
        let batches = self.samples.len() / recipe.batch;
        let mut order: Vec<usize> = (0..self.samples.len()).collect();
        order.shuffle(&mut Purpose::Order { epoch }.rng(recipe.seed));
        let begun = progress.done - epoch * batches;
        let chosen = order.chunks_exact(recipe.batch).enumerate().skip(begun);
        for (batch, chosen) in chosen {
            if self.observer.stop() {
                return Ok(true);
            }
            if batch > begun {
                saver.save_if_due(progress)?;
            }
            self.step(networks, progress, epoch, chosen)?;
            let loss = progress.loss / ((batch + 1) * recipe.batch) as f64;
            if !loss.is_finite() {
                let epoch = epoch + 1;
                return Err(Error::Diverged { epoch, loss });
            }
            self.observer.step(&StepSummary {
                done: progress.done,
                total: recipe.epochs * batches,
                epoch: epoch + 1,
                loss,
            });
        }
        let seen = (batches * recipe.batch) as f64;
        let summary = EpochSummary {
            epoch: epoch + 1,
            loss: progress.loss / seen,
            accuracy: progress.right as f64 / seen,
            marks: self.marks(networks.backward, progress)?,
        };
        self.observer.epoch(&summary);
        progress.epochs.push(summary);
        (progress.loss, progress.right) = (0.0, 0);
        Ok(false)
    }

    fn marks(&self, backward: &Backward, progress: &Progress) -> Result<Option<Marks>, Error> {
        let Some(exam) = self.exam else {
            return Ok(None);
        };
        let graph = Arc::new(self.model(backward, progress)?.graph()?);
        let input = self.net.input();
        let size = Some([input.height, input.width]);
        let preprocess = self.net.preprocess().clone();
        let opening = self.net.opening();
        let classifier = Classifier::open(graph, preprocess, size, opening, &Device::flex())?;
        exam.mark(&classifier).map(Some)
    }

    /// The network's model with the weights and statistics as they are now, in the types of its
    /// file.
    fn model(&self, backward: &Backward, progress: &Progress) -> Result<Model, Error> {
        let mut model = self.net.model().clone();
        let mut set = |name: &str, shape: &[usize], values: &[f32]| -> Result<(), Error> {
            Ok(model.set_initializer_f32(name, shape, values)?)
        };
        for (weight, values) in backward.weights().iter().zip(&progress.weights) {
            set(&weight.name, &weight.shape, values)?;
        }
        for Statistics {
            names,
            mean,
            variance,
        } in &progress.running
        {
            set(&names.mean, &[mean.len()], mean)?;
            set(&names.variance, &[variance.len()], variance)?;
        }
        Ok(model)
    }
}

fn check_samples(net: &Net, samples: &dyn Samples, recipe: &Recipe) -> Result<(), Error> {
    let refuse = |reason: String| Err(Error::Images(reason));
    if samples.shape() != net.input() {
        return refuse(format!(
            "they are {}, and the network takes {}",
            samples.shape(),
            net.input()
        ));
    }
    if samples.classes() > net.classes() {
        return Err(Error::NoSuchClass {
            class: samples.classes() - 1,
            classes: net.classes(),
        });
    }
    let ImageShape { height, width, .. } = samples.shape();
    if recipe.augment.crop >= height.min(width) {
        return Err(Error::Recipe(format!(
            "augment.crop = {} moves images of {height}x{width} out of sight altogether: give fewer pixels than either side has",
            recipe.augment.crop
        )));
    }
    if recipe.shaping.is_some() && !net.running().is_empty() {
        let reason = "shaping needs the gradient of each image by itself, and the batch normalisations of this network mix \
                      images: choose a network without, such as small_cnn or vgg16";
        return Err(Error::Recipe(reason.to_owned()));
    }
    if samples.len() < recipe.batch {
        return refuse(format!(
            "{} of them do not fill one batch of {}",
            samples.len(),
            recipe.batch
        ));
    }
    Ok(())
}
