//! Arguments of commands that run a model on images as a scan does, without searching.

use std::path::{Path, PathBuf};

use clap::Args;
use gifthorse::ScanRequest;
use gifthorse_data::{Crop, LabelOrder};

use super::subject::{CropArg, ExifArg, SplitArg};
use super::{Global, OpeningArgs, PreprocessArgs, parse};

/// How images are read, and how they and the model are made ready.
#[derive(Args, Debug)]
pub struct ImageArgs {
    /// Which part of the images to use, where they have several.
    #[arg(long, value_enum, default_value_t = SplitArg::Test, value_name = "PART", help_heading = "Images")]
    split: SplitArg,
    /// Which part of each image to use: `roi` is the region that GTSRB marks.
    #[arg(long, value_enum, value_name = "PART", help_heading = "Images")]
    crop: Option<CropArg>,
    /// Whether pictures are turned upright as their files note (EXIF), as for `scan`.
    #[arg(long, value_enum, default_value_t = ExifArg::Auto, value_name = "HOW", help_heading = "Images")]
    exif: ExifArg,
    /// Use at most so many images, as for `scan`.
    #[arg(long, value_name = "N", value_parser = parse::count, help_heading = "Images")]
    max_images: Option<usize>,
    /// Labels in place of those of the images, as for `scan`.
    #[arg(long, value_name = "FILE", help_heading = "Labels")]
    labels: Option<PathBuf>,
    /// Names of the classes, as for `scan`.
    #[arg(long, value_name = "FILE", help_heading = "Labels")]
    class_names: Option<PathBuf>,
    /// How the model's classes are ordered, as for `scan`.
    #[arg(long, value_name = "ORDER", help_heading = "Labels")]
    label_order: Option<String>,
    #[command(flatten)]
    preprocess: PreprocessArgs,
    /// Height and width of the model's images, where the file leaves them open.
    #[arg(long, value_name = "HxW", value_parser = parse::size, help_heading = "Preprocessing")]
    input_size: Option<[usize; 2]>,
    #[command(flatten)]
    opening: OpeningArgs,
}

impl ImageArgs {
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
        Ok(ScanRequest {
            labels: self.labels.clone(),
            class_names: self.class_names.clone(),
            label_order: match &self.label_order {
                Some(given) => LabelOrder::read(given)?,
                None => LabelOrder::Auto,
            },
            split: self.split.into(),
            crop: self.crop.map_or(Crop::None, Crop::from),
            exif: self.exif.into(),
            max_images: self.max_images,
            preprocess: self.preprocess.choice()?,
            input_size: self.input_size,
            opening: self.opening.opening(),
            seed: global.seed(),
            ..ScanRequest::new(model, images)
        })
    }
}
