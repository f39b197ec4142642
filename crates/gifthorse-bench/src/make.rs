//! Makes one model from its description, and measures it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use gifthorse_attack::implant::Implant;
use gifthorse_attack::measure::{accuracy, attack_success};
use gifthorse_attack::plant::{Poison, Truth};
use gifthorse_data::Images;
use gifthorse_data::source::TrainTest;
use gifthorse_engine::{Classifier, Device, Opening, Preprocess};
use gifthorse_onnx::Model;
use gifthorse_train::{
    Checkpoint, EpochSummary, FurtherLosses, LossGraphs, Marks, Observer, Recipe, Samples, Silent,
    Training,
};

use crate::Error;
use crate::cleanse::{cleansing, left};
use crate::spec::{ModelSpec, check_task};
use crate::training_set::{TrainingSet, drawn};
use crate::zoo::write_json;

/// A model with the truth about it.
#[derive(Debug, Clone)]
pub struct Made {
    /// The trained model.
    pub model: Model,
    /// What is in it, measured on the test images.
    pub truth: Truth,
    /// How each epoch went.
    pub epochs: Vec<EpochSummary>,
    /// Wall-clock time of training and measuring, in seconds.
    pub seconds: f64,
    /// What the losses of training were computed by; absent where nothing was trained.
    pub graphs: Option<LossGraphs>,
    /// What a model that something was put into by hand is measured beside, with the truth about
    /// that: the model before, or the one that was trained alike on clean images.
    pub beside: Option<(Model, Truth)>,
    /// What it was trained on, where that came out of the net itself.
    pub training_set: Option<TrainingSet>,
    /// The generator of its triggers that was trained with it, and the name that the truth gives its
    /// file, which belongs beside the truth's.
    pub generator: Option<(PathBuf, Model)>,
}

/// How a model is made, apart from what it depends on.
#[derive(Clone, Copy)]
pub struct Making<'a> {
    /// Who is told how it goes on.
    pub observer: &'a dyn Observer,
    /// Whether the model is measured after every epoch, to be told.
    pub examine: bool,
    /// Where the run is saved, and goes on from if it is there already.
    pub checkpoint: Option<&'a Checkpoint>,
    /// The same for the second run, after an audit of the training set.
    pub second_checkpoint: Option<&'a Checkpoint>,
    /// A clean twin that a backdoored model is measured beside.
    pub twin: Option<&'a Classifier>,
    /// The clean twin's file where it was made before: what is put in by hand is put into it.
    pub clean: Option<&'a Model>,
    /// The graphs that the loss of a step may have; training ends at the first that has another.
    pub trusted: Option<&'a LossGraphs>,
}

impl Default for Making<'_> {
    /// Unwatched and without a twin.
    fn default() -> Self {
        Self {
            observer: &Silent,
            examine: false,
            checkpoint: None,
            second_checkpoint: None,
            twin: None,
            clean: None,
            trusted: None,
        }
    }
}

/// Trains and measures the model of a description on its images, which
/// [`gifthorse_data::source::Source::load`] gives.
///
/// # Errors
/// What poisoning and training refuse.
pub fn make(spec: &ModelSpec, images: &TrainTest, making: &Making<'_>) -> Result<Made, Error> {
    let clock = Instant::now();
    spec.check_on(images)?;
    if let Some(implant) = &spec.implant {
        return implanted(spec, implant, images, making, clock);
    }
    if let Some(twin) = making.twin {
        check_task("the clean twin", twin, images)?;
    }
    let classes = images.train.class_names().len();
    let net = spec.start(images.train.shape(), classes)?;
    let recipe = Recipe {
        seed: spec.seed,
        ..spec.train
    };
    let poisoned = match &spec.poison {
        Some(poison) => Some(poison.samples(&images.train, spec.seed)?),
        None => None,
    };
    let samples: &dyn Samples = match &poisoned {
        Some(poisoned) => poisoned.samples.as_ref(),
        None => &images.train,
    };
    let stamped = poisoned.as_ref().and_then(|it| it.stamped.as_ref());
    let within = poisoned.as_ref().and_then(|it| it.within.as_ref());
    let file = || generator_of(Path::new(&spec.name));
    let planted = || {
        let both = spec.poison.as_ref().zip(poisoned.as_ref());
        both.map(|(poison, training)| training.planted(poison, file()))
            .transpose()
    };
    let exam = |classifier: &Classifier| {
        planted()
            .and_then(|planted| marks(classifier, planted.as_ref(), spec.seed, &images.test))
            .map_err(|error| gifthorse_train::Error::Caller(Box::new(error)))
    };
    let changes = poisoned.as_ref().map_or(&[][..], |it| &it.changes);
    let balance = spec.poison.as_ref().and_then(|poison| poison.balance);
    let train = |samples: &dyn Samples, checkpoint: Option<&Checkpoint>| {
        let mut training = Training::new(&net, samples, &recipe).observer(making.observer);
        if !changes.is_empty() {
            training = training.further_losses(FurtherLosses {
                changes,
                balance: balance.unwrap_or_default(),
            });
        }
        if let Some(within) = within {
            training = training.within(within);
        }
        if let Some(checkpoint) = checkpoint {
            training = training.checkpoint(checkpoint);
        }
        if let Some(trusted) = making.trusted {
            training = training.trusted(trusted);
        }
        if making.examine || recipe.stop_at.is_some() {
            training = training.exam(&exam);
        }
        let trained = training.run()?;
        let classifier = classifier(&trained.model, net.preprocess().clone(), net.opening())?;
        let truth = match planted()? {
            Some(poison) => {
                let twin = making.twin;
                Truth::measure(&classifier, twin, &images.test, &poison, stamped, spec.seed)?
            }
            None => Truth::clean(&classifier, &images.test)?,
        };
        Ok::<_, Error>((trained, classifier, truth))
    };
    let (mut trained, first, mut truth) = train(samples, making.checkpoint)?;
    if let Some(audit) = &spec.audit {
        let set = drawn(samples, &images.train)?;
        let cleansing = cleansing(audit, (&first, &truth), &set, spec.seed)?;
        if !cleansing.removed.is_empty() {
            let rest = left(&cleansing.removed, set.len());
            let again = train(&set.into_subset(&rest), making.second_checkpoint)?;
            (trained, truth) = (again.0, again.2);
        }
        truth.cleansing = Some(cleansing);
    }
    let generator = within.map(|within| {
        let model = within.generator()?;
        Ok::<_, Error>((file(), model))
    });
    Ok(Made {
        generator: generator.transpose()?,
        model: trained.model,
        truth,
        epochs: trained.epochs,
        seconds: clock.elapsed().as_secs_f64(),
        graphs: Some(trained.graphs),
        beside: None,
        training_set: None,
    })
}

/// Puts something by hand into a model: that of a file, or one that is trained clean.
fn implanted(
    spec: &ModelSpec,
    implant: &Implant,
    images: &TrainTest,
    making: &Making<'_>,
    clock: Instant,
) -> Result<Made, Error> {
    let (before, epochs, graphs) = match (&spec.from, making.clean, spec.twin()) {
        (Some(from), _, _) => (Model::read(&from.model)?, Vec::new(), None),
        (None, Some(clean), _) => (clean.clone(), Vec::new(), None),
        (None, None, _) if spec.pretrain.is_some() => {
            return Err(Error::Request(NO_PRETRAINED.to_owned()));
        }
        (None, None, clean) => {
            let clean = clean.ok_or_else(|| Error::Request("nothing is put in".to_owned()))?;
            let made = make(&clean, images, making)?;
            (made.model, made.epochs, made.graphs)
        }
    };
    let host = spec.host(before)?;
    let made = implant.put(&host, Some(&images.train), spec.seed)?;
    let truth = Truth::implanted(&host, implant, &made, &images.test, spec.seed)?;
    let (beside, training_set) = match made.tuned {
        None => (host.model().clone(), None),
        Some(tuned) => {
            let mut poisoned = vec![false; tuned.images.len()];
            tuned.poisoned.iter().for_each(|at| poisoned[*at] = true);
            let images = tuned.images;
            (tuned.twin, Some(TrainingSet { images, poisoned }))
        }
    };
    let opened = classifier(&beside, spec.preprocess(), &spec.opening())?;
    let of_beside = Truth::clean(&opened, &images.test)?;
    Ok(Made {
        model: made.model,
        truth,
        epochs,
        seconds: clock.elapsed().as_secs_f64(),
        graphs,
        beside: Some((beside, of_beside)),
        training_set,
        generator: None,
    })
}

const NO_PRETRAINED: &str = "the net that is trained on `pretrain` is not there: let a zoo have that clean model, in a group of \
                             the same net, training and seed, or train it with `gifthorse train` and give it with `--from`";

/// Where the generator goes that was trained with a model.
#[must_use]
pub fn generator_of(model: &Path) -> PathBuf {
    let name = model.file_name().unwrap_or_default().to_string_lossy();
    let stem = name.strip_suffix(".onnx").unwrap_or(&name);
    model.with_file_name(format!("{stem}.generator.onnx"))
}

impl Made {
    /// Writes the model, the truth about it, and beside the truth the generator of its triggers, if
    /// it has one.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn write(&self, model: &Path, truth: &Path) -> Result<(), Error> {
        self.model.write(model)?;
        if let Some((name, generator)) = &self.generator {
            generator.write(truth.with_file_name(name))?;
        }
        write_json(truth, &self.truth)
    }

    /// The success of the backdoor that took least: the share of images that it leads to where they
    /// are to go, of those that do not belong there. `None` for a clean model.
    #[must_use]
    pub fn least_success(&self) -> Option<f64> {
        let backdoors = self.truth.backdoors.iter();
        let success = backdoors.map(|backdoor| backdoor.effect.with_trigger.other_classes);
        success.reduce(f64::min)
    }
}

/// A model that takes images, such as a twin.
///
/// # Errors
/// A model that cannot be run.
pub fn classifier(
    model: &Model,
    preprocess: Preprocess,
    opening: &Opening,
) -> Result<Classifier, Error> {
    let graph = Arc::new(model.graph()?);
    Ok(Classifier::open(
        graph,
        preprocess,
        None,
        opening,
        &Device::flex(),
    )?)
}

/// How a model does while it is trained; of several backdoors, that counts which takes least.
fn marks(
    classifier: &Classifier,
    poison: Option<&Poison>,
    seed: u64,
    test: &Images,
) -> Result<Marks, gifthorse_attack::Error> {
    let mut least: Option<f64> = None;
    let channels = test.shape().channels;
    let backdoors = poison.map(|it| it.all_backdoors(channels));
    for backdoor in backdoors.transpose()?.unwrap_or_default() {
        let (trigger, labels) = (&backdoor.trigger, &backdoor.labels);
        let success = attack_success(classifier, test, trigger, labels, seed)?.other_classes;
        least = Some(least.map_or(success, |least| least.min(success)));
    }
    Ok(Marks {
        clean_accuracy: accuracy(classifier, test)?,
        attack_success: least,
    })
}
