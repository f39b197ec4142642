//! Arguments of `compare`.

use std::path::PathBuf;

use clap::Args;
use gifthorse::CompareRequest;

use super::{Global, PreparedArgs};

/// Arguments of `compare`.
#[derive(Args, Debug)]
pub struct CompareArgs {
    /// The ONNX file before.
    pub before: PathBuf,
    /// The ONNX file after.
    pub after: PathBuf,
    /// Images to run both on, as for `scan`: on how many the answers differ and, with labels, how
    /// accurate both are.
    #[arg(long, value_name = "DATA", help_heading = "Images")]
    pub images: Option<PathBuf>,
    #[command(flatten)]
    prepared: PreparedArgs,
    /// Print as JSON.
    #[arg(long, help_heading = "Output")]
    pub json: bool,
}

impl CompareArgs {
    /// What the arguments ask for.
    ///
    /// # Errors
    /// A file of preprocessing or an order of labels that cannot be read.
    pub fn request(&self, global: &Global) -> anyhow::Result<CompareRequest> {
        let images = self.images.clone();
        Ok(CompareRequest {
            scan: self.prepared.request(&self.before, images, global)?,
            after: self.after.clone(),
        })
    }
}
