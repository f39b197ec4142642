//! A filter as part of the model's file.

use std::path::{Path, PathBuf};

use gifthorse_onnx::{Dim, ElementType, GraftOutputs, GraphBuilder, Model};

use super::opened::OpenFilter;
use crate::Error;
use crate::hash::of_model;
use crate::repair::record::ModelFile;

/// Name of the output with the score of each image, `[batch, 1]`, 32-bit floats.
pub const SCORE: &str = "gifthorse_score";
/// Name of the output that says whether it is flagged, `[batch, 1]`, booleans.
pub const FLAGGED: &str = "gifthorse_flagged";

/// A filter to be written as ONNX.
#[derive(Clone, Debug)]
pub struct ExportFilter {
    /// The filter.
    pub filter: PathBuf,
    /// Where the model lies, if it is elsewhere by now.
    pub model: Option<PathBuf>,
    /// Where the repaired model lies, if the filter asks one and it is elsewhere by now.
    pub repaired: Option<PathBuf>,
    /// Another false-positive rate than the one that the filter was fitted for.
    pub fpr: Option<f64>,
    /// Whether to take another model than the filter's.
    pub force: bool,
    /// The file to write.
    pub output: PathBuf,
}

/// Writes the model with two outputs more, [`SCORE`] and [`FLAGGED`]; its inputs and the outputs
/// that it had stay as they are.
///
/// # Errors
/// Files that cannot be read or written; a filter whose score no graph computes; a model that has
/// values of these names.
pub fn export_filter(request: &ExportFilter) -> Result<ModelFile, Error> {
    let filter = OpenFilter::read(
        &request.filter,
        request.model.as_deref(),
        request.repaired.as_deref(),
        request.force,
    )?;
    let threshold = match request.fpr {
        Some(fpr) => filter.file.threshold.at(fpr)?,
        None => filter.file.threshold.clone(),
    };
    let path = request.model.as_deref();
    let path = path.unwrap_or(Path::new(&filter.file.model.path));
    let in_file = |path: &Path| {
        let path = path.to_owned();
        move |source| Error::Model {
            path: path.clone(),
            source: Box::new(source),
        }
    };
    let mut model = Model::read(path).map_err(in_file(path))?;
    let score = filter.export(&mut model)?;
    let names = judged(&mut model, &score, threshold.value as f32).map_err(in_file(path))?;
    if names != [SCORE, FLAGGED] {
        return Err(Error::Request(format!(
            "{} has values called {SCORE} or {FLAGGED} already: it holds a filter; export from the model itself",
            path.display()
        )));
    }
    model
        .write(&request.output)
        .map_err(in_file(&request.output))?;
    let back = Model::read(&request.output).map_err(in_file(&request.output))?;
    Ok(ModelFile {
        path: request.output.to_string_lossy().into_owned(),
        sha256: of_model(&request.output, &back)?,
    })
}

/// Adds the two outputs.
fn judged(
    model: &mut Model,
    score: &str,
    threshold: f32,
) -> Result<Vec<String>, gifthorse_onnx::Error> {
    let opset = model.graph()?.opset("").unwrap_or_default();
    let dims = || [Dim::Named("batch".to_owned()), Dim::Fixed(1)];
    let part = GraphBuilder::new("filter", opset)
        .input(score, ElementType::F32, &dims())
        .initializer("gifthorse_threshold", &[1], [threshold])
        .node("Identity", "gifthorse_score", &[score], &[SCORE], [])
        .node(
            "Greater",
            "gifthorse_flagged",
            &[score, "gifthorse_threshold"],
            &[FLAGGED],
            [],
        )
        .output(SCORE, ElementType::F32, &dims())
        .output(FLAGGED, ElementType::Bool, &dims())
        .finish()?;
    model.graft(&part, "", GraftOutputs::Listed)
}
