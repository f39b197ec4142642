//! The report of a scan and its renderings.
//!
//! [`Report`] is plain data: what was scanned, what was found, how sure that is and what was not
//! looked at. Each rendering is one module that takes a report and gives text or files. Nothing
//! here knows how a finding was made: what a detector's numbers are called, counted in and compared
//! by comes with them, so a new detector needs no change in this crate, and a renderer can be
//! tested with an invented report.

mod columns;
pub mod escape;
pub mod evidence;
mod format;
pub mod heads;
pub mod html;
pub mod report;
pub mod sarif;
pub mod terminal;
mod wording;
pub mod write;

pub use evidence::Evidence;
pub use report::Report;
pub use write::{write_heads, write_out};
