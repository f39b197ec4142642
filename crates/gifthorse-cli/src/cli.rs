//! The arguments of the command line.

mod certify;
mod compare;
mod data;
mod demo;
mod detectors;
mod explain;
mod filter;
mod graph;
mod guard;
mod hugging_face;
mod images;
mod make;
mod opening;
mod parse;
mod prepared;
mod preprocess;
mod repair;
mod scan;
mod subject;
mod trigger;
mod zoo;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use certify::CertifyArgs;
pub use compare::CompareArgs;
pub use data::{DataArgs, DataAuditArgs, DataCommand};
pub use demo::DemoArgs;
pub use detectors::DetectorArgs;
pub use explain::ExplainArgs;
pub use filter::{
    AUTO, FilterArgs, FilterCommand, FilterEvalArgs, FilterExportArgs, FilterFitArgs, FilterRunArgs,
};
pub use graph::{GraphArgs, GraphCommand, GraphCompareArgs, GraphSignArgs};
pub use guard::{GuardArgs, LogLevel};
pub use images::ImageArgs;
pub use make::{ModelArgs, PlantArgs, TrainArgs};
pub use opening::{InputArgs, OpeningArgs};
pub use prepared::PreparedArgs;
pub use preprocess::PreprocessArgs;
pub use repair::RepairArgs;
pub use scan::{FailOn, ScanArgs};
pub use subject::SubjectArgs;
pub use trigger::TriggerArgs;
pub use zoo::{
    ZooAdaptArgs, ZooArgs, ZooBuildArgs, ZooCommand, ZooFilterArgs, ZooLibraryArgs, ZooRepairArgs,
    ZooScanArgs,
};

/// Looks a trained image classifier in the mouth: does it carry a backdoor?
#[derive(Debug, Parser)]
#[command(name = "gifthorse", version, propagate_version = true, after_help = EXIT_STATUS)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Settings of all commands.
    #[command(flatten)]
    pub global: Global,
}

const EXIT_STATUS: &str = "Exit status: 0 clean or done, 1 backdoored, not confirmed, different or suspicious,\n2 error, 3 inconclusive, 4 not what a policy asks for, 5 not repaired.";

/// Settings of all commands.
#[derive(Args, Debug)]
#[command(next_help_heading = "Every command")]
pub struct Global {
    /// Seed of every random choice: same seed, same report [default: 0, or that of a model's file].
    #[arg(long, global = true, value_name = "N")]
    seed: Option<u64>,
    /// Threads to work with; all cores by default. Findings do not depend on it.
    #[arg(long, global = true, value_name = "N", value_parser = parse::threads)]
    pub threads: Option<usize>,
    /// Print no progress, warnings or tables: the exit status says it.
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// Whether to colour what is printed.
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    pub color: Color,
}

impl Global {
    /// The seed that was given, which comes on top of a model's file.
    pub fn given_seed(&self) -> Option<u64> {
        self.seed
    }

    /// The seed, 0 by default.
    pub fn seed(&self) -> u64 {
        self.seed.unwrap_or(0)
    }
}

/// When to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Also in a file or pipe.
    Always,
    /// Never.
    Never,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Plant a backdoor in a model trained on generated images, and find it; needs no file at all.
    Demo(DemoArgs),
    /// Scan an ONNX model for a backdoor, with clean images.
    Scan(Box<ScanArgs>),
    /// Repair a model that carries a backdoor, with proof that it is gone.
    Repair(Box<RepairArgs>),
    /// Tell stamped images from clean ones, for a model that stays in use.
    Filter(FilterArgs),
    /// Replay the triggers of a report on the model, to check its evidence.
    Verify(VerifyArgs),
    /// Say what a trigger does inside a model: which channels it raises, whom it leads where.
    Explain(Box<ExplainArgs>),
    /// Certify how far an image may be changed before the answer of the smoothed model can turn.
    Certify(Box<CertifyArgs>),
    /// Stand in front of a model server and judge the images that it is sent.
    Guard(Box<GuardArgs>),
    /// Say what is in an ONNX file.
    Inspect(InspectArgs),
    /// Say what is different between two ONNX files: weights, nodes, and what they answer.
    Compare(Box<CompareArgs>),
    /// Run the bare forward pass on raw input.
    Logits(LogitsArgs),
    /// List the data sets that are known by name, download one, or audit a training set.
    Data(DataArgs),
    /// Draw a trigger, as a picture and as the settings that plant it.
    Trigger(TriggerArgs),
    /// Train a clean model.
    Train(Box<TrainArgs>),
    /// Train a model with a backdoor in it.
    Plant(Box<PlantArgs>),
    /// Sign and compare what the losses of a training run are computed by.
    Graph(GraphArgs),
    /// Make and scan many models with a known truth.
    Zoo(ZooArgs),
    /// Print a script that completes commands and flags in a shell.
    Completions(CompletionsArgs),
    /// Print the manual page, or write one for each command.
    Man(ManArgs),
}

/// Arguments of `completions`.
#[derive(Args, Debug)]
pub struct CompletionsArgs {
    /// The shell.
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

/// Arguments of `man`.
#[derive(Args, Debug)]
pub struct ManArgs {
    /// Write the pages of all commands to this folder.
    #[arg(long, short, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

/// Arguments of `verify`.
#[derive(Args, Debug)]
pub struct VerifyArgs {
    /// The report: report.json, with its folder `triggers` beside it.
    pub report: PathBuf,
    /// The model that was scanned.
    #[arg(long, value_name = "FILE")]
    pub model: PathBuf,
    /// The images that it was scanned with; on others, success rates are held against the report's
    /// intervals.
    #[arg(long, value_name = "DATA")]
    pub images: PathBuf,
    /// Labels in place of those of the image set, as in the scan.
    #[arg(long, value_name = "FILE")]
    pub labels: Option<PathBuf>,
    /// Names of the classes, as in the scan, where the labels are names.
    #[arg(long, value_name = "FILE")]
    pub class_names: Option<PathBuf>,
    /// Replay also on a model with another hash.
    #[arg(long)]
    pub force: bool,
    /// Print the outcome as JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `inspect`.
#[derive(Args, Debug)]
pub struct InspectArgs {
    /// The ONNX file.
    pub model: PathBuf,
    /// Height and width of the model's images, where the file leaves them open.
    #[arg(long, value_name = "HxW", value_parser = parse::size)]
    pub input_size: Option<[usize; 2]>,
    #[command(flatten)]
    pub opening: OpeningArgs,
    /// Print how the model is run: each node, what computes it, shape, operations and bytes, and
    /// the memory of a scan.
    #[arg(long)]
    pub plan: bool,
    /// Print what in the structure of the file is how backdoors are built by hand: for each finding
    /// the path from image to output, the constant that is compared, and what it looks at.
    #[arg(long, conflicts_with = "plan")]
    pub structure: bool,
    /// Images of a batch in the plan.
    #[arg(long, value_name = "N", value_parser = parse::count, default_value_t = 32, requires = "plan")]
    pub batch: usize,
    /// Print as JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `logits`.
#[derive(Args, Debug)]
pub struct LogitsArgs {
    /// The ONNX file.
    pub model: PathBuf,
    /// Raw input: a NumPy array, any number of images in the shape that the model takes.
    #[arg(long, value_name = "FILE.npy")]
    pub input: PathBuf,
    /// Where to write the logits, float32 [images, classes].
    #[arg(long, short, value_name = "FILE.npy")]
    pub out: PathBuf,
    /// The model's output that is meant, where several are scores of classes.
    #[arg(long, value_name = "NAME")]
    pub output: Option<String>,
}
