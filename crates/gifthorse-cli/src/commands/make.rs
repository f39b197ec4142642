//! `gifthorse train` and `gifthorse plant`: make one model, clean or with a backdoor.

mod bar;
mod files;
mod table;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use gifthorse_bench::loss_graph::{PublicKey, trusted_graphs};
use gifthorse_bench::zoo::{write_images, write_json, write_training_set};
use gifthorse_bench::{Change, Made, Making, ModelSpec, TrainingSet, classifier, make};
use gifthorse_data::source::TrainTest;
use gifthorse_engine::Classifier;
use gifthorse_onnx::Model;
use gifthorse_train::{Checkpoint, Error as Refused, LossGraphs};

use crate::cli::{Global, ModelArgs, PlantArgs, TrainArgs};
use crate::output;
use bar::Bar;

/// Trains a clean model, writes it with the truth about it, and prints that.
///
/// # Errors
/// Settings that make no model, images that cannot be had, files that cannot be written.
pub fn train(args: &TrainArgs, global: &Global) -> anyhow::Result<ExitCode> {
    let spec = described(&args.model, global, &[])?;
    if spec.is_backdoored() {
        bail!(
            "the settings describe a backdoor (poison or implant); `gifthorse plant` makes such models"
        );
    }
    let models = vec![args.model.out.clone()];
    let work = Work::begin(&args.model, global, spec, models)?;
    let made = work.make(&work.spec, &args.model.out, None)?;
    work.finish(&made)
}

/// Trains a model with a backdoor in it, and perhaps its clean twin, likewise.
///
/// # Errors
/// As [`train`].
pub fn plant(args: &PlantArgs, global: &Global) -> anyhow::Result<ExitCode> {
    let spec = described(&args.model, global, &args.poison.changes())?;
    if spec.implant.is_some() {
        return implant(args, global, spec);
    }
    let Some(twin_spec) = spec.twin() else {
        bail!(
            "nothing is to be planted: describe the backdoor with --trigger or --implant, or in the table [poison] or [implant] \
             of the file"
        );
    };
    let out = &args.model.out;
    let mut models = vec![out.clone()];
    models.extend(matches!(args.twin, Some(None)).then(|| files::twin_of(out)));
    let work = Work::begin(&args.model, global, spec, models)?;
    let twin = match &args.twin {
        None => None,
        Some(None) => Some(work.make(&twin_spec, &files::twin_of(out), None)?.model),
        Some(Some(path)) => {
            let unread = || format!("the twin {} cannot be read (--twin)", path.display());
            Some(Model::read(path).with_context(unread)?)
        }
    };
    let twin = match twin {
        None => None,
        Some(twin) => {
            let twin = classifier(&twin, twin_spec.preprocess(), &twin_spec.opening());
            Some(twin.context("the clean twin cannot be run (--twin)")?)
        }
    };
    let made = work.make(&work.spec, out, twin.as_ref())?;
    work.finish(&made)
}

/// Puts a backdoor by hand into a model, and perhaps keeps the one before.
fn implant(args: &PlantArgs, global: &Global, spec: ModelSpec) -> anyhow::Result<ExitCode> {
    if let Some(Some(path)) = &args.twin {
        bail!(
            "--twin={}: what is put in by hand is measured beside the model that it is put into, or one that is trained \
             alike; give --twin to have that written",
            path.display()
        );
    }
    let out = &args.model.out;
    let twin = args.twin.is_some().then(|| files::twin_of(out));
    let models = [out.clone()].into_iter().chain(twin.clone()).collect();
    let work = Work::begin(&args.model, global, spec, models)?;
    let made = work.make(&work.spec, out, None)?;
    if let (Some(path), Some((model, truth))) = (twin, &made.beside) {
        model.write(&path)?;
        write_json(&files::truth_of(&path), truth)?;
    }
    work.finish(&made)
}

/// The model that file and flags describe.
fn described(args: &ModelArgs, global: &Global, more: &[Change]) -> anyhow::Result<ModelSpec> {
    // Single settings (--with) come on top of what is planted.
    let mut changes = more.to_vec();
    changes.extend(args.changes(global.given_seed())?);
    Ok(ModelSpec::read(args.spec.as_deref(), &changes)?)
}

/// Models on their way.
struct Work<'a> {
    args: &'a ModelArgs,
    global: &'a Global,
    spec: ModelSpec,
    images: TrainTest,
    trusted: Option<LossGraphs>,
    /// The files of all models that are trained.
    models: Vec<PathBuf>,
}

impl<'a> Work<'a> {
    /// Reads the images, and refuses what would otherwise come to light after training.
    fn begin(
        args: &'a ModelArgs,
        global: &'a Global,
        spec: ModelSpec,
        models: Vec<PathBuf>,
    ) -> anyhow::Result<Self> {
        files::check_writable(args, &models, spec.has_generator())?;
        files::check_checkpoints(args.resume, &models)?;
        let trusted = match (&args.trusted_graph, &args.trusted_key) {
            (Some(_), _) if spec.is_taken_as_it_is() => bail!(
                "--trusted-graph: no loss is computed where a backdoor is put by hand into a file"
            ),
            (Some(graphs), Some(key)) => Some(trusted_graphs(graphs, &PublicKey::read(key)?)?),
            _ => None,
        };
        let data = crate::data::folder(args.data.as_deref());
        let images = spec.data.load(data.as_deref())?;
        let work = Self {
            args,
            global,
            spec,
            images,
            trusted,
            models,
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
        work.spec.check_on(&work.images)?;
        if args.training_set.is_some() {
            // Refused now, not after training.
            TrainingSet::of(&work.spec, &work.images).context("--training-set")?;
        }
        Ok(work)
    }

    /// Trains a model and writes it with its truth.
    fn make(
        &self,
        spec: &ModelSpec,
        out: &Path,
        twin: Option<&Classifier>,
    ) -> anyhow::Result<Made> {
        let checkpoint = Checkpoint::at(files::checkpoint_of(out));
        let second = Checkpoint::at(files::second_checkpoint_of(out));
        let bar = Bar::new(self.global.quiet, &out.display().to_string());
        let making = Making {
            observer: &bar,
            examine: true,
            checkpoint: Some(&checkpoint),
            second_checkpoint: Some(&second),
            twin,
            clean: None,
            trusted: self.trusted.as_ref(),
        };
        let made = make(spec, &self.images, &making);
        bar.finish();
        let made = made.map_err(|error| self.kept(error))?;
        made.write(out, &files::truth_of(out))?;
        Ok(made)
    }

    /// Writes the images, tells what came of it, and removes what a run that is stopped goes on
    /// from: only now, so that a twin that is trained is not trained again.
    fn finish(&self, made: &Made) -> anyhow::Result<ExitCode> {
        if let Some(path) = &self.args.images {
            write_images(&self.images.test, path, &files::class_names_of(path))?;
        }
        if let Some(path) = &self.args.training_set {
            let names = files::class_names_of(path);
            match &made.training_set {
                Some(set) => write_training_set(set, path, &names)?,
                None => {
                    let set = TrainingSet::of(&self.spec, &self.images)?;
                    write_training_set(&set, path, &names)?;
                }
            }
        }
        if let Some((path, graphs)) = self.args.loss_graph.as_ref().zip(made.graphs.as_ref()) {
            write_graphs(graphs, path)?;
        }
        files::remove_checkpoints(&self.models)?;
        if self.args.json {
            let json = serde_json::to_string_pretty(&made.truth)?;
            output::print(&format!("{json}\n"))?;
        } else if !self.global.quiet {
            output::print(&table::of(&made.truth))?;
            let (out, truth) = (self.args.out.display(), files::truth_of(&self.args.out));
            self.tell(&format!(
                "{out}, {}: {:.0} s",
                truth.display(),
                made.seconds
            ));
        }
        Ok(ExitCode::SUCCESS)
    }

    /// An error, with the graphs of a run that it ended kept for who wants to look at them.
    fn kept(&self, error: gifthorse_bench::Error) -> anyhow::Error {
        use gifthorse_bench::Error::Train;
        let (Train(Refused::UntrustedLoss { graphs, .. }), Some(path)) =
            (&error, &self.args.loss_graph)
        else {
            return error.into();
        };
        match write_graphs(graphs, path) {
            Ok(()) => anyhow::Error::from(error).context(format!(
                "the graphs of this run are in {}: `gifthorse graph compare` draws the difference",
                path.display()
            )),
            Err(unwritten) => anyhow::Error::from(error).context(unwritten),
        }
    }

    fn tell(&self, line: &str) {
        if !self.global.quiet {
            output::note(line);
        }
    }
}

fn write_graphs(graphs: &LossGraphs, path: &Path) -> anyhow::Result<()> {
    std::fs::write(path, graphs.to_json()?)
        .with_context(|| format!("{} cannot be written (--loss-graph)", path.display()))
}
