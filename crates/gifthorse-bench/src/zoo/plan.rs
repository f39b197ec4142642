//! `zoo.toml`: few lines for many models.
//!
//! Named tables say what data, networks, recipes and poisons there are; each `[[models]]` names
//! some of each, and every combination of them with every seed is a model.

mod expansion;
mod file;

use std::path::Path;

use crate::Error;
use crate::settings::read_settings;
use crate::spec::ModelSpec;
use expansion::Expansion;
use file::ZooFile;
use gifthorse::settings::parse;

/// The models to be made.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The models, in the order of the file.
    pub models: Vec<Planned>,
    /// Named tables that no model uses.
    pub unused: Vec<String>,
}

/// A model to be made, and what it is called for.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    /// The model.
    pub spec: ModelSpec,
    /// Models of one recipe are left out together when a library is validated.
    pub recipe: String,
    /// The name of its table of poison; `None` for a clean model.
    pub attack: Option<String>,
    /// The settings that the plan varies, as paths, and their values in this model.
    pub varied: Vec<(String, String)>,
    /// A model that is right on fewer test images than this has collapsed; `None` takes a quarter
    /// of the way from chance to all.
    pub clean_accuracy: Option<f64>,
    /// A backdoor that leads fewer images to its target than this did not take.
    pub attack_success: Option<f64>,
}

impl Plan {
    /// Reads a `zoo.toml`.
    ///
    /// # Errors
    /// [`Error::System`], or [`Error::Settings`] that names the table and key that is wrong.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let text = read_settings(path)?;
        Self::parse(&text).map_err(|reason| Error::Settings {
            path: path.to_owned(),
            reason,
        })
    }

    /// The models that a text describes; the error names table and key.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let file: ZooFile = parse(text)?;
        let mut plan = Expansion::new(&file);
        for (index, group) in file.models.iter().enumerate() {
            let title = match &group.name {
                Some(name) => format!("[[models]] {name:?}"),
                None => format!("[[models]] number {}", index + 1),
            };
            plan.expand(group)
                .map_err(|reason| format!("{title}: {reason}"))?;
        }
        if plan.models.is_empty() {
            return Err("it describes no models: give at least one [[models]]".to_owned());
        }
        Ok(Self {
            unused: plan.unused(),
            models: plan.models,
        })
    }
}
