//! Does a trained image classifier carry a backdoor?
//!
//! [`scan`](scan()) takes an ONNX file and clean images and gives a [`Report`](gifthorse_report::Report) with a verdict
//! and the evidence for it. The command line does no more than call these.
//!
//! ```no_run
//! use gifthorse::{ScanRequest, Silent, scan};
//!
//! let request = ScanRequest::new("model.onnx", "images");
//! let outcome = scan(&request, &Silent)?;
//! println!("{:?}: {:?}", outcome.report.verdict, outcome.report.targets);
//! # Ok::<(), gifthorse::Error>(())
//! ```
//!
//! Findings depend on the inputs and the seed alone, not on the number of threads; work is shared out over the current
//! rayon pool.

mod error;
mod flags;
mod hash;
mod model;
mod observer;
mod request;
mod scan;

pub use error::Error;
pub use observer::{ScanObserver, Silent, Stage};
pub use request::{PreprocessChoice, ScanRequest};
pub use scan::{ScanOutcome, scan};
