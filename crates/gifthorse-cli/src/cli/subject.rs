//! Arguments of everything that scans a model: the model, its images, and how to search.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use gifthorse::{ExifChoice, ScanRequest};
use gifthorse_data::{Crop, Exif, LabelOrder, Split};
use gifthorse_defense::detect::Effort;

use super::{DetectorArgs, Global, InputArgs, PreprocessArgs, parse};

/// The false-positive rate that nobody chose.
const DEFAULT_FPR: f64 = 0.05;

/// The model, its images, and how to search.
#[derive(Args, Debug)]
pub struct SubjectArgs {
    /// The ONNX file.
    pub model: PathBuf,
    /// Clean images: a folder of class folders, GTSRB, MNIST-style IDX or CIFAR binaries, a zip or
    /// tar of one, or an .npz file. Without, only detectors that need none are run.
    #[arg(long, value_name = "DATA", help_heading = "Images")]
    pub images: Option<PathBuf>,
    /// Which part of the images to use, where they have several.
    #[arg(long, value_enum, default_value_t = SplitArg::Test, value_name = "PART", help_heading = "Images")]
    split: SplitArg,
    /// Which part of each image to use: `roi` is the region that GTSRB marks.
    #[arg(long, value_enum, value_name = "PART", help_heading = "Images")]
    crop: Option<CropArg>,
    /// Whether pictures are turned upright as their files note (EXIF): `auto` does it if the model
    /// is right on clearly more of them then, and says how many there are.
    #[arg(long, value_enum, default_value_t = ExifArg::Auto, value_name = "HOW", help_heading = "Images")]
    exif: ExifArg,
    /// Use at most so many images, drawn evenly over the classes [default of a scan: ten a class, but
    /// at least 1000, at most 3000 and at most 1 GiB; of a repair: 10000, at most 1 GiB].
    #[arg(long, value_name = "N", value_parser = parse::count, help_heading = "Images")]
    max_images: Option<usize>,
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
    #[command(flatten)]
    preprocess: PreprocessArgs,
    /// Height and width of the model's images, where the file leaves them open.
    #[arg(long, value_name = "HxW", value_parser = parse::size, help_heading = "Preprocessing")]
    input_size: Option<[usize; 2]>,
    /// Go on although the model does not seem to fit the images.
    #[arg(long, help_heading = "Preprocessing")]
    force: bool,
    #[command(flatten)]
    inputs: InputArgs,
    #[command(flatten)]
    detectors: DetectorArgs,
    /// How many classes to search to the end: all (`full`), those that are ahead after a few
    /// updates and a random sample of the others (`eliminate`), or likewise as Neural Cleanse does
    /// for many labels (`low-cost`); `auto` eliminates if there are more than 100 classes.
    #[arg(long, value_enum, default_value_t = EffortArg::Auto, value_name = "HOW", help_heading = "Search")]
    search: EffortArg,
    /// Search only these classes, such as 0,3,7; they are compared with one another alone, and
    /// never called clean.
    #[arg(
        long,
        value_name = "LIST",
        value_delimiter = ',',
        help_heading = "Search"
    )]
    classes: Option<Vec<usize>>,
    /// End after about this time, such as 90s, 10m or 2h; classes not done then make "clean"
    /// inconclusive. Before the searches, a quarter of it goes to checking the model on as many
    /// images as it allows. Each reference has as much time.
    #[arg(long, value_name = "TIME", value_parser = parse::duration, help_heading = "Search")]
    max_time: Option<Duration>,
    /// Keep the searches in this folder as they go, and go on from there if it holds this very
    /// scan: one that was killed or stopped loses less than a minute. A folder belongs to one scan.
    #[arg(long, value_name = "DIR", help_heading = "Search")]
    work: Option<PathBuf>,
    /// Share of clean models that may be called backdoored [default: 0.05; the policy of a
    /// scan may say otherwise].
    #[arg(long, value_name = "RATE", value_parser = parse::rate, help_heading = "Verdict")]
    fpr: Option<f64>,
    /// Clean models of your own to measure by, of the same task: ONNX files, which are scanned
    /// first and like the model, or the report.json of such a scan. One says where sizes should
    /// lie; several also how far they may be from there.
    #[arg(long, value_name = "MODEL", num_args = 1.., help_heading = "Verdict")]
    reference: Vec<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum SplitArg {
    Train,
    Test,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum CropArg {
    Roi,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum ExifArg {
    Auto,
    Apply,
    Ignore,
}

impl From<SplitArg> for Split {
    fn from(arg: SplitArg) -> Self {
        match arg {
            SplitArg::Train => Self::Train,
            SplitArg::Test => Self::Test,
        }
    }
}

impl From<CropArg> for Crop {
    fn from(arg: CropArg) -> Self {
        match arg {
            CropArg::Roi => Self::Roi,
        }
    }
}

impl From<ExifArg> for ExifChoice {
    fn from(arg: ExifArg) -> Self {
        match arg {
            ExifArg::Auto => Self::Auto,
            ExifArg::Apply => Self::Given(Exif::Apply),
            ExifArg::Ignore => Self::Given(Exif::Ignore),
        }
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum EffortArg {
    Auto,
    Full,
    Eliminate,
    LowCost,
}

impl SubjectArgs {
    /// The scan that the arguments ask for, but for the output; reads the file of preprocessing if
    /// there is one. `fpr` is the rate where none is given.
    ///
    /// # Errors
    /// As reading that file; an order of labels or a detector that there is not.
    pub fn request(&self, fpr: Option<f64>, global: &Global) -> anyhow::Result<ScanRequest> {
        let effort = match self.search {
            EffortArg::Auto => Effort::Auto,
            EffortArg::Full => Effort::Full,
            EffortArg::Eliminate => Effort::Eliminate,
            EffortArg::LowCost => Effort::LowCost,
        };
        Ok(ScanRequest {
            model: self.model.clone(),
            images: self.images.clone(),
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
            opening: self.inputs.opening(None),
            beside: Vec::new(),
            force: self.force,
            detectors: self.detectors.choices(effort)?,
            second_opinion: false,
            classes: self.classes.clone(),
            references: self.reference.clone(),
            baseline: None,
            fpr: self.fpr.or(fpr).unwrap_or(DEFAULT_FPR),
            max_time: self.max_time,
            work: self.work.clone(),
            seed: global.seed(),
        })
    }
}
