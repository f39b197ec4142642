//! Arguments of commands that run a model on images as a scan does, without searching.

use std::path::{Path, PathBuf};

use clap::Args;
use gifthorse::ScanRequest;
use gifthorse_data::Split;

use super::{Global, ImageArgs, OpeningArgs, PreprocessArgs, parse};

/// How images are read, and how they and the model are made ready.
#[derive(Args, Debug)]
pub struct PreparedArgs {
    /// Use at most so many images, as for `scan`.
    #[arg(long, value_name = "N", value_parser = parse::count, help_heading = "Images")]
    max_images: Option<usize>,
    #[command(flatten)]
    reading: ImageArgs,
    #[command(flatten)]
    preprocess: PreprocessArgs,
    /// Height and width of the model's images, where the file leaves them open.
    #[arg(long, value_name = "HxW", value_parser = parse::size, help_heading = "Preprocessing")]
    input_size: Option<[usize; 2]>,
    #[command(flatten)]
    opening: OpeningArgs,
}

impl PreparedArgs {
    /// The scan of a model that would read these images.
    ///
    /// # Errors
    /// A file of preprocessing or an order of labels that cannot be read.
    pub fn request(
        &self,
        model: &Path,
        images: Option<PathBuf>,
        global: &Global,
    ) -> anyhow::Result<ScanRequest> {
        self.request_of(Split::Test, model, images, global)
    }

    /// The same of this part of the images where no other is asked for.
    ///
    /// # Errors
    /// As [`request`](Self::request).
    pub fn request_of(
        &self,
        split: Split,
        model: &Path,
        images: Option<PathBuf>,
        global: &Global,
    ) -> anyhow::Result<ScanRequest> {
        self.reading.on(ScanRequest {
            max_images: self.max_images,
            preprocess: self.preprocess.choice()?,
            input_size: self.input_size,
            opening: self.opening.opening(),
            seed: global.seed(),
            split,
            ..ScanRequest::new(model, images)
        })
    }
}
