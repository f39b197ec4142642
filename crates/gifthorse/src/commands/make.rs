//! `gifthorse train` and `gifthorse plant`: make one model, clean or with a backdoor.

mod bar;
mod table;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use gifthorse::zoo::{write_images, write_json};
use gifthorse::{Change, Made, Making, ModelSpec, classifier, make};
use gifthorse_attack::train::Checkpoint;
use gifthorse_data::source::TrainTest;
use gifthorse_engine::Classifier;
use gifthorse_onnx::Model;

use crate::cli::{Global, ModelArgs, PlantArgs, TrainArgs};
use crate::output;
use bar::Bar;

/// Trains a clean model, writes it with the truth about it, and prints that.
///
/// # Errors
/// Settings that make no model, images that cannot be had, files that cannot be written.
pub fn train(args: &TrainArgs, global: &Global) -> anyhow::Result<ExitCode> {
    let work = Work::begin(&args.model, global, &[])?;
    if work.spec.poison.is_some() {
        bail!("the settings describe a backdoor (poison); `gifthorse plant` makes such models");
    }
    let made = work.make(&work.spec, &args.model.out, None)?;
    work.finish(&made)
}

/// Trains a model with a backdoor in it, and perhaps its clean twin, likewise.
///
/// # Errors
/// As [`train`].
pub fn plant(args: &PlantArgs, global: &Global) -> anyhow::Result<ExitCode> {
    let work = Work::begin(&args.model, global, &args.poison.changes())?;
    let Some(twin) = work.spec.twin() else {
        bail!(
            "nothing is to be planted: describe the backdoor with --trigger, or in the table [poison] of the file"
        );
    };
    let twin = match &args.twin {
        None => None,
        Some(None) => Some(work.make_twin(&twin)?),
        Some(Some(path)) => Some(read(path)?),
    };
    let made = work.make(&work.spec, &args.model.out, twin.as_ref())?;
    work.finish(&made)
}

/// A model on its way.
struct Work<'a> {
    args: &'a ModelArgs,
    global: &'a Global,
    spec: ModelSpec,
    images: TrainTest,
}

impl<'a> Work<'a> {
    /// Reads the settings and the images.
    fn begin(args: &'a ModelArgs, global: &'a Global, more: &[Change]) -> anyhow::Result<Self> {
        let mut changes = args.changes((global.seed != 0).then_some(global.seed))?;
        changes.extend(more.iter().cloned());
        let spec = ModelSpec::read(args.spec.as_deref(), &changes)?;
        if let Some(folder) = args.out.parent() {
            std::fs::create_dir_all(folder).with_context(|| {
                format!("the folder {} cannot be made (--out)", folder.display())
            })?;
        }
        let images = spec
            .data
            .load(crate::data::folder(args.data.as_deref()).as_deref())?;
        let work = Self {
            args,
            global,
            spec,
            images,
        };
        for warning in &work.images.warnings {
            work.tell(&format!("warning: {warning}"));
        }
        work.tell(&format!(
            "{} images to train on, {} to test on, {} classes",
            work.images.train.len(),
            work.images.test.len(),
            work.images.train.class_names().len()
        ));
        Ok(work)
    }

    /// Trains a model and writes it with its truth.
    fn make(
        &self,
        spec: &ModelSpec,
        out: &Path,
        twin: Option<&Classifier>,
    ) -> anyhow::Result<Made> {
        let saved = out.with_extension("checkpoint");
        if !self.args.resume && saved.exists() {
            std::fs::remove_file(&saved)
                .with_context(|| format!("{} cannot be removed", saved.display()))?;
        }
        let checkpoint = Checkpoint::at(&saved);
        let bar = Bar::new(self.global.quiet, &out.display().to_string());
        let making = Making {
            observer: &bar,
            examine: true,
            checkpoint: Some(&checkpoint),
            twin,
        };
        let made = make(spec, &self.images, &making);
        bar.finish();
        let made = made?;
        made.model.write(out)?;
        write_json(&truth_path(out), &made.truth)?;
        // It may be missing if the run ended before it was ever saved.
        let _ = std::fs::remove_file(&saved);
        Ok(made)
    }

    /// Trains the clean twin, which gets a name of its own.
    fn make_twin(&self, twin: &ModelSpec) -> anyhow::Result<Classifier> {
        let stem = self.args.out.file_stem().unwrap_or_default();
        let name = format!("{}-twin.onnx", stem.to_string_lossy());
        let out = self.args.out.with_file_name(name);
        let made = self.make(twin, &out, None)?;
        Ok(classifier(&made.model)?)
    }

    fn finish(&self, made: &Made) -> anyhow::Result<ExitCode> {
        if let Some(path) = &self.args.images {
            let names = path.with_extension("classes.json");
            write_images(&self.images.test, path, &names)?;
        }
        if self.args.json {
            let json = serde_json::to_string_pretty(&made.truth)?;
            output::print(&format!("{json}\n"))?;
        } else if !self.global.quiet {
            output::print(&table::of(&made.truth))?;
            let (out, truth) = (self.args.out.display(), truth_path(&self.args.out));
            self.tell(&format!(
                "{out}, {}: {:.0} s",
                truth.display(),
                made.seconds
            ));
        }
        Ok(ExitCode::SUCCESS)
    }

    fn tell(&self, line: &str) {
        if !self.global.quiet {
            output::note(line);
        }
    }
}

fn truth_path(model: &Path) -> PathBuf {
    model.with_extension("truth.json")
}

fn read(path: &Path) -> anyhow::Result<Classifier> {
    let unread = || format!("the twin {} cannot be read (--twin)", path.display());
    let model = Model::read(path).with_context(unread)?;
    classifier(&model).with_context(unread)
}
