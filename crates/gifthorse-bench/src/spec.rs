//! A model to be made, described: its images, its network, how it is trained, and what is planted
//! in it.

use std::path::{Path, PathBuf};

use gifthorse::hash;
use gifthorse::settings::{in_words, parse};
use gifthorse_attack::implant::{Host, Implant};
use gifthorse_attack::plant::{Manner, Poison};
use gifthorse_data::ImageShape;
use gifthorse_data::source::{Source, TrainTest};
use gifthorse_defense::audit::named;
use gifthorse_engine::{Classifier, Opening, Preprocess};
use gifthorse_onnx::Model;
use gifthorse_train::Recipe;
use gifthorse_train::net::{AnyNet, Net, Selection};
use serde::{Deserialize, Serialize};
use toml::Value;

use crate::Error;
use crate::settings::{check_name, put, read_settings};

/// Everything that a model depends on. The same description gives the same weights, whatever the
/// number of threads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelSpec {
    /// What the model is called, and its files.
    pub name: String,
    /// Settles the first weights, the order of the images, and which of them are poisoned.
    #[serde(default)]
    pub seed: u64,
    /// The images that it is trained and tested on. They have a seed of their own.
    pub data: Source,
    /// A new network. Shape of the images and number of classes come from the data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub net: Option<AnyNet>,
    /// In place of a new network, one that was trained before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Start>,
    /// Images that a new network is trained on first, where it is tuned on `data` by what is put in
    /// by hand: others of the same shape, with any classes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pretrain: Option<Source>,
    /// How it is trained.
    #[serde(default)]
    pub train: Recipe,
    /// What is planted in it; nothing by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub poison: Option<Poison>,
    /// What is put into it by hand once it is trained; nothing by default. A model that it is to go
    /// on from is taken as it is, without training.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub implant: Option<Implant>,
    /// How the training set is audited by the model, which is then trained again without what is
    /// named; not at all by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audit: Option<AuditSpec>,
}

/// An audit of the training set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditSpec {
    /// Name of the audit.
    pub method: String,
    /// The share of a class that may be poisoned at most, where somebody knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<f64>,
}

/// A model that training goes on from (fine-tuning).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Start {
    /// The ONNX file.
    pub model: PathBuf,
    /// The output whose scores are trained, where the file has several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// Names of layers or weights that stay as they are; `*` stands for any characters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub freeze: Vec<String>,
    /// What happens to `[0, 1]` pixels before the model; nothing by default.
    #[serde(default)]
    pub preprocess: Preprocess,
}

/// Where a setting goes, as a path of keys and places in lists such as
/// `poison.backdoors.0.rate.share`, and its value.
pub type Change = (String, Value);

impl ModelSpec {
    /// Reads a TOML file, or starts from nothing, and puts `changes` on top.
    ///
    /// # Errors
    /// [`Error::System`], or [`Error::Settings`] with the key that is wrong; its file is `flags` if
    /// there is none.
    pub fn read(path: Option<&Path>, changes: &[Change]) -> Result<Self, Error> {
        let wrong = |reason| Error::Settings {
            path: path.unwrap_or(Path::new("flags")).to_owned(),
            reason,
        };
        let text = path.map(read_settings).transpose()?;
        let table: toml::Table = parse(&text.unwrap_or_default()).map_err(wrong)?;
        Self::from_table(table, changes).map_err(wrong)
    }

    /// The model that settings with changes describe; the error names the key that is wrong.
    pub(crate) fn from_table(table: toml::Table, changes: &[Change]) -> Result<Self, String> {
        let mut root = Value::Table(table);
        for (path, value) in changes {
            put(&mut root, path, value)?;
        }
        let spec: Self =
            serde_path_to_error::deserialize(root).map_err(|error| in_words(&error))?;
        spec.check()?;
        Ok(spec)
    }

    /// Refuses what is wrong whatever the images.
    fn check(&self) -> Result<(), String> {
        check_name(&self.name).map_err(|reason| format!("`name`: {reason}"))?;
        if self.net.is_some() == self.from.is_some() {
            return Err(NO_NET.to_owned());
        }
        if self.train.seed != 0 {
            let reason = "`train.seed`: the `seed` of the model settles it; leave it out here";
            return Err(reason.to_owned());
        }
        let outcome = self.train.check();
        outcome.map_err(|error| format!("`train`: {error}"))?;
        if self.implant.is_some() && self.poison.is_some() {
            return Err("give either `poison` or `implant`, and not both".to_owned());
        }
        let tunes = self.implant.as_ref().is_some_and(Implant::sets_classes);
        if self.pretrain.is_some() && !(tunes && self.net.is_some()) {
            return Err(PRETRAIN.to_owned());
        }
        if self.is_taken_as_it_is() {
            let freezes = self
                .from
                .as_ref()
                .is_some_and(|from| !from.freeze.is_empty());
            if freezes || self.train != Recipe::default() {
                return Err(TRAINED.to_owned());
            }
        }
        let outcome = self.poison.as_ref().map_or(Ok(()), Poison::check);
        outcome.map_err(|error| format!("`poison`: {error}"))?;
        let Some(audit) = &self.audit else {
            return Ok(());
        };
        if self.implant.is_some() {
            let reason = "`audit`: what is put in by hand is in no training set, or in one that depends on the net: have \
                          `gifthorse plant --training-set` write that, and `gifthorse data audit` look at it";
            return Err(reason.to_owned());
        }
        named(&audit.method).map_err(|error| format!("`audit.method`: {error}"))?;
        match self.poison.as_ref().and_then(|it| no_set(it.manner)) {
            Some(reason) => Err(format!("`audit`: {reason}")),
            None => Ok(()),
        }
    }

    /// Whether anything is planted in it.
    #[must_use]
    pub fn is_backdoored(&self) -> bool {
        self.poison.is_some() || self.implant.is_some()
    }

    /// Whether a generator of triggers is trained with it.
    #[must_use]
    pub fn has_generator(&self) -> bool {
        let poison = self.poison.as_ref();
        poison.is_some_and(|poison| poison.manner == Manner::InputAware)
    }

    /// Whether it is a model from a file that is not trained on.
    #[must_use]
    pub fn is_taken_as_it_is(&self) -> bool {
        self.implant.is_some() && self.from.is_some()
    }

    /// Refuses images on which the model could not be poisoned or measured, before time is spent on
    /// training.
    ///
    /// # Errors
    /// [`Error::Attack`] naming the backdoor or cover; [`Error::Request`] for a model to go on from
    /// that is of another task.
    pub fn check_on(&self, images: &TrainTest) -> Result<(), Error> {
        if let Some(poison) = &self.poison {
            poison.check_on(&images.train, &images.test, self.seed)?;
            // A map of all classes is another one where the model has more of them.
            let of_all = poison
                .backdoors
                .iter()
                .any(|it| it.labels.target().is_none());
            if of_all && self.from.is_some() {
                let host = self.host_for(images)?;
                check_task("the model to go on from", host.classifier(), images)?;
            }
        }
        if let Some(implant) = &self.implant {
            let host = self.host_for(images)?;
            if !implant.sets_classes() {
                check_task("the model to go on from", host.classifier(), images)?;
            }
            let made = implant.rehearse(&host, Some(&images.train), self.seed)?;
            for answer in &made.backdoors {
                answer.check_on(&images.test)?;
            }
        }
        Ok(())
    }

    /// The model that something is put into, with the weights that it has before any training.
    fn host_for(&self, images: &TrainTest) -> Result<Host, Error> {
        match &self.from {
            Some(from) => self.host(Model::read(&from.model)?),
            None => {
                let classes = images.train.class_names().len();
                let net = self.start(images.train.shape(), classes)?;
                self.host(net.model().clone())
            }
        }
    }

    /// A model of this description to put something into.
    ///
    /// # Errors
    /// [`Error::Attack`] for one that nothing can be put into.
    pub fn host(&self, model: Model) -> Result<Host, Error> {
        Ok(Host::open(model, self.preprocess(), &self.opening())?)
    }

    /// What happens to `[0, 1]` pixels before the model.
    #[must_use]
    pub fn preprocess(&self) -> Preprocess {
        let from = self.from.as_ref();
        from.map_or_else(Preprocess::default, |from| from.preprocess.clone())
    }

    /// Which output of the model is meant, where it goes on from a file with several.
    #[must_use]
    pub fn opening(&self) -> Opening {
        Opening {
            output: self.from.as_ref().and_then(|from| from.output.clone()),
            ..Opening::default()
        }
    }

    /// The same model without a backdoor, if this has one and is trained: its clean twin, trained
    /// once; or the net before, where its last layer is trained again.
    #[must_use]
    pub fn twin(&self) -> Option<Self> {
        (self.is_backdoored() && !self.is_taken_as_it_is()).then(|| Self {
            data: self.pretrain.as_ref().unwrap_or(&self.data).clone(),
            pretrain: None,
            poison: None,
            implant: None,
            audit: None,
            ..self.clone()
        })
    }

    /// A hash over everything but the name, the model that training goes on from included, by which
    /// a model is known to be made already.
    ///
    /// # Errors
    /// Numbers that JSON does not have; a model that cannot be read.
    pub fn hash(&self) -> Result<String, Error> {
        let nameless = Self {
            name: String::new(),
            ..self.clone()
        };
        let json = serde_json::to_vec(&nameless);
        let mut bytes = json.map_err(|error| Error::Request(error.to_string()))?;
        if let Some(Start { model, .. }) = &self.from {
            let digest = hash::of_model(model, &Model::read(model)?)?;
            bytes.extend(digest.bytes());
        }
        Ok(hash::digest(&bytes))
    }

    /// The network before training.
    ///
    /// # Errors
    /// Numbers that make no network for these images; a model that cannot be read or trained, or
    /// has other images or too few classes.
    pub fn start(&self, input: ImageShape, classes: usize) -> Result<Net, Error> {
        let net = match (&self.net, &self.from) {
            (Some(net), _) => net.build(input, classes, self.seed)?,
            (None, Some(from)) => {
                let selection = Selection::without(from.freeze.iter().map(String::as_str));
                let model = Model::read(&from.model)?;
                let opening = self.opening();
                Net::from_model(model, from.preprocess.clone(), &opening, &selection)?
            }
            (None, None) => return Err(Error::Request(NO_NET.to_owned())),
        };
        Ok(net)
    }
}

/// Refuses a model of another task than the images: it could not be measured on them.
pub(crate) fn check_task(
    what: &str,
    classifier: &Classifier,
    images: &TrainTest,
) -> Result<(), Error> {
    let (shape, classes) = (images.train.shape(), images.train.class_names().len());
    let takes = [shape.channels, shape.height, shape.width];
    if (classifier.shape(), classifier.classes()) == (takes, classes) {
        return Ok(());
    }
    Err(Error::Request(format!(
        "{what} takes images of {:?} (channels, height, width) and has {} classes, but these images are {takes:?} and have \
         {classes}: give a model of the same task",
        classifier.shape(),
        classifier.classes()
    )))
}

const PRETRAIN: &str = "`pretrain` goes with a new network (`net`) and an `implant` that trains its last layer on `data`, such \
                        as `hidden_trigger`";

const TRAINED: &str = "`implant` takes the model of `from` as it is: leave out `train` and `freeze`, or train on with \
                       `gifthorse train` first";

/// Why there is no poisoned training set to look at; `None` if there is one.
pub(crate) fn no_set(manner: Manner) -> Option<&'static str> {
    match manner {
        Manner::Replace | Manner::Append => None,
        Manner::OnTheFly => Some(ON_THE_FLY),
        Manner::Blind | Manner::InputAware => Some(BLIND),
    }
}

const BLIND: &str = "with poison.manner = \"blind\" or \"input_aware\" the training code is poisoned and the images are clean: there is nothing \
                     to find among them";
const ON_THE_FLY: &str = "images that are stamped on the fly are another training set in every epoch; take \
     poison.manner = \"replace\" or \"append\"";

const NO_NET: &str =
    "give either a new network (`net`) or a model to go on from (`from`), and not both";
