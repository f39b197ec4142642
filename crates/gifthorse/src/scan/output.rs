//! Which of a file's outputs is scanned, where there are several.

use std::collections::HashSet;

use gifthorse_data::{ImageShape, LoadOptions};
use gifthorse_engine::{Opening, Output};
use gifthorse_report::report::{Model, OutputPart};

use super::images::label_classes;
use super::turns;
use crate::model::OpenModel;
use crate::{Error, ScanRequest};

/// What stands for every output that is scores, where outputs are named.
pub const EVERY_OUTPUT: &str = "all";

/// Opens the model of a request. Where several of its outputs could be scores, the one is taken
/// that has as many classes as the images have labels of, if there is only one.
///
/// # Errors
/// As [`OpenModel::read`]; images that cannot be read.
pub fn open(request: &ScanRequest) -> Result<OpenModel, Error> {
    let read = |opening: &Opening| {
        let ScanRequest {
            model, preprocess, ..
        } = request;
        OpenModel::read(model, preprocess, request.input_size, opening)
    };
    let opened = read(&request.opening);
    if request.opening.output.is_some() || request.images.is_none() {
        return opened;
    }
    let of = |output: &Output| Opening {
        output: Some(output.name.clone()),
        ..request.opening.clone()
    };
    let (rows, refusal) = match opened {
        Ok(opened) => {
            let rows = rows(&opened.classifier.network().ends().outputs);
            if rows.len() < 2 {
                return Ok(opened);
            }
            (rows, Ok(opened))
        }
        Err(Error::Engine { path, source }) => match *source {
            gifthorse_engine::Error::SeveralOutputs(outputs) => {
                let rows = rows(&outputs);
                let source = Box::new(gifthorse_engine::Error::SeveralOutputs(outputs));
                (rows, Err(Error::Engine { path, source }))
            }
            other => {
                let source = Box::new(other);
                return Err(Error::Engine { path, source });
            }
        },
        Err(other) => return Err(other),
    };
    let shape = match (&refusal, rows.first()) {
        (Ok(opened), _) => opened.classifier.shape(),
        (Err(_), Some(any)) => read(&of(any))?.classifier.shape(),
        (Err(_), None) => return refusal,
    };
    let labels = labels(request, shape)?;
    let fits = |output: &&Output| labels.is_some() && output.look.classes() == labels;
    let fitting: Vec<&Output> = rows.iter().filter(fits).collect();
    let scores = fitting.iter().filter(|output| output.look.is_scores());
    let scores: Vec<&Output> = scores.copied().collect();
    match (&fitting[..], &scores[..]) {
        (&[only], _) | (_, &[only]) => read(&of(only)),
        _ => refusal,
    }
}

/// The outputs to scan, each by itself: those that `named` has, or with [`EVERY_OUTPUT`] in it,
/// unless an output is called so, every output that is scores of classes. None is there twice.
///
/// # Errors
/// As opening the model; a name that no output has; no output that is scores.
pub fn heads(request: &ScanRequest, named: &[String]) -> Result<Vec<String>, Error> {
    let ScanRequest {
        model,
        preprocess,
        opening,
        ..
    } = request;
    let open = Opening {
        output: None,
        ..opening.clone()
    };
    let outputs = match OpenModel::read(model, preprocess, request.input_size, &open) {
        Ok(opened) => opened.classifier.network().ends().outputs.clone(),
        Err(Error::Engine { path, source }) => match *source {
            gifthorse_engine::Error::SeveralOutputs(outputs) => outputs,
            other => {
                let source = Box::new(other);
                return Err(Error::Engine { path, source });
            }
        },
        Err(other) => return Err(other),
    };
    let exists = |name: &str| outputs.iter().any(|output| output.name == name);
    let mut heads: Vec<String> = Vec::new();
    for name in named {
        if name == EVERY_OUTPUT && !exists(EVERY_OUTPUT) {
            let scores = rows(&outputs).into_iter();
            let scores = scores.filter(|output| output.look.is_scores());
            heads.extend(scores.map(|output| output.name));
        } else if exists(name) {
            heads.push(name.clone());
        } else {
            return Err(Error::Request(format!(
                "the model has no output `{name}` (--output); it has {}",
                in_words(&outputs)
            )));
        }
    }
    let mut seen = HashSet::new();
    heads.retain(|name| seen.insert(name.clone()));
    if heads.is_empty() {
        return Err(Error::Request(format!(
            "no output of the model is scores of classes: name those to scan (--output NAME), it has {}",
            in_words(&outputs)
        )));
    }
    Ok(heads)
}

/// Outputs that could be rows of scores, one of each that are made from the same.
fn rows(outputs: &[Output]) -> Vec<Output> {
    let mut rows: Vec<Output> = Vec::new();
    for output in outputs {
        let is_new = rows.iter().all(|other| other.scores != output.scores);
        if output.look.classes().is_some() && is_new {
            rows.push(output.clone());
        }
    }
    rows
}

fn in_words(outputs: &[Output]) -> String {
    let words = outputs
        .iter()
        .map(|output| format!("`{}` ({})", output.name, output.look));
    words.collect::<Vec<_>>().join(", ")
}

/// Number of classes that the images of a request are labelled with.
fn labels(
    request: &ScanRequest,
    [channels, height, width]: [usize; 3],
) -> Result<Option<usize>, Error> {
    let Some(path) = &request.images else {
        return Ok(None);
    };
    let options = LoadOptions {
        target: Some(ImageShape {
            channels,
            height,
            width,
        }),
        split: request.split,
        crop: request.crop,
        exif: turns::first(request.exif),
        labels: request.labels.clone(),
        class_names: request.class_names.clone(),
        label_order: request.label_order.clone(),
        classes: None,
        max_images: request.max_images,
        draw: request.draw,
        seed: request.seed,
    };
    Ok(label_classes(&gifthorse_data::load(path, &options)?.images))
}

/// What a user has to know of the outputs: which was taken, where there are several, and which may
/// be scores too.
pub fn told(model: &Model) -> Vec<String> {
    let scanned = |part| move |output: &&gifthorse_report::report::ModelOutput| output.part == part;
    let Some(taken) = model.outputs.iter().find(scanned(OutputPart::Scanned)) else {
        return Vec::new();
    };
    let others = model
        .outputs
        .iter()
        .filter(|output| output.part != OutputPart::Scanned);
    let others: Vec<String> = others
        .map(|output| format!("`{}` ({})", output.name, output.looks))
        .collect();
    if others.is_empty() {
        return Vec::new();
    }
    let mut told = vec![format!(
        "the model has {} outputs: `{}` ({}) is scanned, beside it there is {}",
        model.outputs.len(),
        taken.name,
        taken.looks,
        others.join(", ")
    )];
    told.extend(model.unseen_warning());
    told
}
