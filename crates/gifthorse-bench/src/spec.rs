//! A model to be made, described: its images, its network, how it is trained, and what is planted
//! in it.

use std::path::{Path, PathBuf};

use gifthorse::hash;
use gifthorse::settings::{in_words, parse};
use gifthorse_attack::plant::{Manner, Poison};
use gifthorse_data::ImageShape;
use gifthorse_data::source::{Source, TrainTest};
use gifthorse_defense::audit::named;
use gifthorse_engine::{Opening, Preprocess};
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
    /// How it is trained.
    #[serde(default)]
    pub train: Recipe,
    /// What is planted in it; nothing by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub poison: Option<Poison>,
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
        let outcome = self.poison.as_ref().map_or(Ok(()), Poison::check);
        outcome.map_err(|error| format!("`poison`: {error}"))?;
        let Some(audit) = &self.audit else {
            return Ok(());
        };
        named(&audit.method).map_err(|error| format!("`audit.method`: {error}"))?;
        match &self.poison {
            Some(poison) if poison.manner == Manner::OnTheFly => {
                Err(format!("`audit`: {ON_THE_FLY}"))
            }
            _ => Ok(()),
        }
    }

    /// Refuses images on which the model could not be poisoned or measured, before time is spent on
    /// training.
    ///
    /// # Errors
    /// [`Error::Attack`] naming the backdoor or cover.
    pub fn check_on(&self, images: &TrainTest) -> Result<(), Error> {
        if let Some(poison) = &self.poison {
            poison.check_on(&images.train, &images.test, self.seed)?;
        }
        Ok(())
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

    /// The same model without a backdoor, if this has one: its clean twin, trained once.
    #[must_use]
    pub fn twin(&self) -> Option<Self> {
        self.poison.as_ref()?;
        Some(Self {
            poison: None,
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

/// Why there is no training set to look at.
pub(crate) const ON_THE_FLY: &str = "images that are stamped on the fly are another training set in every epoch; take \
     poison.manner = \"replace\" or \"append\"";

const NO_NET: &str =
    "give either a new network (`net`) or a model to go on from (`from`), and not both";
