//! The folder in which a scan keeps what it has found so far, so that one that was killed can go
//! on.
//!
//! It holds `scan`, which says what the scan was asked, one file `DETECTOR-full-class-N` for each
//! class N whose search a detector began (`early` for a search that only tells whether a full one
//! is worth while), and `lock`. Files are replaced whole and carry a checksum, so that a scan may
//! be killed at any moment: a file is the old one or the new one, and one that was damaged later is
//! found out. The lock dies with the process that holds it.
//!
//! The folder is trusted as little as any other input: what is read is limited in size and checked,
//! and nothing outside it is written. What cannot be checked is whether a kept search was really
//! made: whoever may write to the folder may change the verdict.

mod error;
mod folder;
mod keeper;
mod manifest;
mod sealed;
mod unit_file;

pub use error::WorkError;
pub(crate) use folder::WorkFolder;
pub(crate) use manifest::{Hashes, Manifest};
pub use sealed::replace as replace_file;
