//! Arguments of `data`.

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};
use gifthorse::ScanRequest;
use gifthorse_data::Split;
use gifthorse_data::source::Set;
use gifthorse_defense::audit::AUDITS;

use super::{Global, PreparedArgs};

/// Arguments of `data`.
#[derive(Args, Debug)]
pub struct DataArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: DataCommand,
}

/// What to do with data sets.
#[derive(Debug, Subcommand)]
pub enum DataCommand {
    /// List the data sets that are known by name, and whether they are there.
    List {
        /// Folder that holds the data sets [default: the variable GIFTHORSE_DATA].
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
    },
    /// Download a public data set, and check that it is what was published.
    Fetch {
        /// mnist, fashion_mnist, cifar10 or gtsrb.
        #[arg(value_name = "NAME", value_parser = set)]
        set: Set,
        /// Folder that is to hold it [default: the variable GIFTHORSE_DATA].
        #[arg(long, value_name = "DIR")]
        to: Option<PathBuf>,
    },
    /// Name the images of a training set that may have planted a backdoor.
    Audit(Box<DataAuditArgs>),
}

/// Arguments of `data audit`.
#[derive(Args, Debug)]
pub struct DataAuditArgs {
    /// The ONNX file, trained on the images.
    pub model: PathBuf,
    /// The training set, with the labels that the model was trained for; all of it unless
    /// --max-images says otherwise.
    #[arg(long, value_name = "TRAIN", help_heading = "Images")]
    pub images: PathBuf,
    #[command(flatten)]
    prepared: PreparedArgs,
    /// Go on although the model does not seem to fit the images.
    #[arg(long, help_heading = "Preprocessing")]
    force: bool,
    /// The method.
    #[arg(long, value_name = "NAME", value_parser = audits(), default_value = AUDITS[0].about.name, help_heading = "Audit")]
    pub method: String,
    /// The share of a class that may be poisoned at most, if somebody knows: spectral_signatures
    /// then removes one and a half times as many of a class that is suspicious.
    #[arg(long, value_name = "SHARE", help_heading = "Audit")]
    pub share: Option<f64>,
    /// What was really planted: the truth.json that `plant` wrote. The audit is held against it.
    #[arg(long, value_name = "FILE", help_heading = "Truth")]
    pub truth: Option<PathBuf>,
    /// Write audit.json, audit.csv and audit.html to this folder.
    #[arg(long, short, value_name = "DIR", help_heading = "Output")]
    pub out: Option<PathBuf>,
    /// The most suspicious images to show in audit.html.
    #[arg(long, value_name = "N", default_value_t = 24, help_heading = "Output")]
    pub shown: usize,
    /// Show none of the images in audit.html.
    #[arg(long, help_heading = "Output")]
    pub no_images: bool,
    /// Print JSON instead of the table.
    #[arg(long, help_heading = "Output")]
    pub json: bool,
}

impl DataAuditArgs {
    /// Model and images, as the arguments say.
    ///
    /// # Errors
    /// A file of preprocessing or an order of labels that cannot be read.
    pub fn scan(&self, global: &Global) -> anyhow::Result<ScanRequest> {
        let images = Some(self.images.clone());
        let scan = (self.prepared).request_of(Split::Train, &self.model, images, global)?;
        Ok(ScanRequest {
            force: self.force,
            ..scan
        })
    }
}

/// The names of all audits.
pub(super) fn audits() -> PossibleValuesParser {
    PossibleValuesParser::new(AUDITS.iter().map(|row| row.about.name))
}

/// A data set by its name.
fn set(text: &str) -> Result<Set, String> {
    let known = Set::ALL.into_iter().find(|set| set.name() == text);
    known.ok_or_else(|| {
        let names: Vec<&str> = Set::ALL.iter().map(|set| set.name()).collect();
        format!(
            "there is no data set {text}; there are {}",
            names.join(", ")
        )
    })
}
