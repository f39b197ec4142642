//! What can go wrong on the way to a verdict.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Errors of scans, replays and inspections. Each says which input is wrong and what to do about
/// it.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The model file cannot be read, or is no ONNX file.
    #[error("the model {} cannot be read", path.display())]
    Model {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: Box<gifthorse_onnx::Error>,
    },
    /// The model cannot be run.
    #[error("the model {} cannot be run", path.display())]
    Engine {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: Box<gifthorse_engine::Error>,
    },
    /// The images cannot be read.
    #[error(transparent)]
    Images(#[from] gifthorse_data::Error),
    /// A check or a search failed.
    #[error(transparent)]
    Detector(Box<gifthorse_defense::Error>),
    /// The statistics refused their input.
    #[error(transparent)]
    Stats(#[from] gifthorse_defense::verdict::StatsError),
    /// The library of clean models, or a model of it, is none.
    #[error(transparent)]
    Library(#[from] gifthorse_defense::verdict::LibraryError),
    /// A picture for the report could not be made.
    #[error("a recovered trigger cannot be shown")]
    Picture(#[from] gifthorse_report::evidence::PictureError),
    /// The folder in which a scan is kept cannot be used.
    #[error(transparent)]
    Work(#[from] crate::WorkError),
    /// A request that no scan can follow.
    #[error("{0}")]
    Request(String),
    /// A label that the model has no class for.
    #[error(
        "the images have the label {label} ({call}), but the model has the classes 0 to {}: number the labels as the \
         model does (--class-names, --label-order, --labels), or leave out the images of other classes", classes - 1
    )]
    Label {
        /// The label.
        label: usize,
        /// What the image set calls it.
        call: String,
        /// Classes of the model.
        classes: usize,
    },
    /// Another preprocessing fits the model better.
    #[error(
        "the model is right on {:.1} % of the images with {given}, but on {:.1} % with {better} (the same {images} \
         images, p = {p_value:.1e}): scan with {better}, with --preprocess auto, or with --force to go on as it is",
        100.0 * given_accuracy, 100.0 * better_accuracy
    )]
    BetterPreprocess {
        /// The preprocessing given, as flags.
        given: String,
        /// Accuracy with it.
        given_accuracy: f64,
        /// The one that fits better, as flags.
        better: String,
        /// Accuracy with that.
        better_accuracy: f64,
        /// Images that the two were compared on.
        images: usize,
        /// Probability of the difference by chance.
        p_value: f64,
    },
    /// The labels are the model's classes in another order.
    #[error(
        "the labels are in another order than the model's classes: {description} ({moved}). The model is right on \
         {:.1} % of the images as they are labelled and on {:.1} % once renumbered: scan with {flag}, number the labels \
         as the model does (--class-names, --labels), or scan with --force to go on as it is",
        100.0 * before, 100.0 * after
    )]
    LabelOrder {
        /// What the order is.
        description: String,
        /// The labels that stand for other classes, one by one.
        moved: String,
        /// What to scan with.
        flag: String,
        /// Entry i is the model's class that label i stands for.
        class_of_label: Vec<usize>,
        /// Accuracy with the labels as they are.
        before: f64,
        /// Accuracy with the labels renumbered.
        after: f64,
    },
    /// The model does not work on these images at all.
    #[error(
        "the model is right on {:.1} % of the {images} images with {given}, little more than the {:.1} % of chance, and \
         under no usual preprocessing on more than {:.1} % ({best}): check that the images and labels are the model's \
         (--labels, --crop, --split) and how its input is made (--range, --mean, --std, --channels, --layout), or scan \
         with --force to go on as it is",
        100.0 * accuracy, 100.0 * chance, 100.0 * best_accuracy
    )]
    NearChance {
        /// The preprocessing given, as flags.
        given: String,
        /// Accuracy with it.
        accuracy: f64,
        /// Images that were classified.
        images: usize,
        /// Accuracy of always guessing the most frequent label.
        chance: f64,
        /// The best of the preprocessings tried, as flags.
        best: String,
        /// Accuracy with that.
        best_accuracy: f64,
    },
    /// The model gives no numbers for some of the images.
    #[error(
        "{0}: check how its input is made (--range, --mean, --std, --channels, --layout) and that its weights are whole, or \
         scan with --force to go on as it is"
    )]
    NotNumbers(
        /// On how many images, and for which classes.
        String,
    ),
    /// It would take more memory than there is.
    #[error(
        "the model {} would take another {} MiB of memory, and {} MiB are left: end what else runs or raise the limit; a scan \
         takes less with fewer --threads and --max-images, and --force tries it all the same",
        path.display(), needed >> 20, available >> 20
    )]
    Memory {
        /// The model file.
        path: PathBuf,
        /// Bytes that it would take.
        needed: usize,
        /// Bytes that there are.
        available: usize,
    },
    /// A file cannot be read.
    #[error("{} cannot be read", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file or folder cannot be written.
    #[error("{} cannot be written", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The report of a scan cannot be written.
    #[error(transparent)]
    WriteReport(#[from] gifthorse_report::write::WriteError),
    /// A file is not a report.
    #[error("{} is not a report that can be used", path.display())]
    Report {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: gifthorse_report::report::JsonError,
    },
    /// A report's trigger cannot be read.
    #[error(transparent)]
    Trigger(#[from] gifthorse_report::evidence::TriggerFileError),
    /// The model is not the one that the report is about.
    #[error(
        "the report is about a model file with SHA-256 {expected}, but {} has {found}: give the file that was scanned, or \
         go on with this one with --force", path.display()
    )]
    OtherModel {
        /// The file given.
        path: PathBuf,
        /// Hash that the report has.
        expected: String,
        /// Hash of the file.
        found: String,
    },
}

impl From<gifthorse_defense::Error> for Error {
    fn from(error: gifthorse_defense::Error) -> Self {
        Self::Detector(Box::new(error))
    }
}

/// A model that fails while it is looked at.
impl From<gifthorse_engine::Error> for Error {
    fn from(error: gifthorse_engine::Error) -> Self {
        gifthorse_defense::Error::from(error).into()
    }
}
