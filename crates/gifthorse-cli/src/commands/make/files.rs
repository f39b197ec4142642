//! The files of a run, looked at before the hours that it may take: can they be written, and did a
//! run that was stopped leave any?

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use gifthorse_bench::generator_of;

use crate::cli::ModelArgs;

/// Where the truth about a model goes.
pub fn truth_of(model: &Path) -> PathBuf {
    model.with_extension("truth.json")
}

/// Where the run that makes a model is saved.
pub fn checkpoint_of(model: &Path) -> PathBuf {
    model.with_extension("checkpoint")
}

/// Where the run is saved that makes it again, after an audit of the training set.
pub fn second_checkpoint_of(model: &Path) -> PathBuf {
    model.with_extension("second.checkpoint")
}

/// Where the clean twin of a model goes.
pub fn twin_of(model: &Path) -> PathBuf {
    let stem = model.file_stem().unwrap_or_default();
    model.with_file_name(format!("{}-twin.onnx", stem.to_string_lossy()))
}

/// Where the names of the classes go that clean test images have.
pub fn class_names_of(images: &Path) -> PathBuf {
    images.with_extension("classes.json")
}

/// Makes the folder, and refuses files that could not be written once `models` are trained, and the
/// generator of triggers if the one of `--out` has one.
///
/// # Errors
/// The file, and the flag that names it.
pub fn check_writable(
    args: &ModelArgs,
    models: &[PathBuf],
    has_generator: bool,
) -> anyhow::Result<()> {
    if args.out.extension().is_none_or(|kind| kind != "onnx") {
        bail!(
            "{} is not the name of an ONNX file; give one that ends in .onnx (--out)",
            args.out.display()
        );
    }
    if let Some(folder) = args.out.parent() {
        fs::create_dir_all(folder)
            .with_context(|| format!("the folder {} cannot be made (--out)", folder.display()))?;
    }
    for model in models {
        for file in [model, &truth_of(model), &checkpoint_of(model)] {
            try_to_write(file, "--out")?;
        }
    }
    if has_generator {
        try_to_write(&generator_of(&args.out), "--out")?;
    }
    if let Some(images) = &args.images {
        for file in [images, &class_names_of(images)] {
            try_to_write(file, "--images")?;
        }
    }
    if let Some(set) = &args.training_set {
        for file in [set, &class_names_of(set)] {
            try_to_write(file, "--training-set")?;
        }
    }
    if let Some(graphs) = &args.loss_graph {
        try_to_write(graphs, "--loss-graph")?;
    }
    Ok(())
}

/// Opens a file for writing and leaves everything as it was.
fn try_to_write(file: &Path, flag: &str) -> anyhow::Result<()> {
    let failed = || format!("{} cannot be written ({flag})", file.display());
    let was_there = file.exists();
    OpenOptions::new()
        .append(true)
        .create(true)
        .open(file)
        .with_context(failed)?;
    if !was_there {
        fs::remove_file(file).with_context(failed)?;
    }
    Ok(())
}

/// Refuses to go on where nothing was left, and to start anew over what a run that was stopped
/// left.
///
/// # Errors
/// What is there or is missing, and what to do about it.
pub fn check_checkpoints(resume: bool, models: &[PathBuf]) -> anyhow::Result<()> {
    let saved: Vec<PathBuf> = models.iter().map(|model| checkpoint_of(model)).collect();
    match saved.iter().find(|path| path.exists()) {
        None if resume => bail!(
            "there is no {} to go on from: leave out --resume to start anew",
            saved
                .first()
                .map_or_else(String::new, |path| path.display().to_string())
        ),
        Some(path) if !resume => bail!(
            "{} is there, left by a run that was stopped: go on from it with --resume, or remove it to start anew",
            path.display()
        ),
        _ => Ok(()),
    }
}

/// Removes what is not needed any more once all models are written.
///
/// # Errors
/// A file that cannot be removed.
pub fn remove_checkpoints(models: &[PathBuf]) -> anyhow::Result<()> {
    let both = |model: &PathBuf| [checkpoint_of(model), second_checkpoint_of(model)];
    for saved in models.iter().flat_map(both) {
        if saved.exists() {
            fs::remove_file(&saved)
                .with_context(|| format!("{} cannot be removed", saved.display()))?;
        }
    }
    Ok(())
}
