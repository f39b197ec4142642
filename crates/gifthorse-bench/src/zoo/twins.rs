//! Clean twins: models that were made like a backdoored one but for what is planted.

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
    pub fn find(&self, spec: &ModelSpec) -> Result<Option<Twin>, Error> {
        let Some(spec) = spec.twin() else {
            return Ok(None);
        };
        let Some(path) = self.0.get(&spec.hash()?) else {
            return Ok(None);
        };
        let model = Model::read(path)?;
        Ok(Some(Twin { model, spec }))
    }
}

/// A clean twin that is there.
pub struct Twin {
    /// The model.
    pub model: Model,
    spec: ModelSpec,
}

impl Twin {
    /// The model as it takes images.
    pub fn classifier(&self) -> Result<Classifier, Error> {
        let spec = &self.spec;
        classifier(&self.model, spec.preprocess(), &spec.opening())
    }
}
