//! Arguments of `certify`.

use std::path::PathBuf;

use clap::Args;
use gifthorse::{CertifyRequest, CleanModels, ScanRequest, TriggerSource};
use gifthorse_defense::certify::Smoothing;

use super::subject::DEFAULT_FPR;
use super::{Global, PreparedArgs, parse};

/// Arguments of `certify`.
#[derive(Args, Debug)]
pub struct CertifyArgs {
    /// The ONNX file.
    pub model: PathBuf,
    /// Clean images, as for `scan`; a hundred of them are asked about unless --max-images says
    /// otherwise.
    #[arg(long, value_name = "DATA", help_heading = "Images")]
    pub images: PathBuf,
    /// Standard deviation of the noise on pixel values in [0, 1]. More of it certifies longer
    /// changes, of fewer images.
    #[arg(long, value_name = "NUMBER", default_value_t = Smoothing::default().sigma, help_heading = "Smoothing")]
    sigma: f64,
    /// Noisy copies of an image that its class is counted on; a tenth as many choose the class
    /// before.
    #[arg(long, value_name = "N", value_parser = parse::count, default_value_t = Smoothing::default().counting, help_heading = "Smoothing")]
    copies: usize,
    /// The probability of a wrong certificate, of each image.
    #[arg(long, value_name = "RATE", value_parser = parse::error, default_value_t = Smoothing::default().alpha, help_heading = "Smoothing")]
    alpha: f64,
    /// A trigger to hold certificates against: an .npz file of a report, a picture, or what
    /// `gifthorse trigger` draws, as for `explain`.
    #[arg(long, value_name = "FILE|SPEC", help_heading = "Trigger")]
    pub trigger: Option<String>,
    /// The class that the trigger leads to [default: the one that it leads most images to].
    #[arg(
        long,
        value_name = "CLASS",
        requires = "trigger",
        help_heading = "Trigger"
    )]
    target: Option<usize>,
    /// Clean models of the same task, ONNX files: the model is held against them by what noise
    /// around the images leads to. Nineteen at least for the usual --fpr.
    #[arg(long, value_name = "MODEL", num_args = 1.., help_heading = "Detection")]
    reference: Vec<PathBuf>,
    /// Share of clean models that may be flagged.
    #[arg(long, value_name = "RATE", value_parser = parse::rate, default_value_t = DEFAULT_FPR, requires = "reference", help_heading = "Detection")]
    fpr: f64,
    #[command(flatten)]
    prepared: PreparedArgs,
    /// Go on although the model does not seem to fit the images.
    #[arg(long, help_heading = "Preprocessing")]
    force: bool,
    /// Print everything as JSON, with every image.
    #[arg(long, help_heading = "Output")]
    pub json: bool,
}

impl CertifyArgs {
    /// What the arguments ask for, with the trigger that they name.
    ///
    /// # Errors
    /// A file of preprocessing or an order of labels that cannot be read.
    pub fn request(
        &self,
        trigger: Option<TriggerSource>,
        global: &Global,
    ) -> anyhow::Result<CertifyRequest> {
        let images = Some(self.images.clone());
        Ok(CertifyRequest {
            scan: ScanRequest {
                force: self.force,
                ..self.prepared.request(&self.model, images, global)?
            },
            smoothing: Smoothing {
                sigma: self.sigma,
                choosing: self.copies.div_ceil(10),
                counting: self.copies,
                alpha: self.alpha,
            },
            trigger,
            target: self.target,
            clean: CleanModels {
                paths: self.reference.clone(),
                rate: self.fpr,
            },
        })
    }
}
