//! Clean twins: models that were made like a backdoored one but for the poison.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use gifthorse_engine::Classifier;
use gifthorse_onnx::Model;

use super::index::{State, Zoo};
use crate::Error;
use crate::make::classifier;
use crate::spec::ModelSpec;

/// Clean models that are there, by the hash of their description.
pub struct Twins(HashMap<String, PathBuf>);

impl Twins {
    /// Those of a folder.
    pub fn of(zoo: &Zoo, out: &Path) -> Self {
        let clean = zoo
            .models
            .iter()
            .filter(|entry| entry.attack.is_none() && entry.state == State::Good);
        Self(
            clean
                .map(|entry| (entry.spec_hash.clone(), out.join(&entry.model)))
                .collect(),
        )
    }

    /// The clean twin of a model, if it has one and that is there.
    pub fn find(&self, spec: &ModelSpec) -> Result<Option<Classifier>, Error> {
        let Some(twin) = spec.twin() else {
            return Ok(None);
        };
        match self.0.get(&twin.hash()?) {
            Some(path) => Ok(Some(classifier(
                &Model::read(path)?,
                twin.preprocess(),
                &twin.opening(),
            )?)),
            None => Ok(None),
        }
    }
}
