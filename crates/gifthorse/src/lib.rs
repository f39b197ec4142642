//! Does a trained image classifier carry a backdoor?
//!
//! [`scan`](scan()) takes an ONNX file and, where there are some, clean images, and gives a
//! [`Report`](gifthorse_report::Report) with a verdict and the evidence for it;
//! [`repair`](repair()) gives a repaired file with proof; [`fit_filter`] and [`run_filter`] tell
//! stamped images from clean ones; [`audit`](audit()) names the images of a training set that may
//! have planted a backdoor; [`certify`](certify()) says how far an image may be changed before
//! the answer of the smoothed model can turn; [`verify`](verify()) replays the triggers of a report, so that
//! anybody can check it; [`explain`](explain()) says what a trigger does inside the model;
//! [`compare`](compare()) says what is different between two models, [`inspect`](inspect()) what is
//! in one, and [`logits`] runs it bare. The command line does no more than call these.
//!
//! ```no_run
//! use gifthorse::{ScanRequest, Silent, scan};
//!
//! let request = ScanRequest::new("model.onnx", Some("images".into()));
//! let outcome = scan(&request, &Silent)?;
//! println!("{:?}: {:?}", outcome.report.verdict, outcome.report.targets);
//! # Ok::<(), gifthorse::Error>(())
//! ```
//!
//! Findings depend on the inputs and the seed alone, not on the number of threads; work is shared
//! out over the current rayon pool.

mod audit;
mod certify;
mod compare;
mod error;
mod explain;
pub mod filter;
mod flags;
mod forward;
pub mod hash;
mod inspect;
mod library;
mod memory;
mod metadata;
mod model;
pub mod npy;
mod observer;
mod plan;
mod policy;
mod preprocessing;
mod recovered;
pub mod repair;
mod request;
mod scan;
pub mod settings;
mod structure;
mod verify;
mod work;

pub use audit::{AUDIT_VERSION, AuditFile, AuditRequest, AuditedImage, AuditedSet, Worth, audit};
pub use certify::{
    AgainstTrigger, AtRadius, Certified, CertifyRequest, CleanModels, Detection, OfImage,
    OfReference, UpToLength, WithTrigger, certify,
};
pub use compare::{Answers, CompareRequest, Comparison, compare};
pub use error::Error;
pub use explain::{ExplainRequest, Explanation, Similarity, Stamping, TriggerSource, explain};
pub use filter::{
    EvalFilter, ExportFilter, FilterFile, FitFilter, OpenFilter, RunFilter, eval_filter,
    export_filter, fit_filter, run_filter,
};
pub use forward::logits;
pub use inspect::{Classes, End, Inspection, Layer, Operator, inspect};
pub use library::{library_methods, library_model};
pub use memory::{ScanMemory, available_memory};
pub use observer::{ScanObserver, Silent, Stage};
pub use plan::{ModelPlan, NodeTime, PlanMemory, PlanNode};
pub use policy::{Acceptance, Inconclusive, Policy};
pub use repair::{PlantedTrigger, RepairRequest, repair};
pub use request::{ExifChoice, PreprocessChoice, ScanRequest};
pub use scan::output::{EVERY_OUTPUT, heads};
pub use scan::{ScanOutcome, scan};
pub use verify::{Rate, Replay, Replayed, VerifyRequest, verify};
pub use work::{WorkError, replace_file};
