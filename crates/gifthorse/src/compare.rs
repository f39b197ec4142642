//! Two model files side by side: what is different in them and, with images, in what they answer.

mod answers;

use std::path::{Path, PathBuf};

use gifthorse_onnx::{Extent, Model, ModelDiff, diff};
use serde::{Deserialize, Serialize};

use crate::hash::of_model;
use crate::memory::check_comparison;
use crate::repair::record::ModelFile;
use crate::{Error, ScanRequest};
pub use answers::Answers;

/// What to compare, and on what.
#[derive(Clone, Debug, PartialEq)]
pub struct CompareRequest {
    /// The model before, and how it is opened and images are read where there are some. Of what
    /// else a scan is asked nothing is used.
    pub scan: ScanRequest,
    /// The model after.
    pub after: PathBuf,
}

/// What came of comparing two models, as plain data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// The model before.
    pub before: ModelFile,
    /// The model after.
    pub after: ModelFile,
    /// Whether both are the same bytes, those of weights in files beside them included.
    pub same_bytes: bool,
    /// How far they are different.
    pub extent: Extent,
    /// Every constant, node, input, output and line of metadata that differs.
    pub changes: ModelDiff,
    /// What both answer on images; null without images.
    pub answers: Option<Answers>,
    /// What the user should know.
    pub warnings: Vec<String>,
    /// Version of the program.
    pub version: String,
}

impl Comparison {
    /// Whether both models compute the same: no weight, node, input or output differs.
    #[must_use]
    pub fn is_same_function(&self) -> bool {
        self.extent <= Extent::Description
    }
}

/// Compares two model files and, if the request has images, what they answer on these.
///
/// # Errors
/// Files that cannot be read, or that are too large to be held side by side; images that cannot be
/// read; with images, models that cannot be run, or that take other images or tell other classes
/// apart.
pub fn compare(request: &CompareRequest) -> Result<Comparison, Error> {
    let (one, other) = (&request.scan.model, &request.after);
    let (before, after) = (read(one)?, read(other)?);
    let files = (described(one, &before)?, described(other, &after)?);
    for (path, model) in [(one, &before), (other, &after)] {
        let graph = model.editable_graph().map_err(in_file(path))?;
        check_comparison(path, &graph)?;
    }
    // Both graphs can be read, so that what cannot be is data beside one of them; the error names
    // the file.
    let changes = diff(&before, &after).map_err(in_file(other))?;
    let mut warnings = Vec::new();
    let answers = match &request.scan.images {
        Some(images) => Some(Answers::of(request, images, &mut warnings)?),
        None => None,
    };
    Ok(Comparison {
        same_bytes: files.0.sha256 == files.1.sha256,
        before: files.0,
        after: files.1,
        extent: changes.extent(),
        changes,
        answers,
        warnings,
        version: env!("CARGO_PKG_VERSION").to_owned(),
    })
}

fn read(path: &Path) -> Result<Model, Error> {
    Model::read(path).map_err(in_file(path))
}

fn described(path: &Path, model: &Model) -> Result<ModelFile, Error> {
    Ok(ModelFile {
        path: path.to_string_lossy().into_owned(),
        sha256: of_model(path, model)?,
    })
}

fn in_file(path: &Path) -> impl FnOnce(gifthorse_onnx::Error) -> Error + '_ {
    |source| Error::Model {
        path: path.to_owned(),
        source: Box::new(source),
    }
}
