//! Arguments of `filter`.

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};
use gifthorse::ScanRequest;
use gifthorse_defense::filter::FILTERS;

use super::{Global, ImageArgs, PreparedArgs, parse};

/// Arguments of `filter`.
#[derive(Args, Debug)]
pub struct FilterArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: FilterCommand,
}

/// What can be done with filters.
#[derive(Debug, Subcommand)]
pub enum FilterCommand {
    /// Fit a filter to a model and clean images.
    Fit(Box<FilterFitArgs>),
    /// Look for stamped images with a filter.
    Run(Box<FilterRunArgs>),
    /// Write a filter into its model, as ONNX that any runtime runs.
    Export(FilterExportArgs),
    /// Hold a filter against triggers of known truth.
    Eval(Box<FilterEvalArgs>),
}

/// Arguments of `filter fit`.
#[derive(Args, Debug)]
pub struct FilterFitArgs {
    /// The ONNX file.
    pub model: PathBuf,
    /// Clean images, as for `scan`; at most 4000 unless --max-images says otherwise. The score is
    /// fitted to one half of them, the threshold is set by the other.
    #[arg(long, value_name = "DATA", help_heading = "Images")]
    pub images: PathBuf,
    #[command(flatten)]
    prepared: PreparedArgs,
    /// Go on although the model does not seem to fit the images, or the report is of another.
    #[arg(long, help_heading = "Preprocessing")]
    force: bool,
    /// The method. `auto` is neuron_activation where a trigger is known, else combined.
    #[arg(long, value_name = "NAME", value_parser = methods_and_auto(), default_value = AUTO, help_heading = "Filter")]
    pub method: String,
    /// Share of clean images that may be flagged.
    #[arg(long, value_name = "RATE", value_parser = parse::rate, default_value_t = 0.05, help_heading = "Filter")]
    pub fpr: f64,
    /// Go by the triggers that this report.json of a scan found; the model is opened as it was for
    /// the scan.
    #[arg(long, value_name = "REPORT", help_heading = "Filter")]
    pub report: Option<PathBuf>,
    /// The class that a backdoor leads to, whatever a scan says.
    #[arg(long, value_name = "CLASS", help_heading = "Filter")]
    pub target: Option<usize>,
    /// The trigger that leads there: an .npz of a report's folder `triggers`, or a picture that is
    /// transparent where it is not.
    #[arg(
        long,
        value_name = "FILE",
        requires = "target",
        conflicts_with = "report",
        help_heading = "Filter"
    )]
    pub trigger: Option<PathBuf>,
    /// The model repaired, for methods that ask it as well.
    #[arg(long, value_name = "FIXED.onnx", help_heading = "Filter")]
    pub repaired: Option<PathBuf>,
    /// The file to write.
    #[arg(long, short, value_name = "FILTER.json", help_heading = "Output")]
    pub out: PathBuf,
    /// Print the filter without its state as JSON instead of a few lines.
    #[arg(long, help_heading = "Output")]
    pub json: bool,
}

/// Arguments of `filter run`.
#[derive(Args, Debug)]
pub struct FilterRunArgs {
    #[command(flatten)]
    pub fitted: FittedArgs,
    /// Hold the images to another false-positive rate than the filter was fitted for.
    #[arg(long, value_name = "RATE", value_parser = parse::rate, help_heading = "Filter")]
    pub fpr: Option<f64>,
    /// Write suspects.json, suspects.csv and suspects.html to this folder.
    #[arg(long, value_name = "DIR", help_heading = "Output")]
    pub out: Option<PathBuf>,
    /// The most suspicious images to show in suspects.html.
    #[arg(long, value_name = "N", default_value_t = 24, help_heading = "Output")]
    pub shown: usize,
    /// Show none of the images in suspects.html.
    #[arg(long, help_heading = "Output")]
    pub no_images: bool,
    /// Print JSON instead of the table.
    #[arg(long, help_heading = "Output")]
    pub json: bool,
}

/// Arguments of `filter export`.
#[derive(Args, Debug)]
pub struct FilterExportArgs {
    #[command(flatten)]
    pub kept: KeptArgs,
    /// Flag images at another false-positive rate than the filter was fitted for.
    #[arg(long, value_name = "RATE", value_parser = parse::rate, help_heading = "Filter")]
    pub fpr: Option<f64>,
    /// The file to write: the model with the outputs gifthorse_score and gifthorse_flagged beside
    /// its own.
    #[arg(long, short, value_name = "GUARDED.onnx", help_heading = "Output")]
    pub out: PathBuf,
}

/// Arguments of `filter eval`.
#[derive(Args, Debug)]
pub struct FilterEvalArgs {
    #[command(flatten)]
    pub fitted: FittedArgs,
    /// What was really planted: the truth.json that `plant` wrote.
    #[arg(long, value_name = "FILE", help_heading = "Truth")]
    pub truth: Option<PathBuf>,
    /// A trigger that is known: an .npz file, a picture that is transparent where it is not, or what
    /// `gifthorse trigger` draws, by its name or a .toml file.
    #[arg(
        long,
        value_name = "FILE|SPEC",
        requires = "target",
        help_heading = "Truth"
    )]
    pub trigger: Option<String>,
    /// The class that it leads all others to.
    #[arg(
        long,
        value_name = "CLASS",
        requires = "trigger",
        help_heading = "Truth"
    )]
    pub target: Option<usize>,
    /// False-positive rates to hold the filter to [default: its own].
    #[arg(long, value_name = "RATE", value_delimiter = ',', value_parser = parse::rate, help_heading = "Filter")]
    pub fpr: Vec<f64>,
    /// Print JSON instead of the table.
    #[arg(long, help_heading = "Output")]
    pub json: bool,
}

/// A fitted filter and its models.
#[derive(Args, Debug)]
pub struct KeptArgs {
    /// The filter that `filter fit` wrote.
    pub filter: PathBuf,
    /// The model [default: the file that the filter was fitted to].
    #[arg(long, value_name = "FILE", help_heading = "Model")]
    pub model: Option<PathBuf>,
    /// The repaired model that the filter asks as well [default: where it was].
    #[arg(long, value_name = "FIXED.onnx", help_heading = "Model")]
    pub repaired: Option<PathBuf>,
    /// Take a model that is not the one that the filter was fitted to.
    #[arg(long, help_heading = "Model")]
    pub force: bool,
}

/// A fitted filter and images for it.
#[derive(Args, Debug)]
pub struct FittedArgs {
    #[command(flatten)]
    pub kept: KeptArgs,
    /// The images.
    #[arg(long, value_name = "DATA", help_heading = "Images")]
    images: PathBuf,
    /// Look at no more than so many images [default: 4000, at most 1 GiB].
    #[arg(long, value_name = "N", value_parser = parse::count, help_heading = "Images")]
    max_images: Option<usize>,
    #[command(flatten)]
    reading: ImageArgs,
}

/// The method that goes by what is known.
pub const AUTO: &str = "auto";

/// The names of all filters.
pub(super) fn methods() -> PossibleValuesParser {
    PossibleValuesParser::new(names())
}

fn methods_and_auto() -> PossibleValuesParser {
    PossibleValuesParser::new([AUTO].into_iter().chain(names()))
}

fn names() -> impl Iterator<Item = &'static str> {
    FILTERS.iter().map(|row| row.about.name)
}

impl FilterFitArgs {
    /// Model and images, as the arguments say.
    ///
    /// # Errors
    /// A file of preprocessing or an order of labels that cannot be read.
    pub fn scan(&self, global: &Global) -> anyhow::Result<ScanRequest> {
        let images = Some(self.images.clone());
        Ok(ScanRequest {
            force: self.force,
            ..self.prepared.request(&self.model, images, global)?
        })
    }
}

impl FittedArgs {
    /// The images, as the arguments say.
    ///
    /// # Errors
    /// An order of labels that cannot be read.
    pub fn scan(&self, global: &Global) -> anyhow::Result<ScanRequest> {
        self.reading.on(ScanRequest {
            max_images: self.max_images,
            force: self.kept.force,
            seed: global.seed(),
            ..ScanRequest::new("", Some(self.images.clone()))
        })
    }
}
