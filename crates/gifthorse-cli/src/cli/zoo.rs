//! Arguments of `zoo`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::filter::methods as filters;
use super::repair::{AUTO, method};
use super::{DetectorArgs, parse};

/// Arguments of `zoo`.
#[derive(Args, Debug)]
pub struct ZooArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: ZooCommand,
}

/// What to do with a zoo.
#[derive(Debug, Subcommand)]
pub enum ZooCommand {
    /// Make the models that a file describes, those that are not there yet.
    Build(ZooBuildArgs),
    /// Scan the models that were made, and hold the verdicts against the truth.
    Scan(ZooScanArgs),
    /// Repair the models that were made by several repairs, and measure what was really planted.
    Repair(ZooRepairArgs),
    /// Fit several filters to the models that were made, and hold them against what was planted.
    Filter(ZooFilterArgs),
    /// Make and scan attacks that pay for evading the verdict, and say what each paid.
    Adapt(Box<ZooAdaptArgs>),
    /// Collect what the scans found in clean models: the library that verdicts are calibrated on.
    Library(ZooLibraryArgs),
}

/// Arguments of `zoo build`.
#[derive(Args, Debug)]
pub struct ZooBuildArgs {
    /// The models: tables [data.X], [net.X], [train.X] and [poison.X], and [[models]] that combine
    /// them.
    pub plan: PathBuf,
    /// Folder for the models, their truths, images to scan them with, and zoo.json.
    #[arg(long, short, value_name = "DIR")]
    pub out: PathBuf,
    /// Folder that holds the data sets [default: the variable GIFTHORSE_DATA].
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Models made at a time [default: as many as threads].
    #[arg(long, value_name = "N", value_parser = parse::count)]
    pub jobs: Option<usize>,
    /// List the models and make none.
    #[arg(long)]
    pub list: bool,
}

/// Arguments of `zoo scan`.
#[derive(Args, Debug)]
pub struct ZooScanArgs {
    /// The folder that `zoo build` made.
    pub folder: PathBuf,
    /// Scans at a time [default: as many as threads].
    #[arg(long, value_name = "N", value_parser = parse::count)]
    pub jobs: Option<usize>,
    /// What to scan with.
    #[command(flatten)]
    pub detectors: DetectorArgs,
    /// Share of clean models that may be called backdoored.
    #[arg(long, default_value_t = 0.05, value_name = "RATE", value_parser = parse::rate)]
    pub fpr: f64,
    /// Draw the verdicts anew, also of models that were scanned; searches that are kept are not
    /// made again.
    #[arg(long)]
    pub again: bool,
    /// Scan nothing, only sum up what was scanned.
    #[arg(long, conflicts_with = "again")]
    pub summary: bool,
    /// Write report.html, report.sarif and the triggers of each scan too.
    #[arg(long)]
    pub pages: bool,
    /// Print the summary as JSON, every model with it.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `zoo adapt`.
#[derive(Args, Debug)]
pub struct ZooAdaptArgs {
    /// What to make.
    #[command(flatten)]
    pub build: ZooBuildArgs,
    /// What to scan with.
    #[command(flatten)]
    detectors: DetectorArgs,
    /// Share of clean models that may be called backdoored.
    #[arg(long, default_value_t = 0.05, value_name = "RATE", value_parser = parse::rate)]
    fpr: f64,
    /// Print the table as JSON.
    #[arg(long)]
    pub json: bool,
}

impl ZooAdaptArgs {
    /// The scan of what was made.
    pub fn scan(&self) -> ZooScanArgs {
        ZooScanArgs {
            folder: self.build.out.clone(),
            jobs: self.build.jobs,
            detectors: self.detectors.clone(),
            fpr: self.fpr,
            again: false,
            summary: false,
            pages: false,
            json: self.json,
        }
    }
}

/// Arguments of `zoo library`.
#[derive(Args, Debug)]
pub struct ZooLibraryArgs {
    /// Folders that `zoo build` made and `zoo scan` scanned.
    #[arg(required = true)]
    pub folders: Vec<PathBuf>,
    /// Where to write the library of the clean models.
    #[arg(long, short, value_name = "FILE.json")]
    pub out: PathBuf,
    /// Where to write what was found in the backdoored models, for the validation of verdicts.
    #[arg(long, value_name = "FILE.json")]
    pub backdoored: Option<PathBuf>,
}

/// Arguments of `zoo repair`.
#[derive(Args, Debug)]
pub struct ZooRepairArgs {
    /// The folder that `zoo build` made.
    pub folder: PathBuf,
    /// Models at a time [default: as many as threads].
    #[arg(long, value_name = "N", value_parser = parse::count)]
    pub jobs: Option<usize>,
    /// What finds out what to repair.
    #[command(flatten)]
    pub detectors: DetectorArgs,
    /// Repairs, each by itself; `auto` is the choice among those that fit.
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = method, default_value = AUTO)]
    pub method: Vec<String>,
    /// Tell each repair its target, so that repairs are measured apart from detection.
    #[arg(long)]
    pub told: bool,
    /// How far clean accuracy may fall, as a share.
    #[arg(long, value_name = "SHARE", value_parser = parse::share, default_value_t = 0.01)]
    pub budget: f64,
    /// Use at most so many images of each model.
    #[arg(long, value_name = "N", value_parser = parse::count)]
    pub max_images: Option<usize>,
    /// Print what came of each repair as JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `zoo filter`.
#[derive(Args, Debug)]
pub struct ZooFilterArgs {
    /// The folder that `zoo build` made.
    pub folder: PathBuf,
    /// Models at a time [default: as many as threads].
    #[arg(long, value_name = "N", value_parser = parse::count)]
    pub jobs: Option<usize>,
    /// What finds the triggers that filters go by.
    #[command(flatten)]
    pub detectors: DetectorArgs,
    /// Filters, each by itself.
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = filters(), required = true)]
    pub method: Vec<String>,
    /// Tell each filter its target, so that filters are measured apart from detection.
    #[arg(long)]
    pub told: bool,
    /// False-positive rates to hold them to.
    #[arg(long, value_name = "RATE", value_delimiter = ',', value_parser = parse::rate, default_value = "0.05,0.01")]
    pub fpr: Vec<f64>,
    /// Images of each model to fit a filter and its threshold with; the others measure it.
    #[arg(long, value_name = "N", value_parser = parse::count, default_value_t = 1000)]
    pub max_images: usize,
    /// Folder with the repaired models, NAME/repaired.onnx, for filters that ask them.
    #[arg(long, value_name = "DIR")]
    pub repaired: Option<PathBuf>,
    /// Print what each does as JSON.
    #[arg(long)]
    pub json: bool,
}
