//! Arguments of everything that scans a model: the model, its images, and how to search.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use gifthorse::ScanRequest;
use gifthorse_defense::detect::Effort;

use super::{DetectorArgs, Global, ImageArgs, InputArgs, PreprocessArgs, parse};

/// The false-positive rate that nobody chose.
pub const DEFAULT_FPR: f64 = 0.05;

/// The model, its images, and how to search.
#[derive(Args, Debug)]
pub struct SubjectArgs {
    /// The ONNX file.
    pub model: PathBuf,
    /// Clean images: a folder of class folders, GTSRB, MNIST-style IDX or CIFAR binaries, a zip or
    /// tar of one, or an .npz file. Without, only detectors that need none are run.
    #[arg(long, value_name = "DATA", help_heading = "Images")]
    pub images: Option<PathBuf>,
    #[command(flatten)]
    reading: ImageArgs,
    /// Use at most so many images, drawn evenly over the classes [default of a scan: ten a class, but
    /// at least 1000, at most 3000 and at most 1 GiB; of a repair: 10000, at most 1 GiB].
    #[arg(long, value_name = "N", value_parser = parse::count, help_heading = "Images")]
    max_images: Option<usize>,
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
        self.reading.on(ScanRequest {
            max_images: self.max_images,
            preprocess: self.preprocess.choice()?,
            input_size: self.input_size,
            opening: self.inputs.opening(None),
            force: self.force,
            detectors: self.detectors.choices(effort)?,
            classes: self.classes.clone(),
            references: self.reference.clone(),
            fpr: self.fpr.or(fpr).unwrap_or(DEFAULT_FPR),
            max_time: self.max_time,
            work: self.work.clone(),
            seed: global.seed(),
            ..ScanRequest::new(&self.model, self.images.clone())
        })
    }
}
