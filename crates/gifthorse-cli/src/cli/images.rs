//! How images are read, and what their classes are called.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use gifthorse::{ExifChoice, ScanRequest};
use gifthorse_data::{Crop, Exif, LabelOrder, Split};

/// Flags of all commands that read images.
#[derive(Args, Debug)]
pub struct ImageArgs {
    /// Which part of the images to use, where they have several [default: test; train, where a
    /// training set is asked for].
    #[arg(long, value_enum, value_name = "PART", help_heading = "Images")]
    split: Option<SplitArg>,
    /// Which part of each image to use: `roi` is the region that GTSRB marks.
    #[arg(long, value_enum, value_name = "PART", help_heading = "Images")]
    crop: Option<CropArg>,
    /// Whether pictures are turned upright as their files note (EXIF): `auto` does it if the model
    /// is right on clearly more of them then, and says how many there are.
    #[arg(long, value_enum, default_value_t = ExifArg::Auto, value_name = "HOW", help_heading = "Images")]
    exif: ExifArg,
    /// Labels in place of those of the images: a table of files and labels, or one label a line.
    #[arg(long, value_name = "FILE", help_heading = "Labels")]
    labels: Option<PathBuf>,
    /// Names of the classes: one a line, `index,name` lines, or JSON (a list, a map, or a model's
    /// config.json). Class folders and labels of these names get their index.
    #[arg(long, value_name = "FILE", help_heading = "Labels")]
    class_names: Option<PathBuf>,
    /// How the model's classes are ordered by what the images call them: as `text` (0, 1, 10, 2),
    /// by `value` (0, 1, 2, 10), or as listed, in a file or with commas between. Without, numbers
    /// are class indices, names of --class-names have their index, other names are sorted as text.
    #[arg(long, value_name = "ORDER", help_heading = "Labels")]
    label_order: Option<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum SplitArg {
    Train,
    Test,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum CropArg {
    Roi,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ExifArg {
    Auto,
    Apply,
    Ignore,
}

impl ImageArgs {
    /// A scan whose images are read as the flags say.
    ///
    /// # Errors
    /// An order of labels that there is not.
    pub fn on(&self, scan: ScanRequest) -> anyhow::Result<ScanRequest> {
        Ok(ScanRequest {
            labels: self.labels.clone(),
            class_names: self.class_names.clone(),
            label_order: match &self.label_order {
                Some(given) => LabelOrder::read(given)?,
                None => LabelOrder::Auto,
            },
            split: match self.split {
                None => scan.split,
                Some(SplitArg::Train) => Split::Train,
                Some(SplitArg::Test) => Split::Test,
            },
            crop: self.crop.map_or(Crop::None, |CropArg::Roi| Crop::Roi),
            exif: match self.exif {
                ExifArg::Auto => ExifChoice::Auto,
                ExifArg::Apply => ExifChoice::Given(Exif::Apply),
                ExifArg::Ignore => ExifChoice::Given(Exif::Ignore),
            },
            ..scan
        })
    }
}
