//! Arguments of `explain`.

use std::path::PathBuf;

use clap::Args;
use gifthorse::{ExplainRequest, ScanRequest, TriggerSource};

use super::{Global, PreparedArgs, parse};

/// Arguments of `explain`.
#[derive(Args, Debug)]
pub struct ExplainArgs {
    /// The ONNX file.
    pub model: PathBuf,
    /// Clean images, as for `scan`. What is told is measured on those that a scan with the same
    /// images and seed holds out, three in ten.
    #[arg(long, value_name = "DATA", help_heading = "Images")]
    pub images: PathBuf,
    /// The trigger: an .npz file of a report's folder `triggers/`; a picture of the images' size
    /// that is transparent where the trigger is not; or what `gifthorse trigger` draws, by its name
    /// or a .toml file.
    #[arg(long, value_name = "FILE|SPEC", help_heading = "Trigger")]
    pub trigger: String,
    /// The trigger that was planted, if it is known, to compare with; given like --trigger.
    #[arg(long, value_name = "FILE|SPEC", help_heading = "Trigger")]
    pub original: Option<String>,
    /// Further trigger files, such as those of other classes, whose patches are compared with the
    /// trigger's.
    #[arg(long, value_name = "FILE", num_args = 1.., help_heading = "Trigger")]
    pub compare: Vec<PathBuf>,
    /// The class that the trigger leads to [default: the one that it leads most images to].
    #[arg(long, value_name = "CLASS", help_heading = "Trigger")]
    pub target: Option<usize>,
    /// The layer whose channels are ranked, by the name that the file gives its value [default: the
    /// input of the logits]. The last maps of a convolution are looked at as well.
    #[arg(long, value_name = "NAME", help_heading = "Layer")]
    pub layer: Option<String>,
    /// Which part of a layer's channels is looked at, in percent, rounded up to whole channels.
    #[arg(long, value_name = "PERCENT", value_parser = parse::percent, default_value_t = 1.0, help_heading = "Layer")]
    pub top: f64,
    #[command(flatten)]
    prepared: PreparedArgs,
    /// Go on although the model does not seem to fit the images.
    #[arg(long, help_heading = "Preprocessing")]
    force: bool,
    /// Write explain.json, explain.html and the pictures of Grad-CAM to this folder.
    #[arg(long, short, value_name = "DIR", help_heading = "Output")]
    pub out: Option<PathBuf>,
    /// Show and write no images of yours.
    #[arg(long, help_heading = "Output")]
    pub no_images: bool,
    /// Print explain.json instead of the tables.
    #[arg(long, help_heading = "Output")]
    pub json: bool,
}

impl ExplainArgs {
    /// What the arguments ask for, with the triggers that they name.
    ///
    /// # Errors
    /// A file of preprocessing or an order of labels that cannot be read.
    pub fn request(
        &self,
        trigger: TriggerSource,
        original: Option<TriggerSource>,
        global: &Global,
    ) -> anyhow::Result<ExplainRequest> {
        let images = Some(self.images.clone());
        let scan = ScanRequest {
            force: self.force,
            ..self.prepared.request(&self.model, images, global)?
        };
        Ok(ExplainRequest {
            original,
            compare: self.compare.clone(),
            target: self.target,
            layer: self.layer.clone(),
            top: self.top / 100.0,
            ..ExplainRequest::new(scan, trigger)
        })
    }
}
