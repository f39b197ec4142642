//! A filter as part of the model's file.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use gifthorse_defense::filter::{Exported, Labels, Scored};
use gifthorse_engine::{Classifier, Opening};
use gifthorse_onnx::{Attribute, Dim, ElementType, GraftOutputs, GraphBuilder, Model};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::opened::OpenFilter;
use crate::Error;
use crate::hash::of_model;
use crate::repair::record::ModelFile;

/// Name of the output with the score of each image, `[batch, 1]`, 32-bit floats.
pub const SCORE: &str = "gifthorse_score";
/// Name of the output that says whether it is flagged, `[batch, 1]`, booleans.
pub const FLAGGED: &str = "gifthorse_flagged";
/// Name of the output with the class to go by, `[batch, 1]`, 64-bit integers: the model's answer,
/// or the safe label of a flagged image.
pub const LABEL: &str = "gifthorse_label";

const BELOW: &str = "gifthorse_below_limit";
/// The first version of the operators in which nodes compare numbers as they do today.
const FIRST_OPSET: i64 = 7;
/// Images that the written file is tried on.
const TRIED: usize = 8;
/// How far its scores may be from the filter's, relative to them or to 1.
const TOLERANCE: f64 = 1e-3;

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

/// Writes the model with two outputs more, [`SCORE`] and [`FLAGGED`], and with [`LABEL`] where the
/// filter gives safe labels; its inputs and the outputs that it had stay as they are.
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
    let opset = model.graph().map_err(in_file(path))?.opset("");
    if opset.unwrap_or_default() < FIRST_OPSET {
        return Err(Error::Request(format!(
            "{} is written in version {} of the operators, and a filter needs {FIRST_OPSET} or more: convert the model first",
            path.display(),
            opset.unwrap_or_default()
        )));
    }
    let exported = filter.export(&mut model)?;
    let given = judged(
        &mut model,
        &exported,
        filter.classifier.classes(),
        threshold.value as f32,
    );
    if !given.map_err(in_file(path))? {
        return Err(Error::Request(format!(
            "{} has values called {SCORE}, {FLAGGED} or {LABEL} already: it holds a filter; export from the model itself",
            path.display()
        )));
    }
    tried(&filter, &model)?;
    model
        .write(&request.output)
        .map_err(in_file(&request.output))?;
    let back = Model::read(&request.output).map_err(in_file(&request.output))?;
    Ok(ModelFile {
        path: request.output.to_string_lossy().into_owned(),
        sha256: of_model(&request.output, &back)?,
    })
}

/// Makes sure that the graph gives the filter's scores: what a model does with its batch axis, say,
/// shows only when it runs.
fn tried(filter: &OpenFilter, model: &Model) -> Result<(), Error> {
    let cannot = |why: String| {
        Error::Request(format!(
            "the filter cannot be written into this model: {why}"
        ))
    };
    let like = &filter.classifier;
    let [channels, height, width] = like.shape();
    let graph = model.graph().map_err(|error| cannot(error.to_string()))?;
    let opening = Opening {
        output: Some(SCORE.to_owned()),
        inputs: like.network().ends().given.clone(),
    };
    let size = Some([height, width]);
    let preprocess = like.preprocess().clone();
    let opened = Classifier::open(Arc::new(graph), preprocess, size, &opening, like.device())
        .map_err(|error| cannot(error.to_string()))?;
    let count = TRIED * channels * height * width;
    let mut rng = ChaCha8Rng::seed_from_u64(filter.file.seed);
    let pixels: Vec<f32> = (0..count).map(|_| rng.random_range(0.0..=1.0)).collect();
    // One score stands for two classes, whose logits are as far apart as it says.
    let made = opened
        .evaluate(&pixels)
        .map_err(|error| cannot(error.to_string()))?;
    let made = made
        .chunks_exact(2)
        .map(|pair| f64::from(pair[1] - pair[0]));
    let wanted = filter.score(&pixels)?;
    let is_same = |(made, wanted): (f64, &Scored)| {
        (made - wanted.score).abs() <= TOLERANCE * wanted.score.abs().max(1.0)
    };
    if opened.classes() != 2 || !made.zip(&wanted).all(is_same) {
        return Err(cannot(
            "its graph does not give the scores of the filter".to_owned(),
        ));
    }
    Ok(())
}

/// Adds the outputs; false if the model has values of their names. An image is flagged unless its
/// score is below the next number after the threshold, so that what is no number is flagged too.
fn judged(
    model: &mut Model,
    Exported { score, labels }: &Exported,
    classes: usize,
    threshold: f32,
) -> Result<bool, gifthorse_onnx::Error> {
    let opset = model.graph()?.opset("").unwrap_or_default();
    let dims = || row(1);
    let mut part = GraphBuilder::new("filter", opset);
    part.input(score, ElementType::F32, &dims())
        .initializer("gifthorse_limit", &[1], [threshold.next_up()])
        .node("Identity", "gifthorse_score", &[score], &[SCORE], [])
        .node(
            "Less",
            "gifthorse_below",
            &[score, "gifthorse_limit"],
            &[BELOW],
            [],
        )
        .node("Not", "gifthorse_flagged", &[BELOW], &[FLAGGED], [])
        .output(SCORE, ElementType::F32, &dims())
        .output(FLAGGED, ElementType::Bool, &dims());
    let mut names = vec![SCORE, FLAGGED];
    if let Some(labels) = labels {
        choose(&mut part, labels, classes);
        names.push(LABEL);
    }
    Ok(model.graft(&part.finish()?, "", GraftOutputs::Listed)? == names)
}

/// The label: the largest of the safe logits for a flagged image, of the model's for others.
fn choose(part: &mut GraphBuilder, Labels { own, safe }: &Labels, classes: usize) {
    let largest = || [("axis", Attribute::Int(1)), ("keepdims", Attribute::Int(1))];
    let to_float = [("to", Attribute::Int(ElementType::F32.to_onnx().into()))];
    part.input(safe, ElementType::F32, &row(classes))
        .input(own, ElementType::F32, &row(classes))
        .node(
            "Cast",
            "gifthorse_logits",
            &[own],
            &["gifthorse_logits"],
            to_float,
        )
        .node(
            "ArgMax",
            "gifthorse_answer",
            &["gifthorse_logits"],
            &["gifthorse_answer"],
            largest(),
        )
        .node(
            "ArgMax",
            "gifthorse_safe",
            &[safe],
            &["gifthorse_safe"],
            largest(),
        )
        .node(
            "Where",
            "gifthorse_label",
            &[FLAGGED, "gifthorse_safe", "gifthorse_answer"],
            &[LABEL],
            [],
        )
        .output(LABEL, ElementType::I64, &row(1));
}

/// The shape of a value with `length` numbers for each image.
fn row(length: usize) -> [Dim; 2] {
    [Dim::Named("batch".to_owned()), Dim::Fixed(length)]
}
