//! Filters from files to verdicts on images.
//!
//! `fit` makes a filter of a model and clean images: `known` are the triggers of a report or those
//! told, `parts` divides the images, and `file` is what it is kept as: the score, the threshold, how
//! the model was opened, and which images it has `seen`. `opened` takes one up again; `run` tells
//! suspicious images from others with it, `eval` holds it against triggers of known truth
//! (`planted`), `export` writes it into the model's file.

mod eval;
mod export;
mod file;
mod fit;
mod known;
mod opened;
mod parts;
mod planted;
mod run;
mod seen;

pub use eval::{AtRate, EvalFilter, Evaluation, OnTrigger, eval_filter};
pub use export::{ExportFilter, FLAGGED, LABEL, SCORE, export_filter};
pub use file::{FILTER_VERSION, FilterFile, FitImages};
pub use fit::{FitFilter, WITH_TRIGGER, WITHOUT_TRIGGER, fit_filter};
pub use opened::OpenFilter;
pub use planted::as_planted;
pub use run::{ImageVerdict, RunFilter, Suspects, run_filter};
